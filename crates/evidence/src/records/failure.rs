//! A training that ended without a result.

use serde::{Deserialize, Serialize};

use crate::names;

/// A training of a study that failed: which, where and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// The epoch in which it failed, from 1, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,
    /// The training step at which it failed, from 1 and counted through all epochs, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// Why, in a sentence.
    pub why: String,
}

impl Failure {
    /// The failure in a line: "AdAct, seed 3, failed at step 812 (epoch 2): the loss became NaN".
    pub fn words(&self) -> String {
        let place = match (self.step, self.epoch) {
            (Some(step), Some(epoch)) => format!(" at step {step} (epoch {epoch})"),
            (Some(step), None) => format!(" at step {step}"),
            (None, Some(epoch)) => format!(" in epoch {epoch}"),
            (None, None) => String::new(),
        };
        format!("{}, failed{place}: {}", names::training(&self.variant, self.seed), self.why)
    }
}
