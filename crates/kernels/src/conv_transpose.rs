//! Transposed convolution whose kernel is as wide as its stride, channels last, and its gradients: every pixel becomes a
//! square of its own.
//!
//! A row of an image times the weights of one row of the kernel is a row of the output as it lies in memory, so each is one
//! matrix product without a copy.

use rayon::prelude::*;

use crate::check::length;
use crate::gemm::{Left, Right, Start, gemm, packed_index, packed_len};
use crate::workspace::{Buffer, Workspace};

/// The shape of a transposed convolution; nothing can be 0.
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
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows and columns of the kernel, and the step between squares.
    pub kernel: usize,
}

impl ConvTransposeSpec {
    /// Numbers of a row of an input image.
    fn in_row(&self) -> usize {
        self.width * self.in_channels
    }

    /// Numbers of what becomes of a pixel in one row of the output.
    fn square_row(&self) -> usize {
        self.kernel * self.out_channels
    }

    /// Numbers of what becomes of a row of an input image.
    fn out_rows(&self) -> usize {
        self.kernel * self.width * self.square_row()
    }

    /// Numbers of the output.
    pub fn outputs(&self) -> usize {
        self.batch * self.height * self.out_rows()
    }

    /// Numbers of the weights.
    pub fn weights(&self) -> usize {
        self.in_channels * self.out_channels * self.kernel * self.kernel
    }

    /// Panics unless the passes can compute this shape of these inputs.
    fn check(&self, x: &[f32], weight: &[f32]) {
        let Self { batch, height, width, in_channels, out_channels, kernel } = *self;
        let sizes = [batch, height, width, in_channels, out_channels, kernel, kernel];
        assert!(!sizes.contains(&0), "nothing of a transposed convolution can be 0: {self:?}");
        let numbers = sizes.iter().try_fold(64usize, |product, &size| product.checked_mul(size));
        assert!(numbers.is_some(), "a transposed convolution is too large: {self:?}");
        length("x", x.len(), batch * height * self.in_row());
        length("weight", weight.len(), self.weights());
    }

    /// Calls `f(input, output, row, column, place)` for each weight and its place in PyTorch's order.
    fn each_weight(&self, mut f: impl FnMut(usize, usize, usize, usize, usize)) {
        let kernel = self.kernel;
        let mut place = 0;
        for input in 0..self.in_channels {
            for output in 0..self.out_channels {
                for row in 0..kernel {
                    for column in 0..kernel {
                        f(input, output, row, column, place);
                        place += 1;
                    }
                }
            }
        }
    }
}

/// y (N x kernel H x kernel W x out) for `x` (N x H x W x in), `weight` (in x out x kernel x kernel, as PyTorch has it) and
/// `bias` (out; empty: none).
///
/// # Panics
/// If the shape is none (see [`ConvTransposeSpec`]) or a length doesn't fit it.
///
/// ```
/// use adact_kernels::Workspace;
/// use adact_kernels::conv_transpose::{self, ConvTransposeSpec};
/// let spec = ConvTransposeSpec { batch: 1, height: 1, width: 2, in_channels: 1, out_channels: 1, kernel: 2 };
/// let y = conv_transpose::forward(&Workspace::new(), &spec, &[1.0, 10.0], &[1.0, 2.0, 3.0, 4.0], &[]);
/// assert_eq!(y[..], [1.0, 2.0, 10.0, 20.0, 3.0, 4.0, 30.0, 40.0]);
/// ```
pub fn forward(ws: &Workspace, spec: &ConvTransposeSpec, x: &[f32], weight: &[f32], bias: &[f32]) -> Buffer {
    spec.check(x, weight);
    let (input, columns) = (spec.in_channels, spec.square_row());
    if !bias.is_empty() {
        length("bias", bias.len(), spec.out_channels);
    }
    let bias = bias.repeat(spec.kernel);
    let start = if bias.is_empty() { Start::Zero } else { Start::Bias(&bias) };
    // a matrix of in x (column, out) for each row of the kernel
    let one = packed_len(input, columns);
    let mut packed = ws.zeros(spec.kernel * one);
    spec.each_weight(|i, o, row, column, place| {
        let at = packed_index(input, columns, i, column * spec.out_channels + o);
        packed[row * one + at] = weight[place];
    });
    let mut y = ws.take(spec.outputs());
    let rows = y.par_chunks_mut(spec.out_rows()).zip(x.par_chunks(spec.in_row()));
    rows.for_each(|(y, x)| {
        for (y, packed) in y.chunks_exact_mut(spec.width * columns).zip(packed.chunks_exact(one)) {
            let left = Left::matrix(x, input, 1);
            gemm(spec.width, columns, input, left, Right::Packed(packed), y, columns, start);
        }
    });
    y
}

/// Gradients of a transposed convolution.
#[derive(Debug)]
pub struct ConvTransposeGrads {
    /// Of the input, where asked for.
    pub dx: Option<Buffer>,
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
    let dx = need_dx.then(|| input_gradient(ws, spec, weight, dy));
    let (weight, bias) = parameter_gradients(ws, spec, x, dy);
    ConvTransposeGrads { dx, weight, bias }
}

fn input_gradient(ws: &Workspace, spec: &ConvTransposeSpec, weight: &[f32], dy: &[f32]) -> Buffer {
    let (input, columns) = (spec.in_channels, spec.square_row());
    // (row, column, out) x in
    let depth = spec.kernel * columns;
    let mut packed = ws.zeros(packed_len(depth, input));
    spec.each_weight(|i, o, row, column, place| {
        let at = packed_index(depth, input, row * columns + column * spec.out_channels + o, i);
        packed[at] = weight[place];
    });
    let mut dx = ws.take(spec.batch * spec.height * spec.in_row());
    let rows = dx.par_chunks_mut(spec.in_row()).zip(dy.par_chunks(spec.out_rows()));
    rows.for_each(|(dx, dy)| {
        let left = Left {
            data: dy,
            row_stride: columns,
            k_stride: 1,
            runs: spec.kernel,
            run_stride: spec.width * columns,
        };
        gemm(spec.width, input, columns, left, Right::Packed(&packed), dx, input, Start::Zero);
    });
    dx
}

/// Of the weights and the bias.
fn parameter_gradients(
    ws: &Workspace,
    spec: &ConvTransposeSpec,
    x: &[f32],
    dy: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let (input, columns, out) = (spec.in_channels, spec.square_row(), spec.out_channels);
    // images whose gradients go into one sum, whatever the number of threads
    let rows = spec.batch.div_ceil(16) * spec.height;
    let groups = (spec.batch * spec.height).div_ceil(rows);
    // for each row of the kernel a matrix of in x (column, out)
    let one = input * columns;
    let mut partial = ws.zeros(groups * spec.kernel * one);
    let mut bias = vec![0.0f64; groups * out];
    let inputs = x.par_chunks(rows * spec.in_row()).zip(dy.par_chunks(rows * spec.out_rows()));
    let tasks = partial.par_chunks_mut(spec.kernel * one).zip(bias.par_chunks_mut(out)).zip(inputs);
    tasks.for_each(|((sum, bias), (x, dy))| {
        for (x, dy) in x.chunks_exact(spec.in_row()).zip(dy.chunks_exact(spec.out_rows())) {
            for (sum, dy) in sum.chunks_exact_mut(one).zip(dy.chunks_exact(spec.width * columns)) {
                let (left, right) = (Left::matrix(x, 1, input), Right::Rows(dy, columns));
                gemm(input, columns, spec.width, left, right, sum, columns, Start::Accumulate);
            }
        }
        for pixel in dy.chunks_exact(out) {
            bias.iter_mut().zip(pixel).for_each(|(b, &d)| *b += f64::from(d));
        }
    });
    let (sum, rest) = partial.split_at_mut(spec.kernel * one);
    for group in rest.chunks_exact(spec.kernel * one) {
        sum.iter_mut().zip(group).for_each(|(s, g)| *s += g);
    }
    let mut weight = vec![0.0; spec.weights()];
    spec.each_weight(|i, o, row, column, place| {
        weight[place] = sum[row * one + i * columns + column * out + o];
    });
    let of_channel = |o: usize| bias.iter().skip(o).step_by(out).sum::<f64>() as f32;
    (weight, (0..out).map(of_channel).collect())
}
