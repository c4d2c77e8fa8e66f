//! The paper's network.

use adact_kernels::Noise;
use adact_kernels::random::{Purpose, Stream};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::conv_block::{ConvBlock, ConvBlockConfig};
use crate::error::{Error, Result};
use crate::init::uniform;
use crate::layer_config::ActivationConfig;
use crate::ops;
use crate::selection::LayerMixture;

/// The configuration of a [`ConvNet`].
///
/// The defaults are the paper's: four blocks of 32, 64, 128 and 256 channels with the mixture.
///
/// ```
/// use adact::{ActivationConfig, ConvNetConfig};
/// let device = burn::tensor::Device::flex();
/// let net = ConvNetConfig::new(3, 32, 10).with_activation_text("relu")?.init(&device)?;
/// assert_eq!(net.parameters(), 399_626);
/// let net = ConvNetConfig::new(3, 32, 10).init(&device)?;
/// assert_eq!(net.parameters(), 399_626 + 4 * 8);
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNetConfig {
    /// Channels of the images: 1 (grey) or 3 (RGB), or any other number.
    pub channels: usize,
    /// Height and width of the images. Every block halves it (rounding down): 16 at least for four blocks.
    pub side: usize,
    /// Classes.
    pub classes: usize,
    /// Channels of the blocks. Default 32, 64, 128, 256.
    pub widths: Vec<usize>,
    /// The activation of each block. Default the mixture in all.
    pub activations: Vec<ActivationConfig>,
    /// The seed of the initial weights. Default 0.
    pub seed: u64,
    /// The names of the classes, which files keep. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
}

impl ConvNetConfig {
    /// The paper's network for images of `channels` x `side` x `side` in `classes` classes.
    pub fn new(channels: usize, side: usize, classes: usize) -> Self {
        Self {
            channels,
            side,
            classes,
            widths: vec![32, 64, 128, 256],
            activations: vec![ActivationConfig::default(); 4],
            seed: 0,
            class_names: Vec::new(),
        }
    }

    /// Sets the activation of each block.
    pub fn with_activations(mut self, activations: Vec<ActivationConfig>) -> Self {
        self.activations = activations;
        self
    }

    /// Sets the activation of each block from its text, as `relu` or `mish+elu+silu+relu`.
    ///
    /// # Errors
    /// Those of [`ActivationConfig::parse_layers`].
    pub fn with_activation_text(mut self, text: &str) -> Result<Self> {
        self.activations = ActivationConfig::parse_layers(text, self.widths.len())?;
        Ok(self)
    }

    /// Sets the channels of the blocks; each gets the activation of the first.
    pub fn with_widths(mut self, widths: Vec<usize>) -> Self {
        let activation = self.activations.first().cloned().unwrap_or_default();
        self.activations = vec![activation; widths.len()];
        self.widths = widths;
        self
    }

    /// Sets the seed of the initial weights.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the names of the classes, one each.
    pub fn with_class_names(mut self, names: impl Into<Vec<String>>) -> Self {
        self.class_names = names.into();
        self
    }

    /// The text of the activations, as [`ActivationConfig::parse_layers`] reads it.
    pub fn activation_text(&self) -> String {
        ActivationConfig::format_layers(&self.activations)
    }

    /// Checks what [`init`](Self::init) requires.
    pub fn validate(&self) -> Result<()> {
        let blocks = self.widths.len();
        if self.channels == 0 || self.classes == 0 || blocks == 0 {
            return Err(Error::config("a network needs a channel, a class and a block at least"));
        }
        if self.activations.len() != blocks {
            return Err(Error::config(format!(
                "a network of {blocks} blocks has {} activations",
                self.activations.len()
            )));
        }
        let (classes, names) = (self.classes, self.class_names.len());
        if names != 0 && names != classes {
            return Err(Error::config(format!(
                "a network of {classes} classes needs {classes} names, not {names}"
            )));
        }
        if self.final_side() == 0 {
            return Err(Error::config(format!(
                "images of {0} x {0} are too small for {blocks} blocks that halve them: {1} is the least",
                self.side,
                1usize << blocks.min(usize::BITS as usize - 1)
            )));
        }
        if self.size().is_none() {
            return Err(Error::config("a network of these widths and sizes is larger than any memory"));
        }
        self.blocks().try_for_each(|block| block.validate())
    }

    /// The number of weights, without biases and activations; none if no computer can hold them, or an image.
    pub(crate) fn size(&self) -> Option<usize> {
        self.side.checked_mul(self.side)?.checked_mul(self.channels)?;
        let inputs = std::iter::once(&self.channels).chain(&self.widths);
        let side = self.final_side();
        let features = self.widths.last()?.checked_mul(side)?.checked_mul(side)?;
        let kernels = inputs.zip(&self.widths).map(|(i, o)| i.checked_mul(*o)?.checked_mul(9));
        let mut all = kernels.chain([features.checked_mul(self.classes)]);
        let size = all.try_fold(0usize, |sum, size| sum.checked_add(size?));
        size.filter(|size| *size < isize::MAX as usize / 16)
    }

    /// Creates the network. The initial weights are a function of the seed and the shapes alone, so networks that
    /// differ in their activations start from the same ones.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate).
    pub fn init(&self, device: &Device) -> Result<ConvNet> {
        self.validate()?;
        let blocks = self.blocks().enumerate();
        let blocks = blocks.map(|(i, block)| block.init_numbered(device, self.seed, 2 * i as u64));
        let (features, first) = (self.features(), 2 * self.widths.len() as u64);
        let bound = 1.0 / (features as f64).sqrt();
        Ok(ConvNet {
            blocks: blocks.collect::<Result<_>>()?,
            fc: Linear {
                weight: uniform([self.classes, features], bound, self.seed, first, device),
                bias: uniform([self.classes], bound, self.seed, first + 1, device),
            },
            config: self.clone(),
        })
    }

    /// The side after all blocks.
    fn final_side(&self) -> usize {
        self.widths.iter().fold(self.side, |side, _| side / 2)
    }

    /// The inputs of the fully connected layer.
    fn features(&self) -> usize {
        self.widths.last().copied().unwrap_or(0) * self.final_side() * self.final_side()
    }

    fn blocks(&self) -> impl Iterator<Item = ConvBlockConfig> {
        let inputs = std::iter::once(&self.channels).chain(&self.widths);
        let channels = inputs.zip(&self.widths).zip(&self.activations);
        channels.map(|((&i, &o), activation)| ConvBlockConfig::new(i, o).with_activation(activation.clone()))
    }
}

/// The paper's network: blocks of convolution, batch norm, activation and max pooling, and a fully connected layer.
///
/// With [`save`](Self::save) and [`load`](Self::load) it is a safetensors file that PyTorch reads too.
#[derive(Module, Debug)]
pub struct ConvNet {
    /// The blocks.
    pub blocks: Vec<ConvBlock>,
    /// The classifier.
    pub fc: Linear,
    #[module(skip)]
    config: ConvNetConfig,
}

/// A fully connected layer in PyTorch's orientation.
#[derive(Module, Debug)]
pub struct Linear {
    /// (outputs, inputs).
    pub weight: Param<Tensor<2>>,
    /// (outputs).
    pub bias: Param<Tensor<1>>,
}

impl ConvNet {
    /// The logits (batch, classes) of images (batch, channels, side, side).
    ///
    /// On an autodiff device it trains: batch norm by the batch, RReLU random, different from call to call. After
    /// [`valid`](Module::valid) it evaluates.
    ///
    /// # Panics
    /// If the images have other sizes.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.run(images, |block, _, x| block.forward(x))
    }

    /// As [`forward`](Self::forward), where RReLU's slopes are a function of the seed and the training step.
    pub fn forward_step(&self, images: Tensor<4>, seed: u64, step: u64) -> Tensor<2> {
        let stream = Stream::new(seed, Purpose::Rrelu, step);
        self.run(images, |block, layer, x| block.forward_with(x, Noise::Random(stream.child(layer))))
    }

    fn run(&self, images: Tensor<4>, block: impl Fn(&ConvBlock, u64, Tensor<4>) -> Tensor<4>) -> Tensor<2> {
        let [_, channels, height, width] = images.dims();
        let side = self.config.side;
        assert_eq!(
            [channels, height, width],
            [self.config.channels, side, side],
            "the images' channels, height and width are not the network's"
        );
        let x = self.blocks.iter().zip(0..).fold(images, |x, (layer, i)| block(layer, i, x));
        ops::linear(x, self.fc.weight.val(), self.fc.bias.val())
    }

    /// The configuration.
    pub fn config(&self) -> &ConvNetConfig {
        &self.config
    }

    /// What the mixture of each block has learned; none where a block has a single activation.
    pub fn mixtures(&self) -> Vec<Option<LayerMixture>> {
        self.blocks.iter().map(|block| block.act.as_adact().map(|adact| adact.layer_mixture())).collect()
    }

    /// The configuration of the same network where each mixture is replaced by its choice. It starts from the same
    /// initial weights.
    pub fn optimized(&self) -> ConvNetConfig {
        let activations = self.blocks.iter().map(|block| block.act.optimized()).collect();
        self.config.clone().with_activations(activations)
    }

    /// The number of trained parameters (running statistics are none).
    pub fn parameters(&self) -> usize {
        let statistics = self.blocks.iter().filter_map(|block| block.norm.as_ref());
        let statistics: usize = statistics.map(|norm| 2 * norm.weight.dims()[0]).sum();
        self.num_params() - statistics
    }
}

/// Images (batch, channels, height, width) from values whose channels lie last: nothing is copied.
///
/// # Panics
/// If the number of values is not `batch * height * width * channels`.
pub fn images_from_channels_last(
    values: Vec<f32>,
    [batch, height, width, channels]: [usize; 4],
    device: &Device,
) -> Tensor<4> {
    let data = TensorData::new(values, [batch, height, width, channels]);
    Tensor::<4>::from_data(data, device).permute([0, 3, 1, 2])
}
