//! The networks, each in a file of its own.
//!
//! A new one is a file with its configuration and its module, and an entry in [`AnyConfig`].

mod any;
mod conv_net;
mod foreign;
mod gpt;
mod resnet;
mod sizes;
mod unet;
mod vit;

pub use any::{AnyConfig, AnyModule, AnyNetwork};
pub use conv_net::{ConvNet, ConvNetConfig};
pub use foreign::Hints;
pub use gpt::{Gpt, GptConfig};
pub use resnet::{ResNet, ResNetConfig};
pub use unet::{UNet, UNetConfig};
pub use vit::{Vit, VitConfig};
