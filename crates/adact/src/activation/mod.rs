//! What a place of a network applies: one activation, or a mixture of several.

mod candidates;
mod config;
mod granularity;
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
pub(crate) use granularity::RAW_WEIGHTS;
pub use granularity::{Granularity, RawWeights};
pub use layer::ActivationLayer;
pub use layer_config::ActivationConfig;
pub(crate) use mixture::MIXTURE;
pub use mixture::{AdAct, Prelu};
pub use selection::LayerMixture;
pub use single::Single;
