//! Learn which activation function each layer should use.

mod activation;
mod adact;
mod config;
mod conv_block;
mod conv_net;
mod error;
mod evaluation;
mod file;
mod init;
pub mod ops;
mod optim;
mod randomness;
pub mod selection;
mod standin;
mod trainer;
mod weights;

pub use activation::{ActivationLayer, Single};
pub use adact::AdAct;
pub use adact_kernels::{Activation, Noise, random};
pub use config::{ActivationConfig, AdActConfig, ConstantsConfig, SingleConfig};
pub use conv_block::{Conv, ConvBlock, ConvBlockConfig, Norm};
pub use conv_net::{ConvNet, ConvNetConfig, Linear, images_from_channels_last};
pub use error::{Error, ErrorKind, Result};
pub use evaluation::Evaluation;
pub use optim::AdamW;
pub use selection::LayerMixture;
pub use trainer::{STATE_FILE, StepResult, StepTimes, Trainer};
