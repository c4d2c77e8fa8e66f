//! How many sets of weights the mixtures of a network have.

use std::fmt;
use std::str::FromStr;

use burn::module::{Module, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What has weights, and a slope of PReLU, of its own.
///
/// ```
/// use adact::Granularity;
/// assert_eq!("channel".parse::<Granularity>()?, Granularity::Channel);
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// Each place, as in the paper.
    #[default]
    Place,
    /// Each channel of a place: of dimension 1 of images, of the last dimension elsewhere.
    Channel,
    /// The network: all places of the same candidates share one set.
    Network,
}

impl Granularity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Place, Self::Channel, Self::Network];

    /// The name: `place`, `channel` or `network`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Channel => "channel",
            Self::Network => "network",
        }
    }

    /// Whether it is the default.
    pub(super) fn is_place(&self) -> bool {
        *self == Self::Place
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Granularity {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|granularity| granularity.name() == name.trim());
        found.ok_or_else(|| Error::config(format!("\"{name}\" is no granularity: place, channel or network")))
    }
}

/// The raw weights of a mixture.
#[derive(Module, Debug)]
pub enum RawWeights {
    /// One for each candidate.
    One(Param<Tensor<1>>),
    /// One for each channel and candidate, (channels, candidates).
    ByChannel(Param<Tensor<2>>),
}

/// The name under which Burn's visitors enter [`RawWeights`].
pub(super) const RAW_WEIGHTS: &str = "Enum:RawWeights";

impl RawWeights {
    /// The same values everywhere.
    pub(super) fn new(values: &[f32], channels: Option<usize>, device: &Device) -> Self {
        match channels {
            None => Self::One(Param::from_data(values, device)),
            Some(count) => {
                let data = TensorData::new(values.repeat(count), [count, values.len()]);
                Self::ByChannel(Param::from_data(data, device))
            }
        }
    }

    /// All of them as one row, channel by channel.
    pub fn val(&self) -> Tensor<1> {
        match self {
            Self::One(w) => w.val(),
            Self::ByChannel(w) => w.val().flatten(0, 1),
        }
    }

    /// Their gradients in the same order, if there are any.
    pub fn grad(&self, grads: &Gradients) -> Option<Tensor<1>> {
        match self {
            Self::One(w) => w.grad(grads),
            Self::ByChannel(w) => w.grad(grads).map(|grad| grad.flatten(0, 1)),
        }
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        match self {
            Self::One(w) => w.device(),
            Self::ByChannel(w) => w.device(),
        }
    }
}
