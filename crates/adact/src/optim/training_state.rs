//! What the file of a training says beside its tensors.

use serde::{Deserialize, Serialize};

use super::recipe::Recipe;

/// What the file of a training says beside its tensors.
#[derive(Serialize, Deserialize)]
pub(crate) struct TrainingState {
    /// The network's configuration.
    pub config: serde_json::Value,
    #[serde(flatten)]
    pub recipe: Recipe,
    /// The steps that were made.
    pub steps: u64,
}

impl TrainingState {
    /// Whether a file's metadata are those of a training, not of weights.
    pub fn is_one(json: &str) -> bool {
        serde_json::from_str::<Self>(json).is_ok()
    }
}
