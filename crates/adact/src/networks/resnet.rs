//! Residual networks for small images.

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::sizes::{activations_and_seed, checked, checked_names, weights};
use crate::activation::{ActivationConfig, ActivationLayer};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::layers::{BatchNorm, Conv, ConvConfig, Fused, Linear};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::ops::{self, Channels};
use crate::pass::Pass;

/// The configuration of a [`ResNet`]: He et al. 2015, section 4.2, with a 1x1 convolution where the shape changes.
///
/// ```
/// use adact::{Network, NetworkConfig, networks::ResNetConfig};
/// let config = ResNetConfig::new(3, 32, 10);
/// assert_eq!(config.places()?.len(), 19); // ResNet-20
/// assert_eq!(config.places()?[1], "layer1.0.act1");
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetConfig {
    /// Channels of the images.
    pub channels: usize,
    /// Height and width of the images.
    pub side: usize,
    /// Classes.
    pub classes: usize,
    /// Blocks of each width: the network has 6 n + 2 layers with three widths. Default 3, ResNet-20.
    pub n: usize,
    /// Channels of the stages; each stage but the first halves the maps. Default 16, 32, 64.
    pub widths: Vec<usize>,
    /// The activation of each place.
    pub activations: Vec<ActivationConfig>,
    /// The seed of the initial weights. Default 0.
    pub seed: u64,
    /// The names of the classes, which files keep. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
}

impl ResNetConfig {
    /// ResNet-20 for images of `channels` x `side` x `side` in `classes` classes, the mixture in each place.
    pub fn new(channels: usize, side: usize, classes: usize) -> Self {
        let widths = vec![16, 32, 64];
        let activations = vec![ActivationConfig::default(); 1 + 2 * 3 * widths.len()];
        Self { channels, side, classes, n: 3, widths, activations, seed: 0, class_names: Vec::new() }
    }
}

impl NetworkConfig for ResNetConfig {
    type Network = ResNet;

    fn build(&self, init: &mut Init<'_>) -> Result<ResNet> {
        let first = self.widths.first().copied().unwrap_or(0);
        let conv1 = conv(self.channels, first, 3, 1, init);
        let (bn1, act1) = (BatchNorm::new(first, init), init.activation(Channels::images(first)));
        let mut stages = Vec::new();
        let mut inputs = first;
        for (stage, &width) in self.widths.iter().enumerate() {
            let mut blocks = Vec::new();
            for block in 0..self.n {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(BasicBlock::new(inputs, width, stride, init));
                inputs = width;
            }
            stages.push(blocks);
        }
        let fc = Linear::new(inputs, self.classes, init);
        let mut stages = stages.into_iter();
        let mut next = || stages.next().unwrap_or_default();
        Ok(ResNet {
            conv1,
            bn1,
            act1,
            layer1: next(),
            layer2: next(),
            layer3: next(),
            layer4: next(),
            fc,
            config: self.clone(),
        })
    }

    activations_and_seed!();

    fn words(&self) -> String {
        let Self { channels, side, classes, n, widths, .. } = self;
        let layers = n.saturating_mul(2 * widths.len()).saturating_add(2);
        format!("a ResNet-{layers} of {channels}x{side}x{side}, {classes} classes")
    }

    fn size(&self) -> Option<usize> {
        self.side.checked_mul(self.side)?.checked_mul(self.channels)?;
        let first = *self.widths.first()?;
        let mut parts = vec![vec![self.channels, first, 9]];
        let mut inputs = first;
        for &width in &self.widths {
            parts.push(vec![inputs, width, 9]);
            parts.push(vec![width, width, 9, self.n.checked_mul(2)?.checked_sub(1)?]);
            inputs = width;
        }
        parts.push(vec![inputs, self.classes]);
        weights(&parts)
    }

    fn validate(&self) -> Result<()> {
        let sizes = [self.channels, self.side, self.classes, self.n];
        if sizes.contains(&0) || self.widths.is_empty() || self.widths.contains(&0) {
            return Err(Error::config(
                "a residual network needs a channel, a class, a block and a width at least",
            ));
        }
        if self.widths.len() > 4 {
            return Err(Error::config(format!(
                "a residual network has 4 widths at most, not {}",
                self.widths.len()
            )));
        }
        checked_names(self.classes, &self.class_names)?;
        checked(self, "widths and sizes")
    }
}

/// A convolution without a bias, drawn Kaiming normal (He et al. 2015: gain sqrt 2, fan out).
fn conv(inputs: usize, outputs: usize, kernel: usize, stride: usize, init: &mut Init<'_>) -> Conv {
    let std = (2.0 / (outputs * kernel * kernel) as f64).sqrt();
    let config = ConvConfig::new(inputs, outputs, kernel).with_stride(stride, kernel / 2).with_bias(false);
    config.init_with(init, |shape, init| init.normal(shape, std))
}

/// A residual network: a convolution, stages of blocks, the mean over all places, a classifier.
#[derive(Module, Debug)]
pub struct ResNet {
    /// The first convolution.
    pub conv1: Conv,
    /// Its batch norm.
    pub bn1: BatchNorm,
    /// Its activation.
    pub act1: ActivationLayer,
    /// The blocks of the first stage.
    pub layer1: Vec<BasicBlock>,
    /// The blocks of the second stage.
    pub layer2: Vec<BasicBlock>,
    /// The blocks of the third stage.
    pub layer3: Vec<BasicBlock>,
    /// The blocks of a fourth stage.
    pub layer4: Vec<BasicBlock>,
    /// The classifier.
    pub fc: Linear,
    #[module(skip)]
    config: ResNetConfig,
}

/// Two convolutions and what goes around them.
#[derive(Module, Debug)]
pub struct BasicBlock {
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
    /// The activation of the sum.
    pub act2: ActivationLayer,
    /// What brings the input to the shape of the output; none where it has it.
    pub downsample: Option<(Conv, BatchNorm)>,
}

impl BasicBlock {
    fn new(inputs: usize, outputs: usize, stride: usize, init: &mut Init<'_>) -> Self {
        let conv1 = conv(inputs, outputs, 3, stride, init);
        let (bn1, act1) = (BatchNorm::new(outputs, init), init.activation(Channels::images(outputs)));
        let conv2 = conv(outputs, outputs, 3, 1, init);
        let (bn2, act2) = (BatchNorm::new(outputs, init), init.activation(Channels::images(outputs)));
        let changes = stride != 1 || inputs != outputs;
        let downsample =
            changes.then(|| (conv(inputs, outputs, 1, stride, init), BatchNorm::new(outputs, init)));
        Self { conv1, bn1, act1, conv2, bn2, act2, downsample }
    }

    fn forward(&self, x: Tensor<4>, pass: &Pass) -> Tensor<4> {
        let fused = Fused { norm: Some(&self.bn1), act: Some(&self.act1), ..Fused::default() };
        let [x, around] = ops::fork(x);
        let y = self.conv1.then(x, fused, pass);
        let around = match &self.downsample {
            Some((conv, norm)) => conv.then(around, Fused { norm: Some(norm), ..Fused::default() }, pass),
            None => around,
        };
        let fused =
            Fused { norm: Some(&self.bn2), residual: Some(around), act: Some(&self.act2), pool: false };
        self.conv2.then(y, fused, pass)
    }
}

impl ResNet {
    /// The logits (batch, classes) of images (batch, channels, height, width).
    pub fn forward(&self, images: Tensor<4>, pass: &Pass) -> Tensor<2> {
        let fused = Fused { norm: Some(&self.bn1), act: Some(&self.act1), ..Fused::default() };
        let x = self.conv1.then(images, fused, pass);
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let x = stages.into_iter().flatten().fold(x, |x, block| block.forward(x, pass));
        self.fc.forward(ops::mean_pool(x))
    }
}

impl Network for ResNet {
    type Config = ResNetConfig;

    fn config(&self) -> &ResNetConfig {
        &self.config
    }

    fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>> {
        let (channels, side) = (self.config.channels, self.config.side);
        let images = inputs.images([channels, side, side], &self.fc.weight.device())?;
        Ok(self.forward(images, pass))
    }
}
