//! What must hold of a network's files, whatever bytes they are.
#![allow(dead_code, reason = "each user takes a part")]

use std::path::Path;

use adact::{AdamW, ConvNet, ConvNetConfig, Error, STATE_FILE, Trainer};
use burn::tensor::Device;

/// The name of a network's file in its folder.
pub const WEIGHTS_FILE: &str = "net.safetensors";

/// Leaves a small network after a step in a folder, as weights and as the state of its training.
pub fn write_valid(folder: &Path) {
    let config =
        ConvNetConfig::new(1, 4, 2).with_widths(vec![2, 3]).with_activation_text("adact+prelu").unwrap();
    let mut trainer = Trainer::new(&config, AdamW::new()).unwrap();
    trainer.step(vec![0.5; 32], &[0, 1]).unwrap();
    trainer.net().save(folder.join(WEIGHTS_FILE)).unwrap();
    trainer.save_state(folder).unwrap();
}

/// Loads the network of a folder. An error is one line that names the file; a network can be used, and written so that
/// it is read and written again as the same bytes. Says whether there was a network.
pub fn check_weights(folder: &Path) -> bool {
    let path = folder.join(WEIGHTS_FILE);
    let net = match ConvNet::load(&path, &Device::flex()) {
        Ok(net) => net,
        Err(error) => return refused(&error, WEIGHTS_FILE),
    };
    let config = net.config().clone();
    let _ = (net.mixtures(), net.optimized(), net.parameters(), net.predict(pixels(&config)));
    let again = || {
        net.save(&path).unwrap();
        std::fs::read(&path).unwrap()
    };
    let first = again();
    let net = ConvNet::load(&path, &Device::flex()).expect("what was read can be written and read");
    assert_eq!(net.config(), &config);
    net.save(&path).unwrap();
    assert!(std::fs::read(&path).unwrap() == first, "other bytes after reading");
    true
}

/// As [`check_weights`], of the state of a training, which goes on with a step.
pub fn check_state(folder: &Path) -> bool {
    let mut trainer = match Trainer::load_state(folder) {
        Ok(trainer) => trainer,
        Err(error) => return refused(&error, STATE_FILE),
    };
    trainer.save_state(folder).unwrap();
    let first = std::fs::read(folder.join(STATE_FILE)).unwrap();
    let again = Trainer::load_state(folder).expect("what was read can be written and read");
    again.save_state(folder).unwrap();
    assert!(std::fs::read(folder.join(STATE_FILE)).unwrap() == first, "other bytes after reading");
    let steps = trainer.steps();
    // Damaged weights may well diverge.
    if trainer.step(pixels(trainer.net().config()), &[0]).is_ok() {
        assert_eq!(trainer.steps(), steps + 1);
    }
    true
}

fn refused(error: &Error, file: &str) -> bool {
    let message = error.to_string();
    assert!(error.is_input() && message.contains(file), "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
    false
}

/// An image that fits, unless the network takes large ones.
fn pixels(config: &ConvNetConfig) -> Vec<f32> {
    let size = config.side.saturating_mul(config.side).saturating_mul(config.channels);
    vec![0.5; if size <= 1 << 16 { size } else { 1 }]
}
