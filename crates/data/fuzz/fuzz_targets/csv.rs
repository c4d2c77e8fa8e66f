#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = adact_data::fer::parse(bytes);
});
