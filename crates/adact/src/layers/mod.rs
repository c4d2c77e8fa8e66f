//! The parts that networks are made of, with PyTorch's names for their parameters.

mod attention;
mod batch_norm;
mod conv;
mod conv_block;
mod conv_transpose;
mod embedding;
mod layer_norm;
mod linear;
mod statistic;

pub use attention::Attention;
pub use batch_norm::BatchNorm;
pub use conv::{Conv, ConvConfig, Fused};
pub use conv_block::{ConvBlock, ConvBlockConfig};
pub use conv_transpose::ConvTranspose;
pub use embedding::Embedding;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub(crate) use statistic::STATISTIC;
pub use statistic::Statistic;
