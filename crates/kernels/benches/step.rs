//! The blocks of a training step of the paper's network, batch 64, without a framework: where the time goes.
//! Layers run one after the other, forward and backward, as in training: no layer finds its own data in the cache.
//! Run: cargo bench -p adact-kernels --bench step [-- SIDE CHANNELS]; THREADS=1 for one thread

use adact_kernels::block::{self, BlockParams, BlockSpec};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, ConvSpec, Function, Noise, Workspace};
use std::time::Instant;

struct Layer {
    spec: BlockSpec,
    weight: Vec<f32>,
    ones: Vec<f32>,
    zeros: Vec<f32>,
    dout: Vec<f32>,
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let (mut side, mut input) = (*numbers.first().unwrap_or(&32), *numbers.get(1).unwrap_or(&3));
    let threads = std::env::var("THREADS").ok().and_then(|v| v.parse().ok()).unwrap_or(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let ws = Workspace::new();
    let stream = Stream::new(1, Purpose::Synthetic, 0);
    let normal =
        |n: usize, scale: f32| (0..n as u64).map(|i| stream.normal(i) as f32 * scale).collect::<Vec<_>>();
    let images = normal(64 * side * side * input, 1.0);
    let layers = [32, 64, 128, 256].map(|out| {
        let spec = BlockSpec { conv: ConvSpec::same3x3(64, (side, side), input, out), pool: true, eps: 1e-5 };
        (side, input) = (side / 2, out);
        Layer {
            spec,
            weight: normal(spec.conv.weights(), 0.1),
            ones: vec![1.0; out],
            zeros: vec![0.0; out],
            dout: normal(64 * spec.out_image(), 1.0),
        }
    });
    let shares = [1.0 / 7.0; 7];
    let functions = [
        ("relu", Function::single(&Activation::Relu)),
        ("adact", Function::mixture(Activation::PAPER, &shares).with_noise(Noise::Random(stream))),
    ];
    for (name, function) in functions {
        let mut times = vec![Vec::new(); 8];
        pool.install(|| {
            for _ in 0..60 {
                let mut x = ws.take(images.len());
                x.copy_from_slice(&images);
                let mut kept = Vec::new();
                for (i, l) in layers.iter().enumerate() {
                    let start = Instant::now();
                    let f = block::forward(&ws, &l.spec, &x, &l.params(function));
                    times[i].push(start.elapsed().as_secs_f64() * 1e3);
                    kept.push((std::mem::replace(&mut x, f.out), f.saved));
                }
                for (i, l) in layers.iter().enumerate().rev() {
                    let (x, saved) = kept.pop().expect("a layer");
                    let start = Instant::now();
                    drop(block::backward(&ws, &l.spec, &x, &l.params(function), &saved, &l.dout, i > 0));
                    times[4 + i].push(start.elapsed().as_secs_f64() * 1e3);
                }
            }
        });
        let ms: Vec<f64> = times.iter_mut().map(|t| median(&mut t[10..])).collect();
        println!(
            "{name}: forward {:.2} {:.2} {:.2} {:.2}, backward {:.2} {:.2} {:.2} {:.2} ms by layer; {:.2} + {:.2} = {:.2} ms",
            ms[0],
            ms[1],
            ms[2],
            ms[3],
            ms[4],
            ms[5],
            ms[6],
            ms[7],
            ms[..4].iter().sum::<f64>(),
            ms[4..].iter().sum::<f64>(),
            ms.iter().sum::<f64>()
        );
    }
}

impl Layer {
    fn params<'a>(&'a self, function: Function<'a>) -> BlockParams<'a> {
        BlockParams {
            weight: &self.weight,
            bias: &self.zeros,
            gamma_beta: Some((&self.ones, &self.zeros)),
            residual: None,
            function: Some(function),
        }
    }
}
