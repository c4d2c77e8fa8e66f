//! Time and GFLOP/s of each convolution of a network, and the peak beside them.
//! Run: cargo bench -p adact-kernels --bench conv [-- convnet | resnet20 | unet]; the paper's network at 3 x 32 x 32 by default

use adact_kernels::simd::{self, multiply_add};
use adact_kernels::{ConvSpec, Workspace, conv};
use std::time::Instant;

/// GFLOP/s of nothing but multiply-adds in registers, on every thread of the pool.
fn peak() -> f64 {
    const ROUNDS: usize = 400_000;
    let ms = median_ms(|| {
        rayon::broadcast(|_| {
            let mut numbers = std::hint::black_box(std::array::from_fn(|i| 0.5 + i as f32 * 1e-3));
            multiply_add(ROUNDS, &mut numbers);
            std::hint::black_box(numbers);
        });
    });
    (rayon::current_num_threads() * ROUNDS * 24 * 16 * 2) as f64 / ms / 1e6
}

fn median_ms(mut f: impl FnMut()) -> f64 {
    (0..3).for_each(|_| f());
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let threads = std::env::var("THREADS").ok().and_then(|v| v.parse().ok()).unwrap_or(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let ws = Workspace::new();
    let name = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    pool.install(|| {
        println!("path {}, {threads} threads, peak {:.0} GFLOP/s", simd::path().name(), peak());
        for s in network(&name) {
            let x = vec![0.5; s.batch * s.in_image()];
            let w = vec![0.01; s.weights()];
            let dy = vec![0.1; s.batch * s.out_image()];
            let forward = median_ms(|| drop(conv::forward(&ws, &s, &x, &w, None)));
            let backward = median_ms(|| drop(conv::backward(&ws, &s, &x, &w, &dy, s.in_channels > 3)));
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
