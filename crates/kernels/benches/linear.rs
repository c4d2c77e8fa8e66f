//! A linear layer, forward and backward, in GFLOP/s, alone and with the mixture and a residual in the same pass.
//! Run: cargo bench -p adact-kernels --bench linear [-- ROWS IN OUT]; THREADS=1 for one thread

mod common;

use adact_kernels::linear::{self, LinearParams};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, Function, Noise, Precision, Workspace};
use common::*;

/// gpt, vit and gpt large: rows, inputs, outputs.
const SHAPES: [[usize; 3]; 14] = [
    [768, 128, 384],
    [768, 128, 128],
    [768, 128, 512],
    [768, 512, 128],
    [768, 128, 65],
    [4160, 48, 128],
    [4160, 128, 384],
    [4160, 128, 512],
    [4160, 512, 128],
    [2048, 384, 1152],
    [2048, 384, 384],
    [2048, 384, 1536],
    [2048, 1536, 384],
    [2048, 384, 65],
];

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let shapes = match numbers[..] {
        [rows, inputs, outputs, ..] => vec![[rows, inputs, outputs]],
        _ => SHAPES.to_vec(),
    };
    run(|| shapes.into_iter().for_each(measure));
}

fn measure([rows, inputs, outputs]: [usize; 3]) {
    let stream = Stream::new(1, Purpose::Rrelu, 0);
    let ws = Workspace::new();
    let (x, weight, bias) = (normal(rows * inputs), normal(outputs * inputs), normal(outputs));
    let (dy, residual) = (normal(rows * outputs), normal(rows * outputs));
    let shares = [1.0 / 7.0; 7];
    let mixture = Function::mixture(Activation::PAPER, &shares).with_noise(Noise::Random(stream));
    let gflop = 2e-9 * (rows * inputs * outputs) as f64;
    for (name, function, precision) in [
        ("alone", None, Precision::F32),
        ("mixture", Some(mixture), Precision::F32),
        ("bf16", None, Precision::Bf16),
    ] {
        let params =
            LinearParams { inputs, outputs, weight: &weight, bias: Some(&bias), function, precision };
        let residual = function.map(|_| &residual[..]);
        let z = linear::forward(&ws, &params, &x, residual).z;
        let forward = median(|| drop(linear::forward(&ws, &params, &x, residual)));
        let backward = median(|| drop(linear::backward(&ws, &params, &x, z.as_deref(), &dy, true)));
        println!(
            "{rows:4} x {inputs:4} -> {outputs:4} {name:7}: forward {:6.3} ms, {:3.0} GFLOP/s; backward {:7.3} ms, {:3.0} GFLOP/s",
            1e3 * forward,
            gflop / forward,
            1e3 * backward,
            2.0 * gflop / backward
        );
    }
}
