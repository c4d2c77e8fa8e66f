//! Weights that other programs wrote: the names that PyTorch's wrappers give, and what network the tensors are of.

use std::ops::RangeInclusive;
use std::path::Path;

use adact_kernels::Activation;

use super::any::AnyConfig;
use super::conv_net::ConvNetConfig;
use crate::activation::{ActivationConfig, AdActConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::file::Entries;
use crate::network::NetworkConfig;
use crate::weights::missing;

/// What a file of weights may not say of its network, for [`ConvNet::load_with`](crate::ConvNet::load_with).
///
/// Files of [`Network::save`](crate::Network::save) say everything. One that PyTorch wrote has its tensors only: they
/// tell the widths and the classes, and the activation where it has parameters (a mixture of the paper's seven
/// candidates, PReLU). The activations' constants are PyTorch's defaults then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// Channels and side of the images. Default none: as the file says.
    pub shape: Option<[usize; 2]>,
    /// The activations as [`ActivationConfig::parse_layers`] reads them. Default none: as the file says.
    pub activation: Option<String>,
}

impl Hints {
    /// Sets the channels and the side of the images.
    pub fn with_shape(mut self, channels: usize, side: usize) -> Self {
        self.shape = Some([channels, side]);
        self
    }

    /// Sets the activations, as `relu` or `mish+elu+silu+relu`.
    pub fn with_activation(mut self, text: impl Into<String>) -> Self {
        self.activation = Some(text.into());
        self
    }

    /// Checks that they don't contradict the configuration that a file holds.
    pub(super) fn check(&self, path: &Path, config: &AnyConfig) -> Result<()> {
        let other = |what: String| {
            Err(Error::new(ErrorKind::ModelMismatch, format!("{} is of a network {what}", path.display())))
        };
        let shape = match config {
            AnyConfig::ConvNet(config) => [config.channels, config.side],
            AnyConfig::ResNet(config) => [config.channels, config.side],
            AnyConfig::Vit(config) => [config.channels, config.side],
            AnyConfig::UNet(config) => [config.channels, config.side],
            AnyConfig::Gpt(_) if self.shape.is_some() => return other("for text, not for images".into()),
            AnyConfig::Gpt(_) => [0, 0],
        };
        if let Some([channels, side]) = self.shape
            && [channels, side] != shape
        {
            let [c, s] = shape;
            return other(format!("for images of {c}x{s}x{s}, not {channels}x{side}x{side}"));
        }
        if let Some(text) = &self.activation {
            let names = |all: &[ActivationConfig]| all.iter().map(|l| l.to_string()).collect::<Vec<_>>();
            let held = config.activations();
            let given = layers(path, text, held.len())?;
            if names(&given) != names(held) {
                return other(format!("with {}, not {text}", ActivationConfig::format_layers(held)));
            }
        }
        Ok(())
    }
}

/// The activations that a text gives to the blocks of a file's network.
fn layers(path: &Path, text: &str, blocks: usize) -> Result<Vec<ActivationConfig>> {
    let layers = ActivationConfig::parse_layers(text, blocks);
    layers.map_err(|e| Error::new(e.kind(), format!("{} has {blocks} blocks: {e}", path.display())))
}

/// The configuration of the network whose tensors these are.
///
/// # Errors
/// [`ErrorKind::Undetermined`] if tensors and hints leave it open, [`ErrorKind::ModelMismatch`] if there is no such
/// network.
pub(super) fn infer(path: &Path, entries: &Entries, hints: &Hints) -> Result<ConvNetConfig> {
    let fail = |kind, what: String| Error::new(kind, format!("{} {what}", path.display()));
    let strange = |what: String| {
        fail(ErrorKind::ModelMismatch, format!("holds no network that this library knows: {what}"))
    };
    let Sizes { channels, widths, classes, sides } = Sizes::of(entries).map_err(strange)?;
    let image = |side: &usize| format!("{channels}x{side}x{side}");
    let fits = format!("{} to {}", image(sides.start()), image(sides.end()));

    let mut open = Vec::new();
    let side = match hints.shape {
        Some([given, side]) if given != channels || !sides.contains(&side) => {
            return Err(strange(format!("its tensors are for images of {fits}, not {given}x{side}x{side}")));
        }
        Some([_, side]) => side,
        None => {
            open.push(format!("the shape of its images ({fits})"));
            *sides.start()
        }
    };
    let activations = match &hints.activation {
        Some(text) => layers(path, text, widths.len())?,
        None => told_activations(entries, widths.len()).unwrap_or_else(|unknown| {
            open.push(unknown);
            Vec::new()
        }),
    };
    if open.is_empty() {
        return Ok(ConvNetConfig {
            channels,
            side,
            classes,
            widths,
            activations,
            ..ConvNetConfig::new(0, 0, 0)
        });
    }
    let open = open.join(" and ");
    let what = format!("has no configuration in its metadata, and its tensors leave open {open}");
    Err(fail(ErrorKind::Undetermined, what))
}

/// What the shapes of a network's tensors tell.
struct Sizes {
    channels: usize,
    widths: Vec<usize>,
    classes: usize,
    /// The sides of the images that it may take.
    sides: RangeInclusive<usize>,
}

impl Sizes {
    /// Those of these tensors, or why they are of no such network.
    fn of(entries: &Entries) -> std::result::Result<Self, String> {
        let shape = |name: &str| {
            entries
                .get(name)
                .map(|entry| &entry.shape[..])
                .ok_or_else(|| missing(name, entries.keys().map(String::as_str)))
        };
        let other =
            |name: &str, axes: &str| format!("tensor {name} is {:?}, not ({axes})", entries[name].shape);
        let (mut channels, mut widths) = (None, Vec::new());
        for name in (0..).map(|i| format!("conv.{i}.weight")) {
            if channels.is_some() && !entries.contains_key(&name) {
                break;
            }
            let [out, input, _, _] = *shape(&name)? else {
                return Err(other(&name, "out channels, in channels, kernel, kernel"));
            };
            channels.get_or_insert(input);
            widths.push(out);
        }
        let [classes, features] = *shape("fc.weight")? else {
            return Err(other("fc.weight", "classes, inputs"));
        };
        let (channels, width) = (channels.unwrap_or(0), widths.last().copied().unwrap_or(0));
        let sides = sides(features, width, widths.len());
        let sides = sides.ok_or_else(|| {
            format!("the {features} inputs of fc.weight are no square image of {width} channels")
        })?;
        Ok(Self { channels, widths, classes, sides })
    }
}

/// The sides of images that end as these inputs of the fully connected layer: every block halves them, rounding down.
fn sides(features: usize, width: usize, blocks: usize) -> Option<RangeInclusive<usize>> {
    let last = features.checked_div(width)?.isqrt();
    if last == 0 || last * last * width != features {
        return None;
    }
    let halvings = 1usize.checked_shl(u32::try_from(blocks).ok()?)?;
    Some(last.checked_mul(halvings)?..=last.checked_add(1)?.checked_mul(halvings)? - 1)
}

/// The activation of each block, if their parameters tell them; else those that they don't tell.
fn told_activations(entries: &Entries, blocks: usize) -> std::result::Result<Vec<ActivationConfig>, String> {
    let told: Vec<_> = (0..blocks).map(|block| told_activation(entries, block)).collect();
    let unknown: Vec<String> =
        (1..).zip(&told).filter(|(_, told)| told.is_none()).map(|(layer, _)| layer.to_string()).collect();
    match &unknown[..] {
        [] => Ok(told.into_iter().flatten().collect()),
        [one] => Err(format!("the activation of layer {one}")),
        _ => Err(format!("the activations of layers {}", unknown.join(", "))),
    }
}

/// The activation of a block, if its parameters tell it.
fn told_activation(entries: &Entries, block: usize) -> Option<ActivationConfig> {
    let length = |name: &str| entries.get(&format!("act.{block}.{name}")).map(|entry| entry.values.len());
    match (length("w"), length("prelu.weight"), length("weight")) {
        (Some(weights), Some(_), None) if weights == Activation::PAPER.len() => {
            Some(AdActConfig::new().into())
        }
        (None, None, Some(_)) => Some(Activation::Prelu.into()),
        _ => None,
    }
}
