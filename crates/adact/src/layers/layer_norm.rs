//! Layer norm.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::init::Init;
use crate::ops;

/// Layer norm over the last dimension (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// The scale, (dim). At first 1.
    pub weight: Param<Tensor<1>>,
    /// The shift, (dim). At first 0.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    eps: f32,
}

impl LayerNorm {
    /// Layer norm of `dim` values. PyTorch's default for `eps` is 1e-5.
    pub fn new(dim: usize, eps: f32, init: &Init<'_>) -> Self {
        Self { weight: init.constant([dim], 1.0), bias: init.constant([dim], 0.0), eps }
    }

    /// Normalises (..., dim).
    ///
    /// # Panics
    /// If the last dimension is another.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        ops::layer_norm(x, self.weight.val(), self.bias.val(), self.eps)
    }
}
