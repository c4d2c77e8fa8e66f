//! Whatever bytes the readers get, they return; and whatever they accept, everything can be made of.

mod common;

use std::path::Path;

use adact_evidence::records::*;
use adact_evidence::reproduction::Reproduction;
use adact_evidence::statistics::{Together, holm};
use adact_evidence::tensorboard::{EVENTS, EventFile};
use adact_evidence::{figures, report, table};
use adact_kernels::random::{Purpose, Stream};
use serde_json::{Value, json};

/// How many inputs each test tries; `ADACT_FUZZ_INPUTS` asks for more.
fn inputs() -> u64 {
    std::env::var("ADACT_FUZZ_INPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000)
}

/// Counts upwards through a stream of random numbers.
struct Dice(Stream, u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Stream::new(seed, Purpose::Synthetic, 99), 0)
    }

    fn below(&mut self, n: usize) -> usize {
        self.1 += 1;
        self.0.below(self.1, n.max(1) as u64) as usize
    }
}

/// A small study, so that a change hits something that matters.
fn small() -> Study {
    let mut study = common::study("fmnist", &common::THREE, 2);
    for run in &mut study.result.runs {
        for histogram in run.inputs.iter_mut().flatten() {
            *histogram = InputHistogram { counts: vec![1, 5, 7, 2], ..InputHistogram::new(-2.0, 2.0, 4) };
        }
        let confusion = run.confusion.as_mut().unwrap();
        *confusion =
            Confusion { classes: vec!["a".into(), "b".into()], counts: vec![vec![3, 1], vec![0, 4]] };
    }
    study.metrics.iter_mut().for_each(|epochs| epochs.truncate(2));
    // A third seed failed with one variant, and another study's comparisons are corrected with these.
    let failure =
        Failure { variant: "adact".into(), seed: 2, epoch: Some(1), step: Some(9), why: "NaN".into() };
    let together = Together {
        datasets: vec!["svhn".into()],
        comparisons: 2,
        permutation: vec![0.02],
        t_test: vec![0.5],
    };
    let (runs, provenance) = (study.result.runs, study.result.provenance);
    let result =
        StudyResult::new(common::plan("fmnist", &common::THREE, None), runs, vec![failure], provenance);
    Study { result: result.unwrap().corrected_with(Some(together)), metrics: study.metrics }
}

/// Small studies of other networks: by the loss in steps, by the mean IoU with pictures, with many places.
fn small_others() -> Vec<Study> {
    let unet = common::Kind { places: vec!["down.0.act1".into(), "dec.0.act2".into()], ..common::unet() };
    [common::gpt(), unet, common::resnet()]
        .iter()
        .map(|kind| {
            let mut study = common::study_of(kind, &["adact", "relu"], 2);
            study.metrics.iter_mut().for_each(|epochs| epochs.truncate(2));
            for run in &mut study.result.runs {
                let few = || InputHistogram { counts: vec![1, 5, 7, 2], ..InputHistogram::new(-2.0, 2.0, 4) };
                run.inputs = run.inputs.as_ref().map(|inputs| inputs.iter().map(|_| few()).collect());
            }
            study
        })
        .collect()
}

/// Changes bytes: flips, cuts, repeats, inserts.
fn change_bytes(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            1 => bytes.truncate(at),
            2 if !bytes.is_empty() => drop(bytes.drain(at..(at + dice.below(20)).min(bytes.len()))),
            3 => bytes.insert(at, dice.below(256) as u8),
            _ => bytes.splice(at..at, b"[[[{\"1e999-".iter().copied()).for_each(drop),
        }
    }
}

/// Replaces one value somewhere by another that nobody expects.
fn change_value(value: &mut Value, dice: &mut Dice) {
    let inner: Vec<&mut Value> = match value {
        Value::Array(list) if !list.is_empty() => list.iter_mut().collect(),
        Value::Object(map) if !map.is_empty() => map.values_mut().collect(),
        _ => Vec::new(),
    };
    let n = inner.len();
    if n > 0 && dice.below(12) > 0 {
        let at = dice.below(n);
        return change_value(inner.into_iter().nth(at).unwrap(), dice);
    }
    let numbers = [0.0, 1.0, -1.0, 0.5, 2.0, 15.0, 1e308, -1e308, 5e-324, 1e-9, 1e16].map(|n| json!(n));
    let integers = [0, 1, 2, 15, 1 << 53, u64::MAX / 2, u64::MAX].map(|n| json!(n));
    let strings = [
        "loss",
        "act.1",
        "segmentation",
        "",
        "<script>&\u{0}|\n,\"'",
        "mish",
        "gelu",
        "validation:0.5",
        "uniform:",
        "random-",
        "+",
    ]
    .map(|s| json!(s));
    let others = [json!(null), json!([]), json!([1, 2]), json!({}), json!(1), json!("x")];
    let pick = |list: &[Value], dice: &mut Dice| list[dice.below(list.len())].clone();
    *value = match value {
        Value::Number(n) if n.is_u64() && dice.below(8) > 0 => pick(&integers, dice),
        Value::Number(_) if dice.below(8) > 0 => pick(&numbers, dice),
        Value::String(_) if dice.below(8) > 0 => pick(&strings, dice),
        _ => pick(&others, dice),
    };
}

/// Makes everything that is made of a study.
fn make_everything(study: &Study) {
    for figure in figures::all(study) {
        let svg = figure.svg();
        assert!(
            !svg.contains("<script") && !svg.contains("NaN") && !svg.contains("inf\""),
            "{}",
            figure.name
        );
    }
    let html = report(std::slice::from_ref(study));
    assert!(!html.contains("<script"));
    let _ = (table::markdown(&study.result), table::csv(&study.result));
    let _ = Reproduction::of([&study.result]).markdown();
}

#[test]
fn readers_return_whatever_the_bytes() {
    readers_return(&small(), inputs());
    small_others().iter().for_each(|study| readers_return(study, inputs() / 4));
}

fn readers_return(study: &Study, inputs: u64) {
    let path = Path::new("x");
    let run = serde_json::to_vec(&study.result.runs[0]).unwrap();
    let manifest = serde_json::to_vec(&study.result.provenance).unwrap();
    let lines: Vec<String> = study.metrics[0].iter().map(|e| serde_json::to_string(e).unwrap()).collect();
    let metrics = lines.join("\n").into_bytes();
    let mut accepted = 0;
    for input in 0..inputs {
        let mut dice = Dice::new(input);
        for whole in [&run, &manifest, &metrics] {
            let mut bytes = whole.clone();
            change_bytes(&mut bytes, &mut dice);
            accepted += RunResult::parse(path, &bytes).is_ok() as usize;
            accepted += Manifest::parse(path, &bytes).is_ok() as usize;
            accepted += EpochRecord::parse_all(path, &bytes).is_ok() as usize;
            accepted += StudyResult::parse(path, &bytes).is_ok() as usize;
        }
    }
    println!("{} inputs, {accepted} accepted", 12 * inputs);
    assert!(accepted > 0);
}

#[test]
fn whatever_is_accepted_can_be_reported() {
    accepted_is_reported(&small(), inputs());
    small_others().iter().for_each(|study| accepted_is_reported(study, inputs() / 4));
}

fn accepted_is_reported(study: &Study, inputs: u64) {
    let mut result = serde_json::to_value(&study.result).unwrap();
    // What follows from the runs is worked out again: a change there would change nothing.
    for derived in ["choices", "table", "statistics"] {
        result.as_object_mut().unwrap().remove(derived);
    }
    let epochs = serde_json::to_value(&study.metrics[0]).unwrap();
    let mut accepted = 0;
    for input in 0..inputs {
        let mut dice = Dice::new(1_000_000 + input);
        let mut value = result.clone();
        (0..1 + dice.below(3)).for_each(|_| change_value(&mut value, &mut dice));
        let Ok(result) = StudyResult::parse(Path::new("x"), value.to_string().as_bytes()) else { continue };
        let mut value = epochs.clone();
        change_value(&mut value, &mut dice);
        let lines: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
        let metrics = EpochRecord::parse_all(Path::new("x"), lines.join("\n").as_bytes()).unwrap_or_default();
        accepted += 1;
        make_everything(&Study { metrics: vec![metrics; result.runs.len()], result });
    }
    println!("{inputs} inputs, {accepted} accepted and reported");
    assert!(accepted > inputs / 20, "{accepted}");
}

#[test]
fn event_files_are_opened_whatever_the_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(EVENTS);
    let (_, epochs) = common::run("fmnist", 0, "adact", 0);
    let mut events = EventFile::open(&path, 0, 0.0).unwrap();
    epochs[..2].iter().for_each(|e| events.epoch(e, 1.0).unwrap());
    let whole = std::fs::read(&path).unwrap();
    for input in 0..inputs() / 5 {
        let mut bytes = whole.clone();
        change_bytes(&mut bytes, &mut Dice::new(input));
        std::fs::write(&path, &bytes).unwrap();
        let _ = EventFile::open(&path, 1, 0.0);
    }
}

#[test]
fn empty_studies_have_a_report() {
    assert!(report(&[]).contains("no study was given"));
    let result = StudyResult::parse(
        Path::new("x"),
        br#"{"dataset":"d","variants":[],"seeds":[],"epochs":0,"runs":[],"provenance":{"command":[],"dataset":"d"}}"#,
    );
    make_everything(&Study { result: result.unwrap(), metrics: Vec::new() });
    assert!(holm(&[], 0).is_empty());
}
