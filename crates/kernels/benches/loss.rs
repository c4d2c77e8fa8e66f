//! The loss of a vocabulary and of a mask, in milliseconds.
//! Run: cargo bench -p adact-kernels --bench loss; THREADS=1 for one thread

use adact_kernels::loss::cross_entropy;
use adact_kernels::random::{Purpose, Stream};
use std::time::Instant;

fn main() {
    let threads = std::env::var("THREADS").ok().and_then(|v| v.parse().ok()).unwrap_or(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let stream = Stream::new(1, Purpose::Synthetic, 0);
    for (rows, classes) in [(768, 65), (2048, 65), (131_072, 2)] {
        let logits: Vec<f32> = (0..(rows * classes) as u64).map(|i| stream.normal(i) as f32).collect();
        let labels: Vec<i32> = (0..rows).map(|i| (i % classes) as i32).collect();
        let mut gradient = vec![0.0; logits.len()];
        let mut times: Vec<f64> = (0..31)
            .map(|_| {
                let start = Instant::now();
                pool.install(|| cross_entropy(&logits, &labels, classes, &mut gradient));
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{rows} x {classes}: {:.3} ms", times[times.len() / 2]);
    }
}
