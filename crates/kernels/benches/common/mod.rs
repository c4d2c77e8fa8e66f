//! What the benches share.
#![allow(dead_code)]

use adact_kernels::random::{Purpose, Stream};
use adact_kernels::simd::{self, multiply_add};
use std::time::Instant;

/// Runs `f` in a pool of THREADS threads, 2 without that variable, after a line with the path and the peak.
pub fn run(f: impl FnOnce() + Send) {
    let threads = std::env::var("THREADS").ok().and_then(|v| v.parse().ok()).unwrap_or(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| {
        println!("path {}, {threads} threads, peak {:.0} GFLOP/s", simd::path().name(), peak());
        f();
    });
}

/// GFLOP/s of nothing but multiply-adds in registers, on every thread of the pool.
fn peak() -> f64 {
    const ROUNDS: usize = 400_000;
    let seconds = median(|| {
        rayon::broadcast(|_| {
            let mut numbers = std::hint::black_box(std::array::from_fn(|i| 0.5 + i as f32 * 1e-3));
            multiply_add(ROUNDS, &mut numbers);
            std::hint::black_box(numbers);
        });
    });
    (rayon::current_num_threads() * ROUNDS * 24 * 16 * 2) as f64 / seconds / 1e9
}

/// The median of the seconds that `f` takes.
pub fn median(mut f: impl FnMut()) -> f64 {
    (0..3).for_each(|_| f());
    let mut times: Vec<f64> = (0..41)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Normal numbers.
pub fn normal(n: usize) -> Vec<f32> {
    let stream = Stream::new(1, Purpose::Synthetic, 0);
    (0..n as u64).map(|i| stream.normal(i) as f32).collect()
}
