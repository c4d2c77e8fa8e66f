//! The linear layer with a function or a residual: the bits of one after the other, and gradients by f64.

mod common;

use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, Function, Noise, Workspace, elementwise, linear};
use common::*;

/// Rows, inputs, outputs.
const SHAPES: [(usize, usize, usize); 5] =
    [(1, 1, 1), (5, 7, 3), (100, 33, 65), (97, 16, 400), (768, 20, 48)];

fn functions(w: &[f32]) -> Vec<Function<'_>> {
    let mut prelu = Function::single(&Activation::Prelu);
    prelu.slope = -0.3;
    vec![
        Function::single(&Activation::Gelu),
        prelu,
        Function::mixture(Activation::PAPER, &w[..7]),
        Function::mixture(Activation::ALL, &w[..Activation::ALL.len()]),
    ]
}

#[test]
fn forward_has_the_bits_of_one_after_the_other() {
    let ws = Workspace::new();
    let w = normal(9, 16);
    for (rows, input, out) in SHAPES {
        let (x, weight, bias) = (normal(1, rows * input), normal(2, out * input), normal(3, out));
        let z = linear::forward(&ws, input, &x, &weight, &bias);
        for f in functions(&w) {
            let f = f.with_noise(Noise::Random(Stream::new(1, Purpose::Rrelu, 2)));
            let mut y = vec![0.0; z.len()];
            elementwise::forward(&f, &z, &mut y);
            for keep in [false, true] {
                let got = linear::forward_with(&ws, input, &x, &weight, &bias, &f, keep);
                assert_eq!(got.y[..], y, "{rows} x {input} x {out}");
                assert_eq!(got.z.as_deref(), keep.then_some(&z[..]));
            }
        }
        let residual = normal(4, rows * out);
        let got = linear::forward_residual(&ws, input, &x, &weight, &bias, &residual);
        let want: Vec<f32> = z.iter().zip(&residual).map(|(z, r)| z + r).collect();
        assert_eq!(got[..], want);
    }
}

#[test]
fn backward_is_that_of_the_function_and_then_that_of_the_layer() {
    let ws = Workspace::new();
    let w = normal(9, 16);
    for (rows, input, out) in SHAPES {
        let (x, weight, bias) = (normal(1, rows * input), normal(2, out * input), normal(3, out));
        let dy = normal(5, rows * out);
        for f in functions(&w) {
            let f = f.with_noise(Noise::Random(Stream::new(1, Purpose::Rrelu, 2)));
            let z = linear::forward_with(&ws, input, &x, &weight, &bias, &f, true).z.unwrap();
            let (got, own) = linear::backward_with(&ws, input, &x, &weight, &f, &z, &dy);
            // both passes are tested against their definitions elsewhere; the draws and the elements' gradients are the same
            let mut dz = vec![0.0; z.len()];
            let want_own = elementwise::backward(&f, &z, &dy, &mut dz);
            let want = linear::backward(&ws, input, &x, &weight, &dz);
            assert_eq!((&got.dx[..], &got.weight, &got.bias), (&want.dx[..], &want.weight, &want.bias));
            let top = want_own.w.iter().fold(1.0f32, |m, v| m.max(v.abs()));
            for (a, b) in own.w.iter().zip(&want_own.w).chain([(&own.slope, &want_own.slope)]) {
                assert!((a - b).abs() < 1e-4 * top.max(b.abs()), "{a}, not {b}");
            }
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let ws = Workspace::new();
    let (rows, input, out) = (60, 5, 7);
    let w = normal(9, Activation::ALL.len());
    let f = Function::mixture(Activation::ALL, &w);
    // parameters one after the other: x, weight, bias, mixture, slope
    let all = [normal(1, rows * input), normal(2, out * input), normal(3, out), w.clone(), vec![f.slope]];
    let dy = normal(5, rows * out);
    let loss = |[x, weight, bias, w, slope]: &[Vec<f64>; 5]| -> f64 {
        let total: f64 = w.iter().map(|w| w.exp()).sum();
        let value = |z: f64| -> f64 {
            let candidates = f.candidates.iter().zip(w);
            candidates.map(|(a, w)| a.at(z, slope[0], &f.constants).0 * w.exp() / total).sum()
        };
        let z = |r: usize, o: usize| {
            bias[o] + (0..input).map(|i| x[r * input + i] * weight[o * input + i]).sum::<f64>()
        };
        (0..rows * out).map(|k| f64::from(dy[k]) * value(z(k / out, k % out))).sum()
    };
    let z = linear::forward_with(&ws, input, &all[0], &all[1], &all[2], &f, true).z.unwrap();
    let (layer, own) = linear::backward_with(&ws, input, &all[0], &all[1], &f, &z, &dy);
    let got = [layer.dx.to_vec(), layer.weight, layer.bias, own.w, vec![own.slope]];
    let all64 = all.each_ref().map(|v| wide(v));
    for (part, got) in got.iter().enumerate() {
        let top = got.iter().fold(1.0f64, |m, &v| m.max(f64::from(v).abs()));
        for i in (0..got.len()).step_by(1 + got.len() / 40) {
            let at = |h: f64| {
                let mut moved = all64.clone();
                moved[part][i] += h;
                loss(&moved)
            };
            let want = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!(
                (f64::from(got[i]) - want).abs() < 2e-5 * top,
                "part {part}, {i}: {}, not {want}",
                got[i]
            );
        }
    }
}

#[test]
fn nan_stays_in_its_row() {
    let ws = Workspace::new();
    let (mut x, weight, bias) = (normal(1, 50 * 4), normal(2, 12), normal(3, 3));
    x[30 * 4 + 1] = f32::NAN;
    let f = Function::single(&Activation::Relu);
    let got = linear::forward_with(&ws, 4, &x, &weight, &bias, &f, false).y;
    assert!(got.iter().enumerate().all(|(i, v)| v.is_nan() == (i / 3 == 30)));
}

#[test]
fn the_bits_are_the_same_on_every_path_and_with_any_threads() {
    let ws = Workspace::new();
    let w = normal(9, 16);
    same_bits_everywhere(|| {
        let mut all = Vec::new();
        for (rows, input, out) in SHAPES {
            let (x, weight, bias) = (normal(1, rows * input), normal(2, out * input), normal(3, out));
            for f in functions(&w) {
                let f = f.with_noise(Noise::Random(Stream::new(1, Purpose::Rrelu, 2)));
                let forward = linear::forward_with(&ws, input, &x, &weight, &bias, &f, true);
                let z = forward.z.unwrap();
                let (layer, own) = linear::backward_with(&ws, input, &x, &weight, &f, &z, &forward.y);
                let residual = linear::forward_residual(&ws, input, &x, &weight, &bias, &z);
                all.extend([forward.y, z, layer.dx, residual].map(|b| b.to_vec()));
                all.extend([layer.weight, layer.bias, own.w, vec![own.slope]]);
            }
        }
        all
    });
}
