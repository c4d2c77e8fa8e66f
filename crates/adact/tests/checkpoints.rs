//! What `torch.save` wrote is read as safetensors are, and nothing of it is executed. `samples/make_checkpoints.py` wrote it.

use std::path::{Path, PathBuf};

use adact::{ConvNet, ErrorKind, Hints, Network};
use burn::tensor::Device;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)
}

fn load(path: &Path) -> adact::Result<ConvNet> {
    let hints = Hints::default().with_shape(1, 16).with_activation("mish");
    ConvNet::load_with(path, &hints, &Device::flex())
}

/// All values of a network, as the file that it would be.
fn bytes(net: &ConvNet) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net");
    net.save(&path).unwrap();
    std::fs::read(&path).unwrap()
}

#[test]
fn every_kind_of_checkpoint_is_the_same_network() {
    let expected = bytes(&load(&sample("net.safetensors")).unwrap());
    for name in ["state_dict.pt", "legacy.pt", "checkpoint.pt", "strided.pt", "module.pt"] {
        let net = load(&sample(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(bytes(&net) == expected, "{name} has other values");
    }
    let half = load(&sample("half.pt")).unwrap();
    assert_eq!(bytes(&half).len(), expected.len());
}

#[test]
fn what_is_damaged_is_refused_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.pt");
    let good = std::fs::read(sample("state_dict.pt")).unwrap();
    for length in [4, 5, 100, good.len() / 2, good.len() - 1] {
        std::fs::write(&path, &good[..length]).unwrap();
        let error = load(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptFile, "{length}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    // Bytes that changed anywhere are an error or other values, and never a panic.
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        std::fs::write(&path, &bad).unwrap();
        let _ = load(&path);
    }
}
