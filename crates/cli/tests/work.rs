//! Studies that many processes work on: killed, stopped, told one training, or of another plan.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::{TINY, adact, assert_collected, json, json_lines, ok, run, signal, until};

/// Begins to work on the plan in `dir/many`.
fn worker(dir: &Path, options: &str) -> Child {
    let mut command = adact();
    command.current_dir(dir).args(["work", "many"]).args(options.split_whitespace());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Forty trainings, four workers, and one after the other is killed, told to stop, or stopped for a while.
#[test]
fn workers_that_are_killed_at_random_leave_what_one_study_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let study = format!("study {TINY} --seeds 10 --variants adact,optimized,relu,mish --out");
    ok(dir.path(), &format!("{study} one"));
    let told = ok(dir.path(), &format!("{study} many --plan --json"));
    let told = json_lines(&told).pop().unwrap();
    assert_eq!(told["trainings"], 40);
    let plan = told["plan"].as_str().unwrap();
    let begin = || worker(dir.path(), &format!("--threads 1 --plan-id {plan}"));

    let mut workers: Vec<Child> = (0..4).map(|_| begin()).collect();
    let (mut random, mut ended) = (2026u64, [0; 3]);
    let mut draw = |n: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    };
    let is_left = || !ok(dir.path(), "status many").starts_with("40 trainings: 40 done");
    while ended.iter().sum::<usize>() < 40 && is_left() {
        sleep(Duration::from_millis(50 + draw(300)));
        let worker = &mut workers[draw(4) as usize];
        let how = draw(3) as usize;
        ended[how] += 1;
        match how {
            0 => worker.kill().unwrap(),
            1 => signal(worker, "-TERM"),
            _ => {
                signal(worker, "-STOP");
                sleep(Duration::from_millis(draw(500)));
                signal(worker, "-CONT");
                continue;
            }
        }
        worker.wait().unwrap();
        *worker = begin();
    }
    assert!(ended.iter().all(|&times| times > 0), "{ended:?}");
    for mut worker in workers {
        assert_eq!(worker.wait().unwrap().code(), Some(0));
    }
    assert_collected(dir.path());
    let status = ok(dir.path(), "status many");
    assert!(status.starts_with("40 trainings: 40 done, 0 running"), "{status}");
    // Nothing is left, and a study finds nothing to do.
    assert!(ok(dir.path(), "work many").contains("40 of 40 trainings are finished"));
    ok(dir.path(), &format!("{study} many --resume"));
    assert_collected(dir.path());
}

#[test]
fn workers_with_different_processors_leave_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let study = format!("study {TINY} --variants adact,optimized,relu,mish --out");
    ok(dir.path(), &format!("{study} one"));
    ok(dir.path(), &format!("{study} many --plan"));
    for (task, simd) in ["avx512", "avx2", "portable", "avx2"].into_iter().enumerate() {
        let work = |simd: &str| {
            let mut command = adact();
            command.current_dir(dir.path()).args(["work", "many", "--task", &task.to_string()]);
            command.env("ADACT_SIMD", simd).output().unwrap()
        };
        let output = work(simd);
        let err = String::from_utf8_lossy(&output.stderr);
        let lacks = err.contains("this processor has no");
        if lacks {
            println!("SKIPPED: {err}");
        }
        let output = if lacks { work("portable") } else { output };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_collected(dir.path());
}

#[test]
fn a_worker_that_was_stopped_loses_its_training_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let study = "study --limit-train 640 --limit-test 100 --epochs 8 --batch 32 --variants relu --out";
    ok(dir.path(), &format!("{study} one"));
    ok(dir.path(), &format!("{study} many --plan"));
    let mut first = worker(dir.path(), "--threads 1");
    let metrics = dir.path().join("many/runs/relu-seed0/metrics.jsonl");
    until("an epoch", 60, || metrics.exists());
    signal(&first, "-STOP");
    let status = ok(dir.path(), "status many");
    assert!(
        status.contains("0 done, 1 running") && status.contains(&format!("process {}", first.id())),
        "{status}"
    );
    // Its sign of life stands still, whatever lock it has.
    let mut second = worker(dir.path(), "--threads 1");
    assert_eq!(second.wait().unwrap().code(), Some(0));
    signal(&first, "-CONT");
    assert!(first.wait().unwrap().code().is_some());
    assert_collected(dir.path());
}

#[test]
fn a_worker_can_be_given_one_training() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("study {TINY} --variants adact,optimized --seeds 2 --out many --plan"));
    let refused = run(dir.path(), "work many --task 4");
    let err = String::from_utf8_lossy(&refused.stderr);
    assert!(
        refused.status.code() == Some(2) && err.contains("numbered from 0, and none has the number 4"),
        "{err}"
    );
    let auto = |name: &str, value: &str| {
        let mut command = adact();
        command
            .current_dir(dir.path())
            .args(["work", "many", "--task", "auto"])
            .env(name, value)
            .output()
            .unwrap()
    };
    // The third is `adact` with the second seed.
    assert!(auto("SLURM_ARRAY_TASK_ID", "2").status.success());
    assert!(auto("SGE_TASK_ID", "4").status.success());
    let status = ok(dir.path(), "status many --json");
    let states: Vec<String> = serde_json::from_str::<serde_json::Value>(&status).unwrap()["trainings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|training| training["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["waiting", "waiting", "done", "done"]);
    let refused = auto("SGE_TASK_ID", "undefined");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("SGE_TASK_ID=undefined is no index"));
    let refused = run(dir.path(), "work many --task auto");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("none of SLURM_ARRAY_TASK_ID"));
    let told = ok(dir.path(), "collect many");
    assert!(told.contains("2 trainings of 4 lacking: AdAct, seed 0 and others"), "{told}");
}

#[test]
fn what_waits_for_others_has_an_exit_code_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("study {TINY} --variants adact,optimized --out many --plan"));
    let later = run(dir.path(), "work many --task 1");
    let err = String::from_utf8_lossy(&later.stderr);
    assert!(
        later.status.code() == Some(75) && err.contains("the training that it follows isn't finished"),
        "{err}"
    );
}

#[test]
fn a_training_that_fails_is_told_and_tried_again_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let program = "echo '{\"epoch\": 1, \"accuracy\": 0.5}\n{\"done\": true}' >> $ADACT_OUT/log.jsonl";
    fs::write(dir.path().join("train.sh"), "echo boom >&2; exit 3").unwrap();
    let mut plan = adact();
    plan.current_dir(dir.path()).args(["study", "--program", "sh train.sh", "--variants", "relu,mish"]);
    assert!(plan.args(["--out", "many", "--plan"]).status().unwrap().success());
    for _ in 0..2 {
        let failed = run(dir.path(), "work many");
        let err = String::from_utf8_lossy(&failed.stderr);
        assert!(
            failed.status.code() == Some(1) && err.contains("exit code 3") && err.contains("--retry-failed"),
            "{err}"
        );
    }
    let status = ok(dir.path(), "status many");
    assert!(status.contains("2 failed") && status.contains("boom"), "{status}");
    ok(dir.path(), "collect many");
    assert_eq!(json(&dir.path().join("many/result.json"))["failures"].as_array().unwrap().len(), 2);
    fs::write(dir.path().join("train.sh"), program).unwrap();
    let told = ok(dir.path(), "work many --retry-failed");
    assert!(told.contains("2 of 2 trainings are finished"), "{told}");
    ok(dir.path(), "collect many");
    assert!(
        json(&dir.path().join("many/result.json"))
            .get("failures")
            .is_none_or(|f| f.as_array().unwrap().is_empty())
    );
}

#[test]
fn other_plans_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("study {TINY} --variants relu --out many --plan"));
    let refused = |line: &str, words: &str| {
        let output = run(dir.path(), line);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && err.contains(words), "{line}: {err}");
    };
    refused("work many --plan-id 12", "not 12; is this the folder that was planned");
    refused("work nowhere", "holds no plan of a study");
    refused("status nowhere", "holds no study");
    refused("collect nowhere", "holds no study");
    refused("study --variants relu --objective accuracy+speed --plan --out x", "can't be compared");
    assert!(!dir.path().join("x").exists());
    let path = dir.path().join("many/plan.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"format\": 1", "\"format\": 7")).unwrap();
    refused("work many", "the layout 7, and this program knows 1");
    let mut plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    plan["build"]["kernels"] = "0".into();
    fs::write(&path, plan.to_string()).unwrap();
    refused("work many", "whose numbers are others");
    fs::write(&path, "{").unwrap();
    refused("work many", "is damaged");
}

#[test]
fn who_works_on_a_plan_that_is_replaced_stops() {
    let dir = tempfile::tempdir().unwrap();
    // Long trainings: between two of them nobody holds anything.
    let plan = format!("study {TINY} --epochs 30 --seeds 40 --variants relu --out many --plan");
    ok(dir.path(), &plan);
    let mut old = worker(dir.path(), "--threads 1");
    let begun = || ok(dir.path(), "status many").contains("1 running");
    until("a training", 60, begun);
    // Nothing is removed under a process that works.
    let refused = run(dir.path(), &format!("{plan} --force --lr 0.002"));
    let err = String::from_utf8_lossy(&refused.stderr);
    let words = format!("process {} on", old.id());
    assert!(
        refused.status.code() == Some(2) && err.contains(&words) && err.contains("stop it first"),
        "{err}"
    );
    // If it happens all the same, it goes no further.
    let path = dir.path().join("many/plan.json");
    let mut other = json(&path);
    other["identity"] = "another".into();
    fs::write(&path, other.to_string()).unwrap();
    assert_eq!(old.wait().unwrap().code(), Some(75), "it stops");
    ok(dir.path(), &format!("{plan} --force --lr 0.002"));
    ok(dir.path(), "work many --task 0");
    let held = fs::read_to_string(dir.path().join("many/runs/relu-seed0/config.toml")).unwrap();
    assert!(held.contains("lr = 0.002"), "{held}");
    let status = ok(dir.path(), "status many");
    assert!(status.contains("40 trainings: 1 done, 0 running"), "{status}");
}

#[test]
fn a_plan_stays_what_was_planned() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |line: &str, words: &str| {
        let output = run(dir.path(), line);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && err.contains(words), "{line}: {err}");
    };
    let identity = || json(&dir.path().join("many/plan.json"))["identity"].as_str().unwrap().to_owned();
    // The same study again is the same plan; a larger one is another.
    let plan = format!("study {TINY} --variants relu --out many --plan");
    ok(dir.path(), &plan);
    let first = identity();
    ok(dir.path(), &format!("{plan} --resume --threads 1 --jobs 2"));
    assert_eq!(identity(), first);
    ok(dir.path(), &format!("{plan} --resume --seeds 2"));
    assert_ne!(identity(), first);
    refused(&format!("work many --plan-id {first}"), "is this the folder that was planned");
    let path = dir.path().join("many/config.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace("epochs = 3", "epochs = 2")).unwrap();
    refused("work many", "isn't what was planned");
    fs::write(&path, config).unwrap();
    ok(dir.path(), "work many");
    // A damaged record is told beside the others.
    let result = dir.path().join("many/runs/relu-seed1/result.json");
    fs::write(&result, "junk").unwrap();
    let status = ok(dir.path(), "status many");
    assert!(status.contains("1 done") && status.contains("remove the file to train it again"), "{status}");
    refused("work many", "many/runs/relu-seed1/result.json");
    assert!(ok(dir.path(), "collect many").contains("1 training of 2 lacking: ReLU, seed 1"));
    fs::remove_file(&result).unwrap();
    assert!(ok(dir.path(), "work many").contains("2 of 2 trainings are finished"));

    // Other data under the same name.
    let text = |seed: u64| -> String {
        let letter = |i: u64| char::from(b'a' + (i.wrapping_mul(seed).wrapping_add(i * i) % 7) as u8);
        (0..4000).map(letter).collect()
    };
    fs::write(dir.path().join("poems.txt"), text(3)).unwrap();
    let plan = "study --network gpt --dataset poems.txt --steps 2 --eval-every 1 --dim 16 --depth 1 --heads 1 --variants relu,mish";
    ok(dir.path(), &format!("{plan} --out texts --plan"));
    ok(dir.path(), "work texts --task 0");
    fs::write(dir.path().join("poems.txt"), text(5)).unwrap();
    refused("work texts", "was begun with other files of");
}

#[test]
fn what_follows_a_failure_is_told_to_have_failed() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = adact();
    plan.current_dir(dir.path()).args(["study", "--program", "exit 3", "--variants", "adact,optimized"]);
    assert!(plan.args(["--out", "many", "--plan"]).status().unwrap().success());
    assert_eq!(run(dir.path(), "work many").status.code(), Some(1));
    let status = ok(dir.path(), "status many --watch");
    assert!(status.contains("2 failed, 0 waiting") && status.contains("because adact failed"), "{status}");
}
