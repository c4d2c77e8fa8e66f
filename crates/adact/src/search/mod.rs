//! Better ways to search: what moves the weights of mixtures beside the loss, and how they become shares meanwhile.
//!
//! [`Mixing`] is how shares are made, [`Search`] all options of a search, a part of a [`Recipe`](crate::Recipe). What is evaluated,
//! written to files and recorded is always a network whose shares are what its mixtures' gates make of their weights, the softmax
//! but for the mixings that are named after another [`Gate`](crate::Gate).

mod discretise;
mod mixing;
mod raw;
mod settle;
mod shrink;

use adact_kernels::Activation;
use adact_kernels::random::{Purpose, Stream};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::activation::{ActivationConfig, Gate, LayerMixture, activation_name};
use crate::error::{Error, Result};
use crate::ops;

pub use discretise::with_choices;
pub use mixing::Mixing;
pub(crate) use mixing::Moment;
pub(crate) use settle::{Which, with_weights};
pub(crate) use shrink::leave;

/// How a network searches for its activations. The default is the paper's: the softmax of the weights, trained as all other
/// parameters are.
///
/// ```
/// use adact::{AdamW, Mixing, Recipe, Search};
/// let search = Search { mixing: Mixing::Anneal, steps: 1000, ..Search::default() };
/// let recipe = Recipe { search, ..Recipe::from(AdamW::new()) };
/// recipe.validate()?;
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// How weights become shares. Default the softmax.
    pub mixing: Mixing,
    /// Whether candidates leave, until one is left at each place: each time the weakest of the place with most left, at times
    /// that are spaced logarithmically from a tenth to nine tenths of the search. Default no.
    pub shrink: bool,
    /// The steps of the search, with which temperatures, penalties and departures end. What depends on them needs it.
    pub steps: u64,
    /// What comes before the search. Default nothing.
    pub warm: Option<Warm>,
    /// The first and the last temperature, from 0.001 to 1000, between which it changes exponentially. Default 1 to 0.1 for
    /// `anneal`, 5 to 0.5 for `gumbel`.
    pub temperature: Option<[f64; 2]>,
    /// What the entropy of a place's shares, as a part of the largest that it can be, is multiplied by in the loss at the
    /// end of `entropy`: 0 for a third of the search, then rising evenly. Default 0.05.
    pub penalty: f64,
    /// The learning rate of the mixtures' weights and slopes; the recipe's schedule goes over it. Default the recipe's.
    pub lr: Option<f64>,
    /// AdamW's decay rates of the two moments for them. Default the recipe's.
    pub betas: Option<[f64; 2]>,
    /// Their weight decay. Default the recipe's for the paper's way to search, 0 for every other.
    pub weight_decay: Option<f64>,
    /// Whether the weights and slopes stay as they are, while all else learns: a curve that was found is kept. Default no.
    pub frozen: bool,
}

/// What comes before a search: training with one activation at each place, while the mixtures' weights stay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warm {
    /// The steps.
    pub steps: u64,
    /// The activation, a candidate of each place.
    #[serde(with = "activation_name")]
    pub activation: Activation,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            mixing: Mixing::Softmax,
            shrink: false,
            steps: 0,
            warm: None,
            temperature: None,
            penalty: 0.05,
            lr: None,
            betas: None,
            weight_decay: None,
            frozen: false,
        }
    }
}

impl Search {
    /// Whether it is the default.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is the paper's way, whatever the learning rate.
    pub fn is_papers(&self) -> bool {
        self.mixing == Mixing::Softmax && !self.shrink
    }

    /// Whether a step depends on how many there are.
    pub fn looks_ahead(&self) -> bool {
        self.shrink || self.mixing.looks_ahead()
    }

    /// Checks that all options are in their ranges and fit each other.
    ///
    /// # Errors
    /// Says which one isn't.
    pub fn validate(&self) -> Result<()> {
        if self.looks_ahead() && self.steps == 0 {
            let name = if self.mixing.looks_ahead() { self.mixing.name() } else { "shrink" };
            return Err(Error::config(format!("a search by {name} needs the number of its steps")));
        }
        if let Some(warm) = self.warm
            && self.looks_ahead()
            && warm.steps >= self.steps
        {
            return Err(Error::config(format!(
                "a search of {} steps can't begin after {} steps of {} alone",
                self.steps, warm.steps, warm.activation
            )));
        }
        if self.frozen && !(self.mixing.keeps_weights() && !self.shrink && self.warm.is_none()) {
            return Err(Error::config(
                "weights that stay are mixed as they are, by softmax, sigmoid or linear, and nothing comes before",
            ));
        }
        if self.shrink && !self.mixing.can_shrink() {
            return Err(Error::config(format!("no candidate can leave a search by {}", self.mixing)));
        }
        let range = "must be a finite number";
        if let Some(temperatures) = self.temperature {
            if self.mixing.temperatures().is_none() {
                return Err(Error::config(format!("a search by {} has no temperature", self.mixing)));
            }
            if !temperatures.iter().all(|t| (1e-3..=1e3).contains(t)) {
                return Err(Error::config("a temperature of a search must be from 0.001 to 1000"));
            }
        }
        if !(self.penalty >= 0.0 && self.penalty.is_finite()) {
            return Err(Error::config(format!("the penalty on the entropy {range}, 0 or more")));
        }
        for (what, value) in [("learning rate", self.lr), ("weight decay", self.weight_decay)] {
            if value.is_some_and(|value| !(value >= 0.0 && value.is_finite())) {
                return Err(Error::config(format!("the {what} of a search {range}, 0 or more")));
            }
        }
        match self.betas {
            Some(betas) if !betas.iter().all(|beta| (0.0..1.0).contains(beta)) => {
                Err(Error::config("the betas of a search must be from 0 to below 1"))
            }
            _ => Ok(()),
        }
    }

    /// The activations of a network that searches so: its mixtures have the gate that the way to mix needs, if that isn't the softmax.
    pub fn activations(&self, activations: &[ActivationConfig]) -> Vec<ActivationConfig> {
        let gate = self.mixing.gate();
        let gated = |activation: &ActivationConfig| match gate {
            Gate::Softmax => activation.clone(),
            gate => activation.clone().with_gate(gate),
        };
        activations.iter().map(gated).collect()
    }

    /// Checks that a mixture, that of the place `path`, can search so.
    ///
    /// # Errors
    /// Says why not.
    pub(crate) fn check(&self, path: &str, mixture: &LayerMixture) -> Result<()> {
        if let Some(Warm { activation, .. }) = self.warm
            && !mixture.candidates.contains(&activation)
        {
            return Err(Error::config(format!(
                "the search can't begin with {activation}: {activation} is no candidate of {path}"
            )));
        }
        let (gate, needed) = (mixture.gate, self.mixing.gate());
        // The softmax is the default, and means what the mixtures are.
        if gate != needed && self.mixing != Mixing::Softmax {
            let mixing = self.mixing;
            return Err(Error::config(format!(
                "a search by {mixing} needs mixtures of the gate {needed}, and {path} has {gate}"
            )));
        }
        if gate == Gate::Linear && self.shrink {
            return Err(Error::config(format!("no candidate can leave {path}, whose gate is linear")));
        }
        Ok(())
    }

    /// How much of the search is over when so many steps are made.
    pub(crate) fn progress(&self, steps: u64) -> f64 {
        let first = self.begins();
        steps.saturating_sub(first) as f64 / self.steps.saturating_sub(first).max(1) as f64
    }

    /// The first step of the search itself.
    fn begins(&self) -> u64 {
        self.warm.map_or(0, |warm| warm.steps)
    }

    /// Where the search is at a step; the first is 0.
    pub(crate) fn moment(&self, step: u64) -> Moment {
        // The last step has the last temperature.
        let last = self.steps.saturating_sub(self.begins() + 1).max(1);
        let part = (step.saturating_sub(self.begins()) as f64 / last as f64).min(1.0);
        let temperature = match self.temperature.or(self.mixing.temperatures()) {
            Some([from, to]) => from * libm::pow(to / from, part),
            None => 1.0,
        };
        let penalty = match self.mixing {
            Mixing::Entropy => self.penalty * ((part - 1.0 / 3.0) * 1.5).max(0.0),
            _ => 0.0,
        };
        let warming = self.warm.filter(|warm| step < warm.steps).map(|warm| warm.activation);
        Moment { mixing: self.mixing, temperature, penalty, warming }
    }
}

/// What a training step does with the weights of mixtures, for those who pass through a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    moment: Moment,
    stream: Stream,
}

impl Draw {
    /// That of a step, if it makes shares in another way than the mixtures themselves.
    pub fn of_step(search: &Search, seed: u64, step: u64) -> Option<Self> {
        let moment = search.moment(step);
        (!moment.is_plain()).then(|| Self { moment, stream: Stream::new(seed, Purpose::Search, step) })
    }

    /// That of one of several passes of a step.
    pub fn of_level(self, level: u64) -> Self {
        if level == 0 { self } else { self.child(u64::MAX - level) }
    }

    /// That of a place.
    pub fn child(self, place: u64) -> Self {
        Self { stream: self.stream.child(place), ..self }
    }

    /// The shares of the candidates for their raw weights, channel by channel where each has its own.
    pub fn shares(&self, candidates: &[Activation], w: Tensor<1>) -> Tensor<1> {
        let values: Vec<f32> = w.to_data().iter::<f32>().collect();
        let rows = values.chunks_exact(candidates.len()).enumerate();
        let shares = rows.map(|(row, w)| self.moment.draw(candidates, w, self.stream.child(row as u64)));
        let (mut values, mut jacobians) = (Vec::new(), Vec::new());
        for shares in shares {
            values.extend(shares.values.iter().map(|&share| share as f32));
            jacobians.push(shares.jacobian);
        }
        ops::linearized(w, values, jacobians)
    }
}
