//! What networks of maps need beside convolutions, against their definitions: transposed convolution, pooling.

mod common;

use adact_kernels::Workspace;
use adact_kernels::conv_transpose::{self, ConvTransposeSpec};
use adact_kernels::pool::{self, MapSpec};
use common::*;

/// Calls `f(output, input, weight, output channel)` for every product.
fn each_product(s: &ConvTransposeSpec, mut f: impl FnMut(usize, usize, usize, usize)) {
    let k = s.kernel;
    for pixel in 0..s.batch * s.height * s.width {
        let (row, column) = (pixel / s.width, pixel % s.width);
        for place in 0..k * k {
            let to = (row * k + place / k) * s.width * k + column * k + place % k;
            for o in 0..s.out_channels {
                let y = to * (s.kept_channels + s.out_channels) + s.kept_channels + o;
                for i in 0..s.in_channels {
                    f(y, pixel * s.in_channels + i, (i * s.out_channels + o) * k * k + place, o);
                }
            }
        }
    }
}

/// Single pixels, odd sizes, several panels of channels, several tasks, kernels of 2 and of others, with and without a kept map.
fn transposed() -> Vec<ConvTransposeSpec> {
    let spec = |[batch, height, width]: [usize; 3],
                [in_channels, out_channels]: [usize; 2],
                kernel,
                kept_channels| {
        ConvTransposeSpec { batch, height, width, in_channels, out_channels, kernel, kept_channels }
    };
    vec![
        spec([1, 1, 1], [1, 1], 2, 0),
        spec([2, 3, 7], [5, 3], 2, 4),
        spec([1, 17, 2], [65, 17], 2, 0),
        spec([3, 4, 4], [32, 70], 2, 70),
        spec([1, 2, 5], [7, 4], 3, 1),
        spec([2, 2, 2], [4, 16], 1, 0),
        spec([2, 20, 17], [3, 5], 2, 2),
    ]
}

#[test]
fn the_transposed_convolution_and_its_gradients() {
    let ws = Workspace::new();
    for s in transposed() {
        let (x, weight, bias) = (normal(1, s.inputs()), normal(2, s.weights()), normal(3, s.out_channels));
        let (kept, dy) = (normal(4, s.kept()), normal(5, s.outputs()));
        let channels = s.kept_channels + s.out_channels;
        let mut want: Vec<f64> = (0..s.outputs())
            .map(|i| {
                let (pixel, channel) = (i / channels, i % channels);
                f64::from(match channel.checked_sub(s.kept_channels) {
                    Some(o) => bias[o],
                    None => kept[pixel * s.kept_channels + channel],
                })
            })
            .collect();
        let [mut dx, mut dw, mut db] = [s.inputs(), s.weights(), s.out_channels].map(|n| vec![0.0; n]);
        each_product(&s, |yi, xi, wi, o| {
            let (x, w, d) = (f64::from(x[xi]), f64::from(weight[wi]), f64::from(dy[yi]));
            want[yi] += x * w;
            dx[xi] += d * w;
            dw[wi] += d * x;
            if xi % s.in_channels == 0 {
                db[o] += d;
            }
        });
        let y = conv_transpose::forward(&ws, &s, &x, &weight, Some(&bias), &kept);
        assert!(relative_error(&y, &want) < 2e-6, "{s:?}");
        let got = conv_transpose::backward(&ws, &s, &x, &weight, &dy, true);
        assert!(relative_error(&got.dx.unwrap(), &dx) < 2e-6, "{s:?}");
        assert!(relative_error(&got.weight, &dw) < 2e-6, "{s:?}");
        assert!(relative_error(&got.bias, &db) < 2e-6, "{s:?}");
        for (i, pixel) in dy.chunks(channels).enumerate() {
            assert_eq!(pixel[..s.kept_channels], got.kept[i * s.kept_channels..][..s.kept_channels]);
        }

        // without a bias, and without the input's gradient
        let y0 = conv_transpose::forward(&ws, &s, &x, &weight, None, &kept);
        let zero = vec![0.0; s.out_channels];
        assert_eq!(y0[..], conv_transpose::forward(&ws, &s, &x, &weight, Some(&zero), &kept)[..]);
        let without = conv_transpose::backward(&ws, &s, &x, &weight, &dy, false);
        assert!(without.dx.is_none() && without.weight == got.weight);

        // beside the kept map is what it is alone
        let alone = ConvTransposeSpec { kept_channels: 0, ..s };
        let up = conv_transpose::forward(&ws, &alone, &x, &weight, Some(&bias), &[]);
        if s.kept_channels > 0 {
            let pixels = y.chunks(s.kept_channels + s.out_channels);
            for (pixel, (kept, up)) in pixels.zip(kept.chunks(s.kept_channels).zip(up.chunks(s.out_channels)))
            {
                assert_eq!(pixel, [kept, up].concat(), "{s:?}");
            }
        }
    }
}

#[test]
fn nan_reaches_its_square_alone() {
    let ws = Workspace::new();
    let s = ConvTransposeSpec {
        batch: 1,
        height: 1,
        width: 2,
        in_channels: 1,
        out_channels: 1,
        kernel: 2,
        kept_channels: 0,
    };
    let y = conv_transpose::forward(&ws, &s, &[f32::NAN, 1e4], &[1.0, -0.0, 1e-30, 88.8], None, &[]);
    assert!(y.iter().map(|y| y.is_nan()).eq([true, true, false, false].repeat(2)));
}

#[test]
fn the_largest_of_windows_and_its_gradient() {
    let ws = Workspace::new();
    for [batch, height, width, channels] in [[1, 2, 2, 1], [2, 5, 7, 17], [3, 4, 2, 65], [1, 3, 3, 16]] {
        let map = MapSpec { batch, height, width, channels };
        // few values: windows have equals
        let x: Vec<f32> = normal(1, map.len()).iter().map(|v| v.round()).collect();
        let dy = normal(2, map.pooled_len());
        let got = pool::max_pool(&ws, &map, &x);
        let dx = pool::max_pool_backward(&ws, &map, &got.winners, &dy);
        let mut want = vec![0.0; map.len()];
        let mut i = 0;
        for n in 0..batch {
            for row in 0..height / 2 {
                for column in 0..width / 2 {
                    for c in 0..channels {
                        let at = |place: usize| {
                            let (row, column) = (2 * row + place / 2, 2 * column + place % 2);
                            ((n * height + row) * width + column) * channels + c
                        };
                        let best = (1..4).fold(0, |best, p| if x[at(p)] > x[at(best)] { p } else { best });
                        assert_eq!((got.y[i], usize::from(got.winners[i])), (x[at(best)], best));
                        want[at(best)] = dy[i];
                        i += 1;
                    }
                }
            }
        }
        assert_eq!(dx[..], want[..]);
    }
}

#[test]
fn the_largest_of_hard_inputs() {
    let ws = Workspace::new();
    let map = MapSpec { batch: 1, height: 2, width: 2, channels: 5 };
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    let windows = [
        ([low; 4], 0),
        ([-0.0, 0.0, -1e-30, -1.0], 0),
        ([1e4, nan, 2e4, 0.0], 1),
        ([nan, 1.0, 2.0, 3.0], 0),
        ([-88.8, -1e4, -20.0, -20.0], 2),
    ];
    let x: Vec<f32> = (0..20).map(|i| windows[i % 5].0[i / 5]).collect();
    let got = pool::max_pool(&ws, &map, &x);
    for (i, (window, winner)) in windows.iter().enumerate() {
        assert_eq!(got.winners[i], *winner);
        assert_eq!(got.y[i].to_bits(), window[usize::from(*winner)].to_bits());
    }
}

#[test]
fn the_mean_of_images_and_its_gradient() {
    let ws = Workspace::new();
    for [batch, height, width, channels] in [[1, 1, 1, 1], [3, 7, 5, 17], [2, 8, 8, 65]] {
        let map = MapSpec { batch, height, width, channels };
        let (x, dy) = (normal(1, map.len()), normal(2, batch * channels));
        let pixels = height * width;
        let want: Vec<f64> = (0..batch * channels)
            .map(|i| {
                let (n, c) = (i / channels, i % channels);
                let sum: f64 = (0..pixels).map(|p| f64::from(x[(n * pixels + p) * channels + c])).sum();
                sum / pixels as f64
            })
            .collect();
        assert!(relative_error(&pool::mean_pool(&ws, &map, &x), &want) < 1e-7);
        let want: Vec<f64> = (0..map.len())
            .map(|i| f64::from(dy[i / channels / pixels * channels + i % channels]) / pixels as f64)
            .collect();
        assert!(relative_error(&pool::mean_pool_backward(&ws, &map, &dy), &want) < 2e-7);
    }
    let map = MapSpec { batch: 1, height: 1, width: 2, channels: 2 };
    let y = pool::mean_pool(&ws, &map, &[f32::NAN, 1e30, 1.0, -1e30]);
    assert!(y[0].is_nan() && y[1] == 0.0);
}

#[test]
fn the_same_bits_everywhere() {
    let ws = Workspace::new();
    for s in transposed() {
        let (x, weight, bias) = (normal(1, s.inputs()), normal(2, s.weights()), normal(3, s.out_channels));
        let (kept, dy) = (normal(4, s.kept()), normal(5, s.outputs()));
        same_bits_everywhere(|| {
            let y = conv_transpose::forward(&ws, &s, &x, &weight, Some(&bias), &kept);
            let g = conv_transpose::backward(&ws, &s, &x, &weight, &dy, true);
            vec![y.to_vec(), g.dx.unwrap().to_vec(), g.kept.to_vec(), g.weight, g.bias]
        });
    }
    let map = MapSpec { batch: 3, height: 7, width: 9, channels: 37 };
    let (x, dy) = (normal(1, map.len()), normal(2, map.pooled_len()));
    same_bits_everywhere(|| {
        let max = pool::max_pool(&ws, &map, &x);
        let dx = pool::max_pool_backward(&ws, &map, &max.winners, &dy).to_vec();
        let mean = pool::mean_pool(&ws, &map, &x).to_vec();
        let dmean = pool::mean_pool_backward(&ws, &map, &mean).to_vec();
        vec![max.y.to_vec(), max.winners.iter().map(|&w| f32::from(w)).collect(), dx, mean, dmean]
    });
}
