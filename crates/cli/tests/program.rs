//! Studies of training programs, which are shell scripts here: the protocol needs no library of ours.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{adact, json, json_lines, ok, run};

/// A trainer whose accuracy is a function of activation, seed and epoch. It goes on from where it was stopped, logs its
/// places, and its mixture prefers Mish at the first place and ReLU at the second.
const TRAINER: &str = r#"#!/bin/sh
set -e
case $ADACT_ACTIVATION in
  adact) gain=30 ;;
  mish+relu) gain=40 ;;
  relu) gain=20 ;;
  *) gain=10 ;;
esac
done=$(cat "$ADACT_OUT/state" 2>/dev/null || echo 0)
epoch=$((done + 1))
while [ $epoch -le ${EPOCHS:-3} ]; do
  sleep ${PAUSE:-0}
  accuracy=0.$((500 + gain + epoch * 3 + ADACT_SEED))
  if [ $ADACT_ACTIVATION = adact ]; then
    places=', "places": [{"place": "a", "weights": [0, 0, 0, 0, 0, 0, 1], "prelu_slope": 0.25}, {"place": "b", "weights": [1, 0, 0, 0, 0, 0, 0]}]'
  fi
  echo "{\"epoch\": $epoch, \"accuracy\": $accuracy, \"train_loss\": 1.5$places}" >> "$ADACT_OUT/log.jsonl"
  echo $epoch > "$ADACT_OUT/state"
  epoch=$((epoch + 1))
done
echo "{\"done\": true, \"parameters\": 42, \"test_examples\": 1000}" >> "$ADACT_OUT/log.jsonl"
"#;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("train.sh"), TRAINER).unwrap();
    dir
}

/// `adact study --program COMMAND` with further options, in `dir`.
fn study(dir: &Path, command: &str, options: &str) -> Command {
    let mut study = adact();
    study.current_dir(dir).args(["study", "--program", command]).args(options.split_whitespace());
    study
}

/// What a study's folder records, without times and the program's own files, which say what was repeated.
fn recorded(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = common::remains(out);
    all.retain(|path, _| !path.iter().any(|part| part == "program"));
    all
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn any_program_gets_the_whole_study() {
    let dir = folder();
    let options = "--seeds 7 --variants adact,optimized,relu,random:1 --against relu --jobs 2 --out out";
    let output = study(dir.path(), "sh train.sh", options).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    for words in ["train.sh: test accuracy", "a: Mish", "b: ReLU", "Optimized against ReLU", "better"] {
        assert!(out.contains(words), "{words:?} is missing in\n{out}");
    }
    let out = dir.path().join("out");
    let result = json(&out.join("result.json"));
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(
        (runs.len(), &result["task"], &result["network"]),
        (28, &"program".into(), &"train.sh".into())
    );
    let optimized = runs.iter().find(|run| run["variant"] == "optimized" && run["seed"] == 3).unwrap();
    assert_eq!(optimized["activations"], serde_json::json!(["mish", "relu"]));
    assert_eq!(optimized["last"]["test_accuracy"], 0.552);
    assert_eq!((&optimized["parameters"], &optimized["test_images"]), (&42.into(), &1000.into()));
    let metrics = fs::read_to_string(out.join("runs/adact-seed3/metrics.jsonl")).unwrap();
    assert_eq!(json_lines(&metrics).len(), 3);
    for file in ["report.html", "table.csv", "figures", "runs/adact-seed3/manifest.json"] {
        assert!(out.join(file).exists(), "{file}");
    }
    // The page can be made again, and what is finished isn't run again.
    ok(dir.path(), "report out");
    fs::write(dir.path().join("train.sh"), "exit 9").unwrap();
    let again = study(dir.path(), "sh train.sh", &format!("{options} --resume")).output().unwrap();
    assert!(again.status.success());
}

#[test]
fn what_is_killed_goes_on_and_ends_the_same() {
    let dir = folder();
    let options = "--seeds 2 --variants adact,optimized,relu --jobs 2";
    let whole = study(dir.path(), "sh train.sh", &format!("{options} --out whole")).output().unwrap();
    assert!(whole.status.success());
    for round in 0..3 {
        let out = format!("killed{round}");
        let start = |options: &str| -> Child {
            let mut study = study(dir.path(), "sh train.sh", options);
            study.env("PAUSE", "0.1").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let mut killed = start(&format!("{options} --out {out}"));
        let log = dir.path().join(&out).join("runs/adact-seed0/program/log.jsonl");
        wait_for("the first epoch", || log.exists());
        std::thread::sleep(Duration::from_millis(70 * round));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let mut again = start(&format!("{options} --out {out} --resume"));
        assert!(again.wait().unwrap().success());
        assert_eq!(recorded(&dir.path().join("whole")), recorded(&dir.path().join(&out)));
    }
}

#[test]
fn ctrl_c_asks_the_program_to_end() {
    let dir = folder();
    let script = "trap 'echo asked > asked; exit 1' TERM; echo > begun; while true; do sleep 0.05; done";
    fs::write(dir.path().join("endless.sh"), script).unwrap();
    // The shell that reads the command is gone at once.
    let mut study = study(dir.path(), "true; sh endless.sh; true", "--variants relu --out out")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the program", || dir.path().join("begun").exists());
    Command::new("kill").args(["-INT", &study.id().to_string()]).status().unwrap();
    assert_eq!(study.wait().unwrap().code(), Some(130));
    assert!(dir.path().join("asked").exists());
    assert!(!dir.path().join("out/result.json").exists());
    assert!(!dir.path().join("out/runs/relu-seed0/program/pid").exists());
}

#[test]
fn what_goes_wrong_is_said_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    for (script, words) in [
        ("echo boom >&2; exit 3", "the program ended with exit code 3; the last that it printed: boom"),
        ("exit 0", "it ended without the line {\"done\": true} in its log"),
        ("echo '{\"done\": true}' >> $ADACT_OUT/log.jsonl", "it ended without an epoch in its log"),
        (
            "echo '{\"epoch\": 1, \"acc\": 0.5}\n{\"done\": true}' >> $ADACT_OUT/log.jsonl",
            "epoch 1 has no accuracy, which decides (--metric); it has acc",
        ),
        ("echo hello >> $ADACT_OUT/log.jsonl; sleep 60", "line 1: it is no JSON object"),
        ("kill -9 $$", "the program was ended by signal 9"),
        ("nothing-of-that-name", "exit code 127: its command was not found"),
    ] {
        let out = dir.path().join("out");
        let _ = fs::remove_dir_all(&out);
        let output = study(dir.path(), script, "--variants relu --out out").output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && err.contains(words), "{script:?} gave\n{err}");
        assert_eq!(json(&out.join("result.json"))["failures"].as_array().unwrap().len(), 1);
    }
    // Once the program is mended, the study goes on, whatever the log had in it.
    let broken = "echo hello >> $ADACT_OUT/log.jsonl; sleep 60";
    fs::write(dir.path().join("mended.sh"), broken).unwrap();
    let options = "--variants relu --out mended --resume";
    assert_eq!(study(dir.path(), "sh mended.sh", options).output().unwrap().status.code(), Some(1));
    fs::write(dir.path().join("mended.sh"), TRAINER).unwrap();
    assert!(study(dir.path(), "sh mended.sh", options).output().unwrap().status.success());
    // One seed of two fails.
    fs::write(dir.path().join("train.sh"), TRAINER).unwrap();
    let command = "[ $ADACT_SEED = 0 ] && exit 4; sh train.sh";
    let output = study(dir.path(), command, "--variants relu --seeds 2 --out two").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let result = json(&dir.path().join("two/result.json"));
    assert_eq!((result["runs"].as_array().unwrap().len(), &result["failures"][0]["seed"]), (1, &0.into()));
}

#[test]
fn what_a_program_can_not_be_told_is_refused() {
    let dir = folder();
    for (options, words) in [
        ("--epochs 3", "write epochs, sizes and rates into the command"),
        ("--network gpt", "it has its own network"),
        ("--metric epoch", "`epoch` can't be the name of a metric"),
        ("--variants optimized", "give `adact` as well"),
        ("--variants relu,random:2", "give `adact` as well"),
    ] {
        let output = study(dir.path(), "sh train.sh", &format!("{options} --out out")).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && err.contains(words), "{options} gave\n{err}");
        assert!(!dir.path().join("out").exists());
    }
    let output = run(dir.path(), "study --metric f1");
    assert!(String::from_utf8_lossy(&output.stderr).contains("so give --program"));
    // A lower number is better where that is said.
    let output =
        study(dir.path(), "sh train.sh", "--lower-is-better --seeds 2 --variants relu,elu --out low");
    assert!({ output }.output().unwrap().status.success());
    assert_eq!(json(&dir.path().join("low/result.json"))["metric"]["higher_is_better"], false);
}

#[test]
fn a_program_that_is_done_and_does_not_end_is_told_of() {
    let dir = folder();
    let output = study(dir.path(), "sh train.sh; sleep 6", "--variants relu --out out").output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && err.matches("it has not ended; the study waits").count() == 1,
        "{err}"
    );
}
