//! From gradients to new weights.

mod adamw;
mod recipe;
mod schedule;
mod sgd;
mod training_state;

pub use adamw::AdamW;
pub use recipe::{Decay, Optimizer, Recipe};
pub use schedule::{Schedule, Shape};
pub use sgd::Sgd;
pub(crate) use training_state::TrainingState;
