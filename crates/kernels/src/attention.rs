//! Scaled dot-product attention (Vaswani et al. 2017) of several heads, causal or not, and its gradients.
//!
//! Queries, keys and values come side by side, as the one linear layer before them leaves them. A task is one head of one
//! sequence; it takes its queries in blocks, and the scores of a block are the only ones that exist at a time. The backward
//! pass computes them again from the queries, the keys and one number for each query (Dao et al. 2022).

use rayon::prelude::*;

use crate::check::length;
use crate::gemm::{Left, PANEL_WIDTH, Right, Start, gemm, packed_index, packed_len};
use crate::real::Real;
use crate::simd::{WIDTH, vectorised};
use crate::workspace::{Buffer, Workspace};

/// Queries whose scores are held at once.
const QUERIES: usize = 48;

/// The shape of an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionSpec {
    /// Sequences.
    pub batch: usize,
    /// Positions of a sequence.
    pub context: usize,
    /// Heads.
    pub heads: usize,
    /// Numbers of a head's query, key or value.
    pub head_dim: usize,
    /// Whether a position sees only itself and those before it.
    pub causal: bool,
}

impl AttentionSpec {
    /// Numbers of a position: all heads together.
    pub fn dim(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Numbers of the output.
    fn outputs(&self) -> usize {
        self.batch * self.context * self.dim()
    }

    /// How many positions the queries up to `end` see.
    fn keys(&self, end: usize) -> usize {
        if self.causal { end } else { self.context }
    }

    fn scale(&self) -> f32 {
        (1.0 / (self.head_dim as f64).sqrt()) as f32
    }

    fn check(&self, qkv: &[f32]) {
        let sizes = [self.batch, self.context, self.heads, self.head_dim];
        assert!(!sizes.contains(&0), "an attention without elements: {self:?}");
        length("qkv", qkv.len(), 3 * self.outputs());
    }
}

/// The result of a forward pass.
#[derive(Debug)]
pub struct Forward {
    /// batch x context x (heads x head_dim).
    pub out: Buffer,
    /// The logarithm of the sum of the exponentials of each query's scaled scores: batch x heads x context.
    pub log_sums: Vec<f32>,
}

/// Where a head's numbers begin in `qkv` and in the output.
#[derive(Clone, Copy)]
struct Head {
    query: usize,
    key: usize,
    value: usize,
    out: usize,
}

impl Head {
    /// The head of a task: all heads of the first sequence come first.
    fn new(spec: &AttentionSpec, task: usize) -> Self {
        let (sequence, head) = (task / spec.heads, task % spec.heads);
        let dim = spec.dim();
        let query = sequence * spec.context * 3 * dim + head * spec.head_dim;
        let out = sequence * spec.context * dim + head * spec.head_dim;
        Self { query, key: query + dim, value: query + 2 * dim, out }
    }
}

/// The attention of `qkv` (batch x context x 3 x heads x head_dim).
///
/// # Panics
/// If the length doesn't fit.
///
/// ```
/// use adact_kernels::attention::{self, AttentionSpec};
/// use adact_kernels::Workspace;
/// let spec = AttentionSpec { batch: 1, context: 2, heads: 1, head_dim: 1, causal: true };
/// // the queries are 0: each position takes the mean of the values that it sees
/// let out = attention::forward(&Workspace::new(), &spec, &[0.0, 1.0, 4.0, 0.0, 1.0, 8.0]).out;
/// assert_eq!(out[..], [4.0, 6.0]);
/// ```
pub fn forward(ws: &Workspace, spec: &AttentionSpec, qkv: &[f32]) -> Forward {
    spec.check(qkv);
    let (context, width, step) = (spec.context, spec.head_dim, 3 * spec.dim());
    let mut by_head = ws.take(spec.outputs());
    let mut log_sums = vec![0.0; spec.batch * spec.heads * context];
    let tasks = by_head.par_chunks_mut(context * width).zip(log_sums.par_chunks_mut(context)).enumerate();
    tasks.for_each(|(task, (out, log_sums))| {
        let head = Head::new(spec, task);
        let keys = transposed(ws, spec, &qkv[head.key..]);
        let mut scores = ws.take(QUERIES * context);
        for first in (0..context).step_by(QUERIES) {
            let queries = QUERIES.min(context - first);
            let seen = spec.keys(first + queries);
            let left = Left::matrix(&qkv[head.query + first * step..], step, 1);
            product(spec, queries, seen, left, &keys, &mut scores);
            let scores = &mut scores[..queries * seen];
            softmax(spec, first, seen, scores, &mut log_sums[first..first + queries]);
            let (left, right) = (Left::matrix(scores, seen, 1), Right::Rows(&qkv[head.value..], step));
            gemm(queries, width, seen, left, right, &mut out[first * width..], width, Start::Zero);
        }
    });
    let mut out = ws.take(spec.outputs());
    interleave(spec, 1, &by_head, &mut out);
    Forward { out, log_sums }
}

/// The gradient of `qkv` for the output's gradient `dout`, with what [`forward`] said of the same `qkv`.
///
/// # Panics
/// If the lengths don't fit.
pub fn backward(
    ws: &Workspace,
    spec: &AttentionSpec,
    qkv: &[f32],
    out: &[f32],
    log_sums: &[f32],
    dout: &[f32],
) -> Buffer {
    spec.check(qkv);
    length("out", out.len(), spec.outputs());
    length("log_sums", log_sums.len(), spec.batch * spec.heads * spec.context);
    length("dout", dout.len(), spec.outputs());
    let (context, width, dim) = (spec.context, spec.head_dim, spec.dim());
    let step = 3 * dim;
    let mut by_head = ws.zeros(qkv.len());
    let tasks = by_head.par_chunks_mut(3 * context * width).zip(log_sums.par_chunks(context)).enumerate();
    tasks.for_each(|(task, (gradients, log_sums))| {
        let head = Head::new(spec, task);
        let (dqueries, rest) = gradients.split_at_mut(context * width);
        let (dkeys, dvalues) = rest.split_at_mut(context * width);
        let (keys, values) = (&qkv[head.key..], &qkv[head.value..]);
        let (packed_keys, packed_values) = (transposed(ws, spec, keys), transposed(ws, spec, values));
        let (mut scores, mut dscores) = (ws.take(QUERIES * context), ws.take(QUERIES * context));
        for first in (0..context).step_by(QUERIES) {
            let queries = QUERIES.min(context - first);
            let seen = spec.keys(first + queries);
            let query = &qkv[head.query + first * step..];
            let dout = &dout[head.out + first * dim..];
            product(spec, queries, seen, Left::matrix(query, step, 1), &packed_keys, &mut scores);
            product(spec, queries, seen, Left::matrix(dout, dim, 1), &packed_values, &mut dscores);
            // what softmax's gradient subtracts in each row: the sum of the output times its gradient
            let out = &out[head.out + first * dim..];
            let centers: [f32; QUERIES] = std::array::from_fn(|i| {
                if i < queries { dot(&out[i * dim..][..width], &dout[i * dim..][..width]) } else { 0.0 }
            });
            let (shares, dscores) = (&mut scores[..queries * seen], &mut dscores[..queries * seen]);
            softmax_gradient(spec, first, seen, &log_sums[first..first + queries], &centers, shares, dscores);

            let (left, right) = (Left::matrix(dscores, seen, 1), Right::Rows(keys, step));
            gemm(queries, width, seen, left, right, &mut dqueries[first * width..], width, Start::Zero);
            let (left, right) = (Left::matrix(dscores, 1, seen), Right::Rows(query, step));
            gemm(seen, width, queries, left, right, dkeys, width, Start::Accumulate);
            let (left, right) = (Left::matrix(shares, 1, seen), Right::Rows(dout, dim));
            gemm(seen, width, queries, left, right, dvalues, width, Start::Accumulate);
        }
    });
    let mut gradient = ws.take(qkv.len());
    interleave(spec, 3, &by_head, &mut gradient);
    gradient
}

/// Puts what the tasks left (sequence x head x part x position) in order: sequence x position x part x head.
fn interleave(spec: &AttentionSpec, parts: usize, by_head: &[f32], out: &mut [f32]) {
    let (context, width) = (spec.context, spec.head_dim);
    let row = parts * spec.dim();
    out.par_chunks_mut(row).enumerate().for_each(|(position, row)| {
        let (sequence, position) = (position / context, position % context);
        for (i, to) in row.chunks_exact_mut(width).enumerate() {
            let (part, head) = (i / spec.heads, i % spec.heads);
            let from = (((sequence * spec.heads + head) * parts + part) * context + position) * width;
            to.copy_from_slice(&by_head[from..from + width]);
        }
    });
}

/// A head's keys or values, which begin with `values`, transposed and packed.
fn transposed(ws: &Workspace, spec: &AttentionSpec, values: &[f32]) -> Buffer {
    let (context, width) = (spec.context, spec.head_dim);
    let mut packed = ws.zeros(packed_len(width, context));
    for position in 0..context {
        for (i, &value) in values[position * 3 * spec.dim()..][..width].iter().enumerate() {
            packed[packed_index(width, context, i, position)] = value;
        }
    }
    packed
}

/// Some rows of `left` times the first `seen` keys, or values: queries x seen.
fn product(
    spec: &AttentionSpec,
    queries: usize,
    seen: usize,
    left: Left<'_>,
    keys: &[f32],
    scores: &mut [f32],
) {
    let (context, width) = (spec.context, spec.head_dim);
    // The panels are those of all keys: the last one that is taken may be wider than what is seen of it.
    for first in (0..seen).step_by(PANEL_WIDTH) {
        let columns = PANEL_WIDTH.min(seen - first);
        let panel = PANEL_WIDTH.min(context.next_multiple_of(WIDTH) - first);
        let right = Right::Rows(&keys[packed_index(width, context, 0, first)..], panel);
        gemm(queries, columns, width, left, right, &mut scores[first..], seen, Start::Zero);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>() as f32
}

vectorised! {
    /// Turns scores (rows of `seen`, the first of query `first`) into shares, and keeps each row's logarithm of the sum.
    fn softmax<V>(spec: &AttentionSpec, first: usize, seen: usize, scores: &mut [f32], log_sums: &mut [f32]) {
        let scale = spec.scale();
        for (i, (row, log_sum)) in scores.chunks_exact_mut(seen).zip(log_sums).enumerate() {
            let len = if spec.causal { first + i + 1 } else { seen };
            let (row, hidden) = row.split_at_mut(len);
            hidden.fill(0.0);
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (factor, shift) = (V::splat(scale), V::splat(-(top * scale)));
            let mut sum = V::splat(0.0);
            let mut j = 0;
            // SAFETY: j + n <= row.len()
            unsafe {
                while j < len {
                    let n = WIDTH.min(len - j);
                    let p = row.as_mut_ptr().add(j);
                    let (e, _) = V::load_partial(p, n).mul_add(factor, shift).exp_expm1();
                    e.store_partial(p, n);
                    sum = sum.add(V::load_partial(p, n));
                    j += WIDTH;
                }
                let sum = sum.sum();
                let share = V::splat((1.0 / sum) as f32);
                *log_sum = (f64::from(top * scale) + libm::log(sum)) as f32;
                j = 0;
                while j < len {
                    let n = WIDTH.min(len - j);
                    let p = row.as_mut_ptr().add(j);
                    V::load_partial(p, n).mul(share).store_partial(p, n);
                    j += WIDTH;
                }
            }
        }
    }
}

vectorised! {
    /// Turns scores into shares, and the shares' gradients `ds` into the gradients of the scores before scaling.
    fn softmax_gradient<V>(spec: &AttentionSpec, first: usize, seen: usize, log_sums: &[f32], centers: &[f32], scores: &mut [f32], ds: &mut [f32]) {
        let scale = spec.scale();
        let rows = scores.chunks_exact_mut(seen).zip(ds.chunks_exact_mut(seen)).zip(log_sums.iter().zip(centers));
        for (i, ((row, ds), (&log_sum, &center))) in rows.enumerate() {
            let len = if spec.causal { first + i + 1 } else { seen };
            row[len..].fill(0.0);
            ds[len..].fill(0.0);
            let (factor, shift, center) = (V::splat(scale), V::splat(-log_sum), V::splat(center));
            let mut j = 0;
            // SAFETY: j + n <= len <= row.len() == ds.len()
            unsafe {
                while j < len {
                    let n = WIDTH.min(len - j);
                    let (p, d) = (row.as_mut_ptr().add(j), ds.as_mut_ptr().add(j));
                    let (share, _) = V::load_partial(p, n).mul_add(factor, shift).exp_expm1();
                    share.store_partial(p, n);
                    V::load_partial(d, n).sub(center).mul(share).mul(factor).store_partial(d, n);
                    j += WIDTH;
                }
            }
        }
    }
}
