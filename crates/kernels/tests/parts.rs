//! The loss and the optimizer against f64.

mod common;

use adact_kernels::adamw::AdamW;
use adact_kernels::loss;
use common::*;

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
