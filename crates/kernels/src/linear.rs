//! The linear layer y = x Wt + b and its gradients. Weights keep PyTorch's order, out x in.

use crate::gemm::{Left, Right, Start, gemm, packed_index, packed_len};
use crate::workspace::Workspace;

/// Gradients of a linear layer.
#[derive(Debug)]
pub struct LinearGrads {
    /// Of the input, rows x in.
    pub dx: Vec<f32>,
    /// Of the weights, out x in.
    pub weight: Vec<f32>,
    /// Of the bias.
    pub bias: Vec<f32>,
}

/// y (rows x out) for x (rows x `input`).
///
/// # Panics
/// If the lengths don't fit each other.
pub fn forward(ws: &Workspace, input: usize, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let out = bias.len();
    assert!(weight.len() == out * input && x.len().is_multiple_of(input), "lengths of a linear layer");
    let rows = x.len() / input;
    let mut packed = ws.zeros(packed_len(input, out));
    for (o, line) in weight.chunks_exact(input).enumerate() {
        for (i, &w) in line.iter().enumerate() {
            packed[packed_index(input, out, i, o)] = w;
        }
    }
    let mut y = ws.take(rows * out);
    let left = Left::matrix(x.as_ptr(), input, 1);
    let right = Right::Packed(packed.as_ptr());
    gemm(rows, out, input, left, right, y.as_mut_ptr(), out, Start::Bias(bias.as_ptr()));
    y.into_vec()
}

/// The gradients for the output's gradient `dy` (rows x out).
///
/// # Panics
/// If the lengths don't fit each other.
pub fn backward(ws: &Workspace, input: usize, x: &[f32], weight: &[f32], dy: &[f32]) -> LinearGrads {
    let out = weight.len() / input;
    let rows = x.len() / input;
    assert!(dy.len() == rows * out && weight.len() == out * input, "lengths of a linear layer");
    let (mut dx, mut dweight) = (ws.take(x.len()), ws.take(weight.len()));
    let left = Left::matrix(dy.as_ptr(), out, 1);
    gemm(rows, input, out, left, Right::Rows(weight.as_ptr(), input), dx.as_mut_ptr(), input, Start::Zero);
    let left = Left::matrix(dy.as_ptr(), 1, out);
    gemm(out, input, rows, left, Right::Rows(x.as_ptr(), input), dweight.as_mut_ptr(), input, Start::Zero);
    let mut bias = vec![0.0f64; out];
    for row in dy.chunks_exact(out) {
        bias.iter_mut().zip(row).for_each(|(b, &d)| *b += f64::from(d));
    }
    let bias = bias.into_iter().map(|b| b as f32).collect();
    LinearGrads { dx: dx.into_vec(), weight: dweight.into_vec(), bias }
}
