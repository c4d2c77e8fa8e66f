//! The linear layer, the loss and the optimizer against f64.

mod common;

use adact_kernels::adamw::AdamW;
use adact_kernels::{Workspace, clip, linear, loss, sgd};
use common::*;

#[test]
fn the_linear_layer_and_its_gradients() {
    let ws = Workspace::new();
    for (rows, input, out) in [(64, 1024, 10), (3, 7, 1), (16, 2304, 7), (5, 33, 40)] {
        let (x, w) = (normal(1, rows * input), normal(2, out * input));
        let (b, dy) = (normal(3, out), normal(4, rows * out));
        let at = |r: usize, o: usize| -> f64 {
            f64::from(b[o])
                + (0..input).map(|i| f64::from(x[r * input + i]) * f64::from(w[o * input + i])).sum::<f64>()
        };
        let want: Vec<f64> = (0..rows * out).map(|i| at(i / out, i % out)).collect();
        assert!(relative_error(&linear::forward(&ws, input, &x, &w, &b), &want) < 2e-6);
        let g = linear::backward(&ws, input, &x, &w, &dy);
        let sum = |n: usize, f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
        let wide = |v: f32| f64::from(v);
        let dx: Vec<f64> = (0..rows * input)
            .map(|k| sum(out, &|o| wide(dy[k / input * out + o]) * wide(w[o * input + k % input])))
            .collect();
        let dw: Vec<f64> = (0..out * input)
            .map(|k| sum(rows, &|r| wide(dy[r * out + k / input]) * wide(x[r * input + k % input])))
            .collect();
        let db: Vec<f64> = (0..out).map(|o| sum(rows, &|r| wide(dy[r * out + o]))).collect();
        assert!(relative_error(&g.dx, &dx) < 2e-6);
        assert!(relative_error(&g.weight, &dw) < 2e-6);
        assert!(relative_error(&g.bias, &db) < 2e-6);
    }
}

#[test]
fn the_loss_and_its_gradient() {
    let logits: Vec<f32> = normal(1, 60).iter().map(|v| v * 5.0).collect();
    let labels: Vec<i32> = (0..6).map(|i| (i * 7) % 10).collect();
    let mut d = vec![0.0; 60];
    let got = loss::cross_entropy(&logits, &labels, 10, &mut d);
    let value = |logits: &[f64]| -> f64 {
        let rows = logits.chunks(10).zip(&labels);
        rows.map(|(row, &l)| row.iter().map(|v| v.exp()).sum::<f64>().ln() - row[l as usize]).sum::<f64>()
            / 6.0
    };
    let wide = wide(&logits);
    assert!((got.mean - value(&wide)).abs() < 1e-9);
    for i in 0..60 {
        let h = 1e-6;
        let (mut up, mut down) = (wide.clone(), wide.clone());
        up[i] += h;
        down[i] -= h;
        assert!((f64::from(d[i]) - (value(&up) - value(&down)) / (2.0 * h)).abs() < 1e-7);
    }
    let mut d = [0.0; 2];
    assert!((loss::cross_entropy(&[1e4, -1e4], &[1], 2, &mut d).mean - 2e4).abs() < 1e-9);
    assert!(loss::cross_entropy(&[f32::NAN, 0.0], &[1], 2, &mut d).mean.is_nan());
}

#[test]
fn adamw_takes_pytorchs_steps() {
    let n = 100;
    let optimizer = AdamW::default();
    let mut p = normal(1, n);
    let (mut m, mut v) = (vec![0.0; n], vec![0.0; n]);
    let mut p64 = wide(&p);
    let (mut m64, mut v64) = (vec![0.0f64; n], vec![0.0f64; n]);
    for t in 1..=20 {
        let g: Vec<f32> = normal(t + 1, n).iter().map(|v| v * 1e-2).collect();
        optimizer.step(t, &mut p, &g, &mut m, &mut v);
        for i in 0..n {
            let g = f64::from(g[i]);
            p64[i] *= 1.0 - 1e-3 * 0.01;
            m64[i] = 0.9 * m64[i] + 0.1 * g;
            v64[i] = 0.999 * v64[i] + 0.001 * g * g;
            let (mh, vh) = (m64[i] / (1.0 - 0.9f64.powi(t as i32)), v64[i] / (1.0 - 0.999f64.powi(t as i32)));
            p64[i] -= 1e-3 * mh / (vh.sqrt() + 1e-8);
        }
    }
    assert!(relative_error(&p, &p64) < 1e-6);
    assert!(relative_error(&m, &m64) < 1e-6);
    same_bits_everywhere(|| {
        let (mut p, mut m, mut v) = (normal(1, 40_000), normal(2, 40_000), vec![1e-4; 40_000]);
        optimizer.step(3, &mut p, &normal(3, 40_000), &mut m, &mut v);
        vec![p, m, v]
    });
}

/// The loss as one row after the other, an element after the other: what the parallel one must keep the bits of.
fn loss_in_order(logits: &[f32], labels: &[i32], classes: usize) -> (u64, usize, Vec<u32>) {
    let scale = 1.0 / labels.len() as f64;
    let (mut total, mut correct, mut gradient) = (0.0f64, 0, Vec::new());
    for (row, &label) in logits.chunks_exact(classes).zip(labels) {
        let (best, label) = (loss::argmax(row), label as usize);
        correct += usize::from(best == label);
        let top = f64::from(row[best]);
        let sum: f64 = row.iter().map(|&v| libm::exp(f64::from(v) - top)).sum();
        total += libm::log(sum) - (f64::from(row[label]) - top);
        for (class, &v) in row.iter().enumerate() {
            let p = libm::exp(f64::from(v) - top) / sum;
            gradient.push((((p - f64::from(u8::from(class == label))) * scale) as f32).to_bits());
        }
    }
    ((total * scale).to_bits(), correct, gradient)
}

#[test]
fn the_loss_has_the_bits_of_rows_in_order_with_any_threads() {
    for (rows, classes) in [(768, 65), (20_000, 2), (1, 1), (3, 5000), (64, 10), (701, 17)] {
        let logits: Vec<f32> = normal(1, rows * classes).iter().map(|v| v * 20.0).collect();
        let labels: Vec<i32> = (0..rows).map(|i| ((i * 7) % classes) as i32).collect();
        let want = loss_in_order(&logits, &labels, classes);
        for threads in [1, 2, 3, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut d = vec![0.0; logits.len()];
            let got = pool.install(|| loss::cross_entropy(&logits, &labels, classes, &mut d));
            let bits = d.iter().map(|v| v.to_bits()).collect();
            assert_eq!(
                (got.mean.to_bits(), got.correct, bits),
                want,
                "{rows} x {classes}, {threads} threads"
            );
        }
    }
}

#[test]
fn nan_in_a_row_is_the_losss_and_the_rows_gradients() {
    let mut logits = normal(1, 1000 * 3);
    logits[700] = f32::NAN;
    let mut d = vec![0.0; logits.len()];
    assert!(loss::cross_entropy(&logits, &[1; 1000], 3, &mut d).mean.is_nan());
    for (i, row) in d.chunks_exact(3).enumerate() {
        assert!(row.iter().all(|v| v.is_nan() == (i == 700 / 3)), "row {i}");
    }
}

#[test]
fn sgd_takes_pytorchs_steps() {
    for (n, momentum, decay) in [(100, 0.9, 1e-4), (37, 0.0, 0.1), (1, 0.5, 0.0)] {
        let mut p = normal(1, n);
        // what is in the buffer before the first step doesn't count
        let mut buffer = vec![f32::NAN; n];
        let (mut p64, mut buffer64) = (wide(&p), vec![0.0f64; n]);
        for t in 0..20 {
            let g = normal(t + 2, n);
            sgd::step(0.05, momentum, decay, t == 0, &mut p, &g, &mut buffer);
            for i in 0..n {
                let d = f64::from(g[i]) + decay * p64[i];
                buffer64[i] = if t == 0 { d } else { momentum * buffer64[i] + d };
                p64[i] -= 0.05 * buffer64[i];
            }
        }
        assert!(relative_error(&p, &p64) < 1e-6);
        assert!(relative_error(&buffer, &buffer64) < 1e-6);
    }
    let (mut p, mut g) = (normal(1, 40), normal(2, 40));
    g[21] = f32::NAN;
    sgd::step(0.1, 0.9, 0.0, false, &mut p, &g, &mut [0.0; 40]);
    assert!(p.iter().enumerate().all(|(i, p)| p.is_nan() == (i == 21)));
    same_bits_everywhere(|| {
        let (mut p, mut buffer) = (normal(1, 40_003), normal(2, 40_003));
        sgd::step(0.1, 0.9, 1e-4, false, &mut p, &normal(3, 40_003), &mut buffer);
        vec![p, buffer]
    });
}

#[test]
fn the_sum_of_squares() {
    for n in [0, 1, 15, 16, 17, 16 * 1024, 100_003] {
        let mut v = normal(1, n);
        let want: f64 = v.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        assert!((clip::sum_of_squares(&v) - want).abs() <= 1e-12 * want);
        if n > 0 {
            v[n / 2] = f32::NAN;
            assert!(clip::sum_of_squares(&v).is_nan());
        }
    }
    assert_eq!(clip::sum_of_squares(&[1e30, 1e30]), 2.0 * f64::from(1e30f32) * f64::from(1e30f32));
    let v = normal(1, 100_003);
    same_bits_everywhere(|| {
        let bits = clip::sum_of_squares(&v).to_bits();
        vec![vec![f32::from_bits(bits as u32), f32::from_bits((bits >> 32) as u32)]]
    });
}
