//! Winograd's minimal filtering F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016): sixteen outputs of a tile from 36 products
//! instead of 144, as 36 independent matrix products over the channels.
//!
//! With d a 6 x 6 patch of the input and g a kernel: y = At [(G g Gt) . (Bt d B)] A. The backward pass is the transposed
//! computation: with m = A dy At (from 4 x 4 to 6 x 6) the gradients are dg = Gt [sum over tiles m . (Bt d B)] G and
//! dd = B [m . (G g Gt)] Bt, overlapping patches added; m serves both. Maps that are no multiple of four get tiles that
//! hang over the edge.
//!
//! Two orders of work keep what is large from leaving the cache. Where a layer has few weights and many tiles, tasks are
//! images: all weights stay, tiles come and go. Where it has many weights and few tiles, tasks are channels: all tiles
//! stay, and weights are transformed for some channels, used for all tiles, and forgotten.

mod backward;
mod transforms;

pub(super) use backward::backward;

use super::ConvSpec;
use crate::gemm::{Left, Right, Start, gemm, packed_index, packed_len};
use crate::simd::WIDTH;
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;
use transforms::{Part, input_transform, kernel_transform, output_transform};

/// Products a tile: points of the transformed domain.
pub(super) const POINTS: usize = 36;
/// Outputs of a tile along a side.
const TILE: usize = 4;
/// Channels a task, where tasks are channels.
const CHANNELS: usize = 32;
/// Tiles that a task of channels takes through its products at once.
const TILES_A_PASS: usize = 64;

/// Floats from one point's matrix to the next one's. Matrices are often a multiple of 4 KiB; without the extra line all
/// 36 values of a tile would fall into one set of the first-level cache.
fn point_stride(rows: usize, columns: usize) -> usize {
    rows * columns + WIDTH
}

/// The same for packed weights.
fn weights_stride(rows: usize, columns: usize) -> usize {
    packed_len(rows, columns) + WIDTH
}

/// Tiles of an image.
pub(super) fn tiles(spec: &ConvSpec) -> usize {
    spec.out_height().div_ceil(TILE) * spec.out_width().div_ceil(TILE)
}

/// Images a task, where tasks are images: about 48 tiles, so that a task's transforms stay in the second-level cache, and
/// tasks in fours.
pub(super) fn group(spec: &ConvSpec) -> usize {
    let tasks = (spec.batch * tiles(spec)).div_ceil(48).next_multiple_of(4);
    spec.batch.div_ceil(tasks).max(1)
}

/// Whether a layer has so many weights for its tiles that tasks should be channels.
pub(super) fn by_channels(spec: &ConvSpec) -> bool {
    let (weights, tiles) = (spec.in_channels * spec.out_channels, spec.batch * tiles(spec));
    weights >= 64 * tiles
}

/// Pointers that tasks share: each of them writes places of its own.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: the users below write disjoint places.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}
impl Shared {
    fn get(self) -> *mut f32 {
        self.0
    }
}

/// The kernels of `columns` right operand's columns from `from`, transformed into 36 packed operands of `rows` x `columns`: in
/// the forward pass rows are inputs and columns outputs, `transposed` the other way round.
#[derive(Clone, Copy)]
struct Weights<'a> {
    spec: &'a ConvSpec,
    weight: &'a [f32],
    transposed: bool,
}

impl Weights<'_> {
    fn rows(&self) -> usize {
        if self.transposed { self.spec.out_channels } else { self.spec.in_channels }
    }

    /// Transforms the kernels of sixteen columns from `column` on, into the columns of `u` from `place` on; `u` has `columns`.
    fn transform(&self, column: usize, place: usize, columns: usize, u: Shared) {
        // kernel (row, column) begins at (row * row_step + column * column_step) * 9
        let (row_step, column_step) =
            if self.transposed { (self.spec.in_channels, 1) } else { (1, self.spec.in_channels) };
        let rows = self.rows();
        let first = packed_index(rows, columns, 0, place);
        let step = if rows > 1 { packed_index(rows, columns, 1, place) - first } else { 0 };
        // SAFETY: the caller gives a buffer for all columns, and no other task these
        let u = unsafe { u.get().add(first) };
        let kernels = &self.weight[column * column_step * 9..];
        kernel_transform(
            kernels,
            rows,
            row_step * 9,
            column_step * 9,
            u,
            step,
            weights_stride(rows, columns),
        );
    }
}

/// All kernels, transformed for the forward pass.
pub(super) fn forward_weights(ws: &Workspace, spec: &ConvSpec, weight: &[f32]) -> Buffer {
    all_weights(ws, Weights { spec, weight, transposed: false }, spec.out_channels)
}

fn all_weights(ws: &Workspace, weights: Weights<'_>, columns: usize) -> Buffer {
    let mut u = ws.take(POINTS * weights_stride(weights.rows(), columns));
    let shared = Shared(u.as_mut_ptr());
    (0..columns).into_par_iter().step_by(WIDTH).for_each(|column| {
        weights.transform(column, column, columns, shared);
    });
    u
}

/// The convolution of some images, a task's worth, with weights that are transformed already.
pub(super) fn forward(
    ws: &Workspace,
    spec: &ConvSpec,
    weights: &[f32],
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let (input, out) = (spec.in_channels, spec.out_channels);
    let images = x.len() / spec.in_image();
    let t = images * tiles(spec);
    let (v_stride, m_stride) = (point_stride(t, input), point_stride(t, out));
    let mut v = ws.take(POINTS * v_stride);
    let mut m = ws.take(POINTS * m_stride);
    input_transform(Part::input(spec), images, x.as_ptr(), v.as_mut_ptr(), v_stride);
    for p in 0..POINTS {
        let left = Left::matrix(v[p * v_stride..].as_ptr(), input, 1);
        let right = Right::Packed(weights[p * weights_stride(input, out)..].as_ptr());
        gemm(t, out, input, left, right, m[p * m_stride..].as_mut_ptr(), out, Start::Zero);
    }
    output_transform(Part::output(spec), images, m.as_ptr(), m_stride, bias, y.as_mut_ptr());
}

/// The convolution of the whole batch, channels by channels.
pub(super) fn forward_by_channels(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let (input, out, per_image) = (spec.in_channels, spec.out_channels, tiles(spec));
    let v_stride = point_stride(spec.batch * per_image, input);
    let mut v = ws.take(POINTS * v_stride);
    let shared = Shared(v.as_mut_ptr());
    let group = group(spec);
    x.par_chunks(group * spec.in_image()).enumerate().for_each(|(task, x)| {
        // SAFETY: every task has its own tiles
        let v = unsafe { shared.get().add(task * group * per_image * input) };
        input_transform(Part::input(spec), x.len() / spec.in_image(), x.as_ptr(), v, v_stride);
    });
    let y = Shared(y.as_mut_ptr());
    let weights = Weights { spec, weight, transposed: false };
    let images_a_pass = (TILES_A_PASS / per_image).max(1);
    (0..out).into_par_iter().step_by(CHANNELS).for_each(|from| {
        let count = CHANNELS.min(out - from);
        let u_stride = weights_stride(input, count);
        let mut u = ws.take(POINTS * u_stride);
        let m_stride = point_stride(images_a_pass * per_image, count);
        let mut m = ws.take(POINTS * m_stride);
        for place in (0..count).step_by(WIDTH) {
            weights.transform(from + place, place, count, Shared(u.as_mut_ptr()));
        }
        for first in (0..spec.batch).step_by(images_a_pass) {
            let images = images_a_pass.min(spec.batch - first);
            for p in 0..POINTS {
                let left = Left::matrix(v[p * v_stride + first * per_image * input..].as_ptr(), input, 1);
                let right = Right::Packed(u[p * u_stride..].as_ptr());
                let m = m[p * m_stride..].as_mut_ptr();
                gemm(images * per_image, count, input, left, right, m, count, Start::Zero);
            }
            // SAFETY: every task has its own channels
            let y = unsafe { y.get().add(first * spec.out_image()) };
            output_transform(Part::output(spec).channels(from, count), images, m.as_ptr(), m_stride, bias, y);
        }
    });
}
