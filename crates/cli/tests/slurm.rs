//! A study as job arrays of a real Slurm, where one answers (`sinfo`); skipped elsewhere. `.ci/run` starts one.
#![cfg(unix)]

mod common;

use std::process::Command;

use common::{adact, assert_collected, json_lines, ok, run, until};
use serde_json::Value;

/// Trainings of some seconds.
const STUDY: &str = "study --limit-train 640 --limit-test 100 --epochs 16 --batch 32 --seeds 4";
const VARIANTS: &str = "--variants adact,optimized,relu";

/// Runs a command of Slurm and gives what it printed.
fn slurm(line: &str) -> String {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn is_there() -> bool {
    let found = Command::new("sinfo").args(["--noheader", "--states=idle"]).output();
    found.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// How many jobs with these numbers are in a state that `squeue` knows by these letters.
fn jobs(ids: &str, states: &str) -> usize {
    slurm(&format!("squeue --noheader --array --jobs={ids} --states={states} --format=%i")).lines().count()
}

#[test]
fn a_study_of_job_arrays_leaves_what_one_process_leaves() {
    if !is_there() {
        println!("SKIPPED: no Slurm answers here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("{STUDY} {VARIANTS} --out one"));
    let submit = |options: &str| -> Value {
        let mut command = adact();
        command.current_dir(dir.path()).args(STUDY.split_whitespace()).args(VARIANTS.split_whitespace());
        command.args(["--out", "many", "--submit", "--json", "--sbatch-args", "--time=10 --cpus-per-task=1"]);
        let output = command.args(options.split_whitespace()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        json_lines(std::str::from_utf8(&output.stdout).unwrap()).pop().unwrap()
    };
    let trainings = || -> Vec<Value> {
        let status: Value = serde_json::from_str(&ok(dir.path(), "status many --json")).unwrap();
        status["trainings"].as_array().unwrap().clone()
    };
    let is = |training: usize, state: &str| trainings()[training]["state"] == state;
    // Each of them in the middle of its training.
    let begun = |training: usize| {
        until("an epoch", 180, || {
            let training = &trainings()[training];
            assert_ne!(training["state"], "done", "too fast for this test: {:?}", trainings());
            training["epochs"].as_u64() > Some(0)
        });
    };

    let told = submit("");
    assert_eq!(told["study"]["trainings"], 12);
    let id = |what: &str| told["jobs"][what].as_str().unwrap().to_owned();
    let (first, followers, report) = (id("trainings"), id("followers"), id("report"));
    assert_eq!((jobs(&first, "all"), jobs(&followers, "all"), jobs(&report, "all")), (8, 4, 1));

    // The first mixture is requeued by the scheduler, another one cancelled, and the last job, whose number is that of the whole array, told
    // that its time is nearly up.
    begun(0);
    slurm(&format!("scontrol requeue {first}_0"));
    begun(3);
    slurm(&format!("scancel {first}_3"));
    begun(11);
    slurm(&format!("scancel --batch --signal=USR1 {first}_11"));
    let all = format!("{first},{followers},{report}");
    until("all jobs have ended", 600, || {
        jobs(&all, "pending,configuring,running,completing,requeued,suspended") == 0
    });
    assert!(is(0, "done") && is(11, "done"), "{:?}", trainings());
    assert!(!is(3, "done"), "it was cancelled");
    let restarts = |task: usize| {
        let told = slurm(&format!("scontrol show job {first}_{task}"));
        let (_, rest) = told.split_once("Restarts=").unwrap();
        rest.split_whitespace().next().unwrap().parse::<usize>().unwrap()
    };
    // `scancel` may have told it so more than once.
    assert!(restarts(11) > 0 && [2, 5, 6, 8, 9].iter().all(|&other| restarts(other) == 0));
    assert!(dir.path().join("many/report.html").exists(), "the last job makes the report");
    let lacking = ok(dir.path(), "collect many");
    assert!(lacking.contains("of 12 lacking: AdAct, seed 1"), "{lacking}");

    // What is left is sent again.
    let told = submit("--resume");
    let id = |what: &str| told["jobs"][what].as_str().unwrap().to_owned();
    let (first, followers) = (id("trainings"), id("followers"));
    assert_eq!((jobs(&first, "all"), jobs(&followers, "all")), (1, 1));
    let all = format!("{first},{followers},{}", id("report"));
    until("all jobs have ended", 300, || {
        jobs(&all, "pending,configuring,running,completing,requeued,suspended") == 0
    });
    assert!(run(dir.path(), "work many").status.success());
    assert_collected(dir.path());
}
