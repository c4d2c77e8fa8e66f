//! The linear layer y = x Wt + b and its gradients, also with a function of its sums or with a residual added to them in the
//! same pass. Weights keep PyTorch's order, out x in.

use rayon::prelude::*;

use crate::check::length;
use crate::elementwise::{self, gradients_of_part, values_of_part};
use crate::function::{Function, FunctionGrads, FunctionVisitor, Pointwise};
use crate::matmul::{Matrix, Packed, matmul, task_rows};
use crate::workspace::{Buffer, Workspace};

/// Gradients of a linear layer.
#[derive(Debug)]
pub struct LinearGrads {
    /// Of the input, rows x in.
    pub dx: Buffer,
    /// Of the weights, out x in.
    pub weight: Vec<f32>,
    /// Of the bias.
    pub bias: Vec<f32>,
}

/// y (rows x out) for x (rows x `input`).
///
/// # Panics
/// If the lengths don't fit each other, or there is no input or output.
pub fn forward(ws: &Workspace, input: usize, x: &[f32], weight: &[f32], bias: &[f32]) -> Buffer {
    let out = bias.len();
    let rows = check(input, x, weight, out);
    if rows == 0 {
        return ws.take(0);
    }
    let (x, weight) = (Matrix::new(x, input), Matrix::new(weight, input).transposed());
    matmul(ws, x, weight, Some(bias))
}

/// The rows of `x`.
fn check(input: usize, x: &[f32], weight: &[f32], out: usize) -> usize {
    assert!(input > 0 && out > 0, "a linear layer has at least one input and one output");
    let rows = x.len() / input;
    length("x", x.len(), rows * input);
    length("weight", weight.len(), out.saturating_mul(input));
    rows
}

/// The gradients for the output's gradient `dy` (rows x out).
///
/// # Panics
/// If the lengths don't fit each other, or there is no input or output.
pub fn backward(ws: &Workspace, input: usize, x: &[f32], weight: &[f32], dy: &[f32]) -> LinearGrads {
    let out = weight.len() / input.max(1);
    let rows = check(input, x, weight, out);
    length("dy", dy.len(), rows * out);
    if rows == 0 {
        return LinearGrads { dx: ws.take(0), weight: vec![0.0; weight.len()], bias: vec![0.0; out] };
    }
    let (x, weight, gradient) = (Matrix::new(x, input), Matrix::new(weight, input), Matrix::new(dy, out));
    let dx = matmul(ws, gradient, weight, None);
    let dweight = matmul(ws, gradient.transposed(), x, None);
    LinearGrads { dx, weight: dweight.into_vec(), bias: column_sums(dy, out) }
}

/// The sum of each column, its rows in order.
fn column_sums(values: &[f32], columns: usize) -> Vec<f32> {
    const COLUMNS: usize = 64;
    let mut sums = vec![0.0; columns];
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(block, sums)| {
        let mut exact = [0.0f64; COLUMNS];
        for row in values.chunks_exact(columns) {
            let row = &row[block * COLUMNS..][..sums.len()];
            exact.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        sums.iter_mut().zip(exact).for_each(|(sum, exact)| *sum = exact as f32);
    });
    sums
}

/// y = x Wt + b + residual (rows x out), in one pass. The residual's gradient is that of `y`; [`backward`] has the others.
///
/// # Panics
/// If the lengths don't fit each other, or there is no input or output.
pub fn forward_residual(
    ws: &Workspace,
    input: usize,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    residual: &[f32],
) -> Buffer {
    let out = bias.len();
    let rows = check(input, x, weight, out);
    length("residual", residual.len(), rows * out);
    let mut y = ws.take(rows * out);
    if rows == 0 {
        return y;
    }
    let (x, packed) = (Matrix::new(x, input), Packed::new(ws, Matrix::new(weight, input).transposed()));
    let task = task_rows(rows);
    let tasks = y.par_chunks_mut(task * out).zip(residual.par_chunks(task * out)).enumerate();
    tasks.for_each(|(block, (y, residual))| {
        packed.product(block * task, x, Some(bias), y);
        y.iter_mut().zip(residual).for_each(|(y, r)| *y += r);
    });
    y
}

/// The result of a linear layer with a function.
#[derive(Debug)]
pub struct Activated {
    /// f(x Wt + b), rows x out.
    pub y: Buffer,
    /// x Wt + b, rows x out, where asked for: the backward pass needs it.
    pub z: Option<Buffer>,
}

/// y = f(x Wt + b), in one pass: the bits are those of [`forward`] and [`elementwise::forward`] one after the other.
/// `keep`: whether to keep the sums for [`backward_with`].
///
/// # Panics
/// If the lengths don't fit each other, there is no input or output, or the function's weights are not one a candidate.
///
/// ```
/// use adact_kernels::{Activation, Function, Workspace, linear};
/// let relu = Function::single(&Activation::Relu);
/// let out = linear::forward_with(&Workspace::new(), 1, &[2.0], &[1.0, -1.0], &[0.5, 0.5], &relu, true);
/// assert_eq!(out.y[..], [2.5, 0.0]);
/// assert_eq!(out.z.unwrap()[..], [2.5, -1.5]);
/// ```
pub fn forward_with(
    ws: &Workspace,
    input: usize,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    function: &Function<'_>,
    keep: bool,
) -> Activated {
    let out = bias.len();
    let rows = check(input, x, weight, out);
    let mut y = ws.take(rows * out);
    let mut z = keep.then(|| ws.take(rows * out));
    if rows > 0 {
        let packed = Packed::new(ws, Matrix::new(weight, input).transposed());
        let (x, z) = (Matrix::new(x, input), z.as_deref_mut());
        function.visit(Forward { ws, x, packed: &packed, bias, task: task_rows(rows), y: &mut y, z });
    }
    Activated { y, z }
}

/// [`forward_with`] for a function whose type is known.
struct Forward<'a> {
    ws: &'a Workspace,
    x: Matrix<'a>,
    packed: &'a Packed,
    bias: &'a [f32],
    /// Rows of a task.
    task: usize,
    y: &'a mut [f32],
    z: Option<&'a mut [f32]>,
}

impl FunctionVisitor for Forward<'_> {
    type Output = ();
    fn visit<F: Pointwise>(self, f: F) {
        let Self { ws, x, packed, bias, task, y, z } = self;
        let one = task * bias.len();
        let run = |block: usize, y: &mut [f32], z: &mut [f32]| {
            packed.product(block * task, x, Some(bias), z);
            values_of_part(f, block * one, z, y);
        };
        let blocks = y.par_chunks_mut(one).enumerate();
        match z {
            Some(z) => blocks.zip(z.par_chunks_mut(one)).for_each(|((block, y), z)| run(block, y, z)),
            None => blocks.for_each(|(block, y)| run(block, y, &mut ws.take(y.len()))),
        }
    }
}

/// The gradients of [`forward_with`] for the output's gradient `dy` (rows x out), with the sums `z` that it kept.
///
/// # Panics
/// As [`forward_with`].
pub fn backward_with(
    ws: &Workspace,
    input: usize,
    x: &[f32],
    weight: &[f32],
    function: &Function<'_>,
    z: &[f32],
    dy: &[f32],
) -> (LinearGrads, FunctionGrads) {
    let out = weight.len() / input.max(1);
    let rows = check(input, x, weight, out);
    length("z", z.len(), rows * out);
    length("dy", dy.len(), rows * out);
    if rows == 0 {
        let own = elementwise::backward(function, z, dy, &mut []);
        return (backward(ws, input, x, weight, dy), own);
    }
    let (mut dz, mut dx) = (ws.take(z.len()), ws.take(x.len()));
    let packed = Packed::new(ws, Matrix::new(weight, input));
    let sums = function.visit(Backward { packed: &packed, input, out, z, dy, dz: &mut dz, dx: &mut dx });
    let dweight = matmul(ws, Matrix::new(&dz, out).transposed(), Matrix::new(x, input), None);
    let grads = LinearGrads { dx, weight: dweight.into_vec(), bias: column_sums(&dz, out) };
    (grads, function.gradients(&sums))
}

/// Rows of a task of [`Backward`]. It fixes where partial sums end, so it must not depend on the number of threads.
const ROWS: usize = 48;

/// The part of [`backward_with`] that goes row by row, for a function whose type is known: fills `dz`, the gradient of the
/// sums, and from it, while it is in the cache, `dx`. Returns the function's sums.
struct Backward<'a> {
    packed: &'a Packed,
    input: usize,
    out: usize,
    z: &'a [f32],
    dy: &'a [f32],
    dz: &'a mut [f32],
    dx: &'a mut [f32],
}

impl FunctionVisitor for Backward<'_> {
    type Output = Vec<f64>;
    fn visit<F: Pointwise>(self, f: F) -> Vec<f64> {
        let Self { packed, input, out, z, dy, dz, dx } = self;
        let one = ROWS * out;
        let mut partial = vec![0.0; z.len().div_ceil(one) * F::SUMS];
        let inputs = z.par_chunks(one).zip(dy.par_chunks(one));
        let outputs = dz.par_chunks_mut(one).zip(dx.par_chunks_mut(ROWS * input));
        let tasks = inputs.zip(outputs).zip(partial.par_chunks_mut(F::SUMS)).enumerate();
        tasks.for_each(|(block, (((z, dy), (dz, dx)), sums))| {
            gradients_of_part(f, block * one, z, dy, dz, sums);
            packed.product(0, Matrix::new(dz, out), None, dx);
        });
        let mut total = vec![0.0; F::SUMS];
        for sums in partial.chunks_exact(F::SUMS) {
            total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
        }
        total
    }
}
