//! The gradients, by the transposed computation of F(4x4, 3x3): sixteen outputs of a tile from 36 products instead of 144.

use super::transforms::{
    Part, input_transform, input_transform_transposed, kernel_transform, kernel_transform_transposed,
    output_transform_transposed,
};
use super::{
    CHANNELS, POINTS, Shared, TILE, TILES_A_PASS, by_channels, images_a_task, packed_column, point_stride,
    strips, tiles, tiles_in, weights_stride,
};
use crate::conv::{ConvSpec, GradSource};
use crate::gemm::{Left, Right, Start, gemm};
use crate::product::Floats;
use crate::simd::WIDTH;
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;
use std::ops::Range;

/// Parts of a batch that sum their own gradient of the weights, whatever the number of threads.
const PARTS: usize = 8;
/// Tiles whose part of m stays in the first-level cache while the rows of v pass by.
const TILES_A_BLOCK: usize = 128;

/// The gradient of the weights, and into `dx` that of the input.
pub(in crate::conv) fn backward(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    dy: &impl GradSource,
    dx: Option<&mut [f32]>,
) -> Vec<f32> {
    // SAFETY: every task has its own images or channels
    let dx = dx.map(|dx| unsafe { Shared::new(dx) });
    let weights = Weights { spec, weight };
    let pass = Pass { ws, spec, x, dy, dx, weights, group: group(spec), per_image: tiles(spec) };
    if by_channels(spec) { pass.by_channels() } else { pass.by_images() }
}

/// Tiles of a strip of an image, about, where an image has more.
const TILES_A_STRIP: usize = 64;

/// Images a task, where tasks are images.
fn group(spec: &ConvSpec) -> usize {
    images_a_task(spec.batch, tiles(spec), 48)
}

/// G g Gt of the kernels in 36 packed right operands out x in.
#[derive(Clone, Copy)]
struct Weights<'a> {
    spec: &'a ConvSpec,
    weight: &'a [f32],
}

impl Weights<'_> {
    /// Transforms the kernels of sixteen inputs from `column` on, into the columns of `u` from `place` on; `u` has `columns`.
    fn transform(&self, column: usize, place: usize, columns: usize, u: Shared<'_>) {
        let (input, out) = (self.spec.in_channels, self.spec.out_channels);
        let (first, step) = packed_column(out, columns, place);
        let kernels = &self.weight[column * 9..];
        kernel_transform(kernels, out, input * 9, 9, u.from(first), step, weights_stride(out, columns));
    }

    /// All of them.
    fn all(&self, ws: &Workspace) -> Buffer {
        let input = self.spec.in_channels;
        let mut u = ws.take(POINTS * weights_stride(self.spec.out_channels, input));
        // SAFETY: every task has its own columns
        let shared = unsafe { Shared::new(&mut u) };
        (0..input).into_par_iter().step_by(WIDTH).for_each(|column| {
            self.transform(column, column, input, shared);
        });
        u
    }
}

/// A backward pass.
struct Pass<'a, D> {
    ws: &'a Workspace,
    spec: &'a ConvSpec,
    x: &'a [f32],
    dy: &'a D,
    dx: Option<Shared<'a>>,
    weights: Weights<'a>,
    /// Images a task.
    group: usize,
    per_image: usize,
}

impl<D: GradSource> Pass<'_, D> {
    fn tasks(&self) -> usize {
        self.spec.batch.div_ceil(self.group)
    }

    /// Each part of the batch makes its tiles and sums its gradient of the weights in the cache; the parts' sums are added
    /// in order.
    fn by_images(&self) -> Vec<f32> {
        let Self { ws, spec, .. } = self;
        let (input, out) = (spec.in_channels, spec.out_channels);
        let turned = self.dx.map(|dx| (dx, self.weights.all(ws)));
        let du_stride = point_stride(input, out);
        let tasks_a_part = self.tasks().div_ceil(PARTS);
        let parts = self.tasks().div_ceil(tasks_a_part);
        let mut du = ws.take(parts * POINTS * du_stride);
        du.par_chunks_mut(POINTS * du_stride).enumerate().for_each(|(part, du)| {
            let strips = || strips(self.group, (spec.out_height(), spec.out_width()), TILE, TILES_A_STRIP);
            let most = self.group * strips().map(|rows| tiles_in(spec, &rows)).max().unwrap_or(0);
            let (v_stride, m_stride) = (point_stride(most, input), point_stride(most, out));
            let mut v = ws.take(POINTS * v_stride);
            let mut m = ws.take(POINTS * m_stride);
            let mut dy = ws.take(spec.out_image());
            let tasks = part * tasks_a_part..((part + 1) * tasks_a_part).min(self.tasks());
            let strips = tasks.flat_map(|task| strips().map(move |rows| (task, rows)));
            for (i, (task, rows)) in strips.enumerate() {
                // SAFETY: this task has all of v and m
                let (v_all, m_all) = unsafe { (Shared::new(&mut v), Shared::new(&mut m)) };
                let images = self.transform(task, &rows, &mut dy, v_all, v_stride, m_all, m_stride);
                if let Some((dx, turned)) = &turned {
                    let images = (task * self.group, images);
                    self.input_gradient(images, &rows, &m, m_stride, turned, (0, input), *dx);
                }
                for (p, du) in du.chunks_exact_mut(du_stride).enumerate() {
                    let (v, m) = (&v[p * v_stride..], &m[p * m_stride..]);
                    self.multiply(v, m, images * tiles_in(spec, &rows), out, i > 0, du);
                }
            }
        });
        let (first, others) = du.split_at_mut(POINTS * du_stride);
        first.par_chunks_mut(du_stride).enumerate().for_each(|(p, sum)| {
            for part in others.chunks_exact(POINTS * du_stride) {
                sum.iter_mut().zip(&part[p * du_stride..]).for_each(|(s, d)| *s += d);
            }
        });
        let mut dweight = ws.take(spec.weights());
        dweight.par_chunks_mut(WIDTH * input * 9).enumerate().for_each(|(block, dweight)| {
            kernel_transform_transposed(&du[block * WIDTH..], du_stride, input, out, dweight);
        });
        dweight.into_vec()
    }

    /// All tiles first; then, for some channels at a time, the gradient of the inputs and that of the weights.
    fn by_channels(&self) -> Vec<f32> {
        let Self { ws, spec, .. } = self;
        let (input, out) = (spec.in_channels, spec.out_channels);
        let total = spec.batch * self.per_image;
        let (v_stride, m_stride) = (point_stride(total, input), point_stride(total, out));
        let mut v = ws.take(POINTS * v_stride);
        let mut m = ws.take(POINTS * m_stride);
        // SAFETY: every task has its own tiles
        let (v_all, m_all) = unsafe { (Shared::new(&mut v), Shared::new(&mut m)) };
        (0..self.tasks()).into_par_iter().for_each(|task| {
            let first = task * self.group * self.per_image;
            let (v, m) = (v_all.from(first * input), m_all.from(first * out));
            let mut dy = ws.take(spec.out_image());
            self.transform(task, &(0..spec.height), &mut dy, v, v_stride, m, m_stride);
        });
        let mut dweight = ws.take(spec.weights());
        let inputs = || {
            let Some(dx) = self.dx else { return };
            (0..input).into_par_iter().step_by(CHANNELS).for_each(|from| {
                let count = CHANNELS.min(input - from);
                let mut turned = ws.take(POINTS * weights_stride(out, count));
                for place in (0..count).step_by(WIDTH) {
                    // SAFETY: this task has all of them
                    let turned = unsafe { Shared::new(&mut turned) };
                    self.weights.transform(from + place, place, count, turned);
                }
                let images_a_pass = (TILES_A_PASS / self.per_image).max(1);
                for first in (0..spec.batch).step_by(images_a_pass) {
                    let images = images_a_pass.min(spec.batch - first);
                    let m = &m[first * self.per_image * out..];
                    let rows = 0..spec.height;
                    self.input_gradient((first, images), &rows, m, m_stride, &turned, (from, count), dx);
                }
            });
        };
        let weights = |dweight: &mut [f32]| {
            dweight.par_chunks_mut(CHANNELS * input * 9).enumerate().for_each(|(task, dweight)| {
                let (from, count) = (task * CHANNELS, CHANNELS.min(out - task * CHANNELS));
                let du_stride = point_stride(input, count);
                let mut du = ws.take(POINTS * du_stride);
                for (p, du) in du.chunks_exact_mut(du_stride).enumerate() {
                    for first in (0..total).step_by(TILES_A_BLOCK) {
                        let tiles = TILES_A_BLOCK.min(total - first);
                        let (v, m) =
                            (&v[p * v_stride + first * input..], &m[p * m_stride + first * out + from..]);
                        self.multiply(v, m, tiles, count, first > 0, du);
                    }
                }
                for (block, dweight) in dweight.chunks_mut(WIDTH * input * 9).enumerate() {
                    kernel_transform_transposed(&du[block * WIDTH..], du_stride, input, count, dweight);
                }
            });
        };
        rayon::join(inputs, || weights(&mut dweight));
        dweight.into_vec()
    }

    /// Bt d B and A dy At of some rows of a task's images; returns how many images those are. `dy` has room for an image: one
    /// image alone stays there from its first rows to its last.
    fn transform(
        &self,
        task: usize,
        rows: &Range<usize>,
        dy: &mut [f32],
        v: Shared<'_>,
        v_stride: usize,
        m: Shared<'_>,
        m_stride: usize,
    ) -> usize {
        let Self { spec, .. } = self;
        let first = task * self.group;
        let images = self.group.min(spec.batch - first);
        let x = &self.x[first * spec.in_image()..][..images * spec.in_image()];
        input_transform(Part::input(spec).rows(rows), images, x, v, v_stride);
        for i in 0..images {
            if rows.start == 0 {
                self.dy.fill(first + i, dy);
            }
            let m = m.from(i * self.per_image * spec.out_channels);
            output_transform_transposed(Part::output(spec).rows(rows), 1, dy, m, m_stride);
        }
        images
    }

    /// The gradient of some channels (from, count) of some rows of some images (first, count); `m` begins with their tiles, and `turned` has the
    /// weights of those channels.
    fn input_gradient(
        &self,
        (first, images): (usize, usize),
        rows: &Range<usize>,
        m: &[f32],
        m_stride: usize,
        turned: &Buffer,
        (from, count): (usize, usize),
        dx: Shared<'_>,
    ) {
        let Self { ws, spec, .. } = self;
        let (out, t) = (spec.out_channels, images * tiles_in(spec, rows));
        let (u_stride, dv_stride) = (weights_stride(out, count), point_stride(t, count));
        let mut dv = ws.take(POINTS * dv_stride);
        for p in 0..POINTS {
            let left = Left::matrix(&m[p * m_stride..], out, 1);
            let right = Right::Packed(&turned[p * u_stride..]);
            gemm::<Floats>(t, count, out, left, right, &mut dv[p * dv_stride..], count, Start::Zero);
        }
        let part = Part::input(spec).rows(rows).channels(from, count);
        input_transform_transposed(part, images, &dv, dv_stride, dx.from(first * spec.in_image()));
    }

    /// du = vt m, or added to it, for some tiles at one point and `count` columns of m.
    fn multiply(&self, v: &[f32], m: &[f32], tiles: usize, count: usize, add: bool, du: &mut [f32]) {
        let (input, out) = (self.spec.in_channels, self.spec.out_channels);
        let left = Left::matrix(v, 1, input);
        let right = Right::Rows(m, out);
        let start = if add { Start::Accumulate } else { Start::Zero };
        gemm::<Floats>(input, count, tiles, left, right, du, count, start);
    }
}
