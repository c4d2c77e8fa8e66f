//! Transposed convolution, pooling and concatenation by their definitions in f64, on every path.

mod common;

use adact_kernels::conv_transpose::{self, ConvTransposeSpec};
use adact_kernels::pool::{self, PoolSpec};
use adact_kernels::{Workspace, concat};
use common::*;

fn transposed_shapes() -> Vec<ConvTransposeSpec> {
    [
        (1, 1, 1, 1, 1, 1),
        (2, 3, 5, 7, 3, 2),
        (18, 4, 3, 32, 16, 2),
        (3, 5, 4, 19, 33, 3),
        (1, 8, 8, 128, 64, 2),
    ]
    .map(|(batch, height, width, in_channels, out_channels, kernel)| ConvTransposeSpec {
        batch,
        height,
        width,
        in_channels,
        out_channels,
        kernel,
    })
    .into()
}

/// Calls `f(output, input, weight)` for every product of a transposed convolution.
fn each_product(s: &ConvTransposeSpec, mut f: impl FnMut(usize, usize, usize)) {
    let k = s.kernel;
    for n in 0..s.batch {
        for (i, j) in (0..s.height).flat_map(|i| (0..s.width).map(move |j| (i, j))) {
            for (c, o) in (0..s.in_channels).flat_map(|c| (0..s.out_channels).map(move |o| (c, o))) {
                for (a, b) in (0..k).flat_map(|a| (0..k).map(move |b| (a, b))) {
                    f(
                        ((n * s.height * k + i * k + a) * s.width * k + j * k + b) * s.out_channels + o,
                        ((n * s.height + i) * s.width + j) * s.in_channels + c,
                        ((c * s.out_channels + o) * k + a) * k + b,
                    );
                }
            }
        }
    }
}

#[test]
fn transposed_convolution_and_its_gradients() {
    let ws = Workspace::new();
    for s in transposed_shapes() {
        let x = normal(1, s.batch * s.height * s.width * s.in_channels);
        let (w, bias, dy) = (normal(2, s.weights()), normal(3, s.out_channels), normal(4, s.outputs()));
        let (x64, w64, dy64) = (wide(&x), wide(&w), wide(&dy));
        let (mut plain, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        each_product(&s, |yi, xi, wi| {
            plain[yi] += x64[xi] * w64[wi];
            dx[xi] += dy64[yi] * w64[wi];
            dw[wi] += dy64[yi] * x64[xi];
        });
        let with_bias = |(i, v): (usize, &f64)| v + f64::from(bias[i % s.out_channels]);
        let want: Vec<f64> = plain.iter().enumerate().map(with_bias).collect();
        assert!(relative_error(&conv_transpose::forward(&ws, &s, &x, &w, &bias), &want) < 3e-6, "{s:?}");
        assert!(relative_error(&conv_transpose::forward(&ws, &s, &x, &w, &[]), &plain) < 3e-6, "{s:?}");
        let g = conv_transpose::backward(&ws, &s, &x, &w, &dy, true);
        assert!(relative_error(&g.dx.unwrap(), &dx) < 3e-6, "{s:?}");
        assert!(relative_error(&g.weight, &dw) < 3e-6, "{s:?}");
        let mut sums = vec![0.0; s.out_channels];
        dy64.iter().enumerate().for_each(|(i, d)| sums[i % s.out_channels] += d);
        assert!(relative_error(&g.bias, &sums) < 1e-6, "{s:?}");
        assert!(conv_transpose::backward(&ws, &s, &x, &w, &dy, false).dx.is_none());
    }
}

#[test]
fn nan_in_a_pixel_is_in_its_square_alone() {
    let s = transposed_shapes()[1];
    let mut x = vec![1.0; s.batch * s.height * s.width * s.in_channels];
    x[s.in_channels + 3] = f32::NAN; // the second pixel of the first row
    let y = conv_transpose::forward(&Workspace::new(), &s, &x, &vec![1.0; s.weights()], &[]);
    let mut hit = vec![false; y.len()];
    each_product(&s, |yi, xi, _| hit[yi] |= x[xi].is_nan());
    for (y, hit) in y.iter().zip(hit) {
        assert_eq!(y.is_nan(), hit);
    }
}

/// Max pooling as PyTorch's loop does it: outputs, and the place that each came from.
fn max_pool_in_order(s: &PoolSpec, x: &[f32]) -> (Vec<f32>, Vec<usize>) {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    for n in 0..s.batch {
        for (row, column) in (0..s.height / 2).flat_map(|r| (0..s.width / 2).map(move |c| (r, c))) {
            for c in 0..s.channels {
                let at = |i, j| ((n * s.height + 2 * row + i) * s.width + 2 * column + j) * s.channels + c;
                let (mut best, mut place) = (f32::NEG_INFINITY, at(0, 0));
                for p in [at(0, 0), at(0, 1), at(1, 0), at(1, 1)] {
                    if x[p] > best || x[p].is_nan() {
                        (best, place) = (x[p], p);
                    }
                }
                out.push(best);
                places.push(place);
            }
        }
    }
    (out, places)
}

fn pool_shapes() -> Vec<PoolSpec> {
    [(1, 2, 2, 1), (3, 5, 7, 19), (2, 6, 4, 32), (2, 9, 8, 3)]
        .map(|(batch, height, width, channels)| PoolSpec { batch, height, width, channels })
        .into()
}

#[test]
fn max_pooling_is_pytorchs() {
    let ws = Workspace::new();
    for s in pool_shapes() {
        // few different values, so that many are equal; NaN, infinities and both zeros among them
        let values = [0.0, 1.0, -0.0, 2.0, f32::NAN, f32::NEG_INFINITY, 2.0, -1.0, f32::NEG_INFINITY];
        let x: Vec<f32> = (0..s.batch * s.height * s.width * s.channels)
            .map(|i| values[(i * i + i / 7) % values.len()])
            .collect();
        let (want, places) = max_pool_in_order(&s, &x);
        let got = pool::max_pool(&ws, &s, &x);
        for (got, want) in got.out.iter().zip(&want) {
            assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()), "{got}, not {want}");
        }
        let dout = normal(1, want.len());
        let mut dx = vec![0.0; x.len()];
        places.iter().zip(&dout).for_each(|(&p, d)| dx[p] += d);
        assert_eq!(pool::max_pool_backward(&ws, &s, &got, &dout)[..], dx);
    }
}

#[test]
fn the_mean_of_images_and_its_gradient() {
    let ws = Workspace::new();
    for s in pool_shapes() {
        let pixels = s.height * s.width;
        let mut x = normal(1, s.batch * pixels * s.channels);
        let dout = normal(2, s.batch * s.channels);
        let image = pixels * s.channels;
        let mean = |i: usize| {
            let (n, c) = (i / s.channels, i % s.channels);
            x[n * image..][..image].iter().skip(c).step_by(s.channels).map(|&v| f64::from(v)).sum::<f64>()
                / pixels as f64
        };
        let want: Vec<f64> = (0..dout.len()).map(mean).collect();
        assert!(relative_error(&pool::mean_pool(&ws, &s, &x), &want) < 1e-6);
        let of = |i: usize| f64::from(dout[i / image * s.channels + i % s.channels]) / pixels as f64;
        let want: Vec<f64> = (0..x.len()).map(of).collect();
        assert!(relative_error(&pool::mean_pool_backward(&ws, &s, &dout), &want) < 1e-6);
        x[s.channels - 1] = f32::NAN;
        let got = pool::mean_pool(&ws, &s, &x);
        assert!(got.iter().enumerate().all(|(i, v)| v.is_nan() == (i == s.channels - 1)));
    }
}

#[test]
fn concatenation_and_back() {
    let ws = Workspace::new();
    for (rows, channels) in [(1, [1, 1]), (5000, [16, 16]), (333, [7, 19]), (2, [100_000, 3]), (0, [2, 3])] {
        let (a, b) = (normal(1, rows * channels[0]), normal(2, rows * channels[1]));
        let both = concat::forward(&ws, channels, &a, &b);
        let width = channels[0] + channels[1];
        for (i, &v) in both.iter().enumerate() {
            let (row, c) = (i / width, i % width);
            let want = if c < channels[0] {
                a[row * channels[0] + c]
            } else {
                b[row * channels[1] + c - channels[0]]
            };
            assert_eq!(v, want);
        }
        let [back_a, back_b] = concat::backward(&ws, channels, &both);
        assert_eq!((both.len(), &back_a[..], &back_b[..]), (rows * width, &a[..], &b[..]));
    }
}

#[test]
fn the_bits_are_the_same_on_every_path_and_with_any_threads() {
    let ws = Workspace::new();
    same_bits_everywhere(|| {
        let mut all = Vec::new();
        for s in transposed_shapes() {
            let x = normal(1, s.batch * s.height * s.width * s.in_channels);
            let (w, bias, dy) = (normal(2, s.weights()), normal(3, s.out_channels), normal(4, s.outputs()));
            all.push(conv_transpose::forward(&ws, &s, &x, &w, &bias).to_vec());
            let g = conv_transpose::backward(&ws, &s, &x, &w, &dy, true);
            all.extend([g.dx.unwrap().to_vec(), g.weight, g.bias]);
        }
        for s in pool_shapes() {
            let x = normal(1, s.batch * s.height * s.width * s.channels);
            let pooled = pool::max_pool(&ws, &s, &x);
            all.push(pool::max_pool_backward(&ws, &s, &pooled, &pooled.out).to_vec());
            let mean = pool::mean_pool(&ws, &s, &x);
            all.push(pool::mean_pool_backward(&ws, &s, &mean).to_vec());
            all.extend([pooled.out.to_vec(), mean.to_vec()]);
        }
        all
    });
}
