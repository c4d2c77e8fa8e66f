#![no_main]

#[path = "../../tests/common/files.rs"]
mod files;

use std::sync::LazyLock;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder to write to"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    std::fs::write(FOLDER.path().join(adact::STATE_FILE), bytes).expect("a file can be written");
    files::check_state(FOLDER.path());
});
