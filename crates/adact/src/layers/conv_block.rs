//! Convolution, batch norm, activation and max pooling as one module.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::batch_norm::BatchNorm;
use super::conv::{Conv, ConvConfig, Fused};
use crate::activation::{ActivationConfig, ActivationLayer};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::ops::Channels;
use crate::pass::Pass;

/// The configuration of a [`ConvBlock`].
///
/// The defaults are a block of the paper's network: a kernel of 3 with padding 1 and a bias, batch norm, the mixture,
/// max pooling 2x2 with stride 2.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvBlockConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// The side of the convolution's kernel. Default 3.
    pub kernel: usize,
    /// The convolution's stride. Default 1.
    pub stride: usize,
    /// The convolution's padding on each side. Default 1.
    pub padding: usize,
    /// Whether the convolution has a bias. Default true.
    pub bias: bool,
    /// Whether batch norm follows. Default true.
    pub norm: bool,
    /// What follows: the mixture by default.
    pub activation: ActivationConfig,
    /// Whether max pooling 2x2 with stride 2 ends the block. Default true.
    pub pool: bool,
    /// The share of a batch in batch norm's running statistics. Default 0.1.
    pub momentum: f32,
    /// What batch norm adds to the variance. Default 1e-5.
    pub eps: f32,
}

impl ConvBlockConfig {
    /// The default block between these numbers of channels.
    pub fn new(in_channels: usize, out_channels: usize) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel: 3,
            stride: 1,
            padding: 1,
            bias: true,
            norm: true,
            activation: ActivationConfig::default(),
            pool: true,
            momentum: 0.1,
            eps: 1e-5,
        }
    }

    /// Sets the kernel's side, the stride and the padding.
    pub fn with_conv(mut self, kernel: usize, stride: usize, padding: usize) -> Self {
        (self.kernel, self.stride, self.padding) = (kernel, stride, padding);
        self
    }

    /// Sets whether the convolution has a bias.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets whether batch norm follows.
    pub fn with_norm(mut self, norm: bool) -> Self {
        self.norm = norm;
        self
    }

    /// Sets the activation.
    pub fn with_activation(mut self, activation: impl Into<ActivationConfig>) -> Self {
        self.activation = activation.into();
        self
    }

    /// Sets whether max pooling ends the block.
    pub fn with_pool(mut self, pool: bool) -> Self {
        self.pool = pool;
        self
    }

    /// Checks what [`init`](Self::init) requires: nothing is 0 but the padding, constants in their ranges.
    pub fn validate(&self) -> Result<()> {
        let sizes = [self.in_channels, self.out_channels, self.kernel, self.stride];
        if sizes.contains(&0) {
            return Err(Error::config("the channels, kernel and stride of a block must be 1 at least"));
        }
        let constants = (0.0..=1.0).contains(&self.momentum) && self.eps.is_finite() && self.eps > 0.0;
        if !constants {
            return Err(Error::config("batch norm needs a momentum in 0..=1 and an eps above 0"));
        }
        self.activation.validate()
    }

    /// Creates the module with initial weights that are a function of the seed.
    ///
    /// The weights are drawn Kaiming uniform (He et al. 2015: gain sqrt 2, fan in), the bias as PyTorch does.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate).
    pub fn init(&self, device: &Device, seed: u64) -> Result<ConvBlock> {
        self.validate()?;
        let activation = [self.activation.clone()];
        let init = &mut Init::new(seed, &activation, device);
        let conv = ConvConfig::new(self.in_channels, self.out_channels, self.kernel)
            .with_stride(self.stride, self.padding)
            .with_bias(self.bias);
        let bound = (6.0 / conv.fan_in() as f64).sqrt();
        Ok(ConvBlock {
            conv: conv.init_with(init, |shape, init| init.uniform(shape, bound)),
            norm: self
                .norm
                .then(|| BatchNorm::new(self.out_channels, init).with_constants(self.momentum, self.eps)),
            act: init.activation(Channels::images(self.out_channels)),
            config: self.clone(),
        })
    }
}

/// Convolution, batch norm, activation or mixture, max pooling: one operation on Burn's Flex backend, forward and
/// backward.
///
/// Batch norm's running statistics are PyTorch's: `running += momentum (batch - running)`, with the unbiased variance.
///
/// ```
/// use adact::{Activation, ConvBlockConfig};
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let block = ConvBlockConfig::new(3, 16).with_activation(Activation::Silu).init(&device, 0)?;
/// assert_eq!(block.forward(Tensor::ones([2, 3, 8, 8], &device)).dims(), [2, 16, 4, 4]);
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Module, Debug)]
pub struct ConvBlock {
    /// The convolution's parameters.
    pub conv: Conv,
    /// Batch norm's parameters and statistics.
    pub norm: Option<BatchNorm>,
    /// The activation or mixture.
    pub act: ActivationLayer,
    #[module(skip)]
    config: ConvBlockConfig,
}

impl ConvBlock {
    /// Runs the block on images (batch, in channels, height, width). While training, RReLU's slopes differ from call
    /// to call and the running statistics move.
    ///
    /// # Panics
    /// If the channels are others, the kernel is larger than the padded image, or a tensor of the block has another
    /// shape than its configuration says.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        self.forward_in(images, &Pass::new())
    }

    /// As [`forward`](Self::forward), as a part of a pass through a whole network.
    pub fn forward_in(&self, images: Tensor<4>, pass: &Pass) -> Tensor<4> {
        let fused =
            Fused { norm: self.norm.as_ref(), act: Some(&self.act), pool: self.config.pool, residual: None };
        self.conv.then(images, fused, pass)
    }

    /// The configuration.
    pub fn config(&self) -> &ConvBlockConfig {
        &self.config
    }
}
