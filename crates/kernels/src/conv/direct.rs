//! The convolution by its definition: a matrix product whose left operand is read from the padded image in place.

use super::{ConvSpec, GradSource};
use crate::gemm::{Left, Right, Start, gemm, packed_index, packed_len};
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;

/// Weights as a packed right operand with a row for each (kernel row, kernel column, input channel).
/// `transposed`: for the gradient of the input, kernels turned by half a turn and channels exchanged.
pub(super) fn pack(
    ws: &Workspace,
    out: usize,
    input: usize,
    kernel: usize,
    weight: &[f32],
    transposed: bool,
) -> Buffer {
    let area = kernel * kernel;
    let (rows, columns) = if transposed { (out, input) } else { (input, out) };
    let k = area * rows;
    let mut packed = ws.zeros(packed_len(k, columns));
    for o in 0..out {
        for i in 0..input {
            for t in 0..area {
                let (tap, r, c) = if transposed { (area - 1 - t, o, i) } else { (t, i, o) };
                packed[packed_index(k, columns, tap * rows + r, c)] = weight[(o * input + i) * area + t];
            }
        }
    }
    packed
}

/// Copies an image of `height` x `width` x `channels` into the middle of zeros: `padding` of them before it, `stride - 1` between
/// its pixels.
fn pad(
    image: &[f32],
    width: usize,
    channels: usize,
    padding: usize,
    stride: usize,
    padded_width: usize,
    padded: &mut [f32],
) {
    padded.fill(0.0);
    for (row, line) in image.chunks_exact(width * channels).enumerate() {
        let start = ((row * stride + padding) * padded_width + padding) * channels;
        if stride == 1 {
            padded[start..start + line.len()].copy_from_slice(line);
        } else {
            for (column, pixel) in line.chunks_exact(channels).enumerate() {
                padded[start + column * stride * channels..][..channels].copy_from_slice(pixel);
            }
        }
    }
}

/// One image that is padded already.
fn convolve(
    padded: &[f32],
    padded_width: usize,
    input: usize,
    kernel: usize,
    stride: usize,
    weights: &[f32],
    start: Start<'_>,
    (height, width, out): (usize, usize, usize),
    y: &mut [f32],
) {
    for (row, y) in y.chunks_exact_mut(width * out).enumerate().take(height) {
        let left = Left {
            data: &padded[row * stride * padded_width * input..],
            row_stride: stride * input,
            k_stride: 1,
            runs: kernel,
            run_stride: padded_width * input,
        };
        gemm(width, out, kernel * input, left, Right::Packed(weights), y, out, start);
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
    let (ph, pw) = (spec.height + 2 * spec.padding, spec.width + 2 * spec.padding);
    let mut padded = ws.take(ph * pw * spec.in_channels);
    let start = bias.map_or(Start::Zero, Start::Bias);
    let out = (spec.out_height(), spec.out_width(), spec.out_channels);
    for (x, y) in x.chunks_exact(spec.in_image()).zip(y.chunks_exact_mut(spec.out_image())) {
        pad(x, spec.width, spec.in_channels, spec.padding, 1, pw, &mut padded);
        convolve(&padded, pw, spec.in_channels, spec.kernel, spec.stride, weights, start, out, y);
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
    let turned = dx.is_some().then(|| pack(ws, out, input, kernel, weight, true));
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
        let (ph, pw) = (spec.height + 2 * spec.padding, spec.width + 2 * spec.padding);
        let mut padded = ws.take(ph * pw * input);
        let mut image_dy = ws.take(spec.out_image());
        for (i, x) in x.chunks_exact(spec.in_image()).enumerate() {
            dy.fill(index * group + i, &mut image_dy);
            pad(x, spec.width, input, spec.padding, 1, pw, &mut padded);
            weight_gradient(spec, &padded, pw, &image_dy, sum);
            if let Some(turned) = &turned {
                input_gradient(ws, spec, turned, &image_dy, &mut dx[i * dx_image..][..dx_image]);
            }
        }
    });
    let mut dweight = ws.take(spec.weights());
    for (o, dweight) in dweight.chunks_exact_mut(kernel * kernel * input).enumerate() {
        for (i, dweight) in dweight.chunks_exact_mut(kernel * kernel).enumerate() {
            for (t, d) in dweight.iter_mut().enumerate() {
                let at = (t * input + i) * out + o;
                *d = partial.iter().skip(at).step_by(rows * out).sum();
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
        gemm(spec.kernel * input, out, spec.out_width(), left, right, sum, out, Start::Accumulate);
    }
}

/// The gradient of one input image: a convolution of the output's gradient, spread out by the stride.
fn input_gradient(ws: &Workspace, spec: &ConvSpec, turned: &[f32], dy: &[f32], dx: &mut [f32]) {
    let (out, kernel) = (spec.out_channels, spec.kernel);
    // positions relative to the padded input; those of the padding are computed and dropped where padding > kernel - 1
    let (ph, pw) = (spec.height + 2 * spec.padding, spec.width + 2 * spec.padding);
    let (sh, sw) = (ph + kernel - 1, pw + kernel - 1);
    let mut spread = ws.take(sh * sw * out);
    pad(dy, spec.out_width(), out, kernel - 1, spec.stride, sw, &mut spread);
    let from = (spec.padding * sw + spec.padding) * out;
    let size = (spec.height, spec.width, spec.in_channels);
    convolve(&spread[from..], sw, out, kernel, 1, turned, Start::Zero, size, dx);
}
