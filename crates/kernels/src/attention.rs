//! Scaled dot-product attention (Vaswani et al. 2017) of several heads, causal or not, and its gradients.
//!
//! Queries, keys and values come side by side, as the one linear layer before them leaves them. A task is one head of one
//! sequence; it takes its queries in blocks, and the scores of a block are the only ones that exist at a time. The backward
//! pass computes them again from the queries, the keys and one number for each query (Dao et al. 2022).

use std::ops::Range;

use rayon::prelude::*;

use crate::check::length;
use crate::gemm::{Start, gemm};
use crate::matmul::Matrix;
use crate::precision::Precision;
use crate::product::{Product, with_product};
use crate::real::Real;
use crate::simd::{Lanes, WIDTH, vectorised};
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
    /// That of the products: of queries and keys, of shares and values, and of their gradients.
    pub precision: Precision,
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

    /// The first `seen` keys, and what fills up their last vector.
    fn vectors(&self, seen: usize) -> Range<usize> {
        0..seen.next_multiple_of(WIDTH)
    }

    /// Floats from one query's scores to the next's: whole vectors, and one more. Without it, the rows of contexts that are
    /// powers of two would lie in a few lines of the cache.
    fn stride(&self) -> usize {
        self.context.next_multiple_of(WIDTH) + WIDTH
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
    pub log_sums: Buffer,
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
/// use adact_kernels::{Precision, Workspace};
/// let spec = AttentionSpec { batch: 1, context: 2, heads: 1, head_dim: 1, causal: true, precision: Precision::F32 };
/// // the queries are 0: each position takes the mean of the values that it sees
/// let out = attention::forward(&Workspace::new(), &spec, &[0.0, 1.0, 4.0, 0.0, 1.0, 8.0]).out;
/// assert_eq!(out[..], [4.0, 6.0]);
/// ```
pub fn forward(ws: &Workspace, spec: &AttentionSpec, qkv: &[f32]) -> Forward {
    spec.check(qkv);
    with_product!(spec.precision, forward_by(ws, spec, qkv))
}

fn forward_by<P: Product>(ws: &Workspace, spec: &AttentionSpec, qkv: &[f32]) -> Forward {
    let (context, width, step, stride) = (spec.context, spec.head_dim, 3 * spec.dim(), spec.stride());
    let mut by_head = ws.take(spec.outputs());
    let mut log_sums = ws.take(spec.batch * spec.heads * context);
    let tasks = by_head.par_chunks_mut(context * width).zip(log_sums.par_chunks_mut(context)).enumerate();
    tasks.for_each(|(task, (out, log_sums))| {
        let head = Head::new(spec, task);
        let part = |first: usize| Matrix::strided(&qkv[first..], context, width, step);
        let keys = part(head.key).along::<P>(ws).matrix().transposed().pack_here(ws);
        let values = part(head.value).across::<P>(ws).matrix().pack_here(ws);
        let queries_along = part(head.query).along::<P>(ws);
        let mut scores = ws.take(QUERIES * stride);
        for first in (0..context).step_by(QUERIES) {
            let queries = QUERIES.min(context - first);
            let seen = spec.keys(first + queries);
            let left = queries_along.matrix().below(first).left();
            keys.multiply::<P>(
                queries,
                left,
                [keys.depth(), spec.vectors(seen)],
                &mut scores,
                stride,
                Start::Zero,
            );
            softmax(spec, first, seen, &mut scores, &mut log_sums[first..first + queries]);
            let out = &mut out[first * width..];
            let shares = Matrix::strided(&scores, queries, seen, stride).along::<P>(ws);
            let depth = 0..shares.matrix().columns();
            values.multiply::<P>(queries, shares.matrix().left(), [depth, 0..width], out, width, Start::Zero);
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
    with_product!(spec.precision, backward_by(ws, spec, [qkv, out, log_sums, dout]))
}

fn backward_by<P: Product>(
    ws: &Workspace,
    spec: &AttentionSpec,
    [qkv, out, log_sums, dout]: [&[f32]; 4],
) -> Buffer {
    let (context, width, dim) = (spec.context, spec.head_dim, spec.dim());
    let (step, stride) = (3 * dim, spec.stride());
    let mut by_head = ws.take(qkv.len());
    let tasks = by_head.par_chunks_mut(3 * context * width).zip(log_sums.par_chunks(context)).enumerate();
    tasks.for_each(|(task, (gradients, log_sums))| {
        let head = Head::new(spec, task);
        let (dqueries, rest) = gradients.split_at_mut(context * width);
        rest.fill(0.0);
        let (dkeys, dvalues) = rest.split_at_mut(context * width);
        let part = |first: usize| Matrix::strided(&qkv[first..], context, width, step);
        let [keys_across, values_across] = [head.key, head.value]
            .map(|first| part(first).along::<P>(ws).matrix().transposed().pack_here(ws));
        let keys = part(head.key).across::<P>(ws).matrix().pack_here(ws);
        let (mut scores, mut dscores) = (ws.take(QUERIES * stride), ws.take(QUERIES * stride));
        for first in (0..context).step_by(QUERIES) {
            let queries = QUERIES.min(context - first);
            let seen = spec.keys(first + queries);
            let query = Matrix::strided(&qkv[head.query + first * step..], queries, width, step);
            let (out, dout) = (&out[head.out + first * dim..], &dout[head.out + first * dim..]);
            let doutput = Matrix::strided(dout, queries, width, dim);
            let range = [keys_across.depth(), spec.vectors(seen)];
            let along = query.along::<P>(ws);
            keys_across.multiply::<P>(
                queries,
                along.matrix().left(),
                range.clone(),
                &mut scores,
                stride,
                Start::Zero,
            );
            let along = doutput.along::<P>(ws);
            values_across.multiply::<P>(
                queries,
                along.matrix().left(),
                range,
                &mut dscores,
                stride,
                Start::Zero,
            );
            let log_sums = &log_sums[first..first + queries];
            softmax_gradient(spec, first, seen, log_sums, out, dout, &mut scores, &mut dscores);

            let of_scores = |scores| Matrix::strided(scores, queries, seen, stride);
            let to = &mut dqueries[first * width..];
            let along = of_scores(&dscores).along::<P>(ws);
            let depth = 0..along.matrix().columns();
            keys.multiply::<P>(queries, along.matrix().left(), [depth, 0..width], to, width, Start::Zero);
            for (scores, right, to) in [(&dscores, query, &mut *dkeys), (&scores, doutput, &mut *dvalues)] {
                let (left, right) = (of_scores(scores).across::<P>(ws), right.across::<P>(ws));
                let (left, right) = (left.matrix().transposed(), right.matrix());
                gemm::<P>(
                    seen,
                    width,
                    left.columns(),
                    left.left(),
                    right.right(),
                    to,
                    width,
                    Start::Accumulate,
                );
            }
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

/// The numbers of a vector's lanes.
static LANES: [f32; WIDTH] =
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];

/// `v` in the first `count` lanes and `rest` in those after.
#[inline(always)]
fn first_lanes<V: Lanes>(count: usize, v: V, rest: V) -> V {
    if count >= WIDTH {
        return v;
    }
    // SAFETY: there are sixteen lanes
    V::splat(count as f32).select_gt(unsafe { V::load(LANES.as_ptr()) }, v, rest)
}

vectorised! {
    /// Turns scores, one row a query from `first` on, into shares of the keys that each query sees, 0 for the others up to
    /// `seen`; keeps each row's logarithm of the sum.
    fn softmax<V>(spec: &AttentionSpec, first: usize, seen: usize, scores: &mut [f32], log_sums: &mut [f32]) {
        let (stride, scale, zero) = (spec.stride(), spec.scale(), V::splat(0.0));
        assert!(seen <= stride, "keys that there are");
        for (i, (row, log_sum)) in scores.chunks_exact_mut(stride).zip(log_sums).enumerate() {
            let len = if spec.causal { first + i + 1 } else { seen };
            let row = row.as_mut_ptr();
            // SAFETY: whole vectors from below `seen` on are inside the row
            unsafe {
                let lowest = V::splat(f32::NEG_INFINITY);
                let mut top = lowest;
                for j in (0..len).step_by(WIDTH) {
                    top = first_lanes(len - j, V::load(row.add(j)), lowest).max(top);
                }
                let top = top.to_array().into_iter().fold(f32::NEG_INFINITY, f32::max);
                let (factor, shift) = (V::splat(scale), V::splat(-(top * scale)));
                let mut sum = zero;
                for j in (0..len).step_by(WIDTH) {
                    let (e, _) = V::load(row.add(j)).mul_add(factor, shift).exp_expm1();
                    let e = first_lanes(len - j, e, zero);
                    e.store(row.add(j));
                    sum = sum.add(e);
                }
                let sum = sum.sum();
                *log_sum = (f64::from(top * scale) + libm::log(sum)) as f32;
                let share = V::splat((1.0 / sum) as f32);
                for j in (0..len).step_by(WIDTH) {
                    V::load(row.add(j)).mul(share).store(row.add(j));
                }
                for j in (len.next_multiple_of(WIDTH)..seen).step_by(WIDTH) {
                    zero.store(row.add(j));
                }
            }
        }
    }
}

vectorised! {
    /// Turns scores into shares, and the shares' gradients `ds` into the gradients of the scores before scaling; one row a query
    /// from `first` on.
    fn softmax_gradient<V>(spec: &AttentionSpec, first: usize, seen: usize, log_sums: &[f32], out: &[f32], dout: &[f32], scores: &mut [f32], ds: &mut [f32]) {
        let (stride, dim, zero, factor) = (spec.stride(), spec.dim(), V::splat(0.0), V::splat(spec.scale()));
        assert!(seen <= stride, "keys that there are");
        let rows = scores.chunks_exact_mut(stride).zip(ds.chunks_exact_mut(stride)).zip(log_sums);
        for (i, ((row, ds), &log_sum)) in rows.enumerate() {
            let len = if spec.causal { first + i + 1 } else { seen };
            // what softmax's gradient subtracts in a row: the sum of the output times its gradient
            let (out, dout) = (&out[i * dim..][..spec.head_dim], &dout[i * dim..][..spec.head_dim]);
            let (row, ds) = (row.as_mut_ptr(), ds.as_mut_ptr());
            // SAFETY: whole vectors from below `seen` on are inside the rows; j + n <= head_dim, the length of out and dout
            unsafe {
                let mut center = zero;
                for j in (0..spec.head_dim).step_by(WIDTH) {
                    let n = WIDTH.min(spec.head_dim - j);
                    let (o, d) = (V::load_partial(out.as_ptr().add(j), n), V::load_partial(dout.as_ptr().add(j), n));
                    center = o.mul_add(d, center);
                }
                let (center, shift) = (V::splat(center.sum() as f32), V::splat(-log_sum));
                for j in (0..len).step_by(WIDTH) {
                    let (share, _) = V::load(row.add(j)).mul_add(factor, shift).exp_expm1();
                    let d = V::load(ds.add(j)).sub(center).mul(share).mul(factor);
                    first_lanes(len - j, share, zero).store(row.add(j));
                    first_lanes(len - j, d, zero).store(ds.add(j));
                }
                for j in (len.next_multiple_of(WIDTH)..seen).step_by(WIDTH) {
                    zero.store(row.add(j));
                    zero.store(ds.add(j));
                }
            }
        }
    }
}
