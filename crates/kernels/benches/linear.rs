//! A linear layer, forward and backward, in GFLOP/s, alone and with the mixture in the same pass and after it.
//! Run: cargo bench -p adact-kernels --bench linear [-- ROWS IN OUT]; THREADS=1 for one thread

use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, Function, Workspace, elementwise, linear};
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
        let w = [0.0; 7];
        let f = Function::mixture(Activation::PAPER, &w);
        let mut times: [Vec<f64>; 6] = Default::default();
        let time = |times: &mut Vec<f64>, run: &mut dyn FnMut()| {
            let start = Instant::now();
            run();
            times.push(start.elapsed().as_secs_f64());
        };
        pool.install(|| {
            for _ in 0..50 {
                time(&mut times[0], &mut || drop(linear::forward(&ws, input, &x, &weight, &bias)));
                time(&mut times[1], &mut || drop(linear::backward(&ws, input, &x, &weight, &dy)));
                let mut z = None;
                time(&mut times[2], &mut || {
                    z = linear::forward_with(&ws, input, &x, &weight, &bias, &f, true).z;
                });
                let z = z.expect("the sums are kept");
                time(&mut times[3], &mut || {
                    drop(linear::backward_with(&ws, input, &x, &weight, &f, &z, &dy));
                });
                time(&mut times[4], &mut || {
                    let (z, mut y) =
                        (linear::forward(&ws, input, &x, &weight, &bias), ws.take(rows * output));
                    elementwise::forward(&f, &z, &mut y);
                });
                time(&mut times[5], &mut || {
                    let mut dz = ws.take(rows * output);
                    elementwise::backward(&f, &z, &dy, &mut dz);
                    drop(linear::backward(&ws, input, &x, &weight, &dz));
                });
            }
        });
        let gflop = 2e-9 * (rows * input * output) as f64;
        let names =
            ["forward", "backward", "forward with", "backward with", "forward after", "backward after"];
        for (i, (name, times)) in names.into_iter().zip(&mut times).enumerate() {
            let gflop = gflop * [1.0, 2.0][i % 2];
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
