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
    assert_eq!((run.judged(), run.kept(), run.layers), (Some(0.8), Some(0.8), None));
    assert!(run.last.test.unwrap().get("loss").unwrap().is_nan());

    let line = br#"{"epoch": 1, "train_loss": null, "train_accuracy": 0.1, "seconds": 1}"#;
    let epochs = EpochRecord::parse_all(Path::new("metrics.jsonl"), line).unwrap();
    assert!(epochs[0].train.get("loss").unwrap().is_nan());
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
    let error = StudyResult::read(&path).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().downcast_ref::<serde_json::Error>().is_some());
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

#[test]
fn studies_of_other_networks_come_back_to_the_last_bit() {
    for kind in [common::resnet(), common::gpt(), common::unet()] {
        let dir = tempfile::tempdir().unwrap();
        let study = common::study_of(&kind, &common::THREE, 2);
        study.result.write(&dir.path().join(RESULT)).unwrap();
        for (run, epochs) in study.result.runs.iter().zip(&study.metrics) {
            let folder = dir.path().join(run_directory(&run.variant, run.seed));
            std::fs::create_dir_all(&folder).unwrap();
            EpochRecord::write_all(&folder.join(METRICS), epochs).unwrap();
        }
        let read = Study::read(dir.path()).unwrap();
        assert_eq!(read, study, "{}", kind.network);
        assert_eq!(read.result.places.as_ref(), Some(&kind.places));
        let of_choices: Vec<String> = read.result.choices.iter().map(LayerChoice::path).collect();
        assert_eq!(of_choices, kind.places);
    }
}

#[test]
fn keys_are_names_behind_the_part_and_no_record_has_an_accuracy_that_it_lacks() {
    let study = common::study_of(&common::gpt(), &["adact"], 1);
    let line = serde_json::to_string(&study.metrics[0][1]).unwrap();
    assert!(line.starts_with(r#"{"epoch":2,"step":500,"train_loss":"#), "{line}");
    for key in ["train_bits_per_character", "test_loss", "test_bits_per_character"] {
        assert!(line.contains(&format!("\"{key}\":")), "{key}: {line}");
    }
    let run = serde_json::to_string(&study.result.runs[0]).unwrap();
    for part in [
        r#""network":"gpt","task":"language","metric":{"name":"loss","higher_is_better":false},"places":["blocks.0.mlp.act""#,
        r#""steps":3750"#,
        r#""test_bits_per_character""#,
        r#""samples":{"text":{"prompt":"ROMEO:"#,
    ] {
        assert!(run.contains(part), "{part}: {run}");
    }
    assert!(!run.contains("accuracy") && !line.contains("accuracy"));
    assert_eq!(study.result.runs[0].best.test.get("loss"), study.result.runs[0].kept());
}

#[test]
fn records_of_the_papers_network_have_the_keys_that_programs_know() {
    let numbers = |loss, accuracy| Metrics::from([("accuracy", accuracy), ("loss", loss)]);
    let (run, _) = common::run("fmnist", 0, "relu", 0);
    let epoch = EpochRecord {
        epoch: 1,
        step: None,
        train: numbers(0.5, 0.25),
        test: Some(numbers(f64::NAN, 0.5)),
        validation: Some(numbers(0.75, 0.125)),
        seconds: 1.5,
        layers: None,
    };
    let line = serde_json::to_string(&epoch).unwrap();
    let expected = r#"{"epoch":1,"train_loss":0.5,"train_accuracy":0.25,"test_loss":null,"test_accuracy":0.5,"validation_loss":0.75,"validation_accuracy":0.125,"seconds":1.5}"#;
    assert_eq!(line, expected);
    let run = RunResult {
        best: Best { epoch: 3, test: numbers(0.5, 0.25) },
        last: Last::default(),
        validation: Some(Validation { images: 7, metrics: numbers(f64::NAN, 0.5) }),
        ..run
    };
    let json = serde_json::to_string(&run).unwrap();
    for part in [
        r#""best":{"epoch":3,"test_accuracy":0.25,"test_loss":0.5},"last":{"test_accuracy":null,"test_loss":null},"#,
        r#""validation":{"images":7,"accuracy":0.5,"loss":null}"#,
    ] {
        assert!(json.contains(part), "{part}: {json}");
    }
    for key in ["network", "task", "metric", "places", "place", "steps", "step", "samples"] {
        assert!(!json.contains(&format!("\"{key}\"")), "{key}: {json}");
    }
    // What was not measured is not there when it is read again, and what was not finite is NaN.
    let read = RunResult::parse(Path::new("x"), json.as_bytes()).unwrap();
    assert_eq!(read.last, Last::default());
    assert!(read.validation.unwrap().metrics.get("loss").unwrap().is_nan());
    let half = json.replace(r#""last":{"test_accuracy":null"#, r#""last":{"test_accuracy":0.5"#);
    let half = RunResult::parse(Path::new("x"), half.as_bytes()).unwrap();
    assert_eq!(half.judged(), Some(0.5));
    assert!(
        serde_json::to_string(&half).unwrap().contains(r#""last":{"test_accuracy":0.5,"test_loss":null}"#)
    );
}

#[test]
fn metrics_that_are_none_are_refused_with_their_key() {
    let study = common::study_of(&common::gpt(), &["adact"], 1);
    let json = serde_json::to_string(&study.result.runs[0]).unwrap();
    let broken = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}: {json}");
        let error = RunResult::parse(Path::new("x"), json.replacen(from, to, 1).as_bytes()).unwrap_err();
        (error.kind(), error.to_string())
    };
    let best = json.split(r#""best":"#).nth(1).unwrap().split(',').take(3).collect::<Vec<_>>().join(",");
    let cases = [
        (
            best.as_str(),
            best.replace("test_loss", "test_top_5"),
            "best.test_loss is missing, the metric of this run",
        ),
        (r#""places":["#, r#""places":["conv1","#.into(), "places: there are 5, but 4 activations"),
        (r#""test_loss":"#, r#""test_loss":"low","x":"#.into(), "test_loss: invalid type: string"),
        (r#""test_loss":"#, r#""test_loss":1.5,"test_loss":"#.into(), "test_loss is there twice"),
        (r#""name":"loss""#, r#""name":"""#.into(), "metric: the name is empty"),
        (r#""name":"loss""#, r#""name":"accuracy""#.into(), "best.test_accuracy is missing"),
        (r#"{"text":{"#, r#"{"song":{"#.into(), "samples: unknown variant `song`"),
    ];
    for (from, to, message) in cases {
        let (_, error) = broken(from, &to);
        assert!(error.contains(message), "{error}");
    }
    let lines = |text: &str| EpochRecord::parse_all(Path::new("m"), text.as_bytes()).unwrap_err().to_string();
    for (text, message) in [
        (r#"{"epoch":1,"seconds":1}"#, "m: line 1: there is no metric, such as train_loss or test_accuracy"),
        (r#"{"epoch":1,"train_accuracy":null,"seconds":1}"#, "m: line 1: train_accuracy is not a number"),
        (
            r#"{"epoch":1,"train_loss":1,"test_mean_iou":1.5,"seconds":1}"#,
            "test_mean_iou is 1.5, which is not between 0 and 1",
        ),
        (
            "{\"epoch\":1,\"step\":9,\"train_loss\":1,\"seconds\":1}\n{\"epoch\":2,\"step\":9,\"train_loss\":1,\"seconds\":1}",
            "m: line 2: step 9 after step 9",
        ),
    ] {
        assert!(lines(text).contains(message), "{}", lines(text));
    }
}

#[test]
fn a_study_has_one_network_task_and_metric() {
    let run = common::study_of(&common::gpt(), &["adact"], 1).result.runs.remove(0);
    let plan = Plan {
        network: Some("gpt".into()),
        task: Some("language".into()),
        metric: MetricRecord::of("loss"),
        steps: run.steps,
        ..common::plan("shakespeare", &["adact"], None)
    };
    let of = |plan: Plan| StudyResult::new(plan, vec![run.clone()], vec![], Manifest::default());
    assert_eq!(of(plan.clone()).unwrap().length_in_words(), "3,750 steps");
    for (plan, message) in [
        (Plan { network: None, ..plan.clone() }, "a study has one network, not convnet and gpt"),
        (Plan { task: None, ..plan.clone() }, "a study has one task, not classification and language"),
        (Plan { metric: None, ..plan.clone() }, "a study has one metric, not accuracy and loss"),
        (Plan { steps: None, ..plan.clone() }, "one number of steps, not passes over the data and 3750"),
    ] {
        assert!(of(plan).unwrap_err().to_string().contains(message), "{message}");
    }
}

#[test]
fn what_is_not_finished_is_told_by_variant_and_seed() {
    let runs =
        |seeds: u64| (0..seeds).map(|seed| common::run("fmnist", 0, "adact", seed).0).collect::<Vec<_>>();
    let plan = Plan { seeds: Some(vec![2, 0, 1]), ..common::plan("fmnist", &["adact", "relu"], None) };
    let study = StudyResult::new(plan.clone(), runs(2), vec![], Manifest::default()).unwrap();
    assert_eq!(study.planned_seeds, Some(vec![0, 1, 2]));
    assert_eq!(study.missing(), [("adact", vec![2]), ("relu", vec![0, 1, 2])]);
    let told = "Not finished: AdAct with seed 2, ReLU with seeds 0, 1 and 2.";
    assert_eq!(table::shortcomings(&study)[0], told);
    assert_eq!(study.table[0].name(), "AdAct (1 of 3 seeds not finished)");
    let read = StudyResult::parse(Path::new("x"), &serde_json::to_vec(&study).unwrap()).unwrap();
    assert_eq!(read, study);
    // Where every planned seed has something, the plan adds nothing to the record.
    let all = StudyResult::new(plan, runs(3), vec![], Manifest::default()).unwrap();
    assert_eq!((all.planned_seeds.as_ref(), all.missing()), (None, vec![("relu", vec![0, 1, 2])]));
}

#[test]
fn a_variant_that_failed_has_neither_parameters_nor_time() {
    let failure = Failure { variant: "relu".into(), seed: 0, epoch: None, step: None, why: "NaN".into() };
    let (run, _) = common::run("fmnist", 0, "adact", 0);
    let plan = common::plan("fmnist", &["adact", "relu"], None);
    let study = StudyResult::new(plan, vec![run], vec![failure], Manifest::default()).unwrap();
    let csv = table::csv(&study);
    assert_eq!(csv.lines().nth(2).unwrap(), "fmnist,relu,,15,test,0,,,,,,,,after the last epoch,,,,,1,10000");
    let row = serde_json::to_value(&study.table[1]).unwrap();
    assert!(row.get("parameters").is_none() && row.get("seconds").is_none(), "{row}");
}

#[test]
fn inputs_belong_to_places_also_where_few_of_them_are_mixtures() {
    let mut run = common::study_of(&common::resnet(), &["adact"], 1).result.runs.remove(0);
    let mixed = run.layers.take().unwrap().swap_remove(12);
    run.layers = Some(vec![mixed]);
    assert_eq!(run.place_of_layer(0), "layer2.2.act2");
    assert_eq!(run.inputs_of_layer(0), Some(&run.inputs.as_ref().unwrap()[12]));
    // In the paper's network the path tells the layer, and without a path the order.
    let (mut papers, _) = common::run("fmnist", 0, "adact", 0);
    assert_eq!(papers.inputs_of_layer(3), Some(&papers.inputs.as_ref().unwrap()[3]));
    let mut third = papers.layers.take().unwrap().swap_remove(2);
    third.place = Some("act.2".into());
    papers.layers = Some(vec![third]);
    assert_eq!(papers.inputs_of_layer(0), Some(&papers.inputs.as_ref().unwrap()[2]));
    let result = common::of(common::plan("fmnist", &["adact"], None), vec![papers]);
    assert_eq!(
        (result.place_of(&result.choices[0]), result.place_title(0)),
        ("layer 3".into(), "Layer 3".into())
    );
}
