//! Winograd's minimal filtering F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016): sixteen outputs of a tile from 36 products
//! instead of 144, as 36 independent matrix products over the channels.
//!
//! With d a 6 x 6 patch of the input and g a kernel: y = At [(G g Gt) . (Bt d B)] A. The backward pass is the transposed
//! computation: with m = A dy At (from 4 x 4 to 6 x 6) the gradients are dg = Gt [sum over tiles m . (Bt d B)] G and
//! dd = B [m . (G g Gt)] Bt, overlapping patches added; m serves both. Maps that are no multiple of four get tiles that
//! hang over the edge.

use super::{ConvSpec, GradSource};
use crate::gemm::{Left, Right, Start, gemm, packed_index, packed_len};
use crate::simd::{Lanes, WIDTH};
use crate::vectorised;
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;

/// Products a tile: points of the transformed domain.
pub(super) const POINTS: usize = 36;
/// Outputs of a tile along a side.
const TILE: usize = 4;

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

/// Images a task: about 48 tiles, so that a task's transforms stay in the second-level cache, and tasks in fours.
pub(super) fn group(spec: &ConvSpec) -> usize {
    let tasks = (spec.batch * tiles(spec)).div_ceil(48).next_multiple_of(4);
    spec.batch.div_ceil(tasks).max(1)
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

/// G g Gt for all kernels: 36 packed right operands, in x out.
pub(super) fn forward_weights(ws: &Workspace, spec: &ConvSpec, weight: &[f32]) -> Buffer {
    transform_weights(ws, spec, weight, false)
}

fn transform_weights(ws: &Workspace, spec: &ConvSpec, weight: &[f32], transposed: bool) -> Buffer {
    let (input, out) = (spec.in_channels, spec.out_channels);
    let (rows, columns) = if transposed { (out, input) } else { (input, out) };
    let one = weights_stride(rows, columns);
    let mut u = ws.take(POINTS * one);
    let shared = Shared(u.as_mut_ptr());
    // (position of a kernel = row * row_step + column * column_step) * 9
    let (row_step, column_step) = if transposed { (input, 1) } else { (1, input) };
    (0..columns / WIDTH).into_par_iter().for_each(|block| {
        let first = packed_index(rows, columns, 0, block * WIDTH);
        let step = if rows > 1 { packed_index(rows, columns, 1, block * WIDTH) - first } else { 0 };
        let kernels = &weight[block * WIDTH * column_step * 9..];
        // SAFETY: blocks of columns are disjoint
        let u = unsafe { shared.get().add(first) };
        kernel_transform(kernels, rows, row_step * 9, column_step * 9, u, step, one);
    });
    u
}

vectorised! {
    /// Transforms `rows` kernels for sixteen columns: lane l of row r reads nine numbers at r * row_step + l * lane_step.
    fn kernel_transform<V>(kernels: &[f32], rows: usize, row_step: usize, lane_step: usize, u: *mut f32, step: usize, one: usize) {
        let mut g = [[0.0f32; WIDTH]; 9];
        for r in 0..rows {
            for l in 0..WIDTH {
                let k = &kernels[r * row_step + l * lane_step..][..9];
                for t in 0..9 {
                    g[t][l] = k[t];
                }
            }
            // SAFETY: the arrays are full vectors; the caller gives places for all points
            unsafe {
                let mut half = [[V::splat(0.0); 3]; 6];
                for c in 0..3 {
                    let column = kernel_1d(strided(g[c].as_ptr(), 3 * WIDTH));
                    for i in 0..6 {
                        half[i][c] = column[i];
                    }
                }
                for (i, line) in half.into_iter().enumerate() {
                    for (j, v) in kernel_1d(line).into_iter().enumerate() {
                        v.store(u.add((i * 6 + j) * one + r * step));
                    }
                }
            }
        }
    }
}

/// N vectors, one every `stride` floats.
#[inline(always)]
unsafe fn strided<V: Lanes, const N: usize>(p: *const f32, stride: usize) -> [V; N] {
    let mut out = [V::splat(0.0); N];
    for (i, v) in out.iter_mut().enumerate() {
        *v = unsafe { V::load(p.add(i * stride)) };
    }
    out
}

/// G g.
#[inline(always)]
fn kernel_1d<V: Lanes>([a, b, c]: [V; 3]) -> [V; 6] {
    let (sixth, quarter) = (V::splat(-1.0 / 6.0), V::splat(0.25));
    let sum = a.add(c);
    // a / 24 + c / 6 and b / 12
    let outer = c.mul_add(V::splat(1.0 / 6.0), a.mul(V::splat(1.0 / 24.0)));
    let middle = b.mul(V::splat(1.0 / 12.0));
    [a.mul(quarter), sum.add(b).mul(sixth), sum.sub(b).mul(sixth), outer.add(middle), outer.sub(middle), c]
}

/// Gt m.
#[inline(always)]
fn kernel_1d_transposed<V: Lanes>(m: [V; 6]) -> [V; 3] {
    let sixth = V::splat(1.0 / 6.0);
    let (s1, d1) = (m[1].add(m[2]), m[2].sub(m[1]));
    let (s2, d2) = (m[3].add(m[4]), m[3].sub(m[4]));
    let a = s2.mul_add(V::splat(1.0 / 24.0), s1.neg_mul_add(sixth, m[0].mul(V::splat(0.25))));
    let b = d2.mul_add(V::splat(1.0 / 12.0), d1.mul(sixth));
    let c = s2.sub(s1).mul_add(sixth, m[5]);
    [a, b, c]
}

/// Bt d.
#[inline(always)]
fn input_1d<V: Lanes>(d: [V; 6]) -> [V; 6] {
    let (two, four, five) = (V::splat(2.0), V::splat(4.0), V::splat(5.0));
    let even = d[2].neg_mul_add(four, d[4]);
    let odd = d[1].neg_mul_add(four, d[3]);
    let (p, q) = (d[4].sub(d[2]), d[3].sub(d[1]));
    [
        d[0].mul_add(four, d[2].neg_mul_add(five, d[4])),
        even.add(odd),
        even.sub(odd),
        q.mul_add(two, p),
        q.neg_mul_add(two, p),
        d[1].mul_add(four, d[3].neg_mul_add(five, d[5])),
    ]
}

/// B t.
#[inline(always)]
fn input_1d_transposed<V: Lanes>(t: [V; 6]) -> [V; 6] {
    let (two, four, five) = (V::splat(2.0), V::splat(4.0), V::splat(5.0));
    let (s1, d1) = (t[1].add(t[2]), t[1].sub(t[2]));
    let (s2, d2) = (t[3].add(t[4]), t[3].sub(t[4]));
    [
        t[0].mul(four),
        d2.neg_mul_add(two, d1.neg_mul_add(four, t[5].mul(four))),
        t[0].neg_mul_add(five, s1.neg_mul_add(four, V::splat(0.0).sub(s2))),
        d2.mul_add(two, t[5].neg_mul_add(five, d1)),
        t[0].add(s1.add(s2)),
        t[5],
    ]
}

/// At m.
#[inline(always)]
fn output_1d<V: Lanes>(m: [V; 6]) -> [V; 4] {
    let (s1, d1) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (s2, d2) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(s1.add(s2)),
        d2.mul_add(V::splat(2.0), d1),
        s2.mul_add(V::splat(4.0), s1),
        d2.mul_add(V::splat(8.0), d1).add(m[5]),
    ]
}

/// A y.
#[inline(always)]
fn output_1d_transposed<V: Lanes>(y: [V; 4]) -> [V; 6] {
    let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
    let (e2, o2) = (y[2].mul_add(V::splat(4.0), y[0]), y[3].mul_add(V::splat(4.0), y[1]));
    let two = V::splat(2.0);
    [y[0], even.add(odd), even.sub(odd), o2.mul_add(two, e2), o2.neg_mul_add(two, e2), y[3]]
}

/// A map of `height` x `width` x `channels`.
#[derive(Clone, Copy)]
struct Map {
    height: usize,
    width: usize,
    channels: usize,
}

impl Map {
    fn input(spec: &ConvSpec) -> Self {
        Self { height: spec.height, width: spec.width, channels: spec.in_channels }
    }
    fn output(spec: &ConvSpec) -> Self {
        Self { height: spec.out_height(), width: spec.out_width(), channels: spec.out_channels }
    }
    fn len(self) -> usize {
        self.height * self.width * self.channels
    }
}

vectorised! {
    /// Bt d B of every tile of some images: point p of tile t and channel c at v[p * point_stride + t * channels + c].
    fn input_transform<V>(map: Map, x: &[f32], v: *mut f32, point_stride: usize) {
        let Map { height, width, channels } = map;
        let mut tile = 0;
        for image in x.chunks_exact(map.len()) {
            for top in (0..height).step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    // rows and columns of the patch that lie inside, as ranges of 0..6
                    let (r0, r1) = (usize::from(top == 0), (height + 1 - top).min(6));
                    let (c0, c1) = (usize::from(left == 0), (width + 1 - left).min(6));
                    for c in (0..channels).step_by(WIDTH) {
                        let mut d = [[V::splat(0.0); 6]; 6];
                        // SAFETY: rows and columns are inside the image; the caller gives places for all points
                        unsafe {
                            if (r0, r1, c0, c1) == (0, 6, 0, 6) {
                                let p = image.as_ptr().add(((top - 1) * width + left - 1) * channels + c);
                                for i in 0..6 {
                                    for j in 0..6 {
                                        d[j][i] = V::load(p.add((i * width + j) * channels));
                                    }
                                }
                            } else {
                                // constant bounds keep the patch in registers
                                for i in 0..6 {
                                    for j in 0..6 {
                                        if i >= r0 && i < r1 && j >= c0 && j < c1 {
                                            let at = ((top + i - 1) * width + left + j - 1) * channels + c;
                                            d[j][i] = V::load(image.as_ptr().add(at));
                                        }
                                    }
                                }
                            }
                            for line in &mut d {
                                *line = input_1d(*line);
                            }
                            for i in 0..6 {
                                let line = input_1d([d[0][i], d[1][i], d[2][i], d[3][i], d[4][i], d[5][i]]);
                                for (j, t) in line.into_iter().enumerate() {
                                    t.store(v.add((i * 6 + j) * point_stride + tile * channels + c));
                                }
                            }
                        }
                    }
                    tile += 1;
                }
            }
        }
    }
}

vectorised! {
    /// At m A of every tile of some images, plus the bias.
    fn output_transform<V>(map: Map, m: *const f32, point_stride: usize, bias: Option<&[f32]>, y: &mut [f32]) {
        let Map { height, width, channels } = map;
        let mut tile = 0;
        for image in y.chunks_exact_mut(map.len()) {
            for top in (0..height).step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    let (rows, columns) = ((height - top).min(TILE), (width - left).min(TILE));
                    for c in (0..channels).step_by(WIDTH) {
                        // SAFETY: the caller gives all points; rows and columns are inside the image
                        unsafe {
                            let b = match bias {
                                Some(b) => V::load(b.as_ptr().add(c)),
                                None => V::splat(0.0),
                            };
                            let mut half = [[V::splat(0.0); 6]; 4];
                            for j in 0..6 {
                                let column = output_1d(strided(m.add(j * point_stride + tile * channels + c), 6 * point_stride));
                                for i in 0..4 {
                                    half[i][j] = column[i];
                                }
                            }
                            for i in 0..4 {
                                let line = output_1d(half[i]);
                                for j in 0..4 {
                                    if i < rows && j < columns {
                                        let at = ((top + i) * width + left + j) * channels + c;
                                        line[j].add(b).store(image.as_mut_ptr().add(at));
                                    }
                                }
                            }
                        }
                    }
                    tile += 1;
                }
            }
        }
    }
}

vectorised! {
    /// A dy At of every tile of some images, zeros beyond the edge.
    fn output_transform_transposed<V>(map: Map, dy: &[f32], m: *mut f32, point_stride: usize) {
        let Map { height, width, channels } = map;
        let mut tile = 0;
        for image in dy.chunks_exact(map.len()) {
            for top in (0..height).step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    let (rows, columns) = ((height - top).min(TILE), (width - left).min(TILE));
                    for c in (0..channels).step_by(WIDTH) {
                        let mut d = [[V::splat(0.0); 4]; 4];
                        // SAFETY: as above
                        unsafe {
                            for i in 0..4 {
                                for j in 0..4 {
                                    if i < rows && j < columns {
                                        let at = ((top + i) * width + left + j) * channels + c;
                                        d[j][i] = V::load(image.as_ptr().add(at));
                                    }
                                }
                            }
                            let mut half = [[V::splat(0.0); 6]; 4];
                            for j in 0..4 {
                                half[j] = output_1d_transposed(d[j]);
                            }
                            for i in 0..6 {
                                let line = output_1d_transposed([half[0][i], half[1][i], half[2][i], half[3][i]]);
                                for (j, t) in line.into_iter().enumerate() {
                                    t.store(m.add((i * 6 + j) * point_stride + tile * channels + c));
                                }
                            }
                        }
                    }
                    tile += 1;
                }
            }
        }
    }
}

vectorised! {
    /// B v Bt of every tile of some images, added where patches overlap. Tiles come row by row, so a place is new to the first
    /// of them that covers it.
    fn input_transform_transposed<V>(map: Map, v: *const f32, point_stride: usize, dx: &mut [f32]) {
        let Map { height, width, channels } = map;
        let mut tile = 0;
        for image in dx.chunks_exact_mut(map.len()) {
            for top in (0..height).step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    let (r0, r1) = (usize::from(top == 0), (height + 1 - top).min(6));
                    let (c0, c1) = (usize::from(left == 0), (width + 1 - left).min(6));
                    for c in (0..channels).step_by(WIDTH) {
                        // SAFETY: as above
                        unsafe {
                            let mut half = [[V::splat(0.0); 6]; 6];
                            for j in 0..6 {
                                let column = input_1d_transposed(strided(v.add(j * point_stride + tile * channels + c), 6 * point_stride));
                                for i in 0..6 {
                                    half[i][j] = column[i];
                                }
                            }
                            for i in 0..6 {
                                let line = input_1d_transposed(half[i]);
                                for j in 0..6 {
                                    if i >= r0 && i < r1 && j >= c0 && j < c1 {
                                        let at = ((top + i - 1) * width + left + j - 1) * channels + c;
                                        let p = image.as_mut_ptr().add(at);
                                        // the tiles above and to the left were here before
                                        let added = (i < 2 && top > 0) || (j < 2 && left > 0);
                                        (if added { V::load(p).add(line[j]) } else { line[j] }).store(p);
                                    }
                                }
                            }
                        }
                    }
                    tile += 1;
                }
            }
        }
    }
}

/// The convolution of some images, a task's worth.
pub(super) fn forward(
    ws: &Workspace,
    spec: &ConvSpec,
    weights: &[f32],
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let (input, out) = (spec.in_channels, spec.out_channels);
    let t = x.len() / spec.in_image() * tiles(spec);
    let (v_stride, m_stride) = (point_stride(t, input), point_stride(t, out));
    let mut v = ws.take(POINTS * v_stride);
    let mut m = ws.take(POINTS * m_stride);
    input_transform(Map::input(spec), x, v.as_mut_ptr(), v_stride);
    for p in 0..POINTS {
        let left = Left::matrix(v[p * v_stride..].as_ptr(), input, 1);
        let right = Right::Packed(weights[p * weights_stride(input, out)..].as_ptr());
        gemm(t, out, input, left, right, m[p * m_stride..].as_mut_ptr(), out, Start::Zero);
    }
    output_transform(Map::output(spec), m.as_ptr(), m_stride, bias, y);
}

/// The gradient of the weights, and into `dx` that of the input.
pub(super) fn backward(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    dy: &impl GradSource,
    dx: Option<&mut [f32]>,
) -> Vec<f32> {
    let turned = dx.is_some().then(|| transform_weights(ws, spec, weight, true));
    let dx = dx.map(|dx| Shared(dx.as_mut_ptr()));
    let pass = Pass { ws, spec, x, dy, turned, dx, group: group(spec), per_image: tiles(spec) };
    let stride = point_stride(spec.in_channels, spec.out_channels);
    let du = if POINTS * stride <= SMALL { pass.in_parts(stride) } else { pass.in_phases(stride) };
    weight_gradient(ws, spec, &du, stride)
}

/// Floats of transformed weights up to which every part of the batch sums its own gradient of them, in the cache.
const SMALL: usize = 128 * 1024;
/// Parts of a batch, whatever the number of threads.
const PARTS: usize = 8;
/// Tiles whose part of m stays in the first-level cache while the rows of v pass by.
const TILES_A_BLOCK: usize = 128;

/// A backward pass: tasks of some images each.
struct Pass<'a, D> {
    ws: &'a Workspace,
    spec: &'a ConvSpec,
    x: &'a [f32],
    dy: &'a D,
    turned: Option<Buffer>,
    dx: Option<Shared>,
    group: usize,
    per_image: usize,
}

impl<D: GradSource> Pass<'_, D> {
    fn tasks(&self) -> usize {
        self.spec.batch.div_ceil(self.group)
    }

    /// Few weights, many tiles: each part of the batch makes its tiles and sums its gradient of the weights in the cache; the
    /// parts' sums are added in order.
    fn in_parts(&self, du_stride: usize) -> Buffer {
        let (input, out) = (self.spec.in_channels, self.spec.out_channels);
        let tasks_a_part = self.tasks().div_ceil(PARTS);
        let parts = self.tasks().div_ceil(tasks_a_part);
        let mut du = self.ws.take(parts * POINTS * du_stride);
        du.par_chunks_mut(POINTS * du_stride).enumerate().for_each(|(part, du)| {
            let t = self.group * self.per_image;
            let (v_stride, m_stride) = (point_stride(t, input), point_stride(t, out));
            let mut v = self.ws.take(POINTS * v_stride);
            let mut m = self.ws.take(POINTS * m_stride);
            let tasks = part * tasks_a_part..((part + 1) * tasks_a_part).min(self.tasks());
            for (i, task) in tasks.enumerate() {
                let tiles = self.task(task, v.as_mut_ptr(), v_stride, m.as_mut_ptr(), m_stride);
                for (p, du) in du.chunks_exact_mut(du_stride).enumerate() {
                    self.multiply(&v[p * v_stride..], &m[p * m_stride..], tiles, i > 0, du);
                }
            }
        });
        let (first, others) = du.split_at_mut(POINTS * du_stride);
        first.par_chunks_mut(du_stride).enumerate().for_each(|(p, sum)| {
            for part in others.chunks_exact(POINTS * du_stride) {
                sum.iter_mut().zip(&part[p * du_stride..]).for_each(|(s, d)| *s += d);
            }
        });
        du
    }

    /// Many weights, few tiles: all tiles first, then the gradient of the weights point by point.
    fn in_phases(&self, du_stride: usize) -> Buffer {
        let (input, out) = (self.spec.in_channels, self.spec.out_channels);
        let total = self.spec.batch * self.per_image;
        let (v_stride, m_stride) = (point_stride(total, input), point_stride(total, out));
        let mut v = self.ws.take(POINTS * v_stride);
        let mut m = self.ws.take(POINTS * m_stride);
        let (v_all, m_all) = (Shared(v.as_mut_ptr()), Shared(m.as_mut_ptr()));
        (0..self.tasks()).into_par_iter().for_each(|task| {
            let first = task * self.group * self.per_image;
            // SAFETY: every task has its own tiles
            let (v, m) = unsafe { (v_all.get().add(first * input), m_all.get().add(first * out)) };
            self.task(task, v, v_stride, m, m_stride);
        });
        let mut du = self.ws.take(POINTS * du_stride);
        du.par_chunks_mut(du_stride).enumerate().for_each(|(p, du)| {
            for from in (0..total).step_by(TILES_A_BLOCK) {
                let tiles = TILES_A_BLOCK.min(total - from);
                let (v, m) = (&v[p * v_stride + from * input..], &m[p * m_stride + from * out..]);
                self.multiply(v, m, tiles, from > 0, du);
            }
        });
        du
    }

    /// du = vt m, or added to it, for some tiles at one point.
    fn multiply(&self, v: &[f32], m: &[f32], tiles: usize, add: bool, du: &mut [f32]) {
        let (input, out) = (self.spec.in_channels, self.spec.out_channels);
        let left = Left::matrix(v.as_ptr(), 1, input);
        let right = Right::Rows(m.as_ptr(), out);
        let start = if add { Start::Accumulate } else { Start::Zero };
        gemm(input, out, tiles, left, right, du.as_mut_ptr(), out, start);
    }

    /// Bt d B and A dy At of a task's images, and the gradient of their inputs; returns the number of tiles.
    fn task(&self, task: usize, v: *mut f32, v_stride: usize, m: *mut f32, m_stride: usize) -> usize {
        let Self { ws, spec, .. } = self;
        let first = task * self.group;
        let images = self.group.min(spec.batch - first);
        let t = images * self.per_image;
        let x = &self.x[first * spec.in_image()..][..images * spec.in_image()];
        input_transform(Map::input(spec), x, v, v_stride);
        let mut image_dy = ws.take(spec.out_image());
        for i in 0..images {
            self.dy.fill(first + i, &mut image_dy);
            // SAFETY: the caller gives places for all tiles of the task
            let m = unsafe { m.add(i * self.per_image * spec.out_channels) };
            output_transform_transposed(Map::output(spec), &image_dy, m, m_stride);
        }
        if let (Some(turned), Some(dx)) = (&self.turned, self.dx) {
            let (input, out) = (spec.in_channels, spec.out_channels);
            let dv_stride = point_stride(t, input);
            let mut dv = ws.take(POINTS * dv_stride);
            for p in 0..POINTS {
                // SAFETY: as above
                let left = Left::matrix(unsafe { m.add(p * m_stride) }, out, 1);
                let right = Right::Packed(turned[p * weights_stride(out, input)..].as_ptr());
                gemm(t, input, out, left, right, dv[p * dv_stride..].as_mut_ptr(), input, Start::Zero);
            }
            // SAFETY: every task has its own images
            let at = unsafe { dx.get().add(first * spec.in_image()) };
            let dx = unsafe { std::slice::from_raw_parts_mut(at, images * spec.in_image()) };
            input_transform_transposed(Map::input(spec), dv.as_ptr(), dv_stride, dx);
        }
        t
    }
}

/// Gt du G for all kernels, in PyTorch's order.
fn weight_gradient(ws: &Workspace, spec: &ConvSpec, du: &[f32], du_stride: usize) -> Vec<f32> {
    let mut dweight = ws.take(spec.weights());
    dweight.par_chunks_mut(WIDTH * spec.in_channels * 9).enumerate().for_each(|(block, dweight)| {
        let du = &du[block * WIDTH..];
        kernel_transform_transposed(du, du_stride, spec.in_channels, spec.out_channels, dweight);
    });
    dweight.into_vec()
}

vectorised! {
    /// Sixteen outputs' kernels: `du` starts at the first one's column.
    fn kernel_transform_transposed<V>(du: &[f32], du_stride: usize, input: usize, out: usize, dweight: &mut [f32]) {
        let mut g = [[0.0f32; WIDTH]; 9];
        for r in 0..input {
            // SAFETY: du holds 36 matrices of input x out, and sixteen columns from its start
            unsafe {
                let u = du.as_ptr().add(r * out);
                let mut half = [[V::splat(0.0); 6]; 3];
                for j in 0..6 {
                    let c = kernel_1d_transposed(strided(u.add(j * du_stride), 6 * du_stride));
                    for i in 0..3 {
                        half[i][j] = c[i];
                    }
                }
                for (i, line) in half.into_iter().enumerate() {
                    for (j, v) in kernel_1d_transposed(line).into_iter().enumerate() {
                        v.store(g[i * 3 + j].as_mut_ptr());
                    }
                }
            }
            for l in 0..WIDTH {
                let k = &mut dweight[(l * input + r) * 9..][..9];
                for t in 0..9 {
                    k[t] = g[t][l];
                }
            }
        }
    }
}
