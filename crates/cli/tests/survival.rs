//! Studies that are killed, interrupted, or meet others.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{TINY, adact, assert_same, files, json_lines, ok, run, signal};

fn start(dir: &Path, line: &str) -> Child {
    let mut command = adact();
    command.current_dir(dir).args(line.split_whitespace());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Every file that has its final name is whole.
fn assert_whole(dir: &Path) {
    for path in files(dir) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.')
            || path.components().any(|c| c.as_os_str().to_string_lossy().starts_with(".last"))
        {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        match path.extension().and_then(|e| e.to_str()) {
            Some("json") if name != "lock.json" => {
                serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
            }
            Some("jsonl") => drop(json_lines(std::str::from_utf8(&bytes).unwrap())),
            Some("safetensors") => {
                let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
                let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
                let ends = header.as_object().unwrap().values().filter_map(|t| t["data_offsets"][1].as_u64());
                let length = bytes.len() as u64 - 8 - header_length(&bytes);
                assert_eq!(ends.max(), Some(length), "{}", path.display());
            }
            Some("png") => assert!(bytes.ends_with(b"IEND\xaeB`\x82"), "{}", path.display()),
            Some("html") => assert!(bytes.ends_with(b"</html>"), "{}", path.display()),
            _ => {}
        }
    }
}

fn header_length(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

#[test]
fn a_study_killed_at_many_moments_ends_with_the_same_bits() {
    killed_and_resumed(4, &format!("study {TINY} --variants adact,optimized"));
}

/// What a search draws, who has left by then and what each rule chooses is as it would have been.
#[test]
fn so_does_one_that_searches() {
    killed_and_resumed(
        3,
        &format!(
            "study {TINY} --select validation --bilevel --variants search:gumbel/distil,search:shrink/halving"
        ),
    );
}

/// A choice that weighs the time is the same where the costs are.
#[test]
fn so_does_one_that_weighs_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let costs = dir.path().join("places.json");
    let sizes = "--widths 8,8,8,8";
    let bench = format!("bench places {sizes} --shape 1x28x28 --batch 8 --seconds 0.1 --json");
    fs::write(&costs, ok(dir.path(), &bench)).unwrap();
    killed_and_resumed(
        3,
        &format!(
            "study {TINY} {sizes} --variants adact,optimized --objective accuracy+speed --costs {}",
            costs.display()
        ),
    );
}

/// Two workers die at once, each anywhere in its training.
#[test]
fn so_does_one_with_trainings_side_by_side() {
    killed_and_resumed(3, &format!("study {TINY} --variants adact,optimized --seeds 2 --jobs 2"));
}

/// Kills the command at random moments until one of its calls gets through, `rounds` times over; more often where the
/// machine became so fast meanwhile that hardly a call was killed.
fn killed_and_resumed(rounds: usize, command: &str) {
    let dir = tempfile::tempdir().unwrap();
    let command = format!("{command} --resume --out");
    let begin = Instant::now();
    ok(dir.path(), &format!("{command} whole"));
    let whole = begin.elapsed();

    let mut random = 12345u64;
    let (mut kills, mut round) = (0, 0);
    while round < rounds || kills < rounds {
        assert!(round < 10 * rounds, "only {kills} kills: the test shows nothing");
        round += 1;
        let out = dir.path().join(format!("killed{round}"));
        loop {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let delay = whole.mul_f64((random >> 33) as f64 / (1u64 << 31) as f64);
            let mut child = start(dir.path(), &format!("{command} killed{round}"));
            let begin = Instant::now();
            while begin.elapsed() < delay && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(2));
            }
            if let Some(status) = child.try_wait().unwrap() {
                let output = child.wait_with_output().unwrap();
                assert!(status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                break;
            }
            // Killed, or interrupted: then the epoch in progress is kept, too.
            if (random >> 20).is_multiple_of(2) {
                child.kill().unwrap();
            } else {
                signal(&child, "-TERM");
            }
            child.wait().unwrap();
            kills += 1;
            if out.exists() {
                assert_whole(&out);
            }
        }
        assert_same(&dir.path().join("whole"), &out);
    }
    println!("killed {kills} times in {round} rounds");
}

#[test]
fn ctrl_c_ends_cleanly_and_resuming_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    // Too long to be finished when the signal comes.
    let command = "study --limit-train 640 --limit-test 100 --epochs 12 --variants adact --out";
    ok(dir.path(), &format!("{command} whole"));
    let child = start(dir.path(), &format!("{command} stopped"));
    let metrics = dir.path().join("stopped/runs/adact-seed0/metrics.jsonl");
    let begin = Instant::now();
    while !metrics.exists() && begin.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(5));
    }
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("--resume"), "{message}");
    assert!(!dir.path().join("stopped/lock.json").exists());
    ok(dir.path(), &format!("{command} stopped --resume"));
    assert_same(&dir.path().join("whole"), &dir.path().join("stopped"));
}

#[test]
fn a_folder_in_use_is_refused_and_one_of_a_dead_process_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(dir.path(), "train --limit-train 3000 --epochs 50 --out run");
    let lock = dir.path().join("run/lock.json");
    let begin = Instant::now();
    while !lock.exists() && begin.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(5));
    }
    let refused = run(dir.path(), "train --limit-train 3000 --epochs 50 --out run --resume");
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{message}");
    assert!(message.contains(&format!("process {}", child.id())), "{message}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lock.exists());
    ok(dir.path(), &format!("train {TINY} --out run --force"));
    assert!(!lock.exists());
}

/// Long enough for a test to do something while it runs.
const LONG: &str = "train --limit-train 3000 --epochs 50";

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what}");
        sleep(Duration::from_millis(2));
    }
}

fn holder(lock: &Path) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(&fs::read(lock).ok()?).ok()?["pid"].as_u64()
}

#[test]
fn a_lock_that_is_removed_under_a_running_process_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(dir.path(), &format!("{LONG} --out run"));
    let lock = dir.path().join("run/lock.json");
    for _ in 0..2 {
        wait_for("the process holds its folder", || holder(&lock) == Some(child.id().into()));
        fs::remove_file(&lock).unwrap();
    }
    wait_for("the lock comes back", || holder(&lock) == Some(child.id().into()));
    assert_eq!(run(dir.path(), &format!("{LONG} --out run --resume")).status.code(), Some(2));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whoever is faster than the lock's return has the folder; the other one stops, and nothing of it is lost or mixed.
#[test]
fn a_folder_that_another_process_took_is_left_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let command = "study --limit-train 3000 --limit-test 100 --epochs 3 --variants relu,mish --jobs 2";
    ok(dir.path(), &format!("{command} --out whole"));
    let first = start(dir.path(), &format!("{command} --out run"));
    let lock = dir.path().join("run/lock.json");
    wait_for("the process holds its folder", || holder(&lock) == Some(first.id().into()));
    wait_for("an epoch is trained", || dir.path().join("run/runs/relu-seed0/metrics.jsonl").exists());
    fs::write(&lock, r#"{"pid":1,"host":"elsewhere","since":"2020-01-01T00:00:00Z"}"#).unwrap();
    let output = first.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.trim_end().lines().last().unwrap().contains("process 1 on elsewhere"), "{message}");
    assert!(!dir.path().join("run/result.json").exists());
    assert_eq!(holder(&lock), Some(1));
    assert_whole(&dir.path().join("run"));
    ok(dir.path(), &format!("{command} --out run --resume"));
    assert_same(&dir.path().join("whole"), &dir.path().join("run"));
}

#[test]
fn a_finished_run_is_only_read() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("train {TINY} --out run"));
    let (result, manifest) = (dir.path().join("run/result.json"), dir.path().join("run/manifest.json"));
    let before = (fs::read(&result).unwrap(), fs::read(&manifest).unwrap());
    ok(dir.path(), &format!("train {TINY} --out run --resume"));
    assert_eq!((fs::read(&result).unwrap(), fs::read(&manifest).unwrap()), before);
}
