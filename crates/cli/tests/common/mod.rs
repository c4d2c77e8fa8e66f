//! Running the binary, and looking at what it leaves.
#![allow(dead_code)] // each test file uses a part of it

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program, without the environment's data folder.
pub fn adact() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adact"));
    command.env_remove("ADACT_DATA").env_remove("ADACT_SIMD");
    command
}

/// Runs the program in `dir` with the words of `line` as arguments.
pub fn run(dir: &Path, line: &str) -> Output {
    adact().current_dir(dir).args(line.split_whitespace()).output().unwrap()
}

/// Runs the program and expects success; gives what it printed.
pub fn ok(dir: &Path, line: &str) -> String {
    let output = run(dir, line);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "adact {line}\n{err}");
    String::from_utf8(output.stdout).unwrap()
}

/// Options that make a training take a moment.
pub const TINY: &str = "--limit-train 192 --limit-test 100 --epochs 3 --batch 32";

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

/// A JSON value without the times that it took.
pub fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for key in ["timings", "seconds", "started", "finished", "command", "threads", "simd", "hosts"] {
                map.remove(key);
            }
            map.values_mut().for_each(|v| *v = timeless(v.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| *v = timeless(v.take())),
        _ => {}
    }
    value
}

/// What a folder holds that must be the same whenever the same is asked for: weights and states to the bit,
/// metrics and results without times.
pub fn remains(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in files(dir) {
        let name = path.strip_prefix(dir).unwrap().to_owned();
        if name.ends_with("timings.json") || name.ends_with("plan.json") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let kept = match path.extension().and_then(|e| e.to_str()) {
            Some("safetensors") => bytes,
            Some("json") => timeless(serde_json::from_slice(&bytes).unwrap()).to_string().into_bytes(),
            Some("jsonl") => {
                let lines = json_lines(std::str::from_utf8(&bytes).unwrap());
                lines.into_iter().map(|l| timeless(l).to_string() + "\n").collect::<String>().into_bytes()
            }
            _ => continue,
        };
        found.insert(name, kept);
    }
    assert!(!found.is_empty(), "{} holds nothing", dir.display());
    found
}

/// All files below a folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// Expects two folders to hold the same, and says where they don't.
pub fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (remains(a), remains(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in &a {
        assert!(bytes == &b[name], "{} differs", name.display());
    }
}

/// Waits until a condition holds.
pub fn until(what: &str, seconds: u64, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(seconds), "{what}");
        sleep(Duration::from_millis(10));
    }
}

/// Expects what was collected of `many` to be what the study in `one` left.
pub fn assert_collected(dir: &Path) {
    ok(dir, "collect many");
    assert_same(&dir.join("one/runs"), &dir.join("many/runs"));
    let result = |name: &str| timeless(json(&dir.join(name).join("result.json")));
    assert_eq!(result("one"), {
        let mut many = result("many");
        many["provenance"]["builds"] = result("one")["provenance"]["builds"].clone();
        many
    });
}

pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}
