//! The vision transformer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::sizes::{activations_and_seed, checked, checked_names, weights};
use crate::activation::{ActivationConfig, ActivationLayer};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::layers::{Attention, Conv, ConvConfig, LayerNorm, Linear};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::ops::Channels;
use crate::pass::Pass;

/// The deviation of the initial weights.
const STD: f64 = 0.02;
/// What layer norm adds to the variance.
const EPS: f32 = 1e-6;

/// The configuration of a [`Vit`]: Dosovitskiy et al. 2021 in the pre-norm form.
///
/// ```
/// use adact::{NetworkConfig, networks::VitConfig};
/// assert_eq!(VitConfig::new(3, 32, 10).places()?[3], "blocks.3.mlp.act");
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// Channels of the images.
    pub channels: usize,
    /// Height and width of the images, a multiple of the patches'.
    pub side: usize,
    /// Classes.
    pub classes: usize,
    /// The side of a patch. Default 4.
    pub patch: usize,
    /// The width of the states, a multiple of the heads. Default 128.
    pub dim: usize,
    /// Blocks. Default 6.
    pub depth: usize,
    /// Heads of the attention. Default 4.
    pub heads: usize,
    /// The activation of each block's MLP.
    pub activations: Vec<ActivationConfig>,
    /// The seed of the initial weights. Default 0.
    pub seed: u64,
    /// The names of the classes, which files keep. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
}

impl VitConfig {
    /// Six blocks of 128 for images of `channels` x `side` x `side` in `classes` classes, the mixture in each.
    pub fn new(channels: usize, side: usize, classes: usize) -> Self {
        let activations = vec![ActivationConfig::default(); 6];
        let (patch, dim, depth, heads) = (4, 128, 6, 4);
        Self {
            channels,
            side,
            classes,
            patch,
            dim,
            depth,
            heads,
            activations,
            seed: 0,
            class_names: Vec::new(),
        }
    }

    /// The patches of an image.
    fn patches(&self) -> usize {
        (self.side / self.patch).pow(2)
    }
}

impl NetworkConfig for VitConfig {
    type Network = Vit;

    fn build(&self, init: &mut Init<'_>) -> Result<Vit> {
        let dim = self.dim;
        let patches = ConvConfig::new(self.channels, dim, self.patch).with_stride(self.patch, 0);
        let patch_embed = PatchEmbed { proj: patches.init(init) };
        let cls_token = init.normal([1, 1, dim], STD);
        let pos_embed = init.normal([1, self.patches() + 1, dim], STD);
        let blocks = (0..self.depth).map(|_| Block::new(dim, self.heads, init)).collect();
        let (norm, head) = (LayerNorm::new(dim, EPS, init), Linear::normal(dim, self.classes, STD, init));
        Ok(Vit { patch_embed, cls_token, pos_embed, blocks, norm, head, config: self.clone() })
    }

    activations_and_seed!();

    fn words(&self) -> String {
        let Self { channels, side, classes, depth, dim, .. } = self;
        format!(
            "a vision transformer ({depth} blocks of {dim}) of {channels}x{side}x{side}, {classes} classes"
        )
    }

    fn size(&self) -> Option<usize> {
        self.side.checked_mul(self.side)?.checked_mul(self.channels)?;
        let dim = self.dim;
        weights(&[
            vec![self.channels, dim, self.patch, self.patch],
            vec![self.side / self.patch.max(1), self.side / self.patch.max(1), dim],
            vec![12, dim, dim, self.depth],
            vec![dim, self.classes],
        ])
    }

    fn validate(&self) -> Result<()> {
        let sizes = [self.channels, self.side, self.classes, self.patch, self.dim, self.depth, self.heads];
        if sizes.contains(&0) {
            return Err(Error::config("the sizes of a vision transformer are 1 at least"));
        }
        if !self.side.is_multiple_of(self.patch) {
            let (side, patch) = (self.side, self.patch);
            return Err(Error::config(format!(
                "patches of {patch} x {patch} don't divide images of {side} x {side}"
            )));
        }
        if !self.dim.is_multiple_of(self.heads) {
            return Err(Error::config(format!("{} heads don't divide states of {}", self.heads, self.dim)));
        }
        checked_names(self.classes, &self.class_names)?;
        checked(self, "sizes")
    }
}

/// A vision transformer: patches, a class token, blocks of attention and MLP; the class token's last state is classified.
#[derive(Module, Debug)]
pub struct Vit {
    /// From images to patches.
    pub patch_embed: PatchEmbed,
    /// The state that is classified, (1, 1, dim).
    pub cls_token: Param<Tensor<3>>,
    /// What tells the positions, (1, patches + 1, dim).
    pub pos_embed: Param<Tensor<3>>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// The last layer norm.
    pub norm: LayerNorm,
    /// The classifier.
    pub head: Linear,
    #[module(skip)]
    config: VitConfig,
}

/// From images to the states of their patches.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    /// The convolution whose stride is its kernel.
    pub proj: Conv,
}

/// A pre-norm block of a transformer.
#[derive(Module, Debug)]
pub struct Block {
    /// The layer norm before the attention.
    pub norm1: LayerNorm,
    /// The attention with its two layers.
    pub attn: SelfAttention,
    /// The layer norm before the MLP.
    pub norm2: LayerNorm,
    /// The MLP.
    pub mlp: Mlp,
}

/// Self-attention with the layers around it.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Makes queries, keys and values.
    pub qkv: Linear,
    /// Mixes the heads.
    pub proj: Linear,
    attention: Attention,
}

/// Two layers with the activation between.
#[derive(Module, Debug)]
pub struct Mlp {
    /// The layer that widens.
    pub fc1: Linear,
    /// The activation.
    pub act: ActivationLayer,
    /// The layer that narrows.
    pub fc2: Linear,
}

impl Block {
    fn new(dim: usize, heads: usize, init: &mut Init<'_>) -> Self {
        Self {
            norm1: LayerNorm::new(dim, EPS, init),
            attn: SelfAttention {
                qkv: Linear::normal(dim, 3 * dim, STD, init),
                proj: Linear::normal(dim, dim, STD, init),
                attention: Attention::new(heads, false),
            },
            norm2: LayerNorm::new(dim, EPS, init),
            mlp: Mlp {
                fc1: Linear::normal(dim, 4 * dim, STD, init),
                act: init.activation(Channels::last(4 * dim)),
                fc2: Linear::normal(4 * dim, dim, STD, init),
            },
        }
    }

    fn forward(&self, x: Tensor<3>, pass: &Pass) -> Tensor<3> {
        let attention = self.attn.attention.forward(self.attn.qkv.forward(self.norm1.forward(x.clone())));
        let x = self.attn.proj.then_add(attention, x);
        let hidden = self.mlp.fc1.then_act(self.norm2.forward(x.clone()), &self.mlp.act, pass);
        self.mlp.fc2.then_add(hidden, x)
    }
}

impl Vit {
    /// The logits (batch, classes) of images (batch, channels, height, width).
    pub fn forward(&self, images: Tensor<4>, pass: &Pass) -> Tensor<2> {
        let patches = self.patch_embed.proj.forward(images);
        let [batch, dim, height, width] = patches.dims();
        let patches = patches.permute([0, 2, 3, 1]).reshape([batch, height * width, dim]);
        let class = self.cls_token.val().expand([batch, 1, dim]);
        let x = Tensor::cat(vec![class, patches], 1) + self.pos_embed.val();
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x, pass));
        let class = x.narrow(1, 0, 1).reshape([batch, dim]);
        self.head.forward(self.norm.forward(class))
    }
}

impl Network for Vit {
    type Config = VitConfig;

    fn config(&self) -> &VitConfig {
        &self.config
    }

    fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>> {
        let (channels, side) = (self.config.channels, self.config.side);
        let images = inputs.images([channels, side, side], &self.head.weight.device())?;
        Ok(self.forward(images, pass))
    }
}
