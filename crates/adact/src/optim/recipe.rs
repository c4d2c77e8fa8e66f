//! All that turns gradients into new weights.

use serde::{Deserialize, Serialize};

use adact_kernels::Precision;

use super::adamw::AdamW;
use super::schedule::Schedule;
use super::sgd::Sgd;
use crate::error::{Error, Result};
use crate::search::Search;

/// All that turns gradients into new weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// The optimizer. Default AdamW.
    pub optimizer: Optimizer,
    /// How its learning rate changes. Default not at all.
    pub schedule: Schedule,
    /// Which parameters decay. Default all.
    pub decay: Decay,
    /// The largest norm of all gradients together; larger ones are scaled down to it. Default none.
    pub clip_grad: Option<f64>,
    /// That of matrix products, as [`autocast`](crate::autocast) has it. Default `f32`.
    #[serde(with = "by_name", skip_serializing_if = "is_f32")]
    pub precision: Precision,
    /// How mixtures search for the best of their candidates. Default the paper's way.
    #[serde(skip_serializing_if = "Search::is_default")]
    pub search: Search,
}

fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

/// A precision by its name.
mod by_name {
    use adact_kernels::Precision;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(precision: &Precision, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(precision.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Precision, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// An optimizer with its constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Optimizer {
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
    /// Stochastic gradient descent with momentum.
    Sgd(Sgd),
}

/// Which parameters the weight decay moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// All of them, as PyTorch's optimizers do.
    #[default]
    All,
    /// Those of two dimensions or more: neither biases nor scales nor a mixture's weights, as nanoGPT does.
    Matrices,
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::AdamW(AdamW::default())
    }
}

impl From<AdamW> for Recipe {
    fn from(optimizer: AdamW) -> Self {
        Self { optimizer: Optimizer::AdamW(optimizer), ..Self::default() }
    }
}

impl From<Sgd> for Recipe {
    fn from(optimizer: Sgd) -> Self {
        Self { optimizer: Optimizer::Sgd(optimizer), ..Self::default() }
    }
}

impl Recipe {
    /// Checks that all constants are in their ranges.
    pub fn validate(&self) -> Result<()> {
        match &self.optimizer {
            Optimizer::AdamW(adamw) => adamw.validate()?,
            Optimizer::Sgd(sgd) => sgd.validate()?,
        }
        self.search.validate()?;
        if self.search.betas.is_some() && matches!(self.optimizer, Optimizer::Sgd(_)) {
            return Err(Error::config("SGD has no betas, in a search neither"));
        }
        if let Some(norm) = self.clip_grad
            && !(norm > 0.0 && norm.is_finite())
        {
            return Err(Error::config("the norm to which gradients are clipped must be above 0"));
        }
        Ok(())
    }

    /// The learning rate of a step; the first is 0.
    pub fn lr(&self, step: u64) -> f64 {
        // Without a schedule the rate is the given one to the last bit.
        self.optimizer.lr() * self.schedule.factor(step)
    }

    /// The learning rate of the mixtures' weights and slopes in a step.
    pub(crate) fn search_lr(&self, step: u64) -> f64 {
        self.search.lr.unwrap_or(self.optimizer.lr()) * self.schedule.factor(step)
    }

    /// The optimizer of the mixtures' weights and slopes.
    pub(crate) fn search_optimizer(&self) -> Optimizer {
        let decay = self.search.weight_decay.or((!self.search.is_papers()).then_some(0.0));
        let mut optimizer = self.optimizer.clone();
        match &mut optimizer {
            Optimizer::AdamW(adamw) => {
                adamw.weight_decay = decay.unwrap_or(adamw.weight_decay);
                if let Some(betas) = self.search.betas {
                    [adamw.beta1, adamw.beta2] = betas;
                }
            }
            Optimizer::Sgd(sgd) => sgd.weight_decay = decay.unwrap_or(sgd.weight_decay),
        }
        optimizer
    }
}

impl Optimizer {
    /// Its learning rate.
    fn lr(&self) -> f64 {
        match self {
            Self::AdamW(adamw) => adamw.lr,
            Self::Sgd(sgd) => sgd.lr,
        }
    }

    /// The names of what it remembers of each parameter.
    pub(crate) fn memories(&self) -> &'static [&'static str] {
        match self {
            Self::AdamW(_) => &["first_moment", "second_moment"],
            Self::Sgd(_) => &["momentum_buffer"],
        }
    }

    /// Step `t` (the first is 1) of a parameter: changes it and what is remembered of it in place.
    pub(crate) fn step(
        &self,
        t: u64,
        lr: f64,
        decays: bool,
        param: &mut [f32],
        grad: &[f32],
        memory: &mut [Vec<f32>],
    ) {
        match (self, memory) {
            (Self::AdamW(adamw), [first, second]) => {
                let mut kernel = adamw.kernel(lr);
                if !decays {
                    kernel.weight_decay = 0.0;
                }
                kernel.step(t, param, grad, first, second);
            }
            (Self::Sgd(sgd), [buffer]) => {
                let mut kernel = sgd.kernel(lr);
                if !decays {
                    kernel.weight_decay = 0.0;
                }
                kernel.step(t, param, grad, buffer);
            }
            _ => unreachable!("what is remembered is the optimizer's"),
        }
    }
}
