//! Folders that can't be written: a disk that is full, one that may only be read. They take a namespace of their own, in which a
//! test may mount something; skipped where the system gives none.
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{TINY, assert_collected, ok};

/// Runs a script in `dir`, with the program as `$1` and mounts of its own; none where that can't be done.
fn with_mounts(dir: &Path, script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.arg(env!("CARGO_BIN_EXE_adact")).env_remove("ADACT_DATA").current_dir(dir).output()
    };
    if !unshare("mount -t tmpfs tmpfs /mnt").is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: this system lets nobody mount a file system");
        return None;
    }
    Some(unshare(script).unwrap())
}

#[test]
fn a_disk_that_is_full_stops_a_worker_and_another_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let study = format!("study {TINY} --seeds 2 --variants adact,optimized --out");
    ok(dir.path(), &format!("{study} one"));
    ok(dir.path(), &format!("{study} many --plan"));
    // Room for a part of the first training; more of it later.
    let script = r#"
        set -e
        mkdir disk
        mount -t tmpfs -o size=3m tmpfs disk
        cp -r many/. disk
        "$1" work disk --threads 1 && exit 9
        "$1" status disk
        mount -o remount,size=200m disk
        "$1" work disk --threads 1
        cp -r disk/. many
    "#;
    let Some(output) = with_mounts(dir.path(), script) else { return };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(err.contains("No space left on device") && err.contains("`adact work disk` goes on"), "{err}");
    // The disk's fault is no training's.
    assert!(out.contains("0 failed") && out.contains("4 of 4 trainings are finished"), "{out}");
    assert_collected(dir.path());
}

#[test]
fn a_folder_that_may_only_be_read_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("study {TINY} --variants relu --out one"));
    ok(dir.path(), &format!("study {TINY} --variants relu --out many --plan"));
    let script = r#"
        mount --bind many many && mount -o remount,ro,bind many || exit 9
        "$1" work many
        code=$?
        "$1" status many || exit 8
        exit $code
    "#;
    let Some(output) = with_mounts(dir.path(), script) else { return };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.code() == Some(2) || output.status.code() == Some(1), "{out}\n{err}");
    assert!(err.contains("read-only file system") && err.contains("many/runs/relu-seed0"), "{err}");
    assert!(out.contains("0 failed, 1 waiting"), "{out}");
    ok(dir.path(), "work many");
    assert_collected(dir.path());
}
