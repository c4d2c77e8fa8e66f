//! The kernels of transformers and of networks of maps that aren't products of matrices alone, in milliseconds.
//! Run: cargo bench -p adact-kernels --bench parts; THREADS=1 for one thread

mod common;

use adact_kernels::adamw::AdamW;
use adact_kernels::attention::{self, AttentionSpec};
use adact_kernels::conv_transpose::{self, ConvTransposeSpec};
use adact_kernels::pool::{self, MapSpec};
use adact_kernels::sgd::Sgd;
use adact_kernels::{Precision, Workspace, clip, embedding, layer_norm, loss};
use common::*;

fn main() {
    run(|| {
        attentions();
        rows();
        maps();
        parameters();
    });
}

/// Prints the median of both, with GFLOP/s where there is a number of GFLOP for the forward pass and for the backward pass.
fn report(name: &str, gflop: Option<[f64; 2]>, mut forward: impl FnMut(), mut backward: impl FnMut()) {
    let times = [median(&mut forward), median(&mut backward)];
    let speed = |i: usize| {
        gflop.map_or(String::new(), |gflop: [f64; 2]| format!(" ({:3.0} GFLOP/s)", gflop[i] / times[i]))
    };
    println!(
        "{name}: forward {:.3} ms{}, backward {:.3} ms{}",
        1e3 * times[0],
        speed(0),
        1e3 * times[1],
        speed(1)
    );
}

fn attentions() {
    let ws = Workspace::new();
    for (name, [batch, context, heads, head_dim], causal, precision) in [
        ("attention, gpt", [12, 64, 4, 32], true, Precision::F32),
        ("attention, gpt, bf16", [12, 64, 4, 32], true, Precision::Bf16),
        ("attention, vit", [64, 65, 4, 32], false, Precision::F32),
        ("attention, vit, bf16", [64, 65, 4, 32], false, Precision::Bf16),
        ("attention, gpt large", [8, 256, 6, 64], true, Precision::F32),
        ("attention, gpt large, bf16", [8, 256, 6, 64], true, Precision::Bf16),
    ] {
        let s = AttentionSpec { batch, context, heads, head_dim, causal, precision };
        let qkv = normal(batch * context * 3 * s.dim());
        let dout = normal(batch * context * s.dim());
        let kept = attention::forward(&ws, &s, &qkv);
        let seen = if causal { context * (context + 1) / 2 } else { context * context };
        let gflop = 2e-9 * (batch * heads * seen * head_dim) as f64;
        report(
            name,
            Some([2.0 * gflop, 5.0 * gflop]),
            || drop(attention::forward(&ws, &s, &qkv)),
            || drop(attention::backward(&ws, &s, &qkv, &kept.out, &kept.log_sums, &dout)),
        );
    }
}

fn rows() {
    let ws = Workspace::new();
    for (name, rows, dim) in [("gpt", 768, 128), ("vit", 4160, 128), ("gpt large", 2048, 384)] {
        let (x, dy, vector) = (normal(rows * dim), normal(rows * dim), normal(dim));
        let kept = layer_norm::forward(&ws, &x, &vector, &vector, 1e-5);
        report(
            &format!("layer norm, {name}"),
            None,
            || drop(layer_norm::forward(&ws, &x, &vector, &vector, 1e-5)),
            || drop(layer_norm::backward(&ws, &x, &vector, &kept.mean, &kept.rstd, &dy)),
        );
        let indices: Vec<i32> = (0..rows as i32).map(|i| i * 7 % 65).collect();
        let (mut out, mut table) = (vec![0.0; rows * dim], normal(65 * dim));
        let given = table.clone();
        report(
            &format!("embedding, {name}"),
            None,
            || embedding::forward(&given, dim, &indices, &mut out),
            || embedding::backward(&mut table, dim, &indices, &dy),
        );
    }
    for (name, rows, classes) in
        [("convnet", 64, 10), ("gpt", 768, 65), ("gpt large", 2048, 65), ("unet", 8 * 128 * 128, 2)]
    {
        let (logits, mut d) = (normal(rows * classes), vec![0.0; rows * classes]);
        let labels: Vec<i32> = (0..rows).map(|i| (i % classes) as i32).collect();
        let ms = 1e3
            * median(|| {
                loss::cross_entropy(&logits, &labels, classes, &mut d, None);
            });
        println!("loss, {name}: {ms:.3} ms with its gradient");
    }
}

fn maps() {
    let ws = Workspace::new();
    for [side, channels] in [[128, 16], [64, 32], [32, 64]] {
        let map = MapSpec { batch: 8, height: side, width: side, channels };
        let x = normal(map.len());
        let pooled = pool::max_pool(&ws, &map, &x);
        report(
            &format!("max pool, 8 x {side} x {side} x {channels}"),
            None,
            || drop(pool::max_pool(&ws, &map, &x)),
            || drop(pool::max_pool_backward(&ws, &map, &pooled.winners, &pooled.y)),
        );
        let spec = ConvTransposeSpec {
            batch: 8,
            height: side / 2,
            width: side / 2,
            in_channels: 2 * channels,
            out_channels: channels,
            kernel: 2,
            kept_channels: channels,
        };
        let (x, weight, bias) = (normal(spec.inputs()), normal(spec.weights()), normal(channels));
        let (kept, dy) = (normal(spec.kept()), normal(spec.outputs()));
        let gflop = 2e-9 * (spec.inputs() * channels * 4) as f64;
        report(
            &format!("transposed convolution to 8 x {side} x {side} x {channels}, beside as many"),
            Some([gflop, 2.0 * gflop]),
            || drop(conv_transpose::forward(&ws, &spec, &x, &weight, Some(&bias), &kept)),
            || drop(conv_transpose::backward(&ws, &spec, &x, &weight, &dy, true)),
        );
    }
    let map = MapSpec { batch: 128, height: 8, width: 8, channels: 64 };
    let (x, dy) = (normal(map.len()), normal(128 * 64));
    report(
        "mean pool, 128 x 8 x 8 x 64",
        None,
        || drop(pool::mean_pool(&ws, &map, &x)),
        || drop(pool::mean_pool_backward(&ws, &map, &dy)),
    );
}

fn parameters() {
    let (mut param, grad) = (normal(1_000_000), normal(1_000_000));
    let (mut m, mut v) = (normal(1_000_000), vec![1.0; 1_000_000]);
    let (sgd, adamw) = (Sgd { momentum: 0.9, ..Sgd::default() }, AdamW::default());
    let sgd = median(|| sgd.step(2, &mut param, &grad, &mut m));
    let adamw = median(|| adamw.step(2, &mut param, &grad, &mut m, &mut v));
    let squares = median(|| {
        std::hint::black_box(clip::sum_of_squares(&grad));
    });
    println!(
        "a million parameters: SGD {:.3} ms, AdamW {:.3} ms, sum of squares {:.3} ms",
        1e3 * sgd,
        1e3 * adamw,
        1e3 * squares
    );
}
