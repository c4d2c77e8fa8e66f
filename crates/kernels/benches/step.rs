//! The parts of a training step of the paper's network, batch 64, without a framework: where the time goes.
//! Run: cargo bench -p adact-kernels --bench step [-- SIDE CHANNELS]

use adact_kernels::block::{self, BlockParams, BlockSpec};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, ConvSpec, Function, Noise, Workspace, elementwise};
use std::time::Instant;

fn median_ms(mut f: impl FnMut()) -> f64 {
    (0..3).for_each(|_| f());
    let mut times: Vec<f64> = (0..31)
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
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let (mut side, mut input) = (*numbers.first().unwrap_or(&32), *numbers.get(1).unwrap_or(&3));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(std::env::var("THREADS").ok().and_then(|v| v.parse().ok()).unwrap_or(2))
        .build()
        .expect("threads");
    let ws = Workspace::new();
    let stream = Stream::new(1, Purpose::Synthetic, 0);
    let normal = |n: usize| (0..n as u64).map(|i| stream.normal(i) as f32).collect::<Vec<_>>();
    let w = [0.0; 7];
    pool.install(|| {
        let x = normal(2_097_152);
        let (mut y, dy) = (vec![0.0; x.len()], normal(x.len()));
        let noise = Noise::Random(stream);
        for (name, f) in [
            ("relu", Function::single(&Activation::Relu)),
            ("mish", Function::single(&Activation::Mish)),
            ("adact", Function::mixture(Activation::PAPER, &w)),
        ] {
            let f = f.with_noise(noise);
            let forward = median_ms(|| elementwise::forward(&f, &x, &mut y));
            let backward = median_ms(|| drop(elementwise::backward(&f, &x, &dy, &mut y)));
            println!("{name}: forward {forward:.3} ms, backward {backward:.3} ms for 2,097,152 elements");
        }
        let mut total = [0.0; 4];
        for out in [32, 64, 128, 256] {
            let spec = BlockSpec { conv: ConvSpec::same3x3(64, (side, side), input, out), pool: true, eps: 1e-5 };
            let x = normal(spec.conv.batch * spec.conv.in_image());
            let weight: Vec<f32> = normal(spec.conv.weights()).iter().map(|v| v * 0.1).collect();
            let (bias, gamma, beta) = (vec![0.0; out], vec![1.0; out], vec![0.0; out]);
            let dout = normal(spec.conv.batch * spec.out_image());
            for (i, f) in [Function::single(&Activation::Relu), Function::mixture(Activation::PAPER, &w)].into_iter().enumerate() {
                let f = f.with_noise(noise);
                let params = BlockParams { weight: &weight, bias: &bias, gamma_beta: Some((&gamma, &beta)), function: Some(f) };
                let mut kept = None;
                let forward = median_ms(|| kept = Some(block::forward(&ws, &spec, &x, &params)));
                let saved = kept.expect("a forward pass").saved;
                let backward = median_ms(|| drop(block::backward(&ws, &spec, &x, &params, &saved, &dout, input > 3)));
                println!("{side} x {side}, {input} -> {out}, {}: forward {forward:.3} ms, backward {backward:.3} ms", ["relu", "adact"][i]);
                total[2 * i] += forward;
                total[2 * i + 1] += backward;
            }
            (side, input) = (side / 2, out);
        }
        println!("relu: {:.2} + {:.2} ms; adact: {:.2} + {:.2} ms", total[0], total[1], total[2], total[3]);
    });
}
