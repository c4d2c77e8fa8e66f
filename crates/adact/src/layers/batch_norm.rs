//! The parameters and statistics of batch norm.

use burn::module::{Flag, Module, Param};
use burn::tensor::Tensor;

use super::statistic::Statistic;
use crate::init::Init;

/// Batch norm (Ioffe and Szegedy 2015): its parameters and statistics, each (channels).
///
/// It is a part of what [`Conv::then`](super::Conv::then) computes in one operation. The running statistics are PyTorch's:
/// `running += momentum (batch - running)`, with the unbiased variance.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// The scale. At first 1.
    pub weight: Param<Tensor<1>>,
    /// The shift. At first 0.
    pub bias: Param<Tensor<1>>,
    /// The running mean.
    pub running_mean: Statistic,
    /// The running variance, unbiased.
    pub running_var: Statistic,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    #[module(skip)]
    pub(super) momentum: f32,
    #[module(skip)]
    pub(super) eps: f32,
}

impl BatchNorm {
    /// Batch norm of `channels`, with PyTorch's defaults: a momentum of 0.1, an eps of 1e-5.
    pub fn new(channels: usize, init: &Init<'_>) -> Self {
        Self {
            weight: init.constant([channels], 1.0),
            bias: init.constant([channels], 0.0),
            running_mean: Statistic::new(Tensor::zeros([channels], init.device())),
            running_var: Statistic::new(Tensor::ones([channels], init.device())),
            training: Param::from_bool(true),
            momentum: 0.1,
            eps: 1e-5,
        }
    }

    /// Sets the share of a batch in the running statistics, and what is added to the variance.
    pub fn with_constants(mut self, momentum: f32, eps: f32) -> Self {
        (self.momentum, self.eps) = (momentum, eps);
        self
    }
}
