//! The linear layer y = x Wt + b and its gradients. Weights keep PyTorch's order, out x in.

use crate::check::length;
use crate::matmul::{Matrix, matmul};
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
    let mut bias = vec![0.0f64; out];
    for row in dy.chunks_exact(out) {
        bias.iter_mut().zip(row).for_each(|(b, &d)| *b += f64::from(d));
    }
    let bias = bias.into_iter().map(|b| b as f32).collect();
    LinearGrads { dx, weight: dweight.into_vec(), bias }
}
