#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = (adact_data::cifar::parse(bytes), adact_data::cifar::parse_archive(bytes));
});
