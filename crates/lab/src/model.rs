//! Trained networks as files: what they are, and what they write.

use std::path::{Path, PathBuf};

use adact::networks::{AnyConfig, AnyNetwork};
use adact::{ErrorKind, Evaluate, Granularity, Network, NetworkConfig, generate};
pub use adact::{Hints, Sampling};
use adact_evidence::names::PAPERS_NETWORK;
use adact_evidence::records::{LayerWeights, RESULT, RunResult};
pub use adact_onnx::Options as OnnxOptions;
use burn::tensor::Device;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::folder::{BEST, RUNS};
use crate::network::layer_weights;
use crate::predict::{ImageModel, is_onnx};

/// A trained network with the names of its classes.
#[derive(Debug)]
pub struct Model {
    /// The file.
    pub path: PathBuf,
    net: AnyNetwork,
    classes: Vec<String>,
}

/// A text that a language model wrote.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    /// What it was given to go on from.
    pub prompt: String,
    /// What it wrote.
    pub text: String,
}

/// What a network is.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// The file.
    pub path: String,
    /// The network's name.
    pub network: String,
    /// Channels, height and width of its images; of a language model its context.
    pub shape: String,
    /// The names of its classes; of a language model its characters.
    pub classes: Vec<String>,
    /// The number of parameters that learn.
    pub parameters: usize,
    /// The seed of its initial weights.
    pub seed: u64,
    /// The places of its activations.
    pub layers: Vec<Layer>,
}

/// A place of a network.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// The place, from 1.
    pub layer: usize,
    /// The path of its module.
    pub place: String,
    /// The channels that come in and go out, of the paper's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<[usize; 2]>,
    /// The activation, `adact` where it is a mixture.
    pub activation: String,
    /// The mixture's weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixture: Option<LayerWeights>,
    /// Whether each channel has weights of its own, and those told are their means.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_channel: bool,
}

impl Model {
    /// Opens a weights file, or the best weights of a run directory; no ONNX file. What the file of another program doesn't say of
    /// its network, the hints do.
    ///
    /// # Errors
    /// If there is none, it is broken, says something else than the hints, or leaves something open.
    pub fn open(path: &Path, hints: &Hints) -> Result<Self> {
        if let Some(training) =
            path.join(RUNS).read_dir().ok().and_then(|mut runs| runs.find_map(|run| run.ok()))
        {
            return Err(Error::input(format!(
                "{}: is a study of several networks: choose one of its trainings, such as {}",
                path.display(),
                training.path().display()
            )));
        }
        let path = if path.is_dir() { path.join(BEST) } else { path.to_owned() };
        if !path.exists() {
            return Err(Error::input(format!(
                "{}: there is no such model; give a .safetensors or .pt file, or the folder of a training",
                path.display()
            )));
        }
        if is_onnx(&path) {
            let path = path.display();
            return Err(Error::input(format!("{path}: is an ONNX file: only `adact predict` runs those")));
        }
        let net = AnyNetwork::load_with(&path, hints, &Device::flex()).map_err(|e| match e.kind() {
            ErrorKind::Undetermined => Error::input(format!("{e}; --shape and --activation say it")),
            _ => e.into(),
        })?;
        let classes = class_names(&path, net.config());
        Ok(Self { path, net, classes })
    }

    /// Channels and side of the images that the network takes; none if it takes text.
    fn image(&self) -> Option<[usize; 2]> {
        Some(match self.net.config() {
            AnyConfig::ConvNet(config) => [config.channels, config.side],
            AnyConfig::ResNet(config) => [config.channels, config.side],
            AnyConfig::Vit(config) => [config.channels, config.side],
            AnyConfig::UNet(config) => [config.channels, config.side],
            AnyConfig::Gpt(_) => return None,
        })
    }

    /// The network as one that answers to images.
    ///
    /// # Errors
    /// If it is a language model.
    pub fn of_images(self) -> Result<ImageNetwork> {
        let Some(image) = self.image() else {
            return Err(self.wants("it goes on with a text: see `adact sample --help`"));
        };
        Ok(ImageNetwork { image, net: self.net, classes: self.classes })
    }

    fn wants(&self, what: &str) -> Error {
        Error::input(format!("{}: is {}: {what}", self.path.display(), self.net.config().words()))
    }

    /// What a language model goes on from where nothing else is said: a new line, or else its first character.
    pub fn usual_prompt(&self) -> String {
        let known: &[char] = match self.net.config() {
            AnyConfig::Gpt(config) => &config.vocabulary,
            _ => &[],
        };
        let first = if known.contains(&'\n') { None } else { known.first() };
        first.unwrap_or(&'\n').to_string()
    }

    /// Goes on with a text.
    ///
    /// # Errors
    /// If the network is no language model, or the prompt is empty or has a character that it doesn't know.
    pub fn write(&self, prompt: &str, count: usize, sampling: Sampling) -> Result<Written> {
        let AnyConfig::Gpt(config) = self.net.config() else {
            return Err(self.wants("it writes no text: see `adact predict --help`"));
        };
        let token = |c: char| {
            let found = config.vocabulary.iter().position(|known| *known == c);
            found
                .map(|token| token as i32)
                .ok_or_else(|| self.wants(&format!("it doesn't know {c:?} of the prompt")))
        };
        let tokens: Vec<i32> = prompt.chars().map(token).collect::<Result<_>>()?;
        let written = generate(&self.net, config.context, &tokens, count, sampling)?;
        let text = written.iter().filter_map(|&token| config.vocabulary.get(token as usize)).collect();
        Ok(Written { prompt: prompt.into(), text })
    }

    /// Writes the network as an ONNX file, whole or not at all.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn export_onnx(&self, to: &Path, options: &OnnxOptions) -> Result<()> {
        adact_common::write(to, &adact_onnx::export(&self.net, options))
            .map_err(|e| Error::io("write", to, &e).as_input())
    }

    /// What the network is.
    pub fn describe(&self) -> Description {
        let config = self.net.config();
        let channels = |i: usize| match config {
            AnyConfig::ConvNet(config) => {
                let inputs = if i == 0 { config.channels } else { *config.widths.get(i - 1)? };
                Some([inputs, *config.widths.get(i)?])
            }
            _ => None,
        };
        let is_papers = config.name() == PAPERS_NETWORK;
        let places = self.net.places().into_iter().zip(config.activations()).enumerate();
        Description {
            path: self.path.display().to_string(),
            network: config.name().into(),
            shape: match (self.image(), config) {
                (Some([channels, side]), _) => format!("{channels}x{side}x{side}"),
                (None, AnyConfig::Gpt(config)) => format!("{} characters", config.context),
                (None, _) => String::new(),
            },
            classes: self.classes.clone(),
            parameters: self.net.parameters(),
            seed: config.seed(),
            layers: places
                .map(|(i, (place, activation))| Layer {
                    layer: i + 1,
                    place: place.path.clone(),
                    channels: channels(i),
                    activation: if place.mixture.is_some() { "adact".into() } else { activation.to_string() },
                    by_channel: place.mixture.is_some() && activation.granularity() == Granularity::Channel,
                    mixture: layer_weights(place, is_papers),
                })
                .collect(),
        }
    }
}

/// A network that answers to images.
#[derive(Debug)]
pub struct ImageNetwork {
    net: AnyNetwork,
    image: [usize; 2],
    classes: Vec<String>,
}

impl ImageModel for ImageNetwork {
    fn image(&self) -> [usize; 2] {
        self.image
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn segments(&self) -> bool {
        matches!(self.net.config(), AnyConfig::UNet(_))
    }

    fn probabilities(&self, image: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        Ok(self.net.predict(image)?)
    }
}

/// The names of the classes, as the weights have them; older ones have not, but a result beside them. Else their
/// numbers.
fn class_names(weights: &Path, config: &AnyConfig) -> Vec<String> {
    let (classes, own) = match config {
        AnyConfig::ConvNet(config) => (config.classes, config.class_names.clone()),
        AnyConfig::ResNet(config) => (config.classes, config.class_names.clone()),
        AnyConfig::Vit(config) => (config.classes, config.class_names.clone()),
        AnyConfig::UNet(config) => (config.classes, config.class_names.clone()),
        AnyConfig::Gpt(config) => (config.vocab, config.vocabulary.iter().map(char::to_string).collect()),
    };
    let names = if own.is_empty() {
        let result = RunResult::read(&weights.with_file_name(RESULT)).ok();
        let confusion = result.and_then(|result| result.confusion);
        confusion.map(|confusion| confusion.classes).filter(|names| names.len() == classes)
    } else {
        Some(own)
    };
    let names = names.unwrap_or_else(|| (0..classes).map(|class| class.to_string()).collect());
    names.iter().map(|name| printable(name)).collect()
}

/// A name from a file without what would move a terminal's cursor.
pub(crate) fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use adact::ConvNetConfig;

    use super::*;

    #[test]
    fn names_of_classes_come_from_the_file_and_cannot_steer_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        let config = ConvNetConfig::new(1, 16, 2);
        let classes = |config: &ConvNetConfig| {
            config.init(&Device::flex()).unwrap().save(&path).unwrap();
            Model::open(&path, &Hints::default()).unwrap().describe().classes
        };
        assert_eq!(classes(&config), ["0", "1"]);
        let names = ["猫".to_string(), "\u{1b}[2Jx\ny".to_string()];
        assert_eq!(classes(&config.with_class_names(names)), ["猫", "\u{fffd}[2Jx\u{fffd}y"]);
    }
}
