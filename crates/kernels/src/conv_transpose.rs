//! Transposed convolution with a stride as large as the kernel, U-Net's step up: every pixel becomes a square of pixels.
//!
//! No two squares overlap, so each place in the square is a product of matrices of its own: it is written where it belongs,
//! beside the map of the way down (U-Net's concatenation) if there is one. The weights keep PyTorch's order,
//! in x out x kernel x kernel. Maps are channels last.

use rayon::prelude::*;

use crate::check::length;
use crate::gemm::{Left, Start};
use crate::matmul::{Matrix, Panels};
use crate::product::Floats;
use crate::simd::WIDTH;
use crate::sums::sum_rows;
use crate::workspace::{Buffer, Workspace};

/// Input pixels of a task of the backward pass. It fixes where partial sums end, so it must not depend on the number of
/// threads.
const PIXELS: usize = 256;

/// The shape of a transposed convolution. Only `kept_channels` can be 0: functions panic otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTransposeSpec {
    /// Images.
    pub batch: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels that are made.
    pub out_channels: usize,
    /// Rows and columns of the square that a pixel becomes.
    pub kernel: usize,
    /// Channels of the map that the output begins with, 0 for none.
    pub kept_channels: usize,
}

impl ConvTransposeSpec {
    /// Numbers of the input.
    pub fn inputs(&self) -> usize {
        self.pixels() * self.in_channels
    }

    /// Numbers of the output, the kept channels among them.
    pub fn outputs(&self) -> usize {
        self.pixels() * self.places() * self.channels()
    }

    /// Numbers of the map that is kept.
    pub fn kept(&self) -> usize {
        self.pixels() * self.places() * self.kept_channels
    }

    /// Numbers of the weights.
    pub fn weights(&self) -> usize {
        self.in_channels * self.out_channels * self.places()
    }

    /// Pixels of all input images.
    fn pixels(&self) -> usize {
        self.batch * self.height * self.width
    }

    /// Pixels of a square.
    fn places(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Channels of the output.
    fn channels(&self) -> usize {
        self.kept_channels + self.out_channels
    }

    /// Numbers of the output's rows that a row of the input becomes.
    fn rows_len(&self) -> usize {
        self.width * self.places() * self.channels()
    }

    fn check(&self, x: &[f32], weight: &[f32]) {
        let Self { batch, height, width, in_channels, out_channels, kernel, kept_channels } = *self;
        let sizes = [batch, height, width, in_channels, out_channels, kernel];
        assert!(!sizes.contains(&0), "only the kept channels of a transposed convolution can be 0: {self:?}");
        let channels = kept_channels.saturating_add(out_channels).saturating_mul(in_channels);
        let most = [batch, height, width, kernel, kernel, channels];
        let product = most.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        assert!(product.is_some(), "a transposed convolution is too large: {self:?}");
        length("x", x.len(), self.inputs());
        length("weight", weight.len(), self.weights());
    }

    /// The place in the square, times the output channel, of a weight, for each input channel: (kernel x kernel x out) x in.
    fn by_place(&self, ws: &Workspace, weight: &[f32]) -> Buffer {
        let (places, outs, ins) = (self.places(), self.out_channels, self.in_channels);
        let mut sorted = ws.take(weight.len());
        sorted.par_chunks_mut(ins).enumerate().for_each(|(i, row)| {
            let from = &weight[i % outs * places + i / outs..];
            for (to, &value) in row.iter_mut().zip(from.iter().step_by(outs * places)) {
                *to = value;
            }
        });
        sorted
    }
}

/// N x (kernel H) x (kernel W) x (kept + out) for `x`, N x H x W x in: `kept` (N x (kernel H) x (kernel W) x kept channels), then
/// what is made of `x`.
///
/// # Panics
/// If the shape is none (see [`ConvTransposeSpec`]) or a length doesn't fit it.
///
/// ```
/// use adact_kernels::conv_transpose::{self, ConvTransposeSpec};
/// let spec = ConvTransposeSpec {
///     batch: 1, height: 1, width: 1, in_channels: 1, out_channels: 1, kernel: 2, kept_channels: 0,
/// };
/// let ws = adact_kernels::Workspace::new();
/// let y = conv_transpose::forward(&ws, &spec, &[2.0], &[1.0, 2.0, 3.0, 4.0], Some(&[0.5]), &[]);
/// assert_eq!(y[..], [2.5, 4.5, 6.5, 8.5]);
/// ```
pub fn forward(
    ws: &Workspace,
    spec: &ConvTransposeSpec,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    kept: &[f32],
) -> Buffer {
    spec.check(x, weight);
    length("kept", kept.len(), spec.kept());
    if let Some(bias) = bias {
        length("bias", bias.len(), spec.out_channels);
    }
    let (ins, outs, channels, kernel) = (spec.in_channels, spec.out_channels, spec.channels(), spec.kernel);
    let sorted = spec.by_place(ws, weight);
    let places = sorted.chunks_exact(outs * ins);
    let packed: Vec<Panels> = places.map(|place| Matrix::new(place, ins).transposed().pack(ws)).collect();
    let mut y = ws.take(spec.outputs());
    let rows = y.par_chunks_mut(spec.rows_len()).zip(x.par_chunks(spec.width * ins));
    rows.enumerate().for_each(|(i, (y, x))| {
        let kept = &kept[i * spec.width * spec.places() * spec.kept_channels..];
        copy_kept(spec, kept, y);
        for (place, packed) in packed.iter().enumerate() {
            let first =
                (place / kernel * kernel * spec.width + place % kernel) * channels + spec.kept_channels;
            let start = bias.map_or(Start::Zero, Start::Bias);
            let (left, c) = (Left::matrix(x, ins, 1), &mut y[first..]);
            packed.multiply::<Floats>(spec.width, left, [0..ins, 0..outs], c, kernel * channels, start);
        }
    });
    y
}

/// Puts the kept channels of some rows of pixels where they belong.
fn copy_kept(spec: &ConvTransposeSpec, kept: &[f32], y: &mut [f32]) {
    if spec.kept_channels == 0 {
        return;
    }
    let pixels = y.chunks_exact_mut(spec.channels()).zip(kept.chunks_exact(spec.kept_channels));
    pixels.for_each(|(y, kept)| y[..spec.kept_channels].copy_from_slice(kept));
}

/// Gradients of a transposed convolution.
#[derive(Debug)]
pub struct ConvTransposeGrads {
    /// Of the input, where asked for.
    pub dx: Option<Buffer>,
    /// Of the map that is kept; empty if there is none.
    pub kept: Buffer,
    /// Of the weights, in x out x kernel x kernel.
    pub weight: Vec<f32>,
    /// Of the bias.
    pub bias: Vec<f32>,
}

/// The gradients for the output's gradient `dy`.
///
/// # Panics
/// As [`forward`].
pub fn backward(
    ws: &Workspace,
    spec: &ConvTransposeSpec,
    x: &[f32],
    weight: &[f32],
    dy: &[f32],
    need_dx: bool,
) -> ConvTransposeGrads {
    spec.check(x, weight);
    length("dy", dy.len(), spec.outputs());
    let (ins, outs, square) = (spec.in_channels, spec.out_channels, spec.places() * spec.out_channels);
    let rows = (PIXELS / spec.width).clamp(1, spec.batch * spec.height);
    let pixels = rows * spec.width;
    let tasks = (spec.batch * spec.height).div_ceil(rows);
    let sorted = spec.by_place(ws, weight);
    let packed = need_dx.then(|| Matrix::new(&sorted, ins).pack(ws));
    let mut dx = ws.take(if need_dx { spec.inputs() } else { 0 });
    let mut kept = ws.take(spec.kept());
    // each task's sums: the gradient of the weights by place, and of a square's bias
    let mut sums = ws.take(tasks * (square * ins + square + WIDTH));
    let mut blocks = dx.chunks_mut(pixels * ins);
    let mut kept_blocks = kept.chunks_mut((pixels * spec.places() * spec.kept_channels).max(1));
    let outputs: Vec<_> = (0..tasks)
        .map(|_| (blocks.next().unwrap_or_default(), kept_blocks.next().unwrap_or_default()))
        .collect();
    let given = x.par_chunks(pixels * ins).zip(dy.par_chunks(rows * spec.rows_len()));
    let parts = sums.par_chunks_mut(square * ins + square + WIDTH);
    given.zip(outputs).zip(parts).for_each(|(((x, dy), (dx, kept)), sums)| {
        let pixels = x.len() / ins;
        // a vector more a square: squares of powers of two would lie in a few lines of the cache
        let stride = square + WIDTH;
        let mut squares = ws.zeros(pixels * stride);
        gather(spec, dy, &mut squares, kept);
        if let Some(packed) = &packed {
            packed.multiply::<Floats>(
                pixels,
                Left::matrix(&squares, stride, 1),
                [0..square, 0..ins],
                dx,
                ins,
                Start::Zero,
            );
        }
        let (dweight, dbias) = sums.split_at_mut(square * ins);
        let (left, inputs) = (Left::matrix(&squares, 1, stride), Matrix::new(x, ins).pack_here(ws));
        inputs.multiply::<Floats>(square, left, [0..pixels, 0..ins], dweight, ins, Start::Zero);
        sum_rows(&squares, 1.0, dbias);
    });

    let mut total = ws.take(square * ins + square + WIDTH);
    total.par_chunks_mut(PIXELS).enumerate().for_each(|(i, to)| {
        let mut total = vec![0.0f64; to.len()];
        for sums in sums.chunks_exact(square * ins + square + WIDTH) {
            total.iter_mut().zip(&sums[i * PIXELS..]).for_each(|(t, &s)| *t += f64::from(s));
        }
        to.iter_mut().zip(total).for_each(|(to, t)| *to = t as f32);
    });
    let (by_place, bias) = total.split_at(square * ins);
    let mut dweight = vec![0.0; weight.len()];
    dweight.par_chunks_mut(square).enumerate().for_each(|(i, to)| {
        for (j, to) in to.iter_mut().enumerate() {
            *to = by_place[(j % spec.places() * outs + j / spec.places()) * ins + i];
        }
    });
    let sum = |o: usize| bias[o..square].iter().step_by(outs).map(|&d| f64::from(d)).sum::<f64>() as f32;
    ConvTransposeGrads {
        dx: need_dx.then_some(dx),
        kept,
        weight: dweight,
        bias: (0..outs).map(sum).collect(),
    }
}

/// The squares of some rows of input pixels, one after the other, and what belongs to the kept map.
fn gather(spec: &ConvTransposeSpec, dy: &[f32], squares: &mut [f32], kept: &mut [f32]) {
    let (kernel, channels, outs) = (spec.kernel, spec.channels(), spec.out_channels);
    let stride = spec.places() * outs + WIDTH;
    for (dy, squares) in dy.chunks_exact(spec.rows_len()).zip(squares.chunks_exact_mut(spec.width * stride)) {
        for (i, square) in squares.chunks_exact_mut(stride).enumerate() {
            for (row, to) in square.chunks_exact_mut(kernel * outs).take(kernel).enumerate() {
                let from = &dy[(row * spec.width + i) * kernel * channels..][..kernel * channels];
                for (to, from) in to.chunks_exact_mut(outs).zip(from.chunks_exact(channels)) {
                    to.copy_from_slice(&from[spec.kept_channels..]);
                }
            }
        }
    }
    if spec.kept_channels > 0 {
        let pixels = kept.chunks_exact_mut(spec.kept_channels).zip(dy.chunks_exact(channels));
        pixels.for_each(|(kept, dy)| kept.copy_from_slice(&dy[..spec.kept_channels]));
    }
}
