//! The networks.

mod conv_net;
mod foreign;

pub use conv_net::{ConvNet, ConvNetConfig};
pub use foreign::Hints;
