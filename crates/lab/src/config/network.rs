//! Which network: a name and its sizes, and what follows from the name where nothing else is said.

use adact::networks::{AnyConfig, GptConfig, ResNetConfig, UNetConfig, VitConfig};
use adact::{ConvNetConfig, NetworkConfig};
use adact_data::{Augment, Task};
use adact_evidence::records::Selection;
use serde::{Deserialize, Serialize};

use super::{Config, OptimizerName, ScheduleName, StudyOptions};
use crate::error::{Error, Result, suggestion};

/// Which network. Sizes that are not given are the network's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkOptions {
    /// `convnet`, `resnet20` (or `resnet:BLOCKS`), `vit`, `gpt`, `unet`.
    pub name: String,
    /// Channels of the blocks (convnet) or of the stages (resnet).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Vec<usize>>,
    /// The side of a patch (vit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// The width of the states (vit, gpt).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dim: Option<usize>,
    /// Blocks (vit, gpt).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Heads of the attention (vit, gpt).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// Characters of a sequence (gpt).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
    /// Channels of the first level (unet).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<usize>,
    /// Levels (unet).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<usize>,
    /// What is known of a network that another program has: see [`study_of`](crate::study::study_of).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnNetwork>,
}

/// What is known of a network that is none of the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnNetwork {
    /// The paths of its places.
    pub places: Vec<String>,
}

/// The names that `--network` takes.
pub const NAMES: [&str; 5] = ["convnet", "resnet20", "vit", "gpt", "unet"];

/// A network's name, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ConvNet,
    ResNet { n: usize },
    Vit,
    Gpt,
    UNet,
}

/// What goes into and comes out of a network, apart from its own sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub channels: usize,
    pub side: usize,
    /// Classes, or characters of the vocabulary.
    pub classes: usize,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            name: "convnet".into(),
            widths: None,
            patch: None,
            dim: None,
            depth: None,
            heads: None,
            context: None,
            base: None,
            levels: None,
            own: None,
        }
    }
}

impl NetworkOptions {
    /// Whether it is the paper's as it is.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The kind of network.
    ///
    /// # Errors
    /// If there is none of that name.
    pub(crate) fn kind(&self) -> Result<Kind> {
        let blocks = |n: &str| n.parse::<usize>().ok().filter(|n| (1..=200).contains(n));
        let name = self.name.trim();
        let resnet = name.strip_prefix("resnet:").and_then(blocks);
        let layers = name.strip_prefix("resnet").and_then(|layers| layers.parse::<usize>().ok());
        match name {
            "convnet" => Ok(Kind::ConvNet),
            "vit" => Ok(Kind::Vit),
            "gpt" => Ok(Kind::Gpt),
            "unet" => Ok(Kind::UNet),
            "resnet" => Ok(Kind::ResNet { n: 3 }),
            _ if let Some(n) = resnet => Ok(Kind::ResNet { n }),
            _ if let Some(layers) =
                layers.filter(|layers| (8..=1202).contains(layers) && layers % 6 == 2) =>
            {
                Ok(Kind::ResNet { n: (layers - 2) / 6 })
            }
            _ if self.own.is_some() => Err(Error::input(format!(
                "network: `{name}` is a network of another program, which alone can train it"
            ))),
            _ => Err(Error::input(format!(
                "network: `{name}` is no network{}: choose from {}, or resnet:BLOCKS (6 BLOCKS + 2 layers)",
                suggestion(name, NAMES),
                NAMES.join(", ")
            ))),
        }
    }

    /// What it learns to do.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn task(&self) -> Result<Task> {
        if self.own.is_some() {
            return Ok(Task::Classification);
        }
        Ok(match self.kind()? {
            Kind::ConvNet | Kind::ResNet { .. } | Kind::Vit => Task::Classification,
            Kind::Gpt => Task::Text,
            Kind::UNet => Task::Segmentation,
        })
    }

    /// The sequence length of a language model.
    pub(crate) fn context(&self) -> usize {
        self.context.unwrap_or(64)
    }

    /// The configuration of the network, with the mixture in each place.
    ///
    /// # Errors
    /// If there is none of that name, or a size is given that it doesn't have.
    pub(crate) fn config(&self, shape: Shape) -> Result<AnyConfig> {
        let kind = self.kind()?;
        self.check_options(kind)?;
        let Shape { channels, side, classes } = shape;
        let config: AnyConfig = match kind {
            Kind::ConvNet => {
                let config = ConvNetConfig::new(channels, side, classes);
                match &self.widths {
                    Some(widths) => config.with_widths(widths.clone()).into(),
                    None => config.into(),
                }
            }
            Kind::ResNet { n } => {
                let mut config = ResNetConfig::new(channels, side, classes);
                config.n = n;
                set(&mut config.widths, &self.widths);
                config.into()
            }
            Kind::Vit => {
                let mut config = VitConfig::new(channels, side, classes);
                set(&mut config.patch, &self.patch);
                set(&mut config.dim, &self.dim);
                set(&mut config.depth, &self.depth);
                set(&mut config.heads, &self.heads);
                config.into()
            }
            Kind::Gpt => {
                let mut config = GptConfig::new(classes);
                config.context = self.context();
                set(&mut config.dim, &self.dim);
                set(&mut config.depth, &self.depth);
                set(&mut config.heads, &self.heads);
                config.into()
            }
            Kind::UNet => {
                let mut config = UNetConfig::new(channels, side, classes);
                set(&mut config.base, &self.base);
                set(&mut config.levels, &self.levels);
                config.into()
            }
        };
        config.validate().map_err(|e| Error::input(format!("network: {e}")))?;
        Ok(config)
    }

    /// The paths of its places, whatever goes in.
    ///
    /// # Errors
    /// If there is no network of that name, or a size is given that it does not have.
    pub fn places(&self) -> Result<Vec<String>> {
        if let Some(own) = &self.own {
            return Ok(own.places.clone());
        }
        let side = match self.kind()? {
            Kind::ConvNet => 1 << self.widths.as_ref().map_or(4, Vec::len).min(20),
            Kind::Vit => self.patch.unwrap_or(4),
            Kind::UNet => 1 << self.levels.unwrap_or(4).clamp(1, 16),
            Kind::ResNet { .. } | Kind::Gpt => 16,
        };
        Ok(self.config(Shape { channels: 1, side, classes: 2 })?.places()?)
    }

    /// Refuses sizes that the network doesn't have.
    fn check_options(&self, kind: Kind) -> Result<()> {
        let has: &[&str] = match kind {
            Kind::ConvNet | Kind::ResNet { .. } => &["widths"],
            Kind::Vit => &["patch", "dim", "depth", "heads"],
            Kind::Gpt => &["context", "dim", "depth", "heads"],
            Kind::UNet => &["base", "levels"],
        };
        let given = [
            ("widths", self.widths.is_some()),
            ("patch", self.patch.is_some()),
            ("dim", self.dim.is_some()),
            ("depth", self.depth.is_some()),
            ("heads", self.heads.is_some()),
            ("context", self.context.is_some()),
            ("base", self.base.is_some()),
            ("levels", self.levels.is_some()),
        ];
        if let Some((name, _)) = given.into_iter().find(|(name, given)| *given && !has.contains(name)) {
            return Err(Error::input(format!(
                "{name}: {} has none; its sizes are {}",
                self.name,
                has.join(", ")
            )));
        }
        self.check_sizes()
    }

    /// Refuses sizes that are typing mistakes: beyond what any machine trains, and nothing that memory is to be tried for.
    fn check_sizes(&self) -> Result<()> {
        let sizes = [
            ("patch", self.patch, 1 << 10),
            ("dim", self.dim, 1 << 14),
            ("depth", self.depth, 1 << 10),
            ("heads", self.heads, 1 << 10),
            ("context", self.context, 1 << 20),
            ("base", self.base, 1 << 10),
            ("levels", self.levels, 10),
        ];
        let widths = self.widths.iter().flatten().map(|&width| ("widths", Some(width), 1 << 14));
        match sizes.into_iter().chain(widths).find(|(_, size, most)| size.is_some_and(|size| size > *most)) {
            Some((name, size, most)) => {
                let size = size.unwrap_or_default();
                Err(Error::input(format!("{name}: {size} is too large, give at most {most}")))
            }
            None => Ok(()),
        }
    }
}

fn set<T: Clone>(to: &mut T, from: &Option<T>) {
    if let Some(value) = from {
        to.clone_from(value);
    }
}

impl Config {
    /// The options of a network where nothing else is said: its recipe, a data set that is in the program, variants.
    ///
    /// # Errors
    /// If there is no network of that name.
    pub fn of_network(name: &str) -> Result<Self> {
        let network = NetworkOptions { name: name.trim().into(), ..NetworkOptions::default() };
        let mut config = Self::default();
        let kind = network.kind()?;
        let protocol = &mut config.protocol;
        match kind {
            Kind::ConvNet => {}
            // He et al. 2015, section 4.2.
            Kind::ResNet { .. } => {
                protocol.optimizer = OptimizerName::Sgd;
                (protocol.lr, protocol.weight_decay, protocol.batch) = (0.1, 1e-4, 128);
                protocol.schedule = ScheduleName::Steps;
                protocol.augment = Augment::CropFlip { padding: 4 };
                protocol.test_batch = 500;
            }
            Kind::Vit => {
                (protocol.lr, protocol.weight_decay) = (1e-3, 0.05);
                (protocol.schedule, protocol.warmup) = (ScheduleName::Cosine, 200);
                protocol.augment = Augment::CropFlip { padding: 4 };
                protocol.test_batch = 250;
            }
            // nanoGPT's recipe for a CPU.
            Kind::Gpt => {
                (protocol.lr, protocol.min_lr, protocol.betas) = (1e-3, 1e-4, [0.9, 0.99]);
                (protocol.weight_decay, protocol.decay) = (0.1, adact::Decay::Matrices);
                (protocol.schedule, protocol.warmup) = (ScheduleName::Cosine, 100);
                (protocol.batch, protocol.test_batch, protocol.clip_grad) = (12, 64, Some(1.0));
                (protocol.steps, protocol.eval_every) = (Some(2000), 250);
                protocol.epochs = 8;
                protocol.select = Selection::Test;
            }
            Kind::UNet => {
                (protocol.schedule, protocol.warmup) = (ScheduleName::Cosine, 10);
                protocol.augment = Augment::CropFlip { padding: 4 };
                (protocol.batch, protocol.test_batch, protocol.epochs) = (8, 16, 40);
            }
        }
        config.data.dataset = match network.task()? {
            Task::Classification => config.data.dataset,
            Task::Text => "shakespeare".into(),
            Task::Segmentation => "nuclei-mini".into(),
        };
        config.network = network;
        Ok(config)
    }

    /// The variants of a study where none are given: AdAct, its choice, and what such networks use.
    pub fn usual_study(&self) -> StudyOptions {
        let variants: &[&str] = match self.network.kind() {
            Ok(Kind::Gpt | Kind::Vit) => &["adact", "optimized", "gelu", "relu"],
            _ => &["adact", "optimized", "relu"],
        };
        StudyOptions { variants: variants.iter().map(|v| v.to_string()).collect(), ..StudyOptions::default() }
    }
}
