//! The paper's network.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::foreign::{self, Hints};
use super::sizes::{activations_and_seed, checked, checked_names, weights};
use crate::activation::{ActivationConfig, ActivationLayer};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::layers::{BatchNorm, Conv, ConvConfig, Fused, Linear};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::ops::{self, Channels};
use crate::pass::Pass;
use crate::weights;

/// The configuration of a [`ConvNet`].
///
/// The defaults are the paper's: four blocks of 32, 64, 128 and 256 channels with the mixture.
///
/// ```
/// use adact::{ConvNetConfig, Network, NetworkConfig};
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

    /// Sets the names of the classes, one each.
    pub fn with_class_names(mut self, names: impl Into<Vec<String>>) -> Self {
        self.class_names = names.into();
        self
    }

    /// The text of the activations, as [`ActivationConfig::parse_layers`] reads it.
    pub fn activation_text(&self) -> String {
        ActivationConfig::format_layers(&self.activations)
    }

    /// The side after all blocks.
    fn final_side(&self) -> usize {
        self.widths.iter().fold(self.side, |side, _| side / 2)
    }

    /// The inputs of the fully connected layer.
    fn features(&self) -> usize {
        self.widths.last().copied().unwrap_or(0) * self.final_side() * self.final_side()
    }
}

impl NetworkConfig for ConvNetConfig {
    type Network = ConvNet;

    fn build(&self, init: &mut Init<'_>) -> Result<ConvNet> {
        let inputs = std::iter::once(&self.channels).chain(&self.widths);
        let conv = inputs.zip(&self.widths).map(|(&inputs, &outputs)| {
            // Kaiming uniform (He et al. 2015: gain sqrt 2, fan in).
            let conv = ConvConfig::new(inputs, outputs, 3).with_stride(1, 1);
            let bound = (6.0 / conv.fan_in() as f64).sqrt();
            conv.init_with(init, |shape, init| init.uniform(shape, bound))
        });
        let conv = conv.collect();
        Ok(ConvNet {
            conv,
            norm: self.widths.iter().map(|&width| BatchNorm::new(width, init)).collect(),
            act: self.widths.iter().map(|&width| init.activation(Channels::images(width))).collect(),
            fc: Linear::new(self.features(), self.classes, init),
            config: self.clone(),
        })
    }

    activations_and_seed!();

    fn words(&self) -> String {
        let Self { channels, side, classes, .. } = self;
        format!("{} of {channels}x{side}x{side}, {classes} classes", self.activation_text())
    }

    fn size(&self) -> Option<usize> {
        self.side.checked_mul(self.side)?.checked_mul(self.channels)?;
        let inputs = std::iter::once(&self.channels).chain(&self.widths);
        let side = self.final_side();
        let mut parts: Vec<Vec<usize>> = inputs.zip(&self.widths).map(|(&i, &o)| vec![i, o, 9]).collect();
        parts.push(vec![*self.widths.last()?, side, side, self.classes]);
        weights(&parts)
    }

    fn validate(&self) -> Result<()> {
        let blocks = self.widths.len();
        if self.channels == 0 || self.classes == 0 || blocks == 0 || self.widths.contains(&0) {
            return Err(Error::config("a network needs a channel, a class and a block at least"));
        }
        if self.activations.len() != blocks {
            return Err(Error::config(format!(
                "a network of {blocks} blocks has {} activations",
                self.activations.len()
            )));
        }
        checked_names(self.classes, &self.class_names)?;
        if self.final_side() == 0 {
            return Err(Error::config(format!(
                "images of {0} x {0} are too small for {blocks} blocks that halve them: {1} is the least",
                self.side,
                1usize << blocks.min(usize::BITS as usize - 1)
            )));
        }
        checked(self, "widths and sizes")
    }
}

/// The paper's network: blocks of convolution, batch norm, activation and max pooling, and a fully connected layer.
///
/// With [`save`](Network::save) and [`load`](Self::load) it is a safetensors file that PyTorch reads too.
#[derive(Module, Debug)]
pub struct ConvNet {
    /// The convolution of each block.
    pub conv: Vec<Conv>,
    /// The batch norm of each block.
    pub norm: Vec<BatchNorm>,
    /// The activation of each block.
    pub act: Vec<ActivationLayer>,
    /// The classifier.
    pub fc: Linear,
    #[module(skip)]
    config: ConvNetConfig,
}

impl Network for ConvNet {
    type Config = ConvNetConfig;

    fn config(&self) -> &ConvNetConfig {
        &self.config
    }

    fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>> {
        let (channels, side) = (self.config.channels, self.config.side);
        let images = inputs.images([channels, side, side], &self.fc.weight.device())?;
        Ok(self.forward(images, pass))
    }
}

impl ConvNet {
    /// The logits (batch, classes) of images (batch, channels, side, side).
    ///
    /// # Panics
    /// If the images have other sizes.
    pub fn forward(&self, images: Tensor<4>, pass: &Pass) -> Tensor<2> {
        let [_, channels, height, width] = images.dims();
        let side = self.config.side;
        assert_eq!(
            [channels, height, width],
            [self.config.channels, side, side],
            "the images' channels, height and width are not the network's"
        );
        let blocks = self.conv.iter().zip(&self.norm).zip(&self.act);
        let x = blocks.fold(images, |x, ((conv, norm), act)| {
            conv.then(x, Fused { norm: Some(norm), act: Some(act), pool: true, residual: None }, pass)
        });
        let bias = self.fc.bias.as_ref().map(Param::val).expect("the classifier is built with a bias");
        ops::linear_of_images(x, self.fc.weight.val(), bias)
    }

    /// Reads a network that [`save`](Network::save) wrote.
    ///
    /// # Errors
    /// If the file is missing, damaged, or its tensors are not those of its configuration;
    /// [`ErrorKind::Undetermined`](crate::ErrorKind::Undetermined) if it has no configuration and its tensors leave something
    /// open (see [`load_with`](Self::load_with)).
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::load_with(path, &Hints::default(), device)
    }

    /// Reads a network that [`save`](Network::save) or PyTorch wrote; what the file doesn't say, the hints do.
    ///
    /// The tensors may be of `float32`, `float16`, `bfloat16` or `float64` (rounded), and their names may have what
    /// PyTorch's wrappers put into them (`module.`, `_orig_mod.`). Counters (`num_batches_tracked`) are passed over.
    ///
    /// ```
    /// use adact::{ConvNet, ConvNetConfig, Hints, Network, NetworkConfig};
    /// use burn::tensor::Device;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("net.safetensors");
    /// # ConvNetConfig::new(1, 28, 10).with_activation_text("mish")?.init(&Device::flex())?.save(&path)?;
    /// // In PyTorch: safetensors.torch.save_file(net.state_dict(), path)
    /// let hints = Hints::default().with_shape(1, 28).with_activation("mish");
    /// let net = ConvNet::load_with(&path, &hints, &Device::flex())?;
    /// # Ok::<(), adact::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`](Self::load), and if the hints contradict the file.
    pub fn load_with(path: impl AsRef<Path>, hints: &Hints, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let (entries, metadata) = weights::read(path)?;
        let config = match metadata {
            Some(json) => {
                let config: ConvNetConfig = weights::config(path, &json)?;
                hints.check(path, &config.clone().into())?;
                config
            }
            None => foreign::infer(path, &entries, hints)?,
        };
        weights::build(&config, path, entries, device)
    }
}
