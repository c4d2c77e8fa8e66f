//! What the configurations of networks share: their sizes' checks, and how activations and seed are read and set.

use crate::activation::ActivationConfig;
use crate::error::{Error, Result};
use crate::network::NetworkConfig;

/// The sum of products, for the number of a network's weights; none if no computer can hold as many.
pub(super) fn weights(parts: &[Vec<usize>]) -> Option<usize> {
    let product = |factors: &Vec<usize>| factors.iter().try_fold(1usize, |all, one| all.checked_mul(*one));
    let sum = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(product(part)?));
    sum.filter(|size| *size < isize::MAX as usize / 16)
}

/// Expects no names, or one for each class.
pub(super) fn checked_names(classes: usize, names: &[String]) -> Result<()> {
    match names.len() {
        0 => Ok(()),
        n if n == classes => Ok(()),
        n => Err(Error::config(format!("a network of {classes} classes needs {classes} names, not {n}"))),
    }
}

/// Expects as many weights as a computer can hold, and valid activations; `sizes` says what of the network is too large.
pub(super) fn checked(config: &impl NetworkConfig, sizes: &str) -> Result<()> {
    if config.size().is_none() {
        return Err(Error::config(format!("a network of these {sizes} is larger than any memory")));
    }
    config.activations().iter().try_for_each(ActivationConfig::validate)
}

/// The methods of [`NetworkConfig`] that read and set the fields `activations` and `seed`.
macro_rules! activations_and_seed {
    () => {
        fn activations(&self) -> &[ActivationConfig] {
            &self.activations
        }

        fn with_activations(mut self, activations: Vec<ActivationConfig>) -> Self {
            self.activations = activations;
            self
        }

        fn seed(&self) -> u64 {
            self.seed
        }

        fn with_seed(mut self, seed: u64) -> Self {
            self.seed = seed;
            self
        }
    };
}
pub(super) use activations_and_seed;
