//! What must hold of a network's files, whatever bytes they are.
#![allow(dead_code, reason = "each user takes a part")]

use std::path::Path;

use adact::{AdamW, ConvNet, ConvNetConfig, Error, ErrorKind, Evaluate, Hints, Network, STATE_FILE, Trainer};
use burn::tensor::Device;
use half::{bf16, f16};
use serde_json::{Value, json};

/// The name of a network's file in its folder.
pub const WEIGHTS_FILE: &str = "net.safetensors";

/// The same network as other programs write it: names, the type of the values, and what stands before their names.
pub const FOREIGN_FILES: [(&str, &str, &str); 4] = [
    ("f16.safetensors", "F16", "module."),
    ("bf16.safetensors", "BF16", "_orig_mod."),
    ("f64.safetensors", "F64", "module._orig_mod."),
    ("f32.safetensors", "F32", ""),
];

/// The activations of the small network.
const ACTIVATIONS: &str = "adact+prelu";

/// What a foreign file of the small network doesn't say.
pub fn hints() -> Hints {
    Hints::default().with_shape(1, 4).with_activation(ACTIVATIONS)
}

/// Leaves a small network after a step in a folder, as weights, as foreign weights and as the state of its training.
pub fn write_valid(folder: &Path) {
    let config =
        ConvNetConfig::new(1, 4, 2).with_widths(vec![2, 3]).with_activation_text(ACTIVATIONS).unwrap();
    let mut trainer = Trainer::new(&config, AdamW::new()).unwrap();
    trainer.step(vec![0.5; 32], &[0, 1]).unwrap();
    trainer.net().save(folder.join(WEIGHTS_FILE)).unwrap();
    trainer.save_state(folder).unwrap();
    let own = std::fs::read(folder.join(WEIGHTS_FILE)).unwrap();
    for (name, dtype, prefix) in FOREIGN_FILES {
        std::fs::write(folder.join(name), foreign(&own, dtype, prefix)).unwrap();
    }
}

/// A file of `ConvNet::save` as PyTorch writes it: without configuration, with a counter, the values of another type.
pub fn foreign(file: &[u8], dtype: &str, prefix: &str) -> Vec<u8> {
    let (length, rest) = file.split_at(8);
    let (header, values) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header: Value = serde_json::from_slice(header).unwrap();
    let (mut tensors, mut bytes) = (serde_json::Map::new(), Vec::new());
    for (name, tensor) in header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__") {
        let offset = |i: usize| tensor["data_offsets"][i].as_u64().unwrap() as usize;
        let start = bytes.len();
        for value in values[offset(0)..offset(1)].as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)) {
            match dtype {
                "F16" => bytes.extend(f16::from_f32(value).to_le_bytes()),
                "BF16" => bytes.extend(bf16::from_f32(value).to_le_bytes()),
                "F64" => bytes.extend(f64::from(value).to_le_bytes()),
                _ => bytes.extend(value.to_le_bytes()),
            }
        }
        let place = [start, bytes.len()];
        let entry = json!({"dtype": dtype, "shape": tensor["shape"], "data_offsets": place});
        tensors.insert(format!("{prefix}{name}"), entry);
    }
    let place = [bytes.len(), bytes.len() + 8];
    let counter = json!({"dtype": "I64", "shape": [], "data_offsets": place});
    tensors.insert(format!("{prefix}norm.0.num_batches_tracked"), counter);
    bytes.extend(5i64.to_le_bytes());
    let header = Value::from(tensors).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes].concat()
}

/// Loads the network of a folder. An error is one line that names the file; a network can be used, and written so that
/// it is read and written again as the same bytes. Says whether there was a network.
pub fn check_weights(folder: &Path) -> bool {
    let path = folder.join(WEIGHTS_FILE);
    let net = match ConvNet::load(&path, &Device::flex()) {
        Err(error) if error.kind() == ErrorKind::Undetermined => {
            refused(&error, WEIGHTS_FILE);
            ConvNet::load_with(&path, &hints(), &Device::flex())
        }
        other => other,
    };
    let net = match net {
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
    let mut trainer = match Trainer::<ConvNet>::load_state(folder) {
        Ok(trainer) => trainer,
        Err(error) => return refused(&error, STATE_FILE),
    };
    trainer.save_state(folder).unwrap();
    let first = std::fs::read(folder.join(STATE_FILE)).unwrap();
    let again = Trainer::<ConvNet>::load_state(folder).expect("what was read can be written and read");
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
