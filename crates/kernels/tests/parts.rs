//! The loss, the optimizers and clipping against f64.

mod common;

use adact_kernels::adamw::AdamW;
use adact_kernels::sgd::Sgd;
use adact_kernels::{clip, loss};
use common::*;

/// The mean loss by its definition, in f64.
fn loss_f64(logits: &[f64], labels: &[i32], classes: usize) -> f64 {
    let rows = logits.chunks(classes).zip(labels);
    let sum: f64 = rows
        .map(|(row, &label)| {
            let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter().map(|v| (v - top).exp()).sum::<f64>().ln() + top - row[label as usize]
        })
        .sum();
    sum / labels.len() as f64
}

#[test]
fn the_loss_and_its_gradient() {
    for (rows, classes) in [(1, 1), (6, 10), (200, 2), (130, 65)] {
        let logits: Vec<f32> = normal(1, rows * classes).iter().map(|v| v * 5.0).collect();
        let labels: Vec<i32> = (0..rows).map(|i| ((i * 7) % classes) as i32).collect();
        let mut d = vec![0.0; logits.len()];
        let mut confusion = vec![1; classes * classes];
        let got = loss::cross_entropy(&logits, &labels, classes, &mut d, Some(&mut confusion));
        let wide = wide(&logits);
        assert!((got.mean - loss_f64(&wide, &labels, classes)).abs() < 1e-9);
        for i in (0..logits.len()).step_by(1 + logits.len() / 100) {
            let h = 1e-6;
            let (mut up, mut down) = (wide.clone(), wide.clone());
            up[i] += h;
            down[i] -= h;
            let want = (loss_f64(&up, &labels, classes) - loss_f64(&down, &labels, classes)) / (2.0 * h);
            assert!((f64::from(d[i]) - want).abs() < 1e-7);
        }
        let mut pairs = vec![1; classes * classes];
        let answers: Vec<usize> = logits.chunks(classes).map(loss::argmax).collect();
        labels
            .iter()
            .zip(&answers)
            .for_each(|(&label, answer)| pairs[label as usize * classes + answer] += 1);
        assert_eq!(confusion, pairs);
        let correct = (0..classes).map(|c| pairs[c * (classes + 1)] - 1).sum::<u64>();
        assert_eq!(got.correct as u64, correct);
    }
}

#[test]
fn the_loss_of_hard_inputs() {
    let mut d = [0.0; 2];
    assert!((loss::cross_entropy(&[1e4, -1e4], &[1], 2, &mut d, None).mean - 2e4).abs() < 1e-9);
    assert!(loss::cross_entropy(&[f32::NAN, 0.0], &[1], 2, &mut d, None).mean.is_nan());
    assert!(d.iter().all(|d| d.is_nan()));
    assert!(loss::cross_entropy(&[], &[], 2, &mut [], None).mean.is_nan());
    let mut d = [0.0; 16];
    let got = loss::cross_entropy(&HARD, &[3], 16, &mut d, None);
    assert!((got.mean - loss_f64(&wide(&HARD), &[3], 16)).abs() < 1e-9 && got.correct == 0);
    assert!(d.iter().all(|d| d.is_finite()));
}

/// What one row after the other gave, before the rows were divided into tasks: the bits of trainings of before.
#[test]
fn the_loss_is_the_sum_in_the_order_of_the_rows() {
    for (rows, classes) in [(64, 10), (1000, 10), (3000, 2), (768, 65)] {
        let logits: Vec<f32> = normal(1, rows * classes).iter().map(|v| v * 5.0).collect();
        let labels: Vec<i32> = (0..rows).map(|i| ((i * 7) % classes) as i32).collect();
        let (mut total, mut gradient) = (0.0, Vec::new());
        for (row, &label) in logits.chunks(classes).zip(&labels) {
            let top = f64::from(row[loss::argmax(row)]);
            let sum: f64 = row.iter().map(|&v| libm::exp(f64::from(v) - top)).sum();
            total += libm::log(sum) - (f64::from(row[label as usize]) - top);
            for (class, &v) in row.iter().enumerate() {
                let p = libm::exp(f64::from(v) - top) / sum;
                let truth = f64::from(u8::from(class == label as usize));
                gradient.push(((p - truth) * (1.0 / rows as f64)) as f32);
            }
        }
        let mut d = vec![0.0; logits.len()];
        let got = loss::cross_entropy(&logits, &labels, classes, &mut d, None);
        assert_eq!(got.mean.to_bits(), (total * (1.0 / rows as f64)).to_bits());
        assert_eq!(d, gradient);
        same_bits_everywhere(|| {
            let mut d = vec![0.0; logits.len()];
            let got = loss::cross_entropy(&logits, &labels, classes, &mut d, None);
            vec![d, vec![got.mean as f32, got.correct as f32]]
        });
    }
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

/// PyTorch's documented update, in f64.
#[test]
fn sgd_takes_pytorchs_steps() {
    for n in [1, 7, 17, 100] {
        for (momentum, nesterov, weight_decay) in
            [(0.0, false, 0.0), (0.9, false, 0.0), (0.9, false, 1e-2), (0.8, true, 1e-2)]
        {
            let sgd = Sgd { lr: 0.1, momentum, nesterov, weight_decay };
            // whatever lies in the buffer before the first step
            let (mut p, mut b) = (normal(1, n), vec![f32::NAN; n]);
            let (mut p64, mut b64) = (wide(&p), vec![0.0f64; n]);
            for t in 1..=20 {
                let g = normal(t + 1, n);
                sgd.step(t, &mut p, &g, &mut b);
                for i in 0..n {
                    let g = f64::from(g[i]) + weight_decay * p64[i];
                    b64[i] = if t == 1 { g } else { momentum * b64[i] + g };
                    p64[i] -= 0.1 * if nesterov { g + momentum * b64[i] } else { b64[i] };
                }
            }
            assert!(relative_error(&p, &p64) < 2e-6 && relative_error(&b, &b64) < 2e-6, "{sgd:?}");
        }
    }
    let sgd = Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1e-2 };
    same_bits_everywhere(|| {
        let (mut p, mut b) = (normal(1, 40_001), normal(2, 40_001));
        sgd.step(1, &mut p, &normal(3, 40_001), &mut b);
        sgd.step(2, &mut p, &normal(4, 40_001), &mut b);
        vec![p, b]
    });
    let mut p = [1.0; 3];
    sgd.step(1, &mut p, &[0.0, f32::NAN, 1e4], &mut [0.0; 3]);
    assert!(p[0].is_finite() && p[1].is_nan() && p[2].is_finite());
}

#[test]
fn clipping_by_the_norm() {
    for n in [0, 1, 7, 17, 65, 40_001] {
        let mut g = normal(1, n);
        let want: f64 = g.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        let got = clip::sum_of_squares(&g);
        assert!((got - want).abs() <= 1e-12 * want);
        let norm = got.sqrt();
        let factor = clip::coefficient(norm, 0.5);
        assert!((f64::from(factor) - (0.5 / (norm + 1e-6)).min(1.0)).abs() < 1e-7);
        let scaled: Vec<f32> = g.iter().map(|v| v * factor).collect();
        clip::scale(&mut g, factor);
        assert_eq!(g, scaled);
    }
    // squares beyond what f32 holds
    assert!((clip::sum_of_squares(&[1e30, 1e-30]) / 1e60 - 1.0).abs() < 1e-6);
    assert!(clip::sum_of_squares(&[1e-30]) > 0.0);
    assert!(clip::sum_of_squares(&[1.0, f32::NAN]).is_nan() && clip::coefficient(f64::NAN, 1.0).is_nan());
    assert_eq!((clip::coefficient(0.0, 1.0), clip::coefficient(f64::INFINITY, 1.0)), (1.0, 0.0));
    same_bits_everywhere(|| {
        let mut g = normal(1, 100_003);
        let sum = clip::sum_of_squares(&g).to_bits();
        clip::scale(&mut g, 0.3);
        vec![g, vec![f32::from_bits(sum as u32), f32::from_bits((sum >> 32) as u32)]]
    });
}
