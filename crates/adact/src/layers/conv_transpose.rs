//! Transposed convolution.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::init::Init;
use crate::ops;

/// Transposed convolution whose stride is its kernel: every pixel becomes a square of its own.
#[derive(Module, Debug)]
pub struct ConvTranspose {
    /// (in channels, out channels, kernel, kernel).
    pub weight: Param<Tensor<4>>,
    /// (out channels).
    pub bias: Param<Tensor<1>>,
}

impl ConvTranspose {
    /// Creates the module as PyTorch's `ConvTranspose2d` does: uniform within `1 / sqrt(out channels kernel^2)`.
    pub fn new(in_channels: usize, out_channels: usize, kernel: usize, init: &mut Init<'_>) -> Self {
        let bound = 1.0 / ((out_channels * kernel * kernel) as f64).sqrt();
        let weight = init.uniform([in_channels, out_channels, kernel, kernel], bound);
        Self { weight, bias: init.uniform([out_channels], bound) }
    }

    /// From (batch, in channels, height, width) to (batch, out channels, kernel height, kernel width).
    ///
    /// # Panics
    /// If the channels are others.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        ops::conv_transpose(images, self.weight.val(), self.bias.val(), None)
    }

    /// As [`forward`](Self::forward), the channels after those of `kept`, in one operation.
    ///
    /// # Panics
    /// As [`forward`](Self::forward), or if `kept` isn't (batch, any channels, kernel height, kernel width).
    pub fn beside(&self, kept: Tensor<4>, images: Tensor<4>) -> Tensor<4> {
        ops::conv_transpose(images, self.weight.val(), self.bias.val(), Some(kept))
    }
}
