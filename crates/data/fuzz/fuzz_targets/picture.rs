#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = (adact_data::folder::decode(bytes, 8, 3), adact_data::folder::decode(bytes, 8, 1));
});
