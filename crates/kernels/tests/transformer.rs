//! What transformers are made of, against f64: attention, layer norm, embedding. Gradients by finite differences.

mod common;

use adact_kernels::attention::{self, AttentionSpec};
use adact_kernels::{Precision, Workspace, embedding, layer_norm};
use common::*;

/// Attention by its definition: the output of `qkv`.
fn attention_f64(s: &AttentionSpec, qkv: &[f64]) -> Vec<f64> {
    let dim = s.dim();
    let at = |b: usize, t: usize, part: usize, h: usize, i: usize| {
        qkv[((b * s.context + t) * 3 + part) * dim + h * s.head_dim + i]
    };
    let mut out = vec![0.0; s.batch * s.context * dim];
    for b in 0..s.batch {
        for h in 0..s.heads {
            for t in 0..s.context {
                let seen = if s.causal { t + 1 } else { s.context };
                let score = |u: usize| {
                    (0..s.head_dim).map(|i| at(b, t, 0, h, i) * at(b, u, 1, h, i)).sum::<f64>()
                        / (s.head_dim as f64).sqrt()
                };
                let scores: Vec<f64> = (0..seen).map(score).collect();
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let e: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
                let sum: f64 = e.iter().sum();
                for i in 0..s.head_dim {
                    out[(b * s.context + t) * dim + h * s.head_dim + i] =
                        (0..seen).map(|u| e[u] / sum * at(b, u, 2, h, i)).sum();
                }
            }
        }
    }
    out
}

/// The derivative of `f` by the `i`th of `x`.
fn difference(f: impl Fn(&[f64]) -> f64, x: &[f64], i: usize) -> f64 {
    let h = 1e-5;
    let at = |d: f64| {
        let mut x = x.to_vec();
        x[i] += d;
        f(&x)
    };
    (at(h) - at(-h)) / (2.0 * h)
}

fn weighted(values: &[f64], weights: &[f32]) -> f64 {
    values.iter().zip(weights).map(|(v, &w)| v * f64::from(w)).sum()
}

/// One sequence in several blocks of queries, several sequences and heads, widths that fill no vector.
fn shapes() -> Vec<AttentionSpec> {
    let spec = |batch, context, heads, head_dim, causal| AttentionSpec {
        batch,
        context,
        heads,
        head_dim,
        causal,
        precision: Precision::F32,
    };
    vec![
        spec(2, 5, 2, 3, true),
        spec(1, 1, 1, 1, false),
        spec(2, 7, 3, 16, false),
        spec(1, 100, 2, 20, true),
        spec(1, 130, 1, 32, false),
    ]
}

#[test]
fn attention_and_its_gradient() {
    let ws = Workspace::new();
    for s in shapes() {
        let qkv: Vec<f32> = normal(1, 3 * s.batch * s.context * s.dim()).iter().map(|v| v * 2.0).collect();
        let dout = normal(2, qkv.len() / 3);
        let wide = wide(&qkv);
        let got = attention::forward(&ws, &s, &qkv);
        assert!(relative_error(&got.out, &attention_f64(&s, &wide)) < 2e-6, "{s:?}");
        let d = attention::backward(&ws, &s, &qkv, &got.out, &got.log_sums, &dout);
        let top = d.iter().fold(0.0f64, |m, &v| m.max(f64::from(v).abs()));
        for i in (0..qkv.len()).step_by(1 + qkv.len() / 90) {
            let want = difference(|x| weighted(&attention_f64(&s, x), &dout), &wide, i);
            assert!(
                (f64::from(d[i]) - want).abs() < 5e-6 * top.max(1.0),
                "{s:?} {i}: {} is not {want}",
                d[i]
            );
        }
    }
}

/// Shares are rounded on the way, too, so that no f64 has the same operands: the error is that of eight bits.
#[test]
fn attention_in_bf16() {
    let ws = Workspace::new();
    for exact in shapes() {
        let spec = AttentionSpec { precision: Precision::Bf16, ..exact };
        let of_bf16 = |v: &f32| half::bf16::from_f32(v * 2.0).to_f32();
        let qkv: Vec<f32> =
            normal(1, 3 * spec.batch * spec.context * spec.dim()).iter().map(of_bf16).collect();
        let dout: Vec<f32> = normal(2, qkv.len() / 3).iter().map(of_bf16).collect();
        let got = attention::forward(&ws, &spec, &qkv);
        assert!(relative_error(&got.out, &attention_f64(&spec, &wide(&qkv))) < 1.0 / 256.0, "{spec:?}");
        let want = attention::forward(&ws, &exact, &qkv);
        // Nothing is rounded before the scores: these are the sums of f32, but for their order.
        assert!(relative_error(&got.log_sums, &wide(&want.log_sums)) < 2e-6, "{spec:?}");
        let [got, want] = [(&spec, &got), (&exact, &want)]
            .map(|(spec, f)| attention::backward(&ws, spec, &qkv, &f.out, &f.log_sums, &dout));
        assert!(relative_error(&got, &wide(&want)) < 1.0 / 128.0, "{spec:?}");
    }
}

#[test]
fn attention_of_hard_inputs() {
    let ws = Workspace::new();
    let s = AttentionSpec {
        batch: 1,
        context: 8,
        heads: 1,
        head_dim: 2,
        causal: true,
        precision: Precision::F32,
    };
    let mut qkv: Vec<f32> = HARD.iter().cycle().take(48).copied().collect();
    let got = attention::forward(&ws, &s, &qkv).out.to_vec();
    assert!(relative_error(&got, &attention_f64(&s, &wide(&qkv))) < 2e-6);
    // NaN in a key reaches every query that sees it, and no other
    qkv[6 * 4 + 2] = f32::NAN;
    let got = attention::forward(&ws, &s, &qkv).out.to_vec();
    assert!(got[..8].iter().all(|v| v.is_finite()) && got[8..].iter().all(|v| v.is_nan()), "{got:?}");
}

#[test]
fn layer_norm_and_its_gradients() {
    let ws = Workspace::new();
    let eps = 1e-5;
    for (rows, dim) in [(1, 1), (3, 5), (70, 32), (33, 100)] {
        let x: Vec<f32> = normal(1, rows * dim).iter().map(|v| v * 3.0 + 100.0).collect();
        let (gamma, beta, dy) = (normal(2, dim), normal(3, dim), normal(4, rows * dim));
        let value = |x: &[f64], gamma: &[f64], beta: &[f64]| -> Vec<f64> {
            x.chunks(dim)
                .flat_map(|row| {
                    let mean = row.iter().sum::<f64>() / dim as f64;
                    let var = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / dim as f64;
                    let rstd = 1.0 / (var + f64::from(eps)).sqrt();
                    (0..dim).map(|i| (row[i] - mean) * rstd * gamma[i] + beta[i]).collect::<Vec<_>>()
                })
                .collect()
        };
        let (x64, g64, b64) = (wide(&x), wide(&gamma), wide(&beta));
        let got = layer_norm::forward(&ws, &x, &gamma, &beta, eps);
        // the mean is 100 times the deviation: the input's own rounding counts
        assert!(relative_error(&got.y, &value(&x64, &g64, &b64)) < 2e-5, "{rows} {dim}");
        let d = layer_norm::backward(&ws, &x, &gamma, &got.mean, &got.rstd, &dy);
        let near = |got: f32, want: f64| {
            assert!(
                (f64::from(got) - want).abs() < 1e-4 * want.abs().max(1.0),
                "{rows} {dim}: {got} is not {want}"
            )
        };
        for i in (0..x.len()).step_by(1 + x.len() / 50) {
            near(d.dx[i], difference(|x| weighted(&value(x, &g64, &b64), &dy), &x64, i));
        }
        for i in (0..dim).step_by(1 + dim / 20) {
            near(d.gamma[i], difference(|g| weighted(&value(&x64, g, &b64), &dy), &g64, i));
            near(d.beta[i], difference(|b| weighted(&value(&x64, &g64, b), &dy), &b64, i));
        }
    }
}

#[test]
fn embedding_and_its_gradient() {
    let (entries, dim) = (7, 70);
    let indices = [3, 0, 3, 6, 3];
    let (table, drows) = (normal(1, entries * dim), normal(2, indices.len() * dim));
    let mut rows = vec![0.0; drows.len()];
    embedding::forward(&table, dim, &indices, &mut rows);
    let mut d = vec![1.0; table.len()];
    embedding::backward(&mut d, dim, &indices, &drows);
    for (r, &index) in indices.iter().enumerate() {
        let at = index as usize * dim;
        assert_eq!(rows[r * dim..][..dim], table[at..at + dim]);
    }
    let want: Vec<f64> = (0..table.len())
        .map(|k| {
            let of = |r: usize| {
                if indices[r] as usize == k / dim { f64::from(drows[r * dim + k % dim]) } else { 0.0 }
            };
            1.0 + (0..indices.len()).map(of).sum::<f64>()
        })
        .collect();
    assert!(relative_error(&d, &want) < 1e-6);
}

#[test]
fn the_same_bits_everywhere() {
    let ws = Workspace::new();
    let s = AttentionSpec {
        batch: 2,
        context: 100,
        heads: 3,
        head_dim: 20,
        causal: true,
        precision: Precision::F32,
    };
    let odd = AttentionSpec {
        batch: 2,
        context: 25,
        heads: 4,
        head_dim: 5,
        causal: false,
        precision: Precision::Bf16,
    };
    let (qkv, dout) = (normal(1, 3 * 200 * 60), normal(2, 200 * 60));
    let (gamma, beta) = (normal(3, 60), normal(4, 60));
    same_bits_everywhere(|| {
        let a = attention::forward(&ws, &s, &qkv);
        let da = attention::backward(&ws, &s, &qkv, &a.out, &a.log_sums, &dout);
        let rounded = AttentionSpec { precision: Precision::Bf16, ..s };
        let b = attention::forward(&ws, &rounded, &qkv);
        let db = attention::backward(&ws, &rounded, &qkv, &b.out, &b.log_sums, &dout);
        let c = attention::forward(&ws, &odd, &qkv[..3 * 50 * 20]);
        let dc = attention::backward(&ws, &odd, &qkv[..3 * 50 * 20], &c.out, &c.log_sums, &dout[..50 * 20]);
        let n = layer_norm::forward(&ws, &a.out, &gamma, &beta, 1e-5);
        let dn = layer_norm::backward(&ws, &a.out, &gamma, &n.mean, &n.rstd, &dout);
        let mut table = vec![0.0; 10 * 60];
        let indices: Vec<i32> = (0..200).map(|i| (i * 7) % 10).collect();
        embedding::backward(&mut table, 60, &indices, &dn.dx);
        let buffers =
            [b.out, b.log_sums, db, c.out, c.log_sums, dc, a.out, a.log_sums, da, n.y, n.mean, n.rstd, dn.dx];
        let mut all: Vec<Vec<f32>> = buffers.iter().map(|b| b.to_vec()).collect();
        all.extend([dn.gamma, dn.beta, table]);
        all
    });
}
