//! A function of its own for each channel, applied to every element, and its gradients.
//!
//! Where the elements of a channel lie side by side, each run of them is one call of what [`elementwise`](crate::elementwise) does.
//! Where channels are the last dimension, blocks of rows are transposed in the cache first.

use rayon::prelude::*;

use crate::check::length;
use crate::elementwise::{gradients, values};
use crate::function::{Function, FunctionGrads, FunctionVisitor, Pointwise};

/// Rows of a block whose channels lie last. It fixes where partial sums end, so it must not depend on the number of threads.
const ROWS: usize = 256;

/// Channels of a block that are transposed together.
const GROUP: usize = 16;

/// Where the channels of a tensor lie: outer x channels x inner, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Product of the dimensions before the channels.
    pub outer: usize,
    /// Channels.
    pub channels: usize,
    /// Product of the dimensions after them; 1 for channels last.
    pub inner: usize,
}

impl ChannelSpec {
    fn check(&self, functions: &[Function<'_>], x: &[f32]) {
        let Self { outer, channels, inner } = *self;
        assert!(channels > 0 && inner > 0, "there is at least one channel, of one element: {self:?}");
        assert_eq!(functions.len(), channels, "one function a channel");
        let len = outer.checked_mul(channels).and_then(|len| len.checked_mul(inner));
        length("x", x.len(), len.expect("a tensor whose elements can be counted"));
    }

    /// Numbers of a block: some rows where channels are last, else one index of the outer dimensions.
    fn block(&self) -> usize {
        let rows = if self.inner == 1 { ROWS } else { 1 };
        rows * self.channels * self.inner
    }
}

/// `y = f_c(x)` where c is the channel of the element. RReLU's slopes are numbered by block, channel and position in the channel.
///
/// # Panics
/// If the lengths don't fit, or the functions are not one a channel.
///
/// ```
/// use adact_kernels::channels::{self, ChannelSpec};
/// use adact_kernels::{Activation, Function};
/// let functions = [Activation::Relu, Activation::LeakyRelu];
/// let functions = [Function::single(&functions[0]), Function::single(&functions[1])];
/// let mut y = [0.0; 4];
/// let rows = ChannelSpec { outer: 2, channels: 2, inner: 1 };
/// channels::forward(&rows, &functions, &[-1.0, -1.0, 2.0, 3.0], &mut y);
/// assert_eq!(y, [0.0, -0.01, 2.0, 3.0]);
/// ```
pub fn forward(spec: &ChannelSpec, functions: &[Function<'_>], x: &[f32], y: &mut [f32]) {
    spec.check(functions, x);
    length("y", y.len(), x.len());
    struct Run<'a>(usize, &'a [f32], &'a mut [f32]);
    impl FunctionVisitor for Run<'_> {
        type Output = ();
        fn visit<F: Pointwise>(self, f: F) {
            values(f, self.0, self.1, self.2);
        }
    }
    let block = spec.block();
    y.par_chunks_mut(block).zip(x.par_chunks(block)).enumerate().for_each(|(i, (y, x))| {
        let start = i * block;
        if spec.inner > 1 {
            let runs = y.chunks_exact_mut(spec.inner).zip(x.chunks_exact(spec.inner));
            for (c, (y, x)) in runs.enumerate() {
                functions[c].visit(Run(start + c * spec.inner, x, y));
            }
            return;
        }
        let rows = x.len() / spec.channels;
        let (mut from, mut to) = ([0.0; GROUP * ROWS], [0.0; GROUP * ROWS]);
        for first in (0..spec.channels).step_by(GROUP) {
            let group = GROUP.min(spec.channels - first);
            gather(x, spec.channels, first, group, &mut from);
            for c in 0..group {
                let (from, to) = (&from[c * ROWS..][..rows], &mut to[c * ROWS..][..rows]);
                functions[first + c].visit(Run(start + (first + c) * rows, from, to));
            }
            scatter(&to, y, spec.channels, first, group);
        }
    });
}

/// `dx = dy f_c'(x)`, and the gradients of each channel's parameters, summed in a fixed order.
///
/// # Panics
/// As [`forward`].
pub fn backward(
    spec: &ChannelSpec,
    functions: &[Function<'_>],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) -> Vec<FunctionGrads> {
    spec.check(functions, x);
    length("dy", dy.len(), x.len());
    length("dx", dx.len(), x.len());
    /// Also counts the sums of the function's type.
    struct Run<'a>(usize, &'a [f32], &'a [f32], &'a mut [f32], &'a mut [f64]);
    impl FunctionVisitor for Run<'_> {
        type Output = ();
        fn visit<F: Pointwise>(self, f: F) {
            gradients(f, self.0, self.1, self.2, self.3, &mut self.4[..F::SUMS]);
        }
    }
    struct Sums;
    impl FunctionVisitor for Sums {
        type Output = usize;
        fn visit<F: Pointwise>(self, _: F) -> usize {
            F::SUMS
        }
    }
    // functions may be of several types
    let sums = functions.iter().map(|f| f.visit(Sums)).max().unwrap_or(0);
    let (block, per_block) = (spec.block(), sums * spec.channels);
    let mut partial = vec![0.0; x.len().div_ceil(block) * per_block];
    let blocks = dx.par_chunks_mut(block).zip(x.par_chunks(block)).zip(dy.par_chunks(block));
    blocks.zip(partial.par_chunks_mut(per_block)).enumerate().for_each(|(i, (((dx, x), dy), partial))| {
        let start = i * block;
        if spec.inner > 1 {
            let runs = dx.chunks_exact_mut(spec.inner).zip(x.chunks_exact(spec.inner));
            let runs = runs.zip(dy.chunks_exact(spec.inner)).zip(partial.chunks_exact_mut(sums));
            for (c, (((dx, x), dy), partial)) in runs.enumerate() {
                functions[c].visit(Run(start + c * spec.inner, x, dy, dx, partial));
            }
            return;
        }
        let rows = x.len() / spec.channels;
        let [mut from, mut gradient, mut to] = [[0.0; GROUP * ROWS]; 3];
        for first in (0..spec.channels).step_by(GROUP) {
            let group = GROUP.min(spec.channels - first);
            gather(x, spec.channels, first, group, &mut from);
            gather(dy, spec.channels, first, group, &mut gradient);
            for c in 0..group {
                let at = c * ROWS..c * ROWS + rows;
                let partial = &mut partial[(first + c) * sums..][..sums];
                let start = start + (first + c) * rows;
                functions[first + c].visit(Run(
                    start,
                    &from[at.clone()],
                    &gradient[at.clone()],
                    &mut to[at],
                    partial,
                ));
            }
            scatter(&to, dx, spec.channels, first, group);
        }
    });
    let mut total = vec![0.0; per_block];
    for partial in partial.chunks_exact(per_block.max(1)) {
        total.iter_mut().zip(partial).for_each(|(t, p)| *t += p);
    }
    functions.iter().zip(total.chunks(sums)).map(|(f, sums)| f.gradients(sums)).collect()
}

/// Some channels of rows, each channel's elements side by side.
fn gather(rows: &[f32], channels: usize, first: usize, group: usize, to: &mut [f32; GROUP * ROWS]) {
    for (r, row) in rows.chunks_exact(channels).enumerate() {
        for (c, &value) in row[first..first + group].iter().enumerate() {
            to[c * ROWS + r] = value;
        }
    }
}

/// Puts them back.
fn scatter(from: &[f32; GROUP * ROWS], rows: &mut [f32], channels: usize, first: usize, group: usize) {
    for (r, row) in rows.chunks_exact_mut(channels).enumerate() {
        for (c, value) in row[first..first + group].iter_mut().enumerate() {
            *value = from[c * ROWS + r];
        }
    }
}
