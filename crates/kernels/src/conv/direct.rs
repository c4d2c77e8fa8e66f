//! The convolution by its definition: a matrix product whose left operand is read from the padded image in place.

use super::{ConvSpec, GradSource};
use crate::gemm::{Left, Right, Start, gemm, packed_index, packed_len};
use crate::product::Floats;
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;

/// Weights as a packed right operand with a row for each (kernel row, kernel column, input channel).
pub(super) fn pack(ws: &Workspace, spec: &ConvSpec, weight: &[f32]) -> Buffer {
    let (out, input, kernel) = (spec.out_channels, spec.in_channels, spec.kernel);
    let area = kernel * kernel;
    let k = area * input;
    let mut packed = ws.zeros(packed_len(k, out));
    for o in 0..out {
        for i in 0..input {
            for t in 0..area {
                packed[packed_index(k, out, t * input + i, o)] = weight[(o * input + i) * area + t];
            }
        }
    }
    packed
}

/// An image in the middle of zeros.
#[derive(Clone, Copy)]
struct Frame {
    /// Rows, columns and channels of the image.
    image: [usize; 3],
    /// Zeros before its rows and columns.
    before: usize,
    /// Rows and columns with the zeros.
    size: [usize; 2],
}

impl Frame {
    /// The input of a convolution, padded.
    fn input(spec: &ConvSpec) -> Self {
        let size = [spec.height, spec.width].map(|side| side + 2 * spec.padding);
        Self { image: [spec.height, spec.width, spec.in_channels], before: spec.padding, size }
    }

    /// Room for the copy of [`Frame::around`].
    fn room(&self, ws: &Workspace) -> Buffer {
        let [height, width] = self.size;
        ws.take(if self.is_empty() { 0 } else { height * width * self.image[2] })
    }

    /// Whether there are no zeros.
    fn is_empty(&self) -> bool {
        self.size == self.image[..2]
    }

    /// The image with its zeros: a copy in `room`, or itself where there are none.
    fn around<'a>(&self, image: &'a [f32], room: &'a mut [f32]) -> &'a [f32] {
        if self.is_empty() {
            return image;
        }
        let Self { image: [_, width, channels], before, size } = *self;
        room.fill(0.0);
        for (row, line) in image.chunks_exact(width * channels).enumerate() {
            let start = ((row + before) * size[1] + before) * channels;
            room[start..start + line.len()].copy_from_slice(line);
        }
        room
    }
}

pub(super) fn forward(
    ws: &Workspace,
    spec: &ConvSpec,
    weights: &[f32],
    x: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let frame = Frame::input(spec);
    let (mut room, pw) = (frame.room(ws), frame.size[1]);
    let start = bias.map_or(Start::Zero, Start::Bias);
    let (width, input, out) = (spec.out_width(), spec.in_channels, spec.out_channels);
    for (x, y) in x.chunks_exact(spec.in_image()).zip(y.chunks_exact_mut(spec.out_image())) {
        let padded = frame.around(x, &mut room);
        for (row, y) in y.chunks_exact_mut(width * out).enumerate() {
            let left = Left {
                data: &padded[row * spec.stride * pw * input..],
                row_stride: spec.stride * input,
                k_stride: 1,
                runs: spec.kernel,
                run_stride: pw * input,
            };
            gemm::<Floats>(width, out, spec.kernel * input, left, Right::Packed(weights), y, out, start);
        }
    }
}

/// Images whose weight gradients go into one partial sum, whatever the number of threads.
fn group(spec: &ConvSpec) -> usize {
    spec.batch.div_ceil(16).max(1)
}

pub(super) fn backward(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    dy: &impl GradSource,
    dx: Option<&mut [f32]>,
) -> Vec<f32> {
    let (input, out, kernel) = (spec.in_channels, spec.out_channels, spec.kernel);
    let rows = kernel * kernel * input;
    let group = group(spec);
    let turned = dx.is_some().then(|| Turned::new(ws, spec, weight));
    let mut partial = ws.zeros(spec.batch.div_ceil(group) * rows * out);
    let no_dx = &mut [][..];
    let (dx, dx_image) = dx.map_or((no_dx, 0), |dx| (dx, spec.in_image()));
    // without dx its chunks are empty: one of them a group all the same
    let dx_groups: Vec<&mut [f32]> = if dx_image > 0 {
        dx.chunks_mut(group * dx_image).collect()
    } else {
        (0..spec.batch.div_ceil(group)).map(|_| &mut [][..]).collect()
    };
    let tasks = partial.par_chunks_mut(rows * out).zip(x.par_chunks(group * spec.in_image())).zip(dx_groups);
    tasks.enumerate().for_each(|(index, ((sum, x), dx))| {
        let frame = Frame::input(spec);
        let mut room = frame.room(ws);
        let mut image_dy = ws.take(spec.out_image());
        for (i, x) in x.chunks_exact(spec.in_image()).enumerate() {
            dy.fill(index * group + i, &mut image_dy);
            weight_gradient(spec, frame.around(x, &mut room), frame.size[1], &image_dy, sum);
            if let Some(turned) = &turned {
                turned.input_gradient(ws, &image_dy, &mut dx[i * dx_image..][..dx_image]);
            }
        }
    });
    let (sum, others) = partial.split_at_mut(rows * out);
    sum.par_chunks_mut(out).enumerate().for_each(|(row, sum)| {
        for part in others.chunks_exact(rows * out) {
            sum.iter_mut().zip(&part[row * out..]).for_each(|(s, p)| *s += p);
        }
    });
    let mut dweight = ws.take(spec.weights());
    for (o, dweight) in dweight.chunks_exact_mut(kernel * kernel * input).enumerate() {
        for (i, dweight) in dweight.chunks_exact_mut(kernel * kernel).enumerate() {
            for (t, d) in dweight.iter_mut().enumerate() {
                *d = sum[(t * input + i) * out + o];
            }
        }
    }
    dweight.into_vec()
}

/// Adds one image's part to the gradient of the weights, a row for each (kernel row, kernel column, input channel).
fn weight_gradient(spec: &ConvSpec, padded: &[f32], pw: usize, dy: &[f32], sum: &mut [f32]) {
    let (input, out) = (spec.in_channels, spec.out_channels);
    for (ky, sum) in sum.chunks_exact_mut(spec.kernel * input * out).enumerate() {
        let left = Left {
            data: &padded[ky * pw * input..],
            row_stride: 1,
            k_stride: spec.stride * input,
            runs: spec.out_height(),
            run_stride: spec.stride * pw * input,
        };
        let right = Right::Rows(dy, out);
        gemm::<Floats>(spec.kernel * input, out, spec.out_width(), left, right, sum, out, Start::Accumulate);
    }
}

/// The weights as the gradient of the input needs them.
///
/// An input's row and column say which rows and columns of the kernel met it: those of one remainder by the stride. So the
/// gradient is stride x stride convolutions of the output's gradient, each with its own part of the kernel, turned by half
/// a turn, and for every stride-th row and column of the input.
struct Turned<'a> {
    spec: &'a ConvSpec,
    /// By the remainders of row and column: a packed right operand with a row for each (kernel row, kernel column, output
    /// channel).
    parts: Vec<Buffer>,
}

impl<'a> Turned<'a> {
    fn new(ws: &Workspace, spec: &'a ConvSpec, weight: &[f32]) -> Self {
        let (out, input, kernel, stride) = (spec.out_channels, spec.in_channels, spec.kernel, spec.stride);
        let part = |part: usize| {
            let (row, column) = (part / stride, part % stride);
            let (rows, columns) = (taps(spec, row), taps(spec, column));
            let k = rows * columns * out;
            let mut packed = ws.zeros(packed_len(k, input));
            for (r, c) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                let tap = (row + (rows - 1 - r) * stride) * kernel + column + (columns - 1 - c) * stride;
                for (o, i) in (0..out).flat_map(|o| (0..input).map(move |i| (o, i))) {
                    let at = packed_index(k, input, (r * columns + c) * out + o, i);
                    packed[at] = weight[(o * input + i) * kernel * kernel + tap];
                }
            }
            packed
        };
        Self { spec, parts: (0..stride * stride).map(part).collect() }
    }

    /// The gradient of one input image.
    fn input_gradient(&self, ws: &Workspace, dy: &[f32], dx: &mut [f32]) {
        let Self { spec, parts } = self;
        let (out, input, stride) = (spec.out_channels, spec.in_channels, spec.stride);
        // zeros before the outputs, and as many as the last input may look at
        let before = taps(spec, 0) - 1;
        let padded =
            |side: usize, outputs: usize| before + outputs.max((side - 1 + spec.padding) / stride + 1);
        let image = [spec.out_height(), spec.out_width(), out];
        let pw = padded(spec.width, image[1]);
        let frame = Frame { image, before, size: [padded(spec.height, image[0]), pw] };
        let mut room = frame.room(ws);
        let outputs = frame.around(dy, &mut room);
        for (row, dx) in dx.chunks_exact_mut(spec.width * input).enumerate() {
            let at = row + spec.padding;
            let rows = taps(spec, at % stride);
            for first in 0..stride.min(spec.width) {
                let from = first + spec.padding;
                let columns = taps(spec, from % stride);
                let dx = &mut dx[first * input..];
                if rows * columns == 0 {
                    dx.chunks_mut(stride * input).for_each(|pixel| pixel[..input].fill(0.0));
                    continue;
                }
                let (top, left) = (before + at / stride + 1 - rows, before + from / stride + 1 - columns);
                let left = Left {
                    data: &outputs[(top * pw + left) * out..],
                    row_stride: out,
                    k_stride: 1,
                    runs: rows,
                    run_stride: pw * out,
                };
                let right = Right::Packed(&parts[at % stride * stride + from % stride]);
                let pixels = (spec.width - first).div_ceil(stride);
                gemm::<Floats>(pixels, input, columns * out, left, right, dx, stride * input, Start::Zero);
            }
        }
    }
}

/// Rows, or columns, of the kernel that are `remainder` beyond a multiple of the stride.
fn taps(spec: &ConvSpec, remainder: usize) -> usize {
    spec.kernel.saturating_sub(remainder).div_ceil(spec.stride)
}
