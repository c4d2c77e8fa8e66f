//! SGD with momentum, in place.

use adact_kernels::sgd;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Stochastic gradient descent with momentum, as PyTorch's `SGD`: `g += weight_decay p; buffer = momentum buffer + g;
/// p -= lr buffer`, where the first buffer is the first gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// The learning rate. Default 0.1.
    pub lr: f64,
    /// How much of the buffer stays. Default 0.9.
    pub momentum: f64,
    /// The decay of the weights, added to the gradient (not decoupled). Default 1e-4.
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 0.1, momentum: 0.9, weight_decay: 1e-4 }
    }
}

impl Sgd {
    /// The recipe of residual networks on small images (He et al. 2015).
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks that the learning rate and decay are finite and not negative, and the momentum in 0..1.
    pub fn validate(&self) -> Result<()> {
        if [self.lr, self.weight_decay].iter().any(|v| !v.is_finite() || *v < 0.0) {
            return Err(Error::config("SGD's learning rate and weight decay must be 0 at least"));
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::config("SGD's momentum must be at least 0 and less than 1"));
        }
        Ok(())
    }

    /// The kernel's parameters at a learning rate.
    pub(crate) fn kernel(&self, lr: f64) -> sgd::Sgd {
        sgd::Sgd { lr, momentum: self.momentum, nesterov: false, weight_decay: self.weight_decay }
    }
}
