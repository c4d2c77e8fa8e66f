//! Writes a valid file for each target into `corpus/TARGET/`, for the fuzzer to start from.

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;

use adact_evidence::records::{EpochRecord, MANIFEST, METRICS, RESULT};
use adact_evidence::tensorboard::{EVENTS, EventFile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let of = |target: &str| Path::new("corpus").join(target);
    for target in ["records", "study", "events"] {
        fs::create_dir_all(of(target))?;
    }
    let mut study = common::study("fmnist", &["adact", "relu"], 2);
    study.metrics.iter_mut().for_each(|epochs| epochs.truncate(2));
    study.result.write(&of("study").join(RESULT))?;
    study.result.runs[0].write(&of("records").join(RESULT))?;
    study.result.provenance.write(&of("records").join(MANIFEST))?;
    EpochRecord::write_all(&of("records").join(METRICS), &study.metrics[0])?;
    for kind in [common::gpt(), common::unet()] {
        let other = common::study_of(&kind, &["adact", "relu"], 2);
        other.result.write(&of("study").join(kind.network))?;
        other.result.runs[0].write(&of("records").join(kind.network))?;
    }
    let mut events = EventFile::open(&of("events").join(EVENTS), 0, 1.0)?;
    study.metrics[0].iter().try_for_each(|epoch| events.epoch(epoch, 2.0))?;
    Ok(())
}
