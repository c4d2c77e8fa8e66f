//! Whole trainings: what they reach, and that the same command gives the same bits.

mod common;

use common::{TINY, assert_same, json, json_lines, ok};

#[test]
fn two_epochs_of_adact_reach_three_quarters() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), "train --epochs 2 --out run");
    let result = json(&dir.path().join("run/result.json"));
    let accuracy = result["best"]["test_accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.75, "{accuracy}");
    assert_eq!(result["parameters"], 391_402);
    assert_eq!(result["layers"].as_array().unwrap().len(), 4);
    assert_eq!(result["activations"], serde_json::json!(["adact", "adact", "adact", "adact"]));
    let layer = &result["layers"][0];
    let sum: f64 = layer["softmax"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5 && layer["w"].as_array().unwrap().len() == 7, "{layer}");
}

#[test]
fn the_same_command_gives_the_same_bits_with_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    // RReLU draws at random, so that its randomness is compared as well.
    for (out, threads) in [("a", 2), ("b", 2), ("one", 1), ("four", 4)] {
        ok(
            dir.path(),
            &format!("train {TINY} --activation adact+rrelu+adact+mish --out {out} --threads {threads}"),
        );
    }
    for other in ["b", "one", "four"] {
        assert_same(&dir.path().join("a"), &dir.path().join(other));
    }
    ok(dir.path(), &format!("train {TINY} --activation adact+rrelu+adact+mish --out other --seed 1"));
    let weights = |out: &str| std::fs::read(dir.path().join(out).join("best.safetensors")).unwrap();
    assert_ne!(weights("a"), weights("other"));
}

#[test]
fn studies_side_by_side_give_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    for jobs in [1, 2] {
        ok(dir.path(), &format!("study {TINY} --seeds 2 --jobs {jobs} --out jobs{jobs}"));
    }
    assert_same(&dir.path().join("jobs1"), &dir.path().join("jobs2"));
}

#[test]
fn initial_weights_come_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("train {TINY} --activation relu --out first"));
    ok(dir.path(), &format!("train {TINY} --activation relu --init first/best.safetensors --out second"));
    let loss = |out: &str| {
        let metrics = std::fs::read_to_string(dir.path().join(out).join("metrics.jsonl")).unwrap();
        json_lines(&metrics)[0]["train_loss"].as_f64().unwrap()
    };
    assert!(loss("second") < loss("first"), "{} {}", loss("second"), loss("first"));
}

#[test]
fn a_configuration_file_holds_all_options_and_a_run_repeats_from_its_own() {
    let dir = tempfile::tempdir().unwrap();
    ok(
        dir.path(),
        &format!("train {TINY} --select validation:0.25 --candidates relu,gelu,tanh --lr 0.01 --out a"),
    );
    ok(dir.path(), "train --config a/config.toml --out b");
    assert_same(&dir.path().join("a"), &dir.path().join("b"));
    let result = json(&dir.path().join("a/result.json"));
    assert_eq!(result["selection"], "validation:0.25");
    assert_eq!(result["layers"][0]["candidates"], serde_json::json!(["relu", "gelu", "tanh"]));
    assert!(result["validation"]["images"].as_u64().unwrap() > 30);
    let lines = std::fs::read_to_string(dir.path().join("a/metrics.jsonl")).unwrap();
    assert!(!lines.contains("test_accuracy") && lines.contains("validation_accuracy"), "{lines}");
}

#[test]
fn a_finished_training_goes_on_to_more_epochs_with_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let line = "train --limit-train 192 --limit-test 100 --batch 32 --epochs";
    ok(dir.path(), &format!("{line} 5 --out whole"));
    ok(dir.path(), &format!("{line} 2 --out run"));
    ok(dir.path(), &format!("{line} 5 --out run --resume"));
    assert_same(&dir.path().join("whole"), &dir.path().join("run"));
}

/// More epochs, seeds and variants, one after the other and at once. With more epochs AdAct may choose otherwise: then
/// `optimized` is another network.
#[test]
fn a_finished_study_grows_with_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let line = "study --limit-train 192 --limit-test 100 --batch 32";
    let all = "--epochs 3 --seeds 2 --variants adact,optimized,relu";
    ok(dir.path(), &format!("{line} {all} --out whole"));
    for (out, first, steps) in [
        ("a", "--epochs 1 --variants adact,optimized", vec![all]),
        ("b", "--epochs 3 --variants relu", vec!["--epochs 3 --seeds 2 --variants relu", all]),
    ] {
        ok(dir.path(), &format!("{line} {first} --out {out}"));
        for step in steps {
            ok(dir.path(), &format!("{line} {step} --out {out} --resume"));
        }
        assert_same(&dir.path().join("whole"), &dir.path().join(out));
    }
}

/// Of a search that begins later, no epoch before is kept, and what is chosen has been searched.
#[test]
fn what_is_kept_has_searched() {
    let dir = tempfile::tempdir().unwrap();
    ok(
        dir.path(),
        &format!("study {TINY} --warm-epochs 2 --search-lr 3 --seeds 3 --variants adact --out warm"),
    );
    for run in json(&dir.path().join("warm/result.json"))["runs"].as_array().unwrap() {
        assert_eq!(run["best"]["epoch"], 3);
        let layers = run["layers"].as_array().unwrap();
        assert!(layers.iter().all(|layer| layer["w"].as_array().unwrap().iter().any(|w| w != 0.0)));
    }
}

/// Short trainings follow the length of the whole.
#[test]
fn a_choice_by_halving_goes_on_to_more_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let study = "study --limit-train 192 --limit-test 50 --batch 32 --select validation --choose halving --variants \
                 adact,optimized --out halved";
    ok(dir.path(), &format!("{study} --epochs 2"));
    ok(dir.path(), &format!("{study} --epochs 8 --resume"));
    let result = json(&dir.path().join("halved/result.json"));
    let run = &result["runs"][1];
    assert_eq!((&run["variant"], &run["epochs"]), (&"optimized".into(), &8.into()));
    assert_eq!(run["chosen_by"], "halving");
    let table = std::fs::read_to_string(dir.path().join("halved/table.md")).unwrap();
    assert!(table.contains("The activations of Optimized are those of the rule halving."), "{table}");
}

/// Who goes on with a folder need not say again how it was made.
#[test]
fn a_folder_goes_on_with_its_own_options() {
    let dir = tempfile::tempdir().unwrap();
    let study = format!("study {TINY} --lr 0.002 --variants relu,mish");
    ok(dir.path(), &format!("{study} --seeds 2 --out whole"));
    ok(dir.path(), &format!("{study} --out grown"));
    ok(dir.path(), "study --seeds 2 --out grown --resume");
    assert_same(&dir.path().join("whole"), &dir.path().join("grown"));
    ok(dir.path(), &format!("train {TINY} --activation relu --batch 16 --out training"));
    ok(dir.path(), "train --epochs 4 --out training --resume");
    let result = json(&dir.path().join("training/result.json"));
    assert_eq!((&result["epochs"], &result["activations"][0]), (&4.into(), &"relu".into()));
}
