//! The network for segmentation.

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::sizes::{activations_and_seed, checked, checked_names, weights};
use crate::activation::{ActivationConfig, ActivationLayer};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::layers::{BatchNorm, Conv, ConvConfig, ConvTranspose, Fused};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::ops::{self, Channels};
use crate::pass::Pass;

/// The configuration of a [`UNet`]: Ronneberger et al. 2015 with padding, batch norm and transposed convolutions.
///
/// ```
/// use adact::{NetworkConfig, networks::UNetConfig};
/// assert_eq!(UNetConfig::new(3, 128, 2).places()?.len(), 14);
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UNetConfig {
    /// Channels of the images.
    pub channels: usize,
    /// Height and width of the images, a multiple of 2^(levels - 1).
    pub side: usize,
    /// Classes of a pixel.
    pub classes: usize,
    /// Channels of the first level; each further level doubles them. Default 16.
    pub base: usize,
    /// Levels; each but the first halves the maps. Default 4.
    pub levels: usize,
    /// The activation of each place.
    pub activations: Vec<ActivationConfig>,
    /// The seed of the initial weights. Default 0.
    pub seed: u64,
    /// The names of the classes, which files keep. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
}

impl UNetConfig {
    /// Four levels from 16 channels, for images of `channels` x `side` x `side`, the mixture in each place.
    pub fn new(channels: usize, side: usize, classes: usize) -> Self {
        let activations = vec![ActivationConfig::default(); 14];
        Self { channels, side, classes, base: 16, levels: 4, activations, seed: 0, class_names: Vec::new() }
    }

    /// The channels of the levels; none if a computer can't count them.
    fn widths(&self) -> Option<Vec<usize>> {
        (0..self.levels).map(|level| self.base.checked_mul(1usize.checked_shl(level as u32)?)).collect()
    }
}

impl NetworkConfig for UNetConfig {
    type Network = UNet;

    fn build(&self, init: &mut Init<'_>) -> Result<UNet> {
        let widths = self.widths().ok_or_else(|| Error::config("a U-Net of too many levels"))?;
        let inputs = std::iter::once(&self.channels).chain(&widths);
        let down = inputs.zip(&widths).map(|(&inputs, &outputs)| DoubleConv::new(inputs, outputs, init));
        let down = down.collect();
        let steps = widths.iter().zip(widths.iter().skip(1)).rev();
        let up = steps.map(|(&to, &from)| ConvTranspose::new(from, to, 2, init)).collect();
        let dec = widths.iter().rev().skip(1).map(|&width| DoubleConv::new(2 * width, width, init)).collect();
        let head = ConvConfig::new(self.base, self.classes, 1).init(init);
        Ok(UNet { down, up, dec, head, config: self.clone() })
    }

    activations_and_seed!();

    fn words(&self) -> String {
        let Self { channels, side, classes, base, levels, .. } = self;
        format!("a U-Net ({levels} levels from {base}) of {channels}x{side}x{side}, {classes} classes")
    }

    fn size(&self) -> Option<usize> {
        self.side.checked_mul(self.side)?.checked_mul(self.channels)?;
        let widths = self.widths()?;
        let mut parts = vec![vec![self.channels, self.base, 9], vec![self.base, self.classes]];
        parts.extend(widths.iter().map(|&width| vec![width, width, 9]));
        weights(&parts)
    }

    fn validate(&self) -> Result<()> {
        if [self.channels, self.side, self.classes, self.base, self.levels].contains(&0) {
            return Err(Error::config("the sizes of a U-Net are 1 at least"));
        }
        let (levels, side) = (self.levels, self.side);
        if levels > 16 {
            return Err(Error::config(format!("{levels} levels: 16 are the most")));
        }
        let step = 1 << (levels - 1);
        if !side.is_multiple_of(step) {
            return Err(Error::config(format!(
                "{levels} levels don't halve images of {side} x {side} evenly: the side must be a multiple of {step}"
            )));
        }
        checked_names(self.classes, &self.class_names)?;
        checked(self, "sizes")
    }
}

/// A U-Net: the class of each pixel.
#[derive(Module, Debug)]
pub struct UNet {
    /// Down the levels.
    pub down: Vec<DoubleConv>,
    /// From each level to the one above.
    pub up: Vec<ConvTranspose>,
    /// Up the levels, with what was kept on the way down.
    pub dec: Vec<DoubleConv>,
    /// The classifier of the pixels.
    pub head: Conv,
    #[module(skip)]
    config: UNetConfig,
}

/// Two convolutions with batch norm and activation.
#[derive(Module, Debug)]
pub struct DoubleConv {
    /// The first convolution.
    pub conv1: Conv,
    /// Its batch norm.
    pub bn1: BatchNorm,
    /// Its activation.
    pub act1: ActivationLayer,
    /// The second convolution.
    pub conv2: Conv,
    /// Its batch norm.
    pub bn2: BatchNorm,
    /// Its activation.
    pub act2: ActivationLayer,
}

impl DoubleConv {
    fn new(inputs: usize, outputs: usize, init: &mut Init<'_>) -> Self {
        let conv = |inputs, init: &mut Init<'_>| {
            ConvConfig::new(inputs, outputs, 3).with_stride(1, 1).with_bias(false).init(init)
        };
        let conv1 = conv(inputs, init);
        let (bn1, act1) = (BatchNorm::new(outputs, init), init.activation(Channels::images(outputs)));
        let conv2 = conv(outputs, init);
        let (bn2, act2) = (BatchNorm::new(outputs, init), init.activation(Channels::images(outputs)));
        Self { conv1, bn1, act1, conv2, bn2, act2 }
    }

    fn forward(&self, x: Tensor<4>, pass: &Pass) -> Tensor<4> {
        let fused = Fused { norm: Some(&self.bn1), act: Some(&self.act1), ..Fused::default() };
        let x = self.conv1.then(x, fused, pass);
        let fused = Fused { norm: Some(&self.bn2), act: Some(&self.act2), ..Fused::default() };
        self.conv2.then(x, fused, pass)
    }
}

impl UNet {
    /// The logits (batch, classes, height, width) of images (batch, channels, height, width).
    pub fn forward(&self, images: Tensor<4>, pass: &Pass) -> Tensor<4> {
        let mut kept = Vec::new();
        let mut x = images;
        for (level, block) in self.down.iter().enumerate() {
            if level > 0 {
                let [skip, down] = ops::fork(x);
                kept.push(skip);
                x = ops::max_pool2d(down);
            }
            x = block.forward(x, pass);
        }
        for (up, dec) in self.up.iter().zip(&self.dec) {
            let kept = kept.pop().expect("there is a level above each but the first");
            x = dec.forward(up.beside(kept, x), pass);
        }
        self.head.forward(x)
    }
}

impl Network for UNet {
    type Config = UNetConfig;

    fn config(&self) -> &UNetConfig {
        &self.config
    }

    fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>> {
        let UNetConfig { channels, side, classes, .. } = self.config;
        let images = inputs.images([channels, side, side], &self.head.weight.device())?;
        let logits = self.forward(images, pass);
        let rows = logits.dims()[0] * side * side;
        Ok(logits.permute([0, 2, 3, 1]).reshape([rows, classes]))
    }
}
