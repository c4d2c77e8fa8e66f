//! Writes the TensorBoard events of a synthetic training, interrupted once: `cargo run --example events -- FOLDER`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::PathBuf;

use adact_evidence::Result;
use adact_evidence::tensorboard::{EVENTS, EventFile};

fn main() -> Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("events: give FOLDER");
        return Ok(());
    };
    let path = folder.join(EVENTS);
    let (_, epochs) = common::run("fmnist", 0, "adact", 0);
    let began = 1_700_000_000.0;
    let mut events = EventFile::open(&path, 0, began)?;
    epochs[..9].iter().try_for_each(|e| events.epoch(e, began + 25.0 * e.epoch as f64))?;
    // Resumed after epoch 7: 8 and 9 are written again.
    let mut events = EventFile::open(&path, 7, began)?;
    epochs[7..].iter().try_for_each(|e| events.epoch(e, began + 25.0 * e.epoch as f64))
}
