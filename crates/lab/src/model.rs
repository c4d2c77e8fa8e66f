//! Trained networks as files: what they are, and what they say of images.

use std::path::{Path, PathBuf};

pub use adact::Hints;
use adact::{ConvNet, ConvNetConfig, ErrorKind, Evaluate, Network};
use adact_data::Images;
use adact_data::folder::read_image;
use adact_evidence::records::{LayerWeights, RESULT, RunResult};
use burn::tensor::Device;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::folder::BEST;
use crate::network::layer_weights;

/// A trained network with the names of its classes.
#[derive(Debug)]
pub struct Model {
    /// The file.
    pub path: PathBuf,
    net: ConvNet,
    classes: Vec<String>,
}

/// What a network says of an image.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// The image's file.
    pub image: String,
    /// The most likely class.
    pub class: String,
    /// Every class with its probability, the most likely first.
    pub probabilities: Vec<(String, f32)>,
}

/// What a network is.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// The file.
    pub path: String,
    /// Channels, height and width of its images.
    pub shape: String,
    /// The names of its classes.
    pub classes: Vec<String>,
    /// The number of parameters that learn.
    pub parameters: usize,
    /// The seed of its initial weights.
    pub seed: u64,
    /// Its layers.
    pub layers: Vec<Layer>,
}

/// A layer of a network.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// The layer, from 1.
    pub layer: usize,
    /// The channels that come in and go out.
    pub channels: [usize; 2],
    /// The activation, `adact` where it is a mixture.
    pub activation: String,
    /// The mixture's weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixture: Option<LayerWeights>,
}

impl Model {
    /// Opens a weights file, or the best weights of a run directory. What the file of another program doesn't say of
    /// its network, the hints do.
    ///
    /// # Errors
    /// If there is none, it is broken, says something else than the hints, or leaves something open.
    pub fn open(path: &Path, hints: &Hints) -> Result<Self> {
        let path = if path.is_dir() { path.join(BEST) } else { path.to_owned() };
        if !path.exists() {
            return Err(Error::input(format!(
                "{}: there is no such model; give a .safetensors file or the folder of a training",
                path.display()
            )));
        }
        let net = ConvNet::load_with(&path, hints, &Device::flex()).map_err(|e| match e.kind() {
            ErrorKind::Undetermined => Error::input(format!("{e}; --shape and --activation say it")),
            _ => e.into(),
        })?;
        let classes = class_names(&path, net.config());
        Ok(Self { path, net, classes })
    }

    /// The class of each image file, and how sure the network is.
    ///
    /// # Errors
    /// If a file is no image that can be read.
    pub fn predict(&self, files: &[PathBuf]) -> Result<Vec<Prediction>> {
        let (side, channels) = (self.net.config().side, self.net.config().channels);
        let predict = |file: &PathBuf| {
            let images = Images {
                channels,
                height: side,
                width: side,
                pixels: read_image(file, side, channels)?,
                labels: vec![0],
            };
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            images.batch(&[0], &mut pixels, &mut labels);
            let shares = self.net.predict(pixels)?.remove(0);
            let mut probabilities: Vec<_> = self.classes.iter().cloned().zip(shares).collect();
            probabilities.sort_by(|a, b| b.1.total_cmp(&a.1));
            Ok(Prediction {
                image: file.display().to_string(),
                class: probabilities.first().map_or_else(String::new, |(class, _)| class.clone()),
                probabilities,
            })
        };
        files.iter().map(predict).collect()
    }

    /// What the network is.
    pub fn describe(&self) -> Description {
        let config = self.net.config();
        let inputs = std::iter::once(&config.channels).chain(&config.widths);
        let channels = inputs.zip(&config.widths).map(|(&i, &o)| [i, o]);
        let layers = config.activations.iter().zip(channels).zip(self.net.mixtures()).enumerate();
        Description {
            path: self.path.display().to_string(),
            shape: format!("{}x{}x{}", config.channels, config.side, config.side),
            classes: self.classes.clone(),
            parameters: self.net.parameters(),
            seed: config.seed,
            layers: layers
                .map(|(i, ((activation, channels), mixture))| Layer {
                    layer: i + 1,
                    channels,
                    activation: if mixture.is_some() { "adact".into() } else { activation.to_string() },
                    mixture: mixture.map(layer_weights),
                })
                .collect(),
        }
    }
}

/// The names of the classes, as the weights have them; older ones have not, but a result beside them. Else their
/// numbers.
fn class_names(weights: &Path, config: &ConvNetConfig) -> Vec<String> {
    let names = if config.class_names.is_empty() {
        let result = RunResult::read(&weights.with_file_name(RESULT)).ok();
        let confusion = result.and_then(|result| result.confusion);
        confusion.map(|confusion| confusion.classes).filter(|names| names.len() == config.classes)
    } else {
        Some(config.class_names.clone())
    };
    let names = names.unwrap_or_else(|| (0..config.classes).map(|class| class.to_string()).collect());
    names.iter().map(|name| printable(name)).collect()
}

/// A name from a file without what would move a terminal's cursor.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use adact::NetworkConfig;

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
