//! Notes the compiler's version and the source's commit for the manifests of runs.

use std::path::Path;
use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = output(&rustc, &["--version"]).unwrap_or_default();
    let version = version.split_whitespace().nth(1).unwrap_or("unknown");
    println!("cargo:rustc-env=ADACT_RUSTC={version}");
    println!("cargo:rustc-env=ADACT_COMMIT={}", commit().unwrap_or_default());
    println!("cargo:rerun-if-changed=build.rs");
}

/// The commit of the source, `-dirty` behind it where a crate was changed since; none outside of a repository of it.
fn commit() -> Option<String> {
    output("git", &["ls-files", "--error-unmatch", "build.rs"])?; // not in somebody else's repository
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    // A commit and a checkout are noted there.
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
    // Of these crates the numbers are made: a change of theirs builds this crate anew all the same.
    let sources = ["../kernels/src", "../adact/src", "../data/src", "../evidence/src", "src"];
    for path in [log.as_str()].iter().chain(&sources).filter(|path| Path::new(path).exists()) {
        println!("cargo:rerun-if-changed={path}");
    }
    let changes = output("git", &[&["status", "--porcelain", "--"][..], &sources].concat())?;
    Some(commit + if changes.is_empty() { "" } else { "-dirty" })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
