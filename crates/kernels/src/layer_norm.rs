//! Layer normalisation (Ba, Kiros and Hinton 2016) over the last dimension, and its gradients.

use rayon::prelude::*;

use crate::check::length;
use crate::simd::{WIDTH, vectorised};
use crate::workspace::{Buffer, Workspace};

/// Rows of a task. It fixes where partial sums end, so it must not depend on the number of threads.
const ROWS: usize = 32;

/// The result of a forward pass.
#[derive(Debug)]
pub struct Forward {
    /// rows x dim.
    pub y: Buffer,
    /// The mean of each row.
    pub mean: Vec<f32>,
    /// 1 / sqrt(variance + eps) of each row, the variance biased (divided by dim).
    pub rstd: Vec<f32>,
}

/// Gradients of layer norm.
#[derive(Debug)]
pub struct LayerNormGrads {
    /// Of the input, rows x dim.
    pub dx: Buffer,
    /// Of the scale.
    pub gamma: Vec<f32>,
    /// Of the shift.
    pub beta: Vec<f32>,
}

/// `(x - mean) * rstd * gamma + beta` for each row of `x` (rows x dim); `gamma` and `beta` have dim numbers.
///
/// # Panics
/// If the lengths don't fit each other.
///
/// ```
/// use adact_kernels::{Workspace, layer_norm};
/// let out = layer_norm::forward(&Workspace::new(), &[1.0, 3.0], &[1.0, 1.0], &[0.0, 0.5], 0.0);
/// assert_eq!(out.y[..], [-1.0, 1.5]);
/// ```
pub fn forward(ws: &Workspace, x: &[f32], gamma: &[f32], beta: &[f32], eps: f32) -> Forward {
    let rows = rows(x, gamma, beta);
    let dim = gamma.len();
    let (mut y, mut mean, mut rstd) = (ws.take(x.len()), vec![0.0; rows], vec![0.0; rows]);
    let statistics = mean.par_chunks_mut(ROWS).zip(rstd.par_chunks_mut(ROWS));
    let blocks = x.par_chunks(ROWS * dim).zip(y.par_chunks_mut(ROWS * dim)).zip(statistics);
    blocks.for_each(|((x, y), (mean, rstd))| normalise(x, gamma, beta, eps, y, mean, rstd));
    Forward { y, mean, rstd }
}

/// The gradients for the output's gradient `dy`, with what [`forward`] said of the same `x`.
///
/// # Panics
/// If the lengths don't fit each other.
pub fn backward(
    ws: &Workspace,
    x: &[f32],
    gamma: &[f32],
    mean: &[f32],
    rstd: &[f32],
    dy: &[f32],
) -> LayerNormGrads {
    let rows = rows(x, gamma, gamma);
    length("mean", mean.len(), rows);
    length("rstd", rstd.len(), rows);
    length("dy", dy.len(), x.len());
    let dim = gamma.len();
    let mut dx = ws.take(x.len());
    // each block's sums: of gamma's gradient, then of beta's
    let mut sums = ws.take(rows.div_ceil(ROWS) * 2 * dim);
    let statistics = mean.par_chunks(ROWS).zip(rstd.par_chunks(ROWS));
    let blocks = x.par_chunks(ROWS * dim).zip(dy.par_chunks(ROWS * dim)).zip(dx.par_chunks_mut(ROWS * dim));
    let blocks = blocks.zip(sums.par_chunks_mut(2 * dim)).zip(statistics);
    blocks.for_each(|((((x, dy), dx), sums), (mean, rstd))| {
        sums.fill(0.0);
        let (dgamma, dbeta) = sums.split_at_mut(dim);
        gradients(x, gamma, mean, rstd, dy, dx, dgamma, dbeta);
    });
    let mut total = vec![0.0f64; 2 * dim];
    for sums in sums.chunks_exact(2 * dim) {
        total.iter_mut().zip(sums).for_each(|(t, &s)| *t += f64::from(s));
    }
    let total: Vec<f32> = total.into_iter().map(|t| t as f32).collect();
    LayerNormGrads { dx, gamma: total[..dim].to_vec(), beta: total[dim..].to_vec() }
}

fn rows(x: &[f32], gamma: &[f32], beta: &[f32]) -> usize {
    assert!(!gamma.is_empty(), "gamma has no values");
    length("beta", beta.len(), gamma.len());
    let rows = x.len() / gamma.len();
    length("x", x.len(), rows * gamma.len());
    rows
}

vectorised! {
    /// The lengths are those of whole rows, one statistic for each.
    fn normalise<V>(x: &[f32], gamma: &[f32], beta: &[f32], eps: f32, y: &mut [f32], mean: &mut [f32], rstd: &mut [f32]) {
        let dim = gamma.len();
        let rows = x.chunks_exact(dim).zip(y.chunks_exact_mut(dim)).zip(mean.iter_mut().zip(rstd));
        for ((x, y), (mean, rstd)) in rows {
            // SAFETY: i + n <= dim, the length of x, y, gamma and beta
            unsafe {
                let mut sum = V::splat(0.0);
                let mut i = 0;
                while i < dim {
                    sum = sum.add(V::load_partial(x.as_ptr().add(i), WIDTH.min(dim - i)));
                    i += WIDTH;
                }
                *mean = (sum.sum() / dim as f64) as f32;
                let center = V::splat(*mean);
                let mut squares = V::splat(0.0);
                i = 0;
                while i + WIDTH <= dim {
                    let d = V::load(x.as_ptr().add(i)).sub(center);
                    squares = d.mul_add(d, squares);
                    i += WIDTH;
                }
                let mut squares = squares.sum();
                for &v in &x[i..] {
                    let d = f64::from(v - *mean);
                    squares += d * d;
                }
                *rstd = (1.0 / (squares / dim as f64 + f64::from(eps)).sqrt()) as f32;
                let scale = V::splat(*rstd);
                i = 0;
                while i < dim {
                    let n = WIDTH.min(dim - i);
                    let normed = V::load_partial(x.as_ptr().add(i), n).sub(center).mul(scale);
                    let out = normed.mul_add(V::load_partial(gamma.as_ptr().add(i), n), V::load_partial(beta.as_ptr().add(i), n));
                    out.store_partial(y.as_mut_ptr().add(i), n);
                    i += WIDTH;
                }
            }
        }
    }
}

vectorised! {
    /// The lengths are those of whole rows, one statistic for each; adds to `dgamma` and `dbeta`.
    fn gradients<V>(x: &[f32], gamma: &[f32], mean: &[f32], rstd: &[f32], dy: &[f32], dx: &mut [f32], dgamma: &mut [f32], dbeta: &mut [f32]) {
        let dim = gamma.len();
        let rows = x.chunks_exact(dim).zip(dy.chunks_exact(dim)).zip(dx.chunks_exact_mut(dim)).zip(mean.iter().zip(rstd));
        for (((x, dy), dx), (&mean, &rstd)) in rows {
            // SAFETY: i + n <= dim, the length of every slice; lanes past the end have gamma = dy = 0 and add 0
            unsafe {
                let (center, scale) = (V::splat(mean), V::splat(rstd));
                let (mut sum, mut product) = (V::splat(0.0), V::splat(0.0));
                let mut i = 0;
                while i < dim {
                    let n = WIDTH.min(dim - i);
                    let d = V::load_partial(dy.as_ptr().add(i), n);
                    let normed = V::load_partial(x.as_ptr().add(i), n).sub(center).mul(scale);
                    let g = d.mul(V::load_partial(gamma.as_ptr().add(i), n));
                    sum = sum.add(g);
                    product = g.mul_add(normed, product);
                    let (pg, pb) = (dgamma.as_mut_ptr().add(i), dbeta.as_mut_ptr().add(i));
                    d.mul_add(normed, V::load_partial(pg, n)).store_partial(pg, n);
                    V::load_partial(pb, n).add(d).store_partial(pb, n);
                    i += WIDTH;
                }
                // dx = rstd (g - mean(g) - normed mean(g normed))
                let (sum, product) = (V::splat((sum.sum() / dim as f64) as f32), V::splat((product.sum() / dim as f64) as f32));
                i = 0;
                while i < dim {
                    let n = WIDTH.min(dim - i);
                    let g = V::load_partial(dy.as_ptr().add(i), n).mul(V::load_partial(gamma.as_ptr().add(i), n));
                    let normed = V::load_partial(x.as_ptr().add(i), n).sub(center).mul(scale);
                    normed.neg_mul_add(product, g.sub(sum)).mul(scale).store_partial(dx.as_mut_ptr().add(i), n);
                    i += WIDTH;
                }
            }
        }
    }
}
