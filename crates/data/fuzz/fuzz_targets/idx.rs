#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = (adact_data::idx::parse(bytes, 3), adact_data::idx::parse(bytes, 1));
});
