//! Convolution, batch norm, activation and max pooling as one module.

use adact_kernels::Noise;
use burn::module::{Flag, Module, Param};
use burn::tensor::{Device, Tensor};

use crate::activation::ActivationLayer;
use crate::error::{Error, Result};
use crate::init::{constant, uniform};
use crate::layer_config::ActivationConfig;
use crate::ops::{self, BlockSpec, BlockTensors, absent};
use crate::statistic::Statistic;

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
        self.init_numbered(device, seed, 0)
    }

    /// As [`init`](Self::init); the weights are tensor number `first` of the network, the bias the next.
    pub(crate) fn init_numbered(&self, device: &Device, seed: u64, first: u64) -> Result<ConvBlock> {
        self.validate()?;
        let fan_in = (self.in_channels * self.kernel * self.kernel) as f64;
        let shape = [self.out_channels, self.in_channels, self.kernel, self.kernel];
        let channels = [self.out_channels];
        let bias = || uniform(channels, 1.0 / fan_in.sqrt(), seed, first + 1, device);
        Ok(ConvBlock {
            conv: Conv {
                weight: uniform(shape, (6.0 / fan_in).sqrt(), seed, first, device),
                bias: self.bias.then(bias),
            },
            norm: self.norm.then(|| Norm {
                weight: constant(channels, 1.0, device),
                bias: constant(channels, 0.0, device),
                running_mean: Statistic::new(Tensor::zeros(channels, device)),
                running_var: Statistic::new(Tensor::ones(channels, device)),
            }),
            act: self.activation.init(device),
            training: Param::from_bool(true),
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
    pub norm: Option<Norm>,
    /// The activation or mixture.
    pub act: ActivationLayer,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    #[module(skip)]
    config: ConvBlockConfig,
}

/// The parameters of a convolution.
#[derive(Module, Debug)]
pub struct Conv {
    /// (out channels, in channels, kernel, kernel).
    pub weight: Param<Tensor<4>>,
    /// (out channels).
    pub bias: Option<Param<Tensor<1>>>,
}

/// The parameters and statistics of batch norm, each (channels).
#[derive(Module, Debug)]
pub struct Norm {
    /// The scale.
    pub weight: Param<Tensor<1>>,
    /// The shift.
    pub bias: Param<Tensor<1>>,
    /// The running mean.
    pub running_mean: Statistic,
    /// The running variance, unbiased.
    pub running_var: Statistic,
}

impl ConvBlock {
    /// Runs the block on images (batch, in channels, height, width). While training, RReLU's slopes differ from call
    /// to call and the running statistics move.
    ///
    /// # Panics
    /// If the channels are others, the kernel is larger than the padded image, or a tensor of the block has another
    /// shape than its configuration says.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        self.run(images, None)
    }

    /// As [`forward`](Self::forward), with the given randomness where it trains.
    pub fn forward_with(&self, images: Tensor<4>, noise: Noise) -> Tensor<4> {
        self.run(images, Some(noise))
    }

    /// The configuration.
    pub fn config(&self) -> &ConvBlockConfig {
        &self.config
    }

    fn run(&self, images: Tensor<4>, noise: Option<Noise>) -> Tensor<4> {
        let weight = self.conv.weight.val();
        let device = weight.device();
        let training = self.training.is_enabled() && (device.is_autodiff() || images.is_autodiff());
        let noise = match noise {
            _ if !training => Noise::Mean,
            Some(noise) => noise,
            None => self.act.next_noise(),
        };
        let (function, function_tensors) = self.act.function(noise, &device);
        let spec = BlockSpec {
            stride: self.config.stride,
            padding: self.config.padding,
            norm: self.norm.as_ref().map(|_| self.config.eps),
            function,
            pool: self.config.pool,
            training,
        };
        let none = || absent(&device);
        let norm = self.norm.as_ref();
        let tensors = BlockTensors {
            weight,
            bias: self.conv.bias.as_ref().map(Param::val),
            gamma: norm.map_or_else(none, |norm| norm.weight.val()),
            beta: norm.map_or_else(none, |norm| norm.bias.val()),
            running_mean: norm.map_or_else(none, |norm| norm.running_mean.val()),
            running_var: norm.map_or_else(none, |norm| norm.running_var.val()),
            function: function_tensors,
        };
        let (out, batch) = ops::conv_block(images, tensors, spec);
        if let (Some(norm), Some([mean, var])) = (norm, batch) {
            norm.running_mean.blend(mean, self.config.momentum);
            norm.running_var.blend(var, self.config.momentum);
        }
        out
    }
}
