//! What a layer uses, one activation or a mixture, and the text that names it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use adact_kernels::Activation;
use serde::{Deserialize, Serialize};

use super::config::{AdActConfig, ConstantsConfig, SingleConfig, activation, unknown};
use super::gate::Gate;
use super::granularity::Granularity;
use super::patterns;
use crate::error::{Error, Result};

/// What a layer uses: a mixture or a single activation.
///
/// As text it is `relu`, `mish`, ..., `adact` (the paper's seven candidates) or
/// `adact:relu,gelu,tanh` (candidates of one's own, or a set of them as [`Activation::list`] reads it: `adact:smooth`); the text of
/// four layers joins them with `+`.
///
/// ```
/// use adact::{Activation, ActivationConfig};
/// let layers = ActivationConfig::parse_layers("mish+elu+adact+adact:relu,tanh", 4)?;
/// assert_eq!(layers[0], ActivationConfig::from(Activation::Mish));
/// assert_eq!(ActivationConfig::format_layers(&layers), "mish+elu+adact+adact:relu,tanh");
/// assert_eq!(ActivationConfig::parse_layers("relu", 4)?.len(), 4);
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub enum ActivationConfig {
    /// A mixture.
    AdAct(AdActConfig),
    /// One activation.
    Single(SingleConfig),
}

impl Default for ActivationConfig {
    fn default() -> Self {
        Self::AdAct(AdActConfig::default())
    }
}

impl From<AdActConfig> for ActivationConfig {
    fn from(config: AdActConfig) -> Self {
        Self::AdAct(config)
    }
}

impl From<SingleConfig> for ActivationConfig {
    fn from(config: SingleConfig) -> Self {
        Self::Single(config)
    }
}

impl From<Activation> for ActivationConfig {
    fn from(activation: Activation) -> Self {
        Self::Single(SingleConfig::new(activation))
    }
}

impl ActivationConfig {
    /// Checks what [`init`](Self::init) requires.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::AdAct(config) => config.validate(),
            Self::Single(config) => config.validate(),
        }
    }

    /// Whether it is a mixture.
    pub fn is_adact(&self) -> bool {
        matches!(self, Self::AdAct(_))
    }

    /// What has parameters of its own.
    pub fn granularity(&self) -> Granularity {
        match self {
            Self::AdAct(config) => config.granularity,
            Self::Single(config) => config.granularity,
        }
    }

    /// What replaces a mixture where it chose: the activation, with the mixture's constants and, of PReLU, as many slopes. A single
    /// activation stays.
    pub fn chosen(&self, choice: Activation) -> Self {
        match self {
            Self::AdAct(config) => {
                let single = SingleConfig::new(choice).with_constants(config.constants);
                let single = single.with_granularity(config.granularity);
                Self::Single(SingleConfig { seed: config.seed, ..single })
            }
            Self::Single(_) => self.clone(),
        }
    }

    /// Sets the constants of the activation or of the candidates.
    pub fn with_constants(self, constants: ConstantsConfig) -> Self {
        match self {
            Self::AdAct(config) => config.with_constants(constants).into(),
            Self::Single(config) => config.with_constants(constants).into(),
        }
    }

    /// Sets the gate of a mixture. A single activation stays.
    pub fn with_gate(self, gate: Gate) -> Self {
        match self {
            Self::AdAct(config) => config.with_gate(gate).into(),
            single => single,
        }
    }

    /// Reads the text of a network's activations: one for all layers, or one a layer joined with `+`.
    ///
    /// # Errors
    /// Names the text at fault, and the nearest name that exists.
    pub fn parse_layers(text: &str, layers: usize) -> Result<Vec<Self>> {
        Self::parse_layers_with(text, layers, &AdActConfig::new())
    }

    /// As [`parse_layers`](Self::parse_layers), where `adact` alone means the given mixture. One that lists its
    /// candidates keeps them, whichever they are, and has the given mixture's granularity, and so has PReLU.
    ///
    /// ```
    /// use adact::{Activation, ActivationConfig, AdActConfig};
    /// let adact = AdActConfig::new().with_candidates([Activation::Relu, Activation::Tanh]);
    /// let layers = ActivationConfig::parse_layers_with("adact+adact:relu,mish", 2, &adact)?;
    /// assert_eq!(ActivationConfig::format_layers(&layers), "adact:relu,tanh+adact:relu,mish");
    /// # Ok::<(), adact::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse_layers`](Self::parse_layers).
    pub fn parse_layers_with(text: &str, layers: usize, adact: &AdActConfig) -> Result<Vec<Self>> {
        let parts: Vec<Self> =
            text.split('+').map(|part| Self::parse_with(part, adact)).collect::<Result<_>>()?;
        match parts.len() {
            1 => Ok(vec![parts[0].clone(); layers]),
            n if n == layers => Ok(parts),
            n => Err(Error::config(format!(
                "\"{text}\" names {n} activations: give one for all layers, or one for each of the {layers}"
            ))),
        }
    }

    /// Reads the activations of a network's places, whose paths are given:
    ///
    /// - one for all (`relu`) or one for each place in order (`mish+elu+silu+relu`), as [`parse_layers`](Self::parse_layers);
    /// - patterns of paths (`layer1.*=relu,*=mish`): the first that fits a place counts, `*` stands for any characters;
    /// - a file of such patterns (`@choice.toml`), a line each: `"layer1.*" = "relu"`.
    ///
    /// `adact` alone means the given mixture.
    ///
    /// ```
    /// use adact::{ActivationConfig, AdActConfig};
    /// let places = ["act1".to_string(), "layer1.0.act1".to_string()];
    /// let parse = |text| ActivationConfig::parse_places(text, &places, &AdActConfig::new());
    /// assert_eq!(parse("layer1.*=adact:relu,tanh,*=mish")?, ActivationConfig::parse_layers("mish+adact:relu,tanh", 2)?);
    /// assert!(parse("layer2.*=relu,*=mish").is_err(), "a pattern that fits nothing");
    /// # Ok::<(), adact::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse_layers`](Self::parse_layers); if a pattern fits no place, a place no pattern, or the file can't be read.
    pub fn parse_places(text: &str, places: &[String], adact: &AdActConfig) -> Result<Vec<Self>> {
        let rules = match text.strip_prefix('@') {
            Some(file) => patterns::read(Path::new(file.trim()))?,
            None if text.contains('=') => patterns::split(text)?,
            None => return Self::parse_layers_with(text, places.len(), adact),
        };
        let activations = patterns::assign(&rules, places)?;
        activations.into_iter().map(|activation| Self::parse_with(activation, adact)).collect()
    }

    /// Reads the text of a layer, where `adact` alone means the given mixture.
    fn parse_with(text: &str, adact: &AdActConfig) -> Result<Self> {
        let text = text.trim();
        let config: Self = match text.strip_prefix("adact:") {
            Some(list) => {
                let candidates = Activation::list(list).map_err(unknown)?;
                AdActConfig::new().with_candidates(candidates).with_granularity(adact.granularity).into()
            }
            None if text == "adact" => adact.clone().into(),
            None => SingleConfig::new(activation(text)?).with_granularity(adact.granularity).into(),
        };
        config.validate()?;
        Ok(config)
    }

    /// The text that [`parse_layers`](Self::parse_layers) reads: one name if all layers use the same.
    pub fn format_layers(layers: &[Self]) -> String {
        match layers {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => first.to_string(),
            _ => layers.iter().map(Self::to_string).collect::<Vec<_>>().join("+"),
        }
    }
}

impl fmt::Display for ActivationConfig {
    /// The name (constants, weights and a gate other than the defaults are not part of it).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(config) => config.activation.fmt(f),
            Self::AdAct(config) if config.candidates == Activation::PAPER => f.write_str("adact"),
            Self::AdAct(config) => {
                let names: Vec<_> = config.candidates.iter().map(|c| c.name()).collect();
                write!(f, "adact:{}", names.join(","))
            }
        }
    }
}

impl FromStr for ActivationConfig {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse_with(text, &AdActConfig::new())
    }
}

/// The serialised form: the text where it says everything, else all fields.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Name(String),
    Single(SingleConfig),
    AdAct(AdActConfig),
}

impl TryFrom<Text> for ActivationConfig {
    type Error = Error;

    fn try_from(text: Text) -> Result<Self> {
        match text {
            Text::Name(name) => name.parse(),
            Text::Single(config) => Ok(Self::Single(config)),
            Text::AdAct(config) => Ok(Self::AdAct(config)),
        }
    }
}

impl From<ActivationConfig> for Text {
    fn from(config: ActivationConfig) -> Self {
        let name = config.to_string();
        match config {
            config if name.parse().as_ref() == Ok(&config) => Self::Name(name),
            ActivationConfig::Single(config) => Self::Single(config),
            ActivationConfig::AdAct(config) => Self::AdAct(config),
        }
    }
}
