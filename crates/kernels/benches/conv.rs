//! Time and GFLOP/s of each convolution of a network, and the peak beside them.
//! Run: cargo bench -p adact-kernels --bench conv [-- convnet | resnet20 | unet]; the paper's network at 3 x 32 x 32 by default

mod common;

use adact_kernels::{ConvSpec, Workspace, conv};
use common::{median, run};

fn main() {
    let ws = Workspace::new();
    let name = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    run(|| {
        for s in network(&name) {
            let x = vec![0.5; s.batch * s.in_image()];
            let w = vec![0.01; s.weights()];
            let dy = vec![0.1; s.batch * s.out_image()];
            let forward = 1e3 * median(|| drop(conv::forward(&ws, &s, &x, &w, None)));
            let backward = 1e3 * median(|| drop(conv::backward(&ws, &s, &x, &w, &dy, s.in_channels > 3)));
            let passes = if s.in_channels > 3 { 2.0 } else { 1.0 };
            println!(
                "{:3} x {:3}, {:3} -> {:3}, {} / {}: forward {forward:.3} ms, {:4.0} GFLOP/s; backward {backward:.3} ms, {:4.0} GFLOP/s",
                s.height,
                s.width,
                s.in_channels,
                s.out_channels,
                s.kernel,
                s.stride,
                s.flops() / forward / 1e6,
                passes * s.flops() / backward / 1e6
            );
        }
    });
}

/// The different convolutions of a network.
fn network(name: &str) -> Vec<ConvSpec> {
    let same = |batch, side, input, out| ConvSpec::same3x3(batch, (side, side), input, out);
    let strided = |side, input, out| ConvSpec { stride: 2, ..same(128, side, input, out) };
    match name {
        "resnet20" => vec![
            same(128, 32, 3, 16),
            same(128, 32, 16, 16),
            strided(32, 16, 32),
            same(128, 16, 32, 32),
            strided(16, 32, 64),
            same(128, 8, 64, 64),
            ConvSpec { kernel: 1, padding: 0, ..strided(32, 16, 32) },
            ConvSpec { kernel: 1, padding: 0, ..strided(16, 32, 64) },
        ],
        "unet" => [
            (128, 3, 16),
            (128, 16, 16),
            (128, 32, 16),
            (64, 16, 32),
            (64, 32, 32),
            (64, 64, 32),
            (32, 64, 64),
            (16, 128, 128),
        ]
        .map(|(side, input, out)| same(8, side, input, out))
        .into_iter()
        .chain([ConvSpec { kernel: 1, padding: 0, ..same(8, 128, 16, 2) }])
        .collect(),
        _ => [(32, 3, 32), (16, 32, 64), (8, 64, 128), (4, 128, 256)]
            .map(|(side, input, out)| same(64, side, input, out))
            .into(),
    }
}
