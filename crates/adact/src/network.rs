//! What a network is: a configuration, a construction from a seed, logits for inputs.

use std::collections::HashSet;
use std::fmt::Debug;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::activation::{ActivationConfig, LayerMixture};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Entries};
use crate::init::Init;
use crate::pass::Pass;
use crate::places::{Place, places};
use crate::state::{self, Mismatch};
use crate::weights;

/// The configuration of a network: all that its structure and its initial values follow from.
///
/// A network of one's own implements this and [`Network`]; training, studies, files and reports then work as for those
/// of this crate. The example `own_network` of the crate `adact-lab` is a whole one.
pub trait NetworkConfig:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The network.
    type Network: Network<Config = Self>;

    /// Builds the network from initial values and activations. A function of the configuration alone, and of what `init`
    /// hands out.
    ///
    /// # Errors
    /// If the configuration has no network.
    fn build(&self, init: &mut Init<'_>) -> Result<Self::Network>;

    /// The activations of the places, in order.
    fn activations(&self) -> &[ActivationConfig];

    /// Sets the activations of the places.
    fn with_activations(self, activations: Vec<ActivationConfig>) -> Self;

    /// The seed of the initial values and of RReLU's slopes in training.
    fn seed(&self) -> u64;

    /// Sets the seed.
    fn with_seed(self, seed: u64) -> Self;

    /// The network in a few words, for messages: "a network of 2 blocks".
    fn words(&self) -> String;

    /// About how many weights the network has; none if no computer can hold them. A damaged file must not ask for more
    /// memory than its own size accounts for.
    fn size(&self) -> Option<usize>;

    /// Checks what [`init`](Self::init) requires, without building anything. Default: the activations are valid.
    ///
    /// # Errors
    /// Says what doesn't fit.
    fn validate(&self) -> Result<()> {
        self.activations().iter().try_for_each(ActivationConfig::validate)
    }

    /// Creates the network. The initial weights are a function of the seed and the shapes alone, so networks that
    /// differ in their activations start from the same ones.
    ///
    /// # Errors
    /// If the configuration is not valid, or has not one activation for each place.
    fn init(&self, device: &Device) -> Result<Self::Network> {
        self.validate()?;
        let activations = self.activations();
        let mut init = Init::new(self.seed(), activations, device);
        let network = self.build(&mut init)?;
        if init.places() != activations.len() {
            return Err(Error::config(format!(
                "{} has {} places for an activation, and {} activations",
                self.words(),
                init.places(),
                activations.len()
            )));
        }
        Ok(network)
    }

    /// The paths of the network's places, in order.
    ///
    /// # Errors
    /// If the configuration has no network.
    fn places(&self) -> Result<Vec<String>> {
        let config = self.clone().with_activations(Vec::new());
        let network = config.build(&mut Init::blank(&[], &Device::flex()))?;
        Ok(places(&network).into_iter().map(|place| place.path).collect())
    }

    /// Creates the network with the weights of a file: of [`Network::save`], or of PyTorch's
    /// `safetensors.torch.save_file(net.state_dict(), ...)`.
    ///
    /// # Errors
    /// If the file is missing or damaged, or its tensors are not those of this network.
    fn load(&self, path: impl AsRef<Path>, device: &Device) -> Result<Self::Network> {
        let path = path.as_ref();
        weights::build(self, path, weights::read(path)?.0, device)
    }
}

/// A network that classifies: images, the pixels of images, or what comes after each token of a text.
pub trait Network: Module {
    /// Its configuration.
    type Config: NetworkConfig<Network = Self>;

    /// The configuration.
    fn config(&self) -> &Self::Config;

    /// The logits of inputs, (rows, classes): a row for each image, pixel (row by row) or token.
    ///
    /// On an autodiff device it trains, elsewhere, and after [`valid`](Module::valid), it evaluates.
    ///
    /// # Errors
    /// If the inputs don't fit the network.
    fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>>;

    /// Names under which PyTorch knows a tensor once more: `(name, of which tensor)`. Default none.
    fn aliases() -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Where it has activations or mixtures, in order.
    fn places(&self) -> Vec<Place> {
        places(self)
    }

    /// What the mixture of each place has learned; none where a place has a single activation.
    fn mixtures(&self) -> Vec<Option<LayerMixture>> {
        self.places().into_iter().map(|place| place.mixture).collect()
    }

    /// The configuration of the same network where each mixture is replaced by its choice. It starts from the same
    /// initial weights.
    fn optimized(&self) -> Self::Config {
        let config = self.config().clone();
        let places = self.places();
        let activations = config.activations().iter().zip(&places);
        let activations = activations.map(|(activation, place)| match place.choice() {
            Some(choice) => activation.chosen(choice),
            None => activation.clone(),
        });
        let activations = activations.collect();
        config.with_activations(activations)
    }

    /// The number of trained parameters; running statistics are none, and what several places share counts once.
    fn parameters(&self) -> usize {
        let mut counted = HashSet::new();
        let parameters = state::parameters(self);
        parameters.iter().filter(|(_, id, _)| counted.insert(*id)).map(|(_, _, size)| size).sum()
    }

    /// Writes the network as a safetensors file: PyTorch's names and shapes, the configuration in the metadata.
    ///
    /// In PyTorch `net.load_state_dict(safetensors.torch.load_file(path), strict=True)` takes it. The folder must exist; a
    /// file at `path` is replaced when the new one is complete.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut entries = state::entries(self);
        for (alias, name) in Self::aliases() {
            if let Some(entry) = entries.get(*name).cloned() {
                entries.insert((*alias).into(), entry);
            }
        }
        file::write(path.as_ref(), &entries, weights::to_json(self.config()))
    }
}

/// The network with the tensors of a file, by PyTorch's names.
pub(crate) fn with_entries<N: Network>(network: N, mut entries: Entries) -> std::result::Result<N, Mismatch> {
    for (alias, name) in N::aliases() {
        // The same tensor under two names, as PyTorch writes it.
        if entries.get(*alias).is_some_and(|alias| entries.get(*name).is_none_or(|entry| entry == alias))
            && let Some(entry) = entries.remove(*alias)
        {
            entries.insert((*name).into(), entry);
        }
    }
    state::load(network, &mut entries)
}

/// What goes into a network, for a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    /// Numbers: normalised images (batch, height, width, channels), or rows (batch, features).
    Values(Vec<f32>),
    /// Tokens: (batch, length).
    Tokens(Vec<i32>),
}

impl From<Vec<f32>> for Inputs {
    fn from(values: Vec<f32>) -> Self {
        Self::Values(values)
    }
}

impl From<Vec<i32>> for Inputs {
    fn from(tokens: Vec<i32>) -> Self {
        Self::Tokens(tokens)
    }
}

impl Inputs {
    /// The images (batch, channels, height, width) that these are, their channels last in memory.
    ///
    /// # Errors
    /// If they are tokens, or not whole images.
    pub fn images(self, [channels, height, width]: [usize; 3], device: &Device) -> Result<Tensor<4>> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidData, message));
        let Self::Values(values) = self else {
            return invalid("the network takes images, not tokens".into());
        };
        let size = height * width * channels;
        if values.is_empty() || !values.len().is_multiple_of(size) {
            let count = values.len();
            return invalid(format!(
                "{count} values are no images of {channels}x{height}x{width}, {size} values each"
            ));
        }
        let batch = values.len() / size;
        Ok(images_from_channels_last(values, [batch, height, width, channels], device))
    }

    /// The rows (batch, features) that these are.
    ///
    /// # Errors
    /// If they are tokens, or not whole rows.
    pub fn rows(self, features: usize, device: &Device) -> Result<Tensor<2>> {
        let Self::Values(values) = self else {
            return Err(Error::new(ErrorKind::InvalidData, "the network takes rows of numbers, not tokens"));
        };
        if values.is_empty() || features == 0 || !values.len().is_multiple_of(features) {
            let message = format!("{} values are no rows of {features}", values.len());
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        let batch = values.len() / features;
        Ok(Tensor::from_data(TensorData::new(values, [batch, features]), device))
    }

    /// The tokens (batch, length) that these are, all below `vocabulary`.
    ///
    /// # Errors
    /// If they are images, not whole sequences, or a token is beyond the vocabulary.
    pub fn tokens(self, length: usize, vocabulary: usize, device: &Device) -> Result<Tensor<2, Int>> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidData, message));
        let Self::Tokens(tokens) = self else {
            return invalid("the network takes tokens, not images".into());
        };
        if tokens.is_empty() || !tokens.len().is_multiple_of(length) {
            return invalid(format!("{} tokens are no sequences of {length}", tokens.len()));
        }
        let is_known = |&token: &i32| usize::try_from(token).is_ok_and(|token| token < vocabulary);
        if let Some(token) = tokens.iter().find(|token| !is_known(token)) {
            return invalid(format!("token {token} is none of the {vocabulary} of the vocabulary"));
        }
        let batch = tokens.len() / length;
        Ok(Tensor::from_data(TensorData::new(tokens, [batch, length]), device))
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
