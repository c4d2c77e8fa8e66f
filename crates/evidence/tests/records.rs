//! Records come back as they were written, and broken ones are refused with the place.

mod common;

use std::path::Path;

use adact_evidence::records::*;
use adact_evidence::{Error, ErrorKind, table};

#[test]
fn a_study_comes_back_to_the_last_bit() {
    let dir = tempfile::tempdir().unwrap();
    let study = common::study("fmnist", &common::SIX, 5);
    study.result.write(&dir.path().join(RESULT)).unwrap();
    for (run, epochs) in study.result.runs.iter().zip(&study.metrics) {
        let folder = dir.path().join(run_directory(&run.variant, run.seed));
        std::fs::create_dir_all(&folder).unwrap();
        run.write(&folder.join(RESULT)).unwrap();
        EpochRecord::write_all(&folder.join(METRICS), epochs).unwrap();
        assert_eq!(&RunResult::read(&folder.join(RESULT)).unwrap(), run);
    }
    assert_eq!(Study::read(dir.path()).unwrap(), study);

    let manifest = dir.path().join(MANIFEST);
    study.result.provenance.write(&manifest).unwrap();
    assert_eq!(Manifest::read(&manifest).unwrap(), study.result.provenance);
}

#[test]
fn what_is_optional_may_be_missing_and_what_is_unknown_is_ignored() {
    let json = br#"{"dataset": "fmnist", "variant": "relu", "activations": ["relu", "relu", "relu", "relu"], "seed": 0,
        "epochs": 2, "best": {"epoch": 2, "test_accuracy": 0.8}, "last": {"test_accuracy": 0.8, "test_loss": null},
        "parameters": 391370, "seconds": 3.5, "of the future": [1, 2]}"#;
    let run = RunResult::parse(Path::new("result.json"), json).unwrap();
    assert_eq!(run.selection, Selection::Test);
    assert_eq!((run.last.test_loss, run.layers), (None, None));

    let line = br#"{"epoch": 1, "train_loss": null, "train_accuracy": 0.1, "seconds": 1}"#;
    let epochs = EpochRecord::parse_all(Path::new("metrics.jsonl"), line).unwrap();
    assert!(epochs[0].train_loss.is_nan());
}

/// The error of a run's result with one piece of its text replaced.
fn broken(from: &str, to: &str) -> Error {
    let study = common::study("fmnist", &["adact"], 1);
    let json = serde_json::to_string(&study.result.runs[0]).unwrap();
    assert!(json.contains(from), "{json}");
    RunResult::parse(Path::new("out/result.json"), json.replacen(from, to, 1).as_bytes()).unwrap_err()
}

#[test]
fn errors_name_the_file_and_the_place() {
    let cases = [
        (r#""seed":0"#, r#""seed":-1"#, ErrorKind::Malformed, "seed: invalid value"),
        (r#""seed":0,"#, "", ErrorKind::Malformed, "missing field `seed`"),
        (r#""best":{"epoch":"#, r#""best":{"epoch":99"#, ErrorKind::Invalid, "the epochs are 1 to 15"),
        (
            r#""selection":"test""#,
            r#""selection":"tset""#,
            ErrorKind::Malformed,
            "selection: \"tset\" selects nothing",
        ),
        (r#""w":["#, r#""w":["x","#, ErrorKind::Malformed, "layers[0].w[0]: invalid type"),
        (
            r#""w":["#,
            r#""w":[0.5,"#,
            ErrorKind::Invalid,
            "layers[0]: there are 7 candidates, but 8 raw weights",
        ),
        (
            r#""choice":"#,
            r#""choice":"relu6","x":"#,
            ErrorKind::Invalid,
            "\"relu6\" is not among the candidates",
        ),
        (r#""low":-4.0"#, r#""low":4.0"#, ErrorKind::Invalid, "inputs[0]: the bins go from 4 to 4"),
        (r#""classes":["#, r#""classes":["one more","#, ErrorKind::Invalid, "confusion: 11 classes need"),
        (r#""seconds":"#, r#""seconds":-"#, ErrorKind::Invalid, "not a number of seconds"),
    ];
    for (from, to, kind, message) in cases {
        let error = broken(from, to);
        let text = error.to_string();
        assert!(text.starts_with("out/result.json: ") && text.contains(message), "{text}");
        assert_eq!(error.kind(), kind, "{text}");
        assert!(error.is_input());
    }
}

#[test]
fn files_that_are_no_records() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(RESULT);
    assert_eq!(StudyResult::read(&path).unwrap_err().kind(), ErrorKind::NotFound);
    std::fs::write(&path, "").unwrap();
    assert!(StudyResult::read(&path).unwrap_err().to_string().contains("the file is empty"));
    std::fs::write(&path, "{\"dataset\": \"fm").unwrap();
    assert!(StudyResult::read(&path).unwrap_err().to_string().contains("EOF"));
    // The operating system says what a folder is not.
    assert!(StudyResult::read(dir.path()).is_err());
}

#[test]
fn epochs_count_up_and_errors_name_the_line() {
    let line =
        |epoch| format!("{{\"epoch\":{epoch},\"train_loss\":1,\"train_accuracy\":0.5,\"seconds\":1}}\n");
    let parse = |text: String| EpochRecord::parse_all(Path::new("metrics.jsonl"), text.as_bytes());
    assert_eq!(parse(line(1) + &line(2)).unwrap().len(), 2);
    let error = parse(line(1) + &line(3)).unwrap_err().to_string();
    assert_eq!(error, "metrics.jsonl: line 2: epoch 3 where 2 was due");
    let error = parse(line(1) + "{\"epoch\": tw").unwrap_err().to_string();
    assert!(error.starts_with("metrics.jsonl: line 2: epoch: "), "{error}");
}

#[test]
fn a_study_refuses_what_does_not_belong_together() {
    let plan = |against| common::plan("fmnist", &["adact", "relu"], against);
    let of = |runs, failures| StudyResult::new(plan(None), runs, failures, Manifest::default());
    let (relu, _) = common::run("fmnist", 1, "relu", 0);
    let failure = |variant: &str| Failure {
        variant: variant.into(),
        seed: 0,
        epoch: None,
        step: None,
        why: "the disk is full".into(),
    };
    let cifar = RunResult { dataset: "cifar10".into(), ..relu.clone() };
    let longer = RunResult { epochs: 30, ..relu.clone() };
    for (runs, failures, message) in [
        (vec![], vec![], "without a finished run"),
        (vec![relu.clone(), cifar], vec![], "one data set, not fmnist and cifar10"),
        (vec![relu.clone(), longer], vec![], "one number of epochs, not 15 and 30"),
        (vec![relu.clone(), relu.clone()], vec![], "relu with seed 0 is there twice"),
        (vec![common::run("fmnist", 2, "mish", 0).0], vec![], "\"mish\" is not among the study's"),
        (vec![relu.clone()], vec![failure("relu")], "failures[0]: relu with seed 0 is there twice"),
        (vec![relu.clone()], vec![failure("mish")], "failures[0]: mish with seed 0 is not of this study"),
    ] {
        let error = of(runs, failures).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let error = StudyResult::new(plan(Some("mish")), vec![relu], vec![], Manifest::default()).unwrap_err();
    assert!(error.to_string().contains("against: \"mish\" is not among the variants"), "{error}");
    assert_eq!(of(vec![], vec![failure("relu")]).unwrap().seeds, [0]);
}

#[test]
fn where_runs_lie() {
    assert_eq!(run_directory("uniform:leaky_relu", 3), "runs/uniform-leaky_relu-seed3");
    assert_eq!(run_directory("../../etc", 0), "runs/------etc-seed0");
}

#[test]
fn selections_are_read_as_they_are_written() {
    for text in ["test", "validation:0.1", "validation:0.25"] {
        assert_eq!(text.parse::<Selection>().unwrap().to_string(), text);
    }
    assert_eq!("validation".parse::<Selection>().unwrap(), Selection::Validation(0.1));
    assert_eq!(Selection::ValidationSet.to_string().parse::<Selection>().unwrap(), Selection::ValidationSet);
    for wrong in ["", "train", "validation:0", "validation:1", "validation:x", "test:0.1", "validation:NaN"] {
        assert!(wrong.parse::<Selection>().unwrap_err().is_input(), "{wrong}");
    }
}

#[test]
fn a_histogram_counts_every_input_once() {
    let mut h = InputHistogram::new(-1.0, 1.0, 4);
    h.add(&[-1.5, -1.0, -0.6, 0.0, 0.99, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
    assert_eq!((h.counts.as_slice(), h.below, h.above), (&[2, 0, 1, 1][..], 2, 2));
    assert_eq!(h.total(), 8);
}

#[test]
fn tables_say_what_they_rest_on() {
    let mut study = common::study("fmnist", &common::THREE, 5).result;
    let md = table::markdown(&study);
    assert!(md.starts_with("Test accuracy on fmnist, 15 epochs, 5 seeds, mean ± standard deviation. Verdicts rest on the test accuracy after the last epoch."));
    assert!(md.contains(
        "| Test accuracy after the last epoch | 95% interval of the mean | Best epoch on the test set |"
    ));
    assert!(md.contains("| AdAct | AdAct | 0.9"), "{md}");
    assert!(md.contains("| 391,402 |"), "{md}");
    assert!(
        md.contains("5 seeds can't decide, whatever the accuracies: 3 comparisons take at least 7 seeds."),
        "{md}"
    );
    let csv = table::csv(&study);
    assert_eq!(csv.lines().count(), 4);
    let columns = |line: &str| line.split(',').count();
    assert!(csv.lines().all(|l| columns(l) == columns(csv.lines().next().unwrap())), "{csv}");

    study.selection = Selection::Validation(0.1);
    assert!(table::markdown(&study).contains("picked on 10% of the training set, held out"));
    // A single seed has neither spread nor interval.
    let one = table::markdown(&common::study("fmnist", &common::THREE, 1).result);
    assert!(!one.contains(" ± ") && !one.contains("interval of the mean"), "{one}");
}
