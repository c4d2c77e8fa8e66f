#![no_main]

use adact_evidence::tensorboard::finished_part;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    assert!(finished_part(bytes, 3) <= bytes.len());
});
