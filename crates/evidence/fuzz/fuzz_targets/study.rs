#![no_main]

use std::path::Path;

use adact_evidence::records::{Study, StudyResult};
use adact_evidence::{figures, report, table};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(result) = StudyResult::parse(Path::new("x"), bytes) {
        let study = Study { result, metrics: Vec::new() };
        let _ = (table::markdown(&study.result), table::csv(&study.result), report(&[study.clone()]));
        figures::all(&study).iter().for_each(|figure| drop(figure.svg()));
    }
});
