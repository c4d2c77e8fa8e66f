//! The networks as graphs, each as the `forward` of its file in `adact::networks`.

use adact::ConvNetConfig;
use adact::networks::{AnyConfig, GptConfig, ResNetConfig, UNetConfig, VitConfig};

use crate::activation::Channels;
use crate::graph::{Graph, Value};
use crate::proto::AttributeProto;

/// PyTorch's and nanoGPT's eps of layer norm.
const GPT_EPS: f32 = 1e-5;
/// Vision transformers' eps of layer norm.
const VIT_EPS: f32 = 1e-6;
/// What hides a later token from an earlier one: its share is exactly 0.
const HIDDEN: f32 = -1e30;

/// The logits of a network.
pub(crate) fn logits(g: &mut Graph, config: &AnyConfig) -> Value {
    match config {
        AnyConfig::ConvNet(config) => conv_net(g, config),
        AnyConfig::ResNet(config) => resnet(g, config),
        AnyConfig::Vit(config) => vit(g, config),
        AnyConfig::UNet(config) => unet(g, config),
        AnyConfig::Gpt(config) => gpt(g, config),
    }
}

fn conv_net(g: &mut Graph, config: &ConvNetConfig) -> Value {
    let mut x: Value = "images".into();
    for i in 0..config.widths.len() {
        let y = g.conv(&x, &format!("conv.{i}"), Some(&format!("norm.{i}")), 1, 1);
        let y = g.activation(&y, &format!("act.{i}"), Channels::Images);
        x = g.max_pool(&y);
    }
    let rows = g.node("Flatten", &[&x], vec![AttributeProto::int("axis", 1)]);
    g.linear_of_rows(&rows, "fc")
}

fn resnet(g: &mut Graph, config: &ResNetConfig) -> Value {
    let x = g.conv("images", "conv1", Some("bn1"), 1, 1);
    let mut x = g.activation(&x, "act1", Channels::Images);
    for stage in 0..config.widths.len() {
        for block in 0..config.n {
            let path = format!("layer{}.{block}", stage + 1);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            x = basic_block(g, &x, &path, stride);
        }
    }
    let mean = g.node("GlobalAveragePool", &[&x], vec![]);
    let rows = g.node("Flatten", &[&mean], vec![AttributeProto::int("axis", 1)]);
    g.linear_of_rows(&rows, "fc")
}

fn basic_block(g: &mut Graph, x: &str, path: &str, stride: usize) -> Value {
    let at = |part: &str| format!("{path}.{part}");
    let y = g.conv(x, &at("conv1"), Some(&at("bn1")), stride, 1);
    let y = g.activation(&y, &at("act1"), Channels::Images);
    let y = g.conv(&y, &at("conv2"), Some(&at("bn2")), 1, 1);
    let around = if g.has(&at("downsample.0.weight")) {
        g.conv(x, &at("downsample.0"), Some(&at("downsample.1")), stride, 0)
    } else {
        x.to_owned()
    };
    let sum = g.node("Add", &[&y, &around], vec![]);
    g.activation(&sum, &at("act2"), Channels::Images)
}

fn unet(g: &mut Graph, config: &UNetConfig) -> Value {
    let mut x: Value = "images".into();
    let mut kept = Vec::new();
    for level in 0..config.levels {
        if level > 0 {
            kept.push(x.clone());
            x = g.max_pool(&x);
        }
        x = double_conv(g, &x, &format!("down.{level}"));
    }
    for (i, kept) in kept.into_iter().rev().enumerate() {
        let weight = g.weight(&format!("up.{i}.weight"));
        let bias = g.weight(&format!("up.{i}.bias"));
        let two = |name: &str| AttributeProto::ints(name, &[2, 2]);
        let up = g.node("ConvTranspose", &[&x, &weight, &bias], vec![two("kernel_shape"), two("strides")]);
        let both = g.concat(&[&kept, &up], 1);
        x = double_conv(g, &both, &format!("dec.{i}"));
    }
    g.conv(&x, "head", None, 1, 0)
}

fn double_conv(g: &mut Graph, x: &str, path: &str) -> Value {
    let mut x = x.to_owned();
    for i in 1..=2 {
        let y = g.conv(&x, &format!("{path}.conv{i}"), Some(&format!("{path}.bn{i}")), 1, 1);
        x = g.activation(&y, &format!("{path}.act{i}"), Channels::Images);
    }
    x
}

fn vit(g: &mut Graph, config: &VitConfig) -> Value {
    let dim = config.dim as i64;
    let patches = g.conv("images", "patch_embed.proj", None, config.patch, 0);
    let patches = g.reshape(&patches, &[0, dim, -1]);
    let patches = g.transpose(&patches, &[0, 2, 1]);
    // A class token for each image of the batch.
    let (batch, rest) = (g.size("images", 0), g.integers("class_shape", &[1, dim]));
    let shape = g.concat(&[&batch, &rest], 0);
    let token = g.weight("cls_token");
    let class = g.node("Expand", &[&token, &shape], vec![]);
    let states = g.concat(&[&class, &patches], 1);
    let positions = g.weight("pos_embed");
    let mut x = g.node("Add", &[&states, &positions], vec![]);
    for i in 0..config.depth {
        let names = Names {
            norms: [format!("blocks.{i}.norm1"), format!("blocks.{i}.norm2")],
            qkv: format!("blocks.{i}.attn.qkv"),
            proj: format!("blocks.{i}.attn.proj"),
            mlp: ["fc1", "act", "fc2"].map(|part| format!("blocks.{i}.mlp.{part}")),
        };
        x = block(g, &x, &names, [config.dim, config.heads], VIT_EPS, None);
    }
    let first = g.integers("first", &[0]);
    let class = g.node("Gather", &[&x, &first], vec![AttributeProto::int("axis", 1)]);
    let class = g.reshape(&class, &[0, dim]);
    let class = g.layer_norm(&class, "norm", VIT_EPS);
    g.linear_of_rows(&class, "head")
}

fn gpt(g: &mut Graph, config: &GptConfig) -> Value {
    let context = config.context;
    let embedding = g.weight("transformer.wte.weight");
    let tokens = g.node("Gather", &[&embedding, "tokens"], vec![AttributeProto::int("axis", 0)]);
    let (length, zero) = (g.size("tokens", 1), g.integers("zero", &[0]));
    let positions = g.weight("transformer.wpe.weight");
    let positions = g.node("Slice", &[&positions, &zero, &length, &zero], vec![]);
    let mut x = g.node("Add", &[&tokens, &positions], vec![]);
    let hidden =
        (0..context * context).map(|i| if i % context > i / context { HIDDEN } else { 0.0 }).collect();
    let mask = g.constant("mask", hidden, &[context, context]);
    let (none, both) = (g.integers("corner", &[0, 0]), g.integers("axes", &[0, 1]));
    let lengths = g.concat(&[&length, &length], 0);
    let mask = g.node("Slice", &[&mask, &none, &lengths, &both], vec![]);
    for i in 0..config.depth {
        let names = Names {
            norms: [format!("transformer.h.{i}.ln_1"), format!("transformer.h.{i}.ln_2")],
            qkv: format!("transformer.h.{i}.attn.c_attn"),
            proj: format!("transformer.h.{i}.attn.c_proj"),
            mlp: ["c_fc", "act", "c_proj"].map(|part| format!("transformer.h.{i}.mlp.{part}")),
        };
        x = block(g, &x, &names, [config.dim, config.heads], GPT_EPS, Some(&mask));
    }
    let x = g.layer_norm(&x, "transformer.ln_f", GPT_EPS);
    // The output's weight is the embedding's.
    let output = g.transpose(&embedding, &[1, 0]);
    g.node("MatMul", &[&x, &output], vec![])
}

/// What the parts of a transformer's block are called.
struct Names {
    norms: [String; 2],
    qkv: String,
    proj: String,
    mlp: [String; 3],
}

/// A pre-norm block; `mask` is added to the scores.
fn block(
    g: &mut Graph,
    x: &str,
    names: &Names,
    [dim, heads]: [usize; 2],
    eps: f32,
    mask: Option<&str>,
) -> Value {
    let normed = g.layer_norm(x, &names.norms[0], eps);
    let qkv = g.linear(&normed, &names.qkv);
    let parts = vec![AttributeProto::int("axis", -1), AttributeProto::int("num_outputs", 3)];
    let parts = g.nodes_out("Split", &[&qkv], parts, 3);
    let size = dim / heads;
    let mut heads_of = |part: &str, order: &[i64]| {
        let part = g.reshape(part, &[0, 0, heads as i64, size as i64]);
        g.transpose(&part, order)
    };
    let query = heads_of(&parts[0], &[0, 2, 1, 3]);
    let key = heads_of(&parts[1], &[0, 2, 3, 1]);
    let value = heads_of(&parts[2], &[0, 2, 1, 3]);
    let scores = g.node("MatMul", &[&query, &key], vec![]);
    let scale = g.constant("attention.scale", vec![1.0 / (size as f32).sqrt()], &[1]);
    let mut scores = g.node("Mul", &[&scores, &scale], vec![]);
    if let Some(mask) = mask {
        scores = g.node("Add", &[&scores, mask], vec![]);
    }
    let shares = g.node("Softmax", &[&scores], vec![AttributeProto::int("axis", -1)]);
    let attended = g.node("MatMul", &[&shares, &value], vec![]);
    let attended = g.transpose(&attended, &[0, 2, 1, 3]);
    let attended = g.reshape(&attended, &[0, 0, dim as i64]);
    let projected = g.linear(&attended, &names.proj);
    let x = g.node("Add", &[x, &projected], vec![]);

    let normed = g.layer_norm(&x, &names.norms[1], eps);
    let [wide, act, narrow] = &names.mlp;
    let hidden = g.linear(&normed, wide);
    let hidden = g.activation(&hidden, act, Channels::Last);
    let hidden = g.linear(&hidden, narrow);
    g.node("Add", &[&x, &hidden], vec![])
}
