//! Convolution, and what follows it in the same operation.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::batch_norm::BatchNorm;
use crate::activation::ActivationLayer;
use crate::init::Init;
use crate::ops::{self, BlockOptions, BlockTensors, FunctionSpec, FunctionTensors, absent};
use crate::pass::Pass;

/// The configuration of a [`Conv`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// The side of the kernel.
    pub kernel: usize,
    /// The stride. Default 1.
    pub stride: usize,
    /// The padding on each side. Default 0.
    pub padding: usize,
    /// Whether there is a bias. Default true.
    pub bias: bool,
}

impl ConvConfig {
    /// A convolution with a stride of 1, no padding and a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel: usize) -> Self {
        Self { in_channels, out_channels, kernel, stride: 1, padding: 0, bias: true }
    }

    /// Sets the stride and the padding.
    pub fn with_stride(mut self, stride: usize, padding: usize) -> Self {
        (self.stride, self.padding) = (stride, padding);
        self
    }

    /// Sets whether there is a bias.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The inputs of each output.
    pub fn fan_in(&self) -> usize {
        self.in_channels * self.kernel * self.kernel
    }

    /// Creates the module as PyTorch's `Conv2d` does: weights and bias uniform within `1 / sqrt(fan_in)`.
    pub fn init(&self, init: &mut Init<'_>) -> Conv {
        let bound = 1.0 / (self.fan_in() as f64).sqrt();
        self.init_with(init, |shape, init| init.uniform(shape, bound))
    }

    /// Creates the module with other weights.
    pub fn init_with(
        &self,
        init: &mut Init<'_>,
        weight: impl FnOnce([usize; 4], &mut Init<'_>) -> Param<Tensor<4>>,
    ) -> Conv {
        let weight = weight([self.out_channels, self.in_channels, self.kernel, self.kernel], init);
        let bound = 1.0 / (self.fan_in() as f64).sqrt();
        let bias = self.bias.then(|| init.uniform([self.out_channels], bound));
        Conv { weight, bias, stride: self.stride, padding: self.padding }
    }
}

/// Convolution in two dimensions.
#[derive(Module, Debug)]
pub struct Conv {
    /// (out channels, in channels, kernel, kernel).
    pub weight: Param<Tensor<4>>,
    /// (out channels).
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
}

/// What follows a convolution in the same operation, in this order. Default nothing.
///
/// On Burn's Flex backend with `f32` all of it is one pass forward and one backward.
#[derive(Clone, Debug, Default)]
pub struct Fused<'a> {
    /// Batch norm.
    pub norm: Option<&'a BatchNorm>,
    /// What is added, of the shape of the convolution's output.
    pub residual: Option<Tensor<4>>,
    /// The activation or mixture.
    pub act: Option<&'a ActivationLayer>,
    /// Whether max pooling 2x2 with stride 2 ends it.
    pub pool: bool,
}

impl Conv {
    /// Convolves images (batch, in channels, height, width).
    ///
    /// # Panics
    /// If the channels are others, or the kernel is larger than the padded image.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.as_ref().map(Param::val);
        ops::conv2d(images, self.weight.val(), bias, self.stride, self.padding)
    }

    /// Convolves images, and does what follows in the same operation.
    ///
    /// On an autodiff device batch norm takes the batch's statistics, and moves the running ones.
    ///
    /// # Panics
    /// As [`forward`](Self::forward), or if a tensor of what follows has another shape.
    pub fn then(&self, images: Tensor<4>, fused: Fused<'_>, pass: &Pass) -> Tensor<4> {
        let (Some(act), true) = (fused.act, pass.records()) else {
            return self.run(images, fused, pass);
        };
        // What the activation sees is between two parts of the operation.
        let pool = fused.pool;
        let y = self.run(images, Fused { act: None, pool: false, ..fused }, pass);
        let y = act.forward_in(y, pass);
        if pool { ops::max_pool2d(y) } else { y }
    }

    fn run(&self, images: Tensor<4>, fused: Fused<'_>, pass: &Pass) -> Tensor<4> {
        let weight = self.weight.val();
        let device = weight.device();
        let autodiff = device.is_autodiff() || images.is_autodiff();
        let norm = fused.norm;
        let training = match (norm, fused.act) {
            (Some(norm), _) => norm.training.is_enabled(),
            (None, Some(act)) => act.is_training(),
            (None, None) => true,
        };
        let training = training && autodiff;
        let (function, function_tensors) = match fused.act {
            Some(act) => act.function_in(pass, training, &device),
            None => (FunctionSpec::identity(), FunctionTensors::none(&device)),
        };
        let options = BlockOptions {
            stride: self.stride,
            padding: self.padding,
            norm: norm.map(|norm| norm.eps),
            function,
            pool: fused.pool,
            training,
        };
        let none = || absent(&device);
        let tensors = BlockTensors {
            weight,
            bias: self.bias.as_ref().map(Param::val),
            gamma: norm.map_or_else(none, |norm| norm.weight.val()),
            beta: norm.map_or_else(none, |norm| norm.bias.val()),
            running_mean: norm.map_or_else(none, |norm| norm.running_mean.val()),
            running_var: norm.map_or_else(none, |norm| norm.running_var.val()),
            function: function_tensors,
            residual: fused.residual,
        };
        let (out, batch) = ops::conv_block(images, tensors, options);
        if let (Some(norm), Some([mean, var])) = (norm, batch) {
            norm.running_mean.blend(mean, norm.momentum);
            norm.running_var.blend(var, norm.momentum);
        }
        out
    }
}
