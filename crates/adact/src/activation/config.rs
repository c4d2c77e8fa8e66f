//! The configurations of a single activation and of a mixture, with their constants.

use adact_kernels::activation::UnknownActivation;
use adact_kernels::{Activation, Constants};
use serde::{Deserialize, Serialize};

use super::gate::Gate;
use super::granularity::Granularity;
use crate::error::{Error, ErrorKind, Result};

/// The constants of the candidates that have any. The defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantsConfig {
    /// PReLU's slope before training (it is learned). Default 0.25.
    pub prelu_slope: f64,
    /// Leaky ReLU's slope. Default 0.01.
    pub negative_slope: f64,
    /// ELU's alpha. Default 1.
    pub elu_alpha: f64,
    /// The smallest slope that RReLU draws. Default 1/8.
    pub rrelu_lower: f64,
    /// The largest slope that RReLU draws. Default 1/3.
    pub rrelu_upper: f64,
}

impl Default for ConstantsConfig {
    fn default() -> Self {
        let c = Constants::default();
        Self {
            prelu_slope: 0.25,
            negative_slope: c.negative_slope,
            elu_alpha: c.alpha,
            rrelu_lower: c.rrelu_lower,
            rrelu_upper: c.rrelu_upper,
        }
    }
}

impl ConstantsConfig {
    pub(crate) fn kernel(&self) -> Constants {
        Constants {
            alpha: self.elu_alpha,
            negative_slope: self.negative_slope,
            rrelu_lower: self.rrelu_lower,
            rrelu_upper: self.rrelu_upper,
        }
    }

    fn validate(&self) -> Result<()> {
        let all = [self.prelu_slope, self.negative_slope, self.elu_alpha, self.rrelu_lower, self.rrelu_upper];
        if all.iter().any(|v| !v.is_finite()) {
            return Err(Error::config("a slope or alpha of an activation is not a finite number"));
        }
        if self.rrelu_lower > self.rrelu_upper {
            return Err(Error::config(format!(
                "RReLU's lower bound {} is above its upper bound {}",
                self.rrelu_lower, self.rrelu_upper
            )));
        }
        Ok(())
    }
}

/// The configuration of [`AdAct`](crate::AdAct), the mixture.
///
/// The default is the paper's: seven candidates with equal weights, PReLU's slope 0.25.
///
/// ```
/// use adact::{Activation, AdActConfig};
/// let config = AdActConfig::new().with_candidates([Activation::Relu, Activation::Gelu, Activation::Tanh]);
/// assert_eq!(config.candidates.len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdActConfig {
    /// The activations to mix, in the order of the weights. Default [`Activation::PAPER`].
    #[serde(with = "names")]
    pub candidates: Vec<Activation>,
    /// The raw weights before training, one a candidate. Default none: those of equal shares, 0 with the softmax.
    pub initial_weights: Option<Vec<f32>>,
    /// How the raw weights are the shares. Default the softmax.
    #[serde(skip_serializing_if = "Gate::is_softmax")]
    pub gate: Gate,
    /// The candidates' constants.
    pub constants: ConstantsConfig,
    /// What has weights of its own. Default each place.
    #[serde(skip_serializing_if = "Granularity::is_place")]
    pub granularity: Granularity,
    /// The seed of RReLU's random slopes in [`AdAct::forward`](crate::AdAct::forward). Default none: modules
    /// are numbered as they are created, so that a program that creates them in one order repeats itself.
    pub seed: Option<u64>,
}

impl Default for AdActConfig {
    fn default() -> Self {
        Self {
            candidates: Activation::PAPER.to_vec(),
            initial_weights: None,
            gate: Gate::default(),
            constants: ConstantsConfig::default(),
            granularity: Granularity::default(),
            seed: None,
        }
    }
}

impl AdActConfig {
    /// The paper's mixture.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the candidates.
    pub fn with_candidates(mut self, candidates: impl Into<Vec<Activation>>) -> Self {
        self.candidates = candidates.into();
        self
    }

    /// Sets the raw weights before training, one a candidate.
    pub fn with_initial_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.initial_weights = Some(weights.into());
        self
    }

    /// Sets how the raw weights are the shares.
    pub fn with_gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Sets the candidates' constants.
    pub fn with_constants(mut self, constants: ConstantsConfig) -> Self {
        self.constants = constants;
        self
    }

    /// Sets what has weights of its own.
    pub fn with_granularity(mut self, granularity: Granularity) -> Self {
        self.granularity = granularity;
        self
    }

    /// Sets PReLU's slope before training.
    pub fn with_prelu_slope(mut self, slope: f64) -> Self {
        self.constants.prelu_slope = slope;
        self
    }

    /// Sets Leaky ReLU's slope.
    pub fn with_negative_slope(mut self, slope: f64) -> Self {
        self.constants.negative_slope = slope;
        self
    }

    /// Sets ELU's alpha.
    pub fn with_elu_alpha(mut self, alpha: f64) -> Self {
        self.constants.elu_alpha = alpha;
        self
    }

    /// Sets the bounds between which RReLU draws its slopes.
    pub fn with_rrelu_bounds(mut self, lower: f64, upper: f64) -> Self {
        (self.constants.rrelu_lower, self.constants.rrelu_upper) = (lower, upper);
        self
    }

    /// Sets the seed of RReLU's random slopes.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks what [`init`](Self::init) requires: a candidate at least, none twice, a finite weight for
    /// each, finite constants, RReLU's bounds in order.
    pub fn validate(&self) -> Result<()> {
        if self.candidates.is_empty() {
            return Err(Error::config("an AdAct needs one candidate at least"));
        }
        for (i, candidate) in self.candidates.iter().enumerate() {
            if self.candidates[..i].contains(candidate) {
                return Err(Error::config(format!("{candidate} is twice among the candidates of an AdAct")));
            }
        }
        if let Some(weights) = &self.initial_weights {
            if weights.len() != self.candidates.len() {
                return Err(Error::config(format!(
                    "an AdAct of {} candidates has {} initial weights",
                    self.candidates.len(),
                    weights.len()
                )));
            }
            if weights.iter().any(|w| !w.is_finite()) {
                return Err(Error::config("an initial weight of an AdAct is not a finite number"));
            }
        }
        self.constants.validate()
    }
}

/// The configuration of a single activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SingleConfig {
    /// Which activation.
    #[serde(with = "name")]
    pub activation: Activation,
    /// The constants of activations that have any.
    #[serde(default)]
    pub constants: ConstantsConfig,
    /// What has a slope of PReLU of its own. Default each place.
    #[serde(default, skip_serializing_if = "Granularity::is_place")]
    pub granularity: Granularity,
    /// The seed of RReLU's random slopes, as in [`AdActConfig::seed`].
    #[serde(default)]
    pub seed: Option<u64>,
}

impl SingleConfig {
    /// An activation with PyTorch's constants.
    pub fn new(activation: Activation) -> Self {
        let (constants, granularity) = (ConstantsConfig::default(), Granularity::default());
        Self { activation, constants, granularity, seed: None }
    }

    /// Sets what has a slope of PReLU of its own. Other activations have no parameter, and stay as they are.
    pub fn with_granularity(mut self, granularity: Granularity) -> Self {
        if self.activation.learns_slope() {
            self.granularity = granularity;
        }
        self
    }

    /// Sets the constants.
    pub fn with_constants(mut self, constants: ConstantsConfig) -> Self {
        self.constants = constants;
        self
    }

    /// Sets the seed of RReLU's random slopes.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks what [`init`](Self::init) requires: finite constants, RReLU's bounds in order.
    pub fn validate(&self) -> Result<()> {
        self.constants.validate()
    }
}

/// Reads the name of an activation.
pub(super) fn activation(name: &str) -> Result<Activation> {
    name.trim().parse().map_err(unknown)
}

/// The error of a name that is no activation's.
pub(super) fn unknown(error: UnknownActivation) -> Error {
    Error::new(ErrorKind::UnknownActivation, format!("{error}"))
}

pub(crate) mod name {
    use adact_kernels::Activation;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(activation: &Activation, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(activation.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Activation, D::Error> {
        super::activation(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

mod names {
    use adact_kernels::Activation;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(candidates: &[Activation], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(candidates.iter().map(|c| c.name()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Activation>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|n| super::activation(n)).collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}
