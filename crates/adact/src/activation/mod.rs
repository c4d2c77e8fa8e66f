//! What a place of a network applies: one activation, or a mixture of several.

mod candidates;
mod config;
mod gate;
mod granularity;
mod inside;
mod layer;
mod layer_config;
mod mixture;
mod patterns;
mod randomness;
pub mod selection;
mod single;

pub(crate) use candidates::CANDIDATES;
pub use candidates::Candidates;
pub(crate) use config::name as activation_name;
pub use config::{AdActConfig, ConstantsConfig, SingleConfig};
pub use gate::Gate;
pub use granularity::{Granularity, RawWeights};
pub(crate) use inside::Inside;
pub use layer::ActivationLayer;
pub use layer_config::ActivationConfig;
pub use mixture::{AdAct, Prelu};
pub use selection::LayerMixture;
pub use single::Single;
