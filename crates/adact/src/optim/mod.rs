//! From gradients to new weights.

mod adamw;
mod recipe;
mod schedule;
mod sgd;

pub use adamw::AdamW;
pub use recipe::{Decay, Optimizer, Recipe};
pub use schedule::{Schedule, Shape};
pub use sgd::Sgd;
