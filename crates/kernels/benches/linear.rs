//! A linear layer, forward and backward, in GFLOP/s.
//! Run: cargo bench -p adact-kernels --bench linear [-- ROWS IN OUT]; THREADS=1 for one thread

use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Workspace, linear};
use std::time::Instant;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let threads = std::env::var("THREADS").ok().and_then(|v| v.parse().ok()).unwrap_or(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let shapes = match numbers[..] {
        [rows, input, output, ..] => vec![(rows, input, output)],
        _ => vec![
            (768, 128, 384),
            (768, 128, 512),
            (768, 512, 128),
            (2048, 384, 1536),
            (4160, 128, 512),
            (768, 128, 65),
        ],
    };
    let stream = Stream::new(1, Purpose::Synthetic, 0);
    let normal = |n: usize| (0..n as u64).map(|i| stream.normal(i) as f32).collect::<Vec<_>>();
    let ws = Workspace::new();
    for (rows, input, output) in shapes {
        let (x, weight, bias, dy) =
            (normal(rows * input), normal(output * input), normal(output), normal(rows * output));
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        pool.install(|| {
            for _ in 0..100 {
                let start = Instant::now();
                drop(linear::forward(&ws, input, &x, &weight, &bias));
                forward.push(start.elapsed().as_secs_f64());
                let start = Instant::now();
                drop(linear::backward(&ws, input, &x, &weight, &dy));
                backward.push(start.elapsed().as_secs_f64());
            }
        });
        let gflop = 2e-9 * (rows * input * output) as f64;
        for (name, times, gflop) in
            [("forward", &mut forward, gflop), ("backward", &mut backward, 2.0 * gflop)]
        {
            times.sort_by(f64::total_cmp);
            let median = times[times.len() / 2];
            println!(
                "{rows} x {input} -> {output}, {name}: {:.3} ms, {:.0} GFLOP/s",
                1e3 * median,
                gflop / median
            );
        }
    }
}
