//! Trained networks of [`adact`] as ONNX files: opset 18, standard operators alone, so that any runtime has them.
//!
//! The batch is open, and so is the length of a text. SiLU is `Sigmoid` and `Mul`, GELU is composed of `Erf`, RReLU has its mean
//! slope, as in evaluation; a mixture is the sum of its candidates with what it learned as constants. Batch norm is as it is
//! in evaluation, or folded into the convolution before it on request.
//!
//! ```
//! use adact::{NetworkConfig, networks::AnyConfig, ConvNetConfig};
//! let config: AnyConfig = ConvNetConfig::new(1, 16, 3).into();
//! let net = config.init(&burn::tensor::Device::flex())?;
//! let bytes = adact_onnx::export(&net, &adact_onnx::Options::default());
//! // std::fs::write("net.onnx", bytes)
//! assert!(bytes.len() > 1000);
//! # Ok::<(), adact::Error>(())
//! ```

mod activation;
mod graph;
mod networks;
#[allow(missing_docs, reason = "the fields are ONNX's")]
pub mod proto;
#[cfg(feature = "run")]
pub mod run;

use adact::networks::{AnyConfig, AnyNetwork};
use adact::{Network, NetworkConfig};
use prost::Message;

use graph::{Graph, value};
use proto::{FLOAT, GraphProto, INT64, ModelProto, OperatorSetIdProto, StringStringEntryProto};

/// The version of the operators.
pub const OPSET: i64 = 18;
/// The version of the format of files.
const IR_VERSION: i64 = 8;
/// What becomes of a pixel's byte, as the metadata tell it.
const NORMALISATION: &str = "(byte / 255 - 0.5) / 0.5";

/// How a network is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether batch norm becomes a part of the convolution before it. Default no.
    pub fold_batch_norm: bool,
}

/// A trained network as the bytes of an ONNX file.
///
/// | network | input | output |
/// |---|---|---|
/// | `convnet`, `resnet`, `vit` | `images`, f32 (batch, channels, side, side) | `logits`, f32 (batch, classes) |
/// | `unet` | the same | `logits`, f32 (batch, classes, side, side) |
/// | `gpt` | `tokens`, i64 (batch, length), of a length up to the context | `logits`, f32 (batch, length, characters) |
///
/// Pixels are `(byte / 255 - 0.5) / 0.5`. The file's metadata have `network`, `classes` (a JSON list of names, or of a text's
/// characters by token) and, of images, `normalisation`.
pub fn export(net: &AnyNetwork, options: &Options) -> Vec<u8> {
    let config = net.config();
    let mut graph = Graph::new(net, *options);
    let logits = networks::logits(&mut graph, config);
    let (input, output) = interface(config);
    graph.rename(&logits, "logits");
    let (node, initializer) = graph.finish();
    let graph = GraphProto {
        node,
        name: config.name().into(),
        initializer,
        input: vec![input],
        output: vec![output],
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: OPSET };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "adact".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        opset_import: vec![opset],
        metadata_props: metadata(config),
    };
    model.encode_to_vec()
}

/// What goes in and comes out.
fn interface(config: &AnyConfig) -> (proto::ValueInfoProto, proto::ValueInfoProto) {
    let images = |channels: usize, side: usize| {
        value("images", FLOAT, &["batch".into(), channels.into(), side.into(), side.into()])
    };
    let classes = |classes: usize| value("logits", FLOAT, &["batch".into(), classes.into()]);
    match config {
        AnyConfig::ConvNet(c) => (images(c.channels, c.side), classes(c.classes)),
        AnyConfig::ResNet(c) => (images(c.channels, c.side), classes(c.classes)),
        AnyConfig::Vit(c) => (images(c.channels, c.side), classes(c.classes)),
        AnyConfig::UNet(c) => {
            let logits = ["batch".into(), c.classes.into(), c.side.into(), c.side.into()];
            (images(c.channels, c.side), value("logits", FLOAT, &logits))
        }
        AnyConfig::Gpt(c) => (
            value("tokens", INT64, &["batch".into(), "length".into()]),
            value("logits", FLOAT, &["batch".into(), "length".into(), c.vocab.into()]),
        ),
    }
}

fn metadata(config: &AnyConfig) -> Vec<StringStringEntryProto> {
    let classes: Vec<String> = match config {
        AnyConfig::ConvNet(c) => c.class_names.clone(),
        AnyConfig::ResNet(c) => c.class_names.clone(),
        AnyConfig::Vit(c) => c.class_names.clone(),
        AnyConfig::UNet(c) => c.class_names.clone(),
        AnyConfig::Gpt(c) => c.vocabulary.iter().map(char::to_string).collect(),
    };
    let activations: Vec<String> = config.activations().iter().map(ToString::to_string).collect();
    let mut all = vec![
        ("network", config.name().to_owned()),
        ("classes", serde_json::json!(classes).to_string()),
        ("activations", serde_json::json!(activations).to_string()),
    ];
    if !matches!(config, AnyConfig::Gpt(_)) {
        all.push(("normalisation", NORMALISATION.into()));
    }
    all.into_iter().map(|(key, value)| StringStringEntryProto { key: key.into(), value }).collect()
}
