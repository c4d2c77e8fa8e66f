//! Small networks of every kind.

use adact::ConvNetConfig;
use adact::networks::{AnyConfig, GptConfig, ResNetConfig, UNetConfig, VitConfig};

pub fn image_networks() -> Vec<AnyConfig> {
    let mut resnet = ResNetConfig::new(3, 16, 10);
    resnet.n = 1;
    let mut vit = VitConfig::new(3, 16, 10);
    (vit.dim, vit.depth) = (16, 2);
    let mut unet = UNetConfig::new(3, 16, 2);
    (unet.base, unet.levels) = (4, 3);
    vec![ConvNetConfig::new(1, 28, 10).into(), resnet.into(), vit.into(), unet.into()]
}

/// A language model of 20 characters, with a context of 8.
pub fn gpt() -> AnyConfig {
    let mut gpt = GptConfig::new(20);
    (gpt.dim, gpt.depth, gpt.context) = (16, 2, 8);
    gpt.into()
}
