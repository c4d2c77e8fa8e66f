//! Studies that weigh the time, with networks that are only numbers. What they measure is no test's business.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use adact_evidence::Rule;
use adact_evidence::records::{
    Beside, CandidateCosts, Machine, PAPER_CANDIDATES, PlaceCosts, RESULT, StudyResult, run_directory,
};

use super::*;
use crate::config::{Objective, Seeds, StudyOptions};
use crate::folder::{BEST, Mode};
use crate::study::study_with;
use crate::testing::{self, Notes, Number, StopAfter};

/// Costs of the paper's candidates: `fastest` takes half as long as all others.
fn costs(fastest: &str) -> Costs {
    let cost = |name: &str| {
        let time = Beside { ratio: if name == fastest { 0.5 } else { 1.0 }, noise: 0.01 };
        CandidateCosts { activation: name.into(), step: time, infer: time }
    };
    let place = |i: usize| PlaceCosts {
        place: format!("act.{i}"),
        kept_bytes: 1,
        rounds: 3,
        step_ms: 1.0,
        infer_ms: 1.0,
        candidates: PAPER_CANDIDATES.map(cost).to_vec(),
    };
    Costs {
        network: "convnet".into(),
        shape: "1x16x16".into(),
        batch: 8,
        machine: Machine::default(),
        base: "relu".into(),
        places: (0..4).map(place).collect(),
    }
}

fn config(objective: Objective, costs: Option<&Path>) -> Config {
    let mut config = testing::config();
    config.protocol.epochs = 2;
    let variants = ["adact", "optimized", "search:gumbel/distil", "relu"].map(String::from).to_vec();
    config.study = Some(StudyOptions { seeds: Seeds::first(2), variants, against: None });
    config.output.threads = Some(1);
    config.search.objective = objective;
    config.search.costs = costs.map(Path::to_owned);
    config
}

fn make(config: &Config, _: &Data) -> Result<Number> {
    let train = config.train.clone().unwrap_or_default();
    let state =
        train.activation.bytes().fold(train.seed, |s, b| s.wrapping_mul(31).wrapping_add(u64::from(b)));
    Ok(Number { state, mixture: train.activation == "adact", ..Number::default() })
}

fn run(out: &Path, config: &Config, mode: Mode, stop: Option<usize>) -> Result<StudyResult> {
    let observer = StopAfter::new(stop);
    Ok(study_with(config, &testing::data(), out, mode, &observer.control(), &make)?.result)
}

/// Weights, choices and costs: all but what was timed.
fn remains(out: &Path) -> (BTreeMap<String, Vec<u8>>, Vec<RunResult>) {
    let runs = StudyResult::read(&out.join(RESULT)).unwrap().runs;
    let mut files = BTreeMap::from([(PLACES.to_string(), fs::read(out.join(PLACES)).unwrap())]);
    for run in &runs {
        let name = run_directory(&run.variant, run.seed);
        files.insert(name.clone(), fs::read(out.join(name).join(BEST)).unwrap());
    }
    (files, runs.into_iter().map(|run| RunResult { seconds: 0.0, ..run }).collect())
}

#[test]
fn a_choice_takes_the_fastest_that_its_rule_cannot_tell_and_tells_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("costs.json"), dir.path().join("out"));
    costs("elu").write(&file).unwrap();
    let config = config(Objective::AccuracyAndSpeed, Some(&file));
    let result = run(&out, &config, Mode::New, None).unwrap();
    for seed in [0, 1] {
        let by_weight = result.run("adact", seed).unwrap().choice_by(Rule::Weight).unwrap();
        let optimized = result.run("optimized", seed).unwrap();
        assert_eq!(optimized.without_costs.as_ref(), Some(&by_weight));
        // All weights of these mixtures are the same.
        let config = Config::read(&out.join(run_directory("optimized", seed)).join(CONFIG)).unwrap();
        assert_eq!(config.train.unwrap().activation, ["elu"; 4].join("+"));
        assert_eq!(result.run("relu", seed).unwrap().without_costs, None);
        // The losses differ without an error.
        let (search, distil) =
            (result.run("search:gumbel", seed).unwrap(), result.run("search:gumbel/distil", seed).unwrap());
        assert_eq!(distil.without_costs, search.choice_by(Rule::Distil));
        assert_eq!(search.choices.iter().filter(|choice| !choice.errors.is_empty()).count(), 1);
    }
    let timings = result.timings.as_ref().unwrap();
    assert!(result.runs.iter().all(|run| timings.of(run).is_some()));
    assert_eq!(Timings::read(&out.join(TIMINGS)).unwrap(), *timings);
    assert_eq!(Costs::read(&out.join(PLACES)).unwrap(), costs("elu"));
}

#[test]
fn interrupted_studies_end_with_the_same_and_nothing_is_measured_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (file, whole) = (dir.path().join("costs.json"), dir.path().join("whole"));
    costs("elu").write(&file).unwrap();
    let config = config(Objective::AccuracyAndSpeed, Some(&file));
    run(&whole, &config, Mode::New, None).unwrap();
    let expected = remains(&whole);
    // The file is not asked for again.
    let going_on = self::config(Objective::AccuracyAndSpeed, None);
    for stop in [1, 20, 60, 110] {
        let out = dir.path().join(format!("stopped-{stop}"));
        run(&out, &config, Mode::New, Some(stop)).unwrap_err();
        run(&out, &going_on, Mode::Resume, None).unwrap();
        assert_eq!(remains(&out), expected, "stopped after {stop} events");
    }
    let held = fs::read(whole.join(TIMINGS)).unwrap();
    run(&whole, &going_on, Mode::Resume, None).unwrap();
    assert!(fs::read(whole.join(TIMINGS)).unwrap() == held, "timed again");
    // More variants: what was there stays as it was measured.
    let mut more = going_on;
    more.study.as_mut().unwrap().variants.push("search:hard".into());
    let before = Timings::read(&whole.join(TIMINGS)).unwrap();
    let after = run(&whole, &more, Mode::Resume, None).unwrap().timings.unwrap();
    assert_eq!(after.measured[..before.measured.len()], before.measured[..]);
    assert_eq!((after.measured.len(), after.step_ms), (before.measured.len() + 1, before.step_ms));
}

#[test]
fn a_study_may_begin_to_weigh_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("costs.json"), dir.path().join("out"));
    costs("silu").write(&file).unwrap();
    let first = run(&out, &config(Objective::Accuracy, None), Mode::New, None).unwrap();
    assert!(first.timings.is_none() && !out.join(PLACES).exists() && !out.join(TIMINGS).exists());
    let text = fs::read_to_string(out.join(RESULT)).unwrap();
    assert!(!text.contains("costs") && !text.contains("errors") && !text.contains("timings"));
    let written = fs::read_to_string(out.join(CONFIG)).unwrap();
    assert!(!written.contains("objective"));

    let notes = Notes::default();
    let weighing = config(Objective::AccuracyAndSpeed, Some(&file));
    let control = Control::new(&notes);
    study_with(&weighing, &testing::data(), &out, Mode::Resume, &control, &make).unwrap();
    assert!(notes.0.lock().unwrap().iter().any(|note| note.contains("something else was chosen by now")));
    let config = Config::read(&out.join(run_directory("optimized", 0)).join(CONFIG)).unwrap();
    assert_eq!(config.train.unwrap().activation, ["silu"; 4].join("+"));
}

#[test]
fn costs_that_do_not_fit_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("costs.json"), dir.path().join("out"));
    let config = config(Objective::AccuracyAndSpeed, Some(&file));
    let refused = |costs: Option<Costs>, words: &str| {
        costs.iter().for_each(|costs| costs.write(&file).unwrap());
        let error = run(&out, &config, Mode::New, None).unwrap_err();
        assert!(error.is_input() && error.to_string().contains(words), "{error}");
        assert!(error.to_string().starts_with(&file.display().to_string()) && !out.exists(), "{error}");
    };
    refused(None, "cannot read");
    refused(
        Some(Costs { network: "resnet20".into(), ..costs("elu") }),
        "in resnet20, and this study is of convnet",
    );
    let mut lacking = costs("elu");
    lacking.places[2].candidates.retain(|costs| costs.activation != "mish");
    refused(Some(lacking.clone()), "lacks what mish costs at act.2");
    lacking.places.truncate(1);
    let measure = "`adact bench places --network convnet --shape 1x16x16 --candidates relu,elu,leaky_relu,prelu,rrelu,silu,mish --json` writes such a file";
    refused(Some(lacking), measure);
    refused(
        Some(Costs { shape: "3x32x32".into(), ..costs("elu") }),
        "tells what activations cost for 3x32x32, and these data are 1x16x16",
    );
    let mut broken = costs("elu");
    broken.places[3].step_ms = -1.0;
    refused(Some(broken), "places[3]: step_ms is -1");
}
