#![no_main]

use std::path::Path;

use adact_evidence::records::{EpochRecord, Manifest, RunResult};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("x");
    let _ = (RunResult::parse(path, bytes), EpochRecord::parse_all(path, bytes), Manifest::parse(path, bytes));
});
