//! The forward pass, by F(2x2, 3x3): four outputs of a tile from 16 products instead of 36.
//!
//! F(4x4, 3x3) would need fewer products still, but its rounding errors are seven times as large, and the forward pass is
//! where they show: max pooling compares values that may differ in the last digits, and another winner moves a gradient by
//! a pixel. F(2x2, 3x3) rounds less than the definition summed in one chain.

use super::transforms::{gather, strided};
use super::{
    CHANNELS, Shared, TILES_A_PASS, by_channels, images_a_task, packed_column, point_stride, points_len,
    strips, weights_stride,
};
use crate::conv::ConvSpec;
use crate::gemm::{Left, Right, Start, gemm};
use crate::product::Floats;
use crate::simd::{Lanes, WIDTH, vectorised};
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;
use std::ops::Range;

/// Products a tile.
const POINTS: usize = 16;
/// Outputs of a tile along a side.
const TILE: usize = 2;

/// Tiles of a strip of an image, about, where an image has more.
const TILES_A_STRIP: usize = 64;

fn tiles(spec: &ConvSpec) -> usize {
    tiles_in(spec, &(0..spec.out_height()))
}

/// Tiles of some rows of an image.
fn tiles_in(spec: &ConvSpec, rows: &Range<usize>) -> usize {
    rows.len().div_ceil(TILE) * spec.out_width().div_ceil(TILE)
}

/// Images a task, where tasks are images.
pub(in crate::conv) fn group(spec: &ConvSpec) -> usize {
    images_a_task(spec.batch, tiles(spec), 64)
}

/// G g Gt for all kernels: 16 packed right operands, in x out.
pub(in crate::conv) fn weights(ws: &Workspace, spec: &ConvSpec, weight: &[f32]) -> Buffer {
    let (input, out) = (spec.in_channels, spec.out_channels);
    let mut u = ws.take(POINTS * weights_stride(input, out));
    // SAFETY: every task has its own columns
    let shared = unsafe { Shared::new(&mut u) };
    (0..out).into_par_iter().step_by(WIDTH).for_each(|column| {
        transform_weights(spec, weight, column, column, out, shared);
    });
    u
}

/// Transforms the kernels of sixteen outputs from `column` on, into the columns of `u` from `place` on; `u` has `columns`.
fn transform_weights(
    spec: &ConvSpec,
    weight: &[f32],
    column: usize,
    place: usize,
    columns: usize,
    u: Shared<'_>,
) {
    let input = spec.in_channels;
    let (first, step) = packed_column(input, columns, place);
    kernel_transform(
        &weight[column * input * 9..],
        input,
        u.from(first),
        step,
        weights_stride(input, columns),
    );
}

/// The convolution of some images, a task's worth, with weights that are transformed already.
pub(in crate::conv) fn by_images(
    ws: &Workspace,
    spec: &ConvSpec,
    weights: &[f32],
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let (input, out) = (spec.in_channels, spec.out_channels);
    let images = x.len() / spec.in_image();
    let strips = || strips(images, (spec.out_height(), spec.out_width()), TILE, TILES_A_STRIP);
    let most = images * strips().map(|rows| tiles_in(spec, &rows)).max().unwrap_or(0);
    let (v_stride, m_stride) = (point_stride(most, input), point_stride(most, out));
    let mut v = ws.take(POINTS * v_stride);
    let mut m = ws.take(POINTS * m_stride);
    for rows in strips() {
        // SAFETY: this task has all of v, and of y below
        input_transform(spec, images, &rows, x, unsafe { Shared::new(&mut v) }, v_stride);
        for p in 0..POINTS {
            let left = Left::matrix(&v[p * v_stride..], input, 1);
            let right = Right::Packed(&weights[p * weights_stride(input, out)..]);
            let t = images * tiles_in(spec, &rows);
            gemm::<Floats>(t, out, input, left, right, &mut m[p * m_stride..], out, Start::Zero);
        }
        output_transform(spec, (0, out), images, &rows, &m, m_stride, bias, unsafe { Shared::new(y) });
    }
}

/// The convolution of the whole batch, channels by channels, if that is the better order for its shape.
pub(in crate::conv) fn by_channels_if_better(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) -> bool {
    if !by_channels(spec) {
        return false;
    }
    let (input, out, per_image) = (spec.in_channels, spec.out_channels, tiles(spec));
    let v_stride = point_stride(spec.batch * per_image, input);
    let mut v = ws.take(POINTS * v_stride);
    // SAFETY: every task has its own tiles
    let shared = unsafe { Shared::new(&mut v) };
    let group = group(spec);
    x.par_chunks(group * spec.in_image()).enumerate().for_each(|(task, x)| {
        let v = shared.from(task * group * per_image * input);
        input_transform(spec, x.len() / spec.in_image(), &(0..spec.height), x, v, v_stride);
    });
    // SAFETY: every task has its own channels
    let y = unsafe { Shared::new(y) };
    let images_a_pass = (TILES_A_PASS / per_image).max(1);
    (0..out).into_par_iter().step_by(CHANNELS).for_each(|from| {
        let count = CHANNELS.min(out - from);
        let u_stride = weights_stride(input, count);
        let mut u = ws.take(POINTS * u_stride);
        let m_stride = point_stride(images_a_pass * per_image, count);
        let mut m = ws.take(POINTS * m_stride);
        for place in (0..count).step_by(WIDTH) {
            // SAFETY: this task has all of u
            transform_weights(spec, weight, from + place, place, count, unsafe { Shared::new(&mut u) });
        }
        for first in (0..spec.batch).step_by(images_a_pass) {
            let images = images_a_pass.min(spec.batch - first);
            for p in 0..POINTS {
                let left = Left::matrix(&v[p * v_stride + first * per_image * input..], input, 1);
                let right = Right::Packed(&u[p * u_stride..]);
                let m = &mut m[p * m_stride..];
                gemm::<Floats>(images * per_image, count, input, left, right, m, count, Start::Zero);
            }
            let y = y.from(first * spec.out_image());
            output_transform(spec, (from, count), images, &(0..spec.height), &m, m_stride, bias, y);
        }
    });
    true
}

/// G g.
#[inline(always)]
fn kernel_1d<V: Lanes>([a, b, c]: [V; 3]) -> [V; 4] {
    let half = V::splat(0.5);
    let sum = a.add(c);
    [a, sum.add(b).mul(half), sum.sub(b).mul(half), c]
}

/// Bt d.
#[inline(always)]
fn input_1d<V: Lanes>(d: [V; 4]) -> [V; 4] {
    [d[0].sub(d[2]), d[1].add(d[2]), d[2].sub(d[1]), d[1].sub(d[3])]
}

/// At m.
#[inline(always)]
fn output_1d<V: Lanes>(m: [V; 4]) -> [V; 2] {
    [m[0].add(m[1]).add(m[2]), m[1].sub(m[2]).sub(m[3])]
}

vectorised! {
    /// Transforms the kernels of `rows` inputs for sixteen outputs, whose kernels are `rows` * 9 numbers apart.
    fn kernel_transform<V>(kernels: &[f32], rows: usize, u: Shared<'_>, step: usize, one: usize) {
        let u = u.hold(points_len(POINTS, one, rows, step) - step + WIDTH);
        let mut g = [[0.0f32; WIDTH]; 9];
        for r in 0..rows {
            gather(&kernels[r * 9..], rows * 9, &mut g);
            // SAFETY: the arrays are full vectors, and u holds all points
            unsafe {
                let mut half = [[V::splat(0.0); 3]; 4];
                for c in 0..3 {
                    let column = kernel_1d(strided(g[c].as_ptr(), 3 * WIDTH));
                    for i in 0..4 {
                        half[i][c] = column[i];
                    }
                }
                for i in 0..4 {
                    let line = kernel_1d(half[i]);
                    for j in 0..4 {
                        line[j].store(u.add((i * 4 + j) * one + r * step));
                    }
                }
            }
        }
    }
}

vectorised! {
    /// Bt d B of every tile in some rows of some images: point p of tile t and channel c at v[p * point_stride + t * channels + c].
    fn input_transform<V>(spec: &ConvSpec, images: usize, rows: &Range<usize>, x: &[f32], v: Shared<'_>, point_stride: usize) {
        let (height, width, channels) = (spec.height, spec.width, spec.in_channels);
        let v = v.hold(points_len(POINTS, point_stride, images * tiles_in(spec, rows), channels));
        let mut tile = 0;
        for image in 0..images {
            let image = x[image * spec.in_image()..][..spec.in_image()].as_ptr();
            for top in rows.clone().step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    // rows and columns of the patch that lie inside, as ranges of 0..4
                    let (r0, r1) = (usize::from(top == 0), (height + 1 - top).min(4));
                    let (c0, c1) = (usize::from(left == 0), (width + 1 - left).min(4));
                    for c in (0..channels).step_by(WIDTH) {
                        let mut d = [[V::splat(0.0); 4]; 4];
                        // SAFETY: rows and columns are inside the image, channels are whole vectors, and v holds all points
                        unsafe {
                            // constant bounds keep the patch in registers
                            for i in 0..4 {
                                for j in 0..4 {
                                    if i >= r0 && i < r1 && j >= c0 && j < c1 {
                                        let at = ((top + i - 1) * width + left + j - 1) * channels + c;
                                        d[j][i] = V::load(image.add(at));
                                    }
                                }
                            }
                            for line in &mut d {
                                *line = input_1d(*line);
                            }
                            for i in 0..4 {
                                let line = input_1d([d[0][i], d[1][i], d[2][i], d[3][i]]);
                                for j in 0..4 {
                                    line[j].store(v.add((i * 4 + j) * point_stride + tile * channels + c));
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
    /// At m A of every tile in some rows of some images, plus the bias, for `count` channels from `from` on.
    fn output_transform<V>(
        spec: &ConvSpec, channels: (usize, usize), images: usize, rows: &Range<usize>, m: &[f32], point_stride: usize,
        bias: Option<&[f32]>, y: Shared<'_>,
    ) {
        let (height, width, all) = (spec.out_height(), spec.out_width(), spec.out_channels);
        let (from, count) = channels;
        let bias = bias.map(|bias| &bias[from..from + count]);
        let m = m[..points_len(POINTS, point_stride, images * tiles_in(spec, rows), count)].as_ptr();
        let mut tile = 0;
        for image in 0..images {
            let image = y.from(image * spec.out_image() + from).hold(spec.out_image() - from);
            for top in rows.clone().step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    for c in (0..count).step_by(WIDTH) {
                        // SAFETY: m holds all points, channels are whole vectors, and rows and columns are inside the image
                        unsafe {
                            let b = match bias {
                                Some(b) => V::load(b.as_ptr().add(c)),
                                None => V::splat(0.0),
                            };
                            let mut half = [[V::splat(0.0); 4]; 2];
                            for j in 0..4 {
                                let column = output_1d(strided(m.add(j * point_stride + tile * count + c), 4 * point_stride));
                                half[0][j] = column[0];
                                half[1][j] = column[1];
                            }
                            for i in 0..2 {
                                let line = output_1d(half[i]);
                                for j in 0..2 {
                                    if top + i < height && left + j < width {
                                        let at = ((top + i) * width + left + j) * all + c;
                                        line[j].add(b).store(image.add(at));
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
