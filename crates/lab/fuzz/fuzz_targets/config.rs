#![no_main]
#![allow(dead_code)]

#[path = "../../src/config/mod.rs"]
mod config;
#[path = "../../src/error.rs"]
mod error;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match config::Config::parse(text) {
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        Ok(read) => {
            let _ = (read.check(), read.difference(&config::Config::default()));
            let written = read.to_toml().expect("what is read can be written");
            let again = config::Config::parse(&written).expect("what is written can be read");
            assert_eq!(again.to_toml().ok(), Some(written));
        }
    }
});
