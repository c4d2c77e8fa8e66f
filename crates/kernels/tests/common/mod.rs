//! What the tests share: reference values, paths, comparisons.
#![allow(dead_code)]

use adact_kernels::ConvSpec;
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::simd::{self, Path};
use safetensors::SafeTensors;
use std::path::PathBuf;

/// Values that break careless formulas.
pub const HARD: [f32; 16] =
    [0.0, -0.0, 1e-30, -1e-30, 1e-7, -1e-7, 20.0, -20.0, 88.8, -88.8, 104.0, -104.0, 1e4, -1e4, 0.5, -0.5];

/// The committed file of PyTorch's values and, where ADACT_REFERENCE names a folder of larger ones, that one too.
pub fn references(name: &str) -> Vec<Vec<u8>> {
    let committed = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference"));
    let large = std::env::var_os("ADACT_REFERENCE").map(PathBuf::from);
    let read = |folder: PathBuf| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    std::iter::once(committed).chain(large).map(read).collect()
}

/// A tensor of `f64` values.
pub fn tensor(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let t = file.tensor(name).unwrap();
    assert_eq!(t.dtype(), safetensors::Dtype::F64, "{name}");
    t.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Normal numbers, a function of `seed`.
pub fn normal(seed: u64, n: usize) -> Vec<f32> {
    let s = Stream::new(seed, Purpose::Synthetic, 0);
    (0..n as u64).map(|i| s.normal(i) as f32).collect()
}

/// Runs `f` on every path of this processor with 1, 2 and 4 threads and checks that the bits are the same.
pub fn same_bits_everywhere(f: impl Fn() -> Vec<Vec<f32>> + Send + Sync) {
    let mut first: Option<Vec<Vec<u32>>> = None;
    for path in [Path::Portable, Path::Avx2, Path::Avx512].into_iter().filter(|p| p.is_available()) {
        simd::force(path);
        for threads in [1, 2, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let got: Vec<Vec<u32>> =
                pool.install(&f).iter().map(|v| v.iter().map(|x| x.to_bits()).collect()).collect();
            match &first {
                None => first = Some(got),
                Some(first) => {
                    for (i, (a, b)) in first.iter().zip(&got).enumerate() {
                        let differ = a.iter().zip(b).filter(|(a, b)| a != b).count();
                        assert_eq!(differ, 0, "result {i} differs on {} with {threads} threads", path.name());
                    }
                }
            }
        }
    }
    simd::force(Path::fastest());
}

/// The largest difference, relative to the largest reference value.
pub fn relative_error(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let top = want.iter().fold(1e-30f64, |m, v| m.max(v.abs()));
    got.iter().zip(want).map(|(g, w)| (f64::from(*g) - w).abs()).fold(0.0, f64::max) / top
}

/// The convolution by its definition, in f64: x is N x H x W x C, weights out x in x kernel x kernel.
pub fn conv_f64(s: &ConvSpec, x: &[f64], w: &[f64], bias: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; s.batch * s.out_image()];
    each_product(s, |yi, xi, wi| y[yi] += x[xi] * w[wi]);
    y.iter_mut().enumerate().for_each(|(i, v)| *v += bias[i % s.out_channels]);
    y
}

/// Gradients of the convolution by its definition, in f64: of x and of the weights.
pub fn conv_backward_f64(s: &ConvSpec, x: &[f64], w: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
    each_product(s, |yi, xi, wi| {
        dx[xi] += dy[yi] * w[wi];
        dw[wi] += dy[yi] * x[xi];
    });
    (dx, dw)
}

/// Calls `f(output, input, weight)` for every product of a convolution.
fn each_product(s: &ConvSpec, mut f: impl FnMut(usize, usize, usize)) {
    let (ho, wo) = (s.out_height(), s.out_width());
    for n in 0..s.batch {
        for oy in 0..ho {
            for ox in 0..wo {
                for ky in 0..s.kernel {
                    for kx in 0..s.kernel {
                        let (iy, ix) = (
                            (oy * s.stride + ky).wrapping_sub(s.padding),
                            (ox * s.stride + kx).wrapping_sub(s.padding),
                        );
                        if iy >= s.height || ix >= s.width {
                            continue;
                        }
                        for o in 0..s.out_channels {
                            for i in 0..s.in_channels {
                                f(
                                    ((n * ho + oy) * wo + ox) * s.out_channels + o,
                                    ((n * s.height + iy) * s.width + ix) * s.in_channels + i,
                                    ((o * s.in_channels + i) * s.kernel + ky) * s.kernel + kx,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// As `f64`.
pub fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&v| f64::from(v)).collect()
}
