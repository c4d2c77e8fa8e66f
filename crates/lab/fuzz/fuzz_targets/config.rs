#![no_main]

use adact_lab::Config;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text) {
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        Ok(read) => {
            let _ = (read.check(), read.difference(&Config::default()));
            let written = read.to_toml().expect("what is read can be written");
            let again = Config::parse(&written).expect("what is written can be read");
            assert_eq!(again.to_toml().ok(), Some(written));
        }
    }
});
