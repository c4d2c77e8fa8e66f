//! What the tests share: the reference of PyTorch, and comparisons.
#![allow(dead_code, reason = "each test uses a part")]

use std::iter;
use std::path::{Path, PathBuf};

use adact::Inputs;
use adact::networks::AnyConfig;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// A tensor of the reference.
pub struct Reference {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Reference {
    pub fn f32(&self) -> Vec<f32> {
        self.values.iter().map(|v| *v as f32).collect()
    }

    pub fn tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.f32(), self.shape.clone()), device)
    }
}

/// A file of PyTorch's values, as `tests/reference/make_reference.py` makes them.
pub struct ReferenceFile(Vec<u8>);

impl ReferenceFile {
    /// The committed file and, where ADACT_REFERENCE names a folder of larger ones, that one, which may have another name.
    pub fn both(committed: &str, large: &str) -> Vec<Self> {
        let here =
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference")).join(committed);
        let there = std::env::var_os("ADACT_REFERENCE").map(|folder| PathBuf::from(folder).join(large));
        iter::once(here).chain(there).map(Self::at).collect()
    }

    pub fn at(path: PathBuf) -> Self {
        Self(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    pub fn names(&self) -> Vec<String> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        file.names().into_iter().map(str::to_string).collect()
    }

    /// Writes the tensors whose names begin with `state`, without it, as PyTorch writes a network.
    pub fn write_state(&self, state: &str, path: &Path) {
        let names = self.names();
        let names: Vec<_> = names.iter().filter_map(|name| name.strip_prefix(state)).collect();
        let bytes: Vec<(Vec<usize>, Dtype, Vec<u8>)> = names
            .iter()
            .map(|name| {
                let tensor = self.get(&format!("{state}{name}"));
                if name.ends_with("num_batches_tracked") {
                    return (tensor.shape, Dtype::I64, 5i64.to_le_bytes().to_vec());
                }
                (tensor.shape, Dtype::F64, tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect())
            })
            .collect();
        let views = names.iter().zip(&bytes).map(|(name, (shape, dtype, bytes))| {
            (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        safetensors::serialize_to_file(views, None, path).unwrap();
    }

    pub fn get(&self, name: &str) -> Reference {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
            Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            Dtype::I64 => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
            other => panic!("{name} is of type {other:?}"),
        };
        Reference { shape: view.shape().to_vec(), values }
    }
}

/// The values of a tensor in row-major order.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The largest difference, as a part of the largest value.
pub fn relative(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(0.0f64, |m, v| m.max(v.abs())).max(f64::MIN_POSITIVE);
    let difference = got.iter().zip(want).map(|(g, w)| (f64::from(*g) - w).abs());
    // NaN counts as infinitely far.
    difference.fold(0.0, |m: f64, d| if d.is_nan() { f64::INFINITY } else { m.max(d) }) / largest
}

/// Fails where the difference is above a part of the largest value.
pub fn assert_close(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    let difference = relative(got, want);
    assert!(
        difference <= tolerance,
        "{what} differs by {difference:.2e} of its largest, more than {tolerance:.0e}"
    );
}

pub fn as_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// Standard normal numbers.
pub fn normal(count: usize, seed: u64) -> Vec<f32> {
    let stream = adact::random::Stream::new(seed, adact::random::Purpose::Synthetic, 0);
    (0..count as u64).map(|i| stream.normal(i) as f32).collect()
}

/// Random inputs of a small network, and targets that follow from them.
pub fn random_batch(config: &AnyConfig, step: u64) -> (Inputs, Vec<i32>) {
    let numbers = |count| normal(count, 17 + step);
    match config {
        AnyConfig::Gpt(gpt) => {
            let of = |v: &f32| (v.abs() * 7.0) as i32 % gpt.vocab as i32;
            let tokens: Vec<i32> = numbers(3 * gpt.context).iter().map(of).collect();
            let targets = tokens.iter().map(|token| (token + 1) % gpt.vocab as i32).collect();
            (tokens.into(), targets)
        }
        AnyConfig::UNet(unet) => {
            let pixels = numbers(2 * unet.side * unet.side * unet.channels);
            let targets = pixels.chunks_exact(unet.channels).map(|p| i32::from(p[0] > 0.0)).collect();
            (pixels.into(), targets)
        }
        AnyConfig::ResNet(resnet) => {
            (numbers(4 * resnet.side * resnet.side * resnet.channels).into(), vec![0, 1, 2, 3])
        }
        AnyConfig::Vit(vit) => (numbers(4 * vit.side * vit.side * vit.channels).into(), vec![0, 1, 2, 3]),
        AnyConfig::ConvNet(net) => (numbers(3 * net.side * net.side * net.channels).into(), vec![0, 1, 2]),
    }
}
