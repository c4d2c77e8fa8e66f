//! All that turns gradients into new weights.

use serde::{Deserialize, Serialize};

use super::adamw::AdamW;
use super::schedule::Schedule;
use super::sgd::Sgd;
use crate::error::{Error, Result};

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
        if let Some(norm) = self.clip_grad
            && !(norm > 0.0 && norm.is_finite())
        {
            return Err(Error::config("the norm to which gradients are clipped must be above 0"));
        }
        Ok(())
    }

    /// The learning rate of a step; the first is 0.
    pub fn lr(&self, step: u64) -> f64 {
        let lr = match &self.optimizer {
            Optimizer::AdamW(adamw) => adamw.lr,
            Optimizer::Sgd(sgd) => sgd.lr,
        };
        // Without a schedule the rate is the given one to the last bit.
        lr * self.schedule.factor(step)
    }
}

impl Optimizer {
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
