//! The transforms of F(4x4, 3x3), in one dimension and for tiles of sixteen channels at once. Every function here is a
//! matrix of the algorithm applied to both sides of a small matrix of vectors.

use super::{ConvSpec, POINTS, Shared, TILE, points_len};
use crate::simd::{Lanes, WIDTH, vectorised};
use std::ops::Range;

/// N vectors, one every `stride` floats.
///
/// # Safety
/// All of them are readable.
#[inline(always)]
pub(super) unsafe fn strided<V: Lanes, const N: usize>(p: *const f32, stride: usize) -> [V; N] {
    let mut out = [V::splat(0.0); N];
    for (i, v) in out.iter_mut().enumerate() {
        // SAFETY: by the caller's guarantee
        *v = unsafe { V::load(p.add(i * stride)) };
    }
    out
}

/// The kernels that begin every `lane_step` floats, one a lane: nine vectors' worth.
#[inline(always)]
pub(super) fn gather(kernels: &[f32], lane_step: usize, g: &mut [[f32; WIDTH]; 9]) {
    for l in 0..WIDTH {
        let k = &kernels[l * lane_step..][..9];
        for t in 0..9 {
            g[t][l] = k[t];
        }
    }
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

/// A y.
#[inline(always)]
fn output_1d_transposed<V: Lanes>(y: [V; 4]) -> [V; 6] {
    let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
    let (e2, o2) = (y[2].mul_add(V::splat(4.0), y[0]), y[3].mul_add(V::splat(4.0), y[1]));
    let two = V::splat(2.0);
    [y[0], even.add(odd), even.sub(odd), o2.mul_add(two, e2), o2.neg_mul_add(two, e2), y[3]]
}

/// Some channels of a map of `height` x `width` x `channels`: `count` of them, a multiple of sixteen, from `from`. And some of its
/// rows: from `first_row`, which begins a tile, to before `end_row`.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub from: usize,
    pub count: usize,
    pub first_row: usize,
    pub end_row: usize,
}

impl Part {
    fn all(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, from: 0, count: channels, first_row: 0, end_row: height }
    }

    /// All channels of a convolution's input.
    pub fn input(spec: &ConvSpec) -> Self {
        Self::all(spec.height, spec.width, spec.in_channels)
    }

    /// All channels of a convolution's output.
    pub fn output(spec: &ConvSpec) -> Self {
        Self::all(spec.out_height(), spec.out_width(), spec.out_channels)
    }

    /// Numbers of an image.
    fn image(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Floats from the first one of some images' points to the last.
    fn points(self, images: usize, point_stride: usize) -> usize {
        let tiles = images * (self.end_row - self.first_row).div_ceil(TILE) * self.width.div_ceil(TILE);
        points_len(POINTS, point_stride, tiles, self.count)
    }

    /// Some of the rows.
    pub fn rows(self, rows: &Range<usize>) -> Self {
        assert!(rows.start.is_multiple_of(TILE) && rows.end <= self.height, "rows of a part");
        Self { first_row: rows.start, end_row: rows.end, ..self }
    }

    /// Some of the channels.
    pub fn channels(self, from: usize, count: usize) -> Self {
        assert!(from + count <= self.channels && count.is_multiple_of(WIDTH), "channels of a part");
        Self { from, count, ..self }
    }
}

vectorised! {
    /// Bt d B of every tile of some images: point p of tile t and channel c of the part at v[p * point_stride + t * part.count + c].
    pub(super) fn input_transform<V>(part: Part, images: usize, x: &[f32], v: Shared<'_>, point_stride: usize) {
        let Part { height, width, channels, from, count, first_row, end_row } = part;
        let v = v.hold(part.points(images, point_stride));
        let mut tile = 0;
        for image in 0..images {
            let image = x[image * part.image()..][..part.image()][from..].as_ptr();
            for top in (first_row..end_row).step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    // rows and columns of the patch that lie inside, as ranges of 0..6
                    let (r0, r1) = (usize::from(top == 0), (height + 1 - top).min(6));
                    let (c0, c1) = (usize::from(left == 0), (width + 1 - left).min(6));
                    for c in (0..count).step_by(WIDTH) {
                        let mut d = [[V::splat(0.0); 6]; 6];
                        // SAFETY: rows and columns are inside the image, channels are whole vectors, and v holds all points
                        unsafe {
                            if (r0, r1, c0, c1) == (0, 6, 0, 6) {
                                let p = image.add(((top - 1) * width + left - 1) * channels + c);
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
                                            d[j][i] = V::load(image.add(at));
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
                                    t.store(v.add((i * 6 + j) * point_stride + tile * count + c));
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
    pub(super) fn output_transform_transposed<V>(part: Part, images: usize, dy: &[f32], m: Shared<'_>, point_stride: usize) {
        let Part { height, width, channels, from, count, first_row, end_row } = part;
        let m = m.hold(part.points(images, point_stride));
        let mut tile = 0;
        for image in 0..images {
            let image = dy[image * part.image()..][..part.image()][from..].as_ptr();
            for top in (first_row..end_row).step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    let (rows, columns) = ((height - top).min(TILE), (width - left).min(TILE));
                    for c in (0..count).step_by(WIDTH) {
                        let mut d = [[V::splat(0.0); 4]; 4];
                        // SAFETY: as in input_transform
                        unsafe {
                            for i in 0..4 {
                                for j in 0..4 {
                                    if i < rows && j < columns {
                                        let at = ((top + i) * width + left + j) * channels + c;
                                        d[j][i] = V::load(image.add(at));
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
                                    t.store(m.add((i * 6 + j) * point_stride + tile * count + c));
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
    pub(super) fn input_transform_transposed<V>(part: Part, images: usize, v: &[f32], point_stride: usize, dx: Shared<'_>) {
        let Part { height, width, channels, from, count, first_row, end_row } = part;
        let v = v[..part.points(images, point_stride)].as_ptr();
        let mut tile = 0;
        for image in 0..images {
            let image = dx.from(image * part.image() + from).hold(part.image() - from);
            for top in (first_row..end_row).step_by(TILE) {
                for left in (0..width).step_by(TILE) {
                    let (r0, r1) = (usize::from(top == 0), (height + 1 - top).min(6));
                    let (c0, c1) = (usize::from(left == 0), (width + 1 - left).min(6));
                    for c in (0..count).step_by(WIDTH) {
                        // SAFETY: as in input_transform
                        unsafe {
                            let mut half = [[V::splat(0.0); 6]; 6];
                            for j in 0..6 {
                                let column = input_1d_transposed(strided(v.add(j * point_stride + tile * count + c), 6 * point_stride));
                                for i in 0..6 {
                                    half[i][j] = column[i];
                                }
                            }
                            for i in 0..6 {
                                let line = input_1d_transposed(half[i]);
                                for j in 0..6 {
                                    if i >= r0 && i < r1 && j >= c0 && j < c1 {
                                        let at = ((top + i - 1) * width + left + j - 1) * channels + c;
                                        let p = image.add(at);
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

vectorised! {
    /// Transforms `rows` kernels for sixteen columns: lane l of row r reads nine numbers at r * row_step + l * lane_step.
    pub(super) fn kernel_transform<V>(kernels: &[f32], rows: usize, row_step: usize, lane_step: usize, u: Shared<'_>, step: usize, one: usize) {
        let u = u.hold(points_len(POINTS, one, rows, step) - step + WIDTH);
        let mut g = [[0.0f32; WIDTH]; 9];
        for r in 0..rows {
            gather(&kernels[r * row_step..], lane_step, &mut g);
            // SAFETY: the arrays are full vectors, and u holds all points
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

vectorised! {
    /// Sixteen outputs' kernels: `du` starts at the first one's column.
    pub(super) fn kernel_transform_transposed<V>(du: &[f32], du_stride: usize, input: usize, out: usize, dweight: &mut [f32]) {
        let du = du[..points_len(POINTS, du_stride, input, out) - out + WIDTH].as_ptr();
        let mut g = [[0.0f32; WIDTH]; 9];
        for r in 0..input {
            // SAFETY: du holds 36 matrices of input x out, and sixteen columns from its start
            unsafe {
                let u = du.add(r * out);
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
