//! Functions by channel against the same functions on each channel alone.

mod common;

use adact_kernels::channels::{self, ChannelSpec};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, Function, Noise, elementwise, softmax};
use common::{HARD, normal, same_bits_everywhere};

/// Channels in the middle and last, more and fewer than are transposed together, rows that fill no block and several.
const SHAPES: [ChannelSpec; 6] = [
    ChannelSpec { outer: 3, channels: 5, inner: 37 },
    ChannelSpec { outer: 1, channels: 1, inner: 1 },
    ChannelSpec { outer: 600, channels: 3, inner: 1 },
    ChannelSpec { outer: 257, channels: 37, inner: 1 },
    ChannelSpec { outer: 7, channels: 16, inner: 1 },
    ChannelSpec { outer: 0, channels: 4, inner: 1 },
];

/// A set of shares and a slope for each channel.
fn shares(channels: usize, candidates: &[Activation]) -> Vec<(Vec<f64>, f32)> {
    let w = normal(7, channels * candidates.len());
    let rows = w.chunks(candidates.len()).zip(normal(8, channels));
    rows.map(|(w, slope)| (softmax(w), slope)).collect()
}

fn functions<'a>(candidates: &'a [Activation], shares: &'a [(Vec<f64>, f32)]) -> Vec<Function<'a>> {
    let one = |(shares, slope): &'a (Vec<f64>, f32)| {
        let mixture = Function::mixture(candidates, shares);
        Function { slope: *slope, ..mixture }
    };
    shares.iter().map(one).collect()
}

#[test]
fn each_channel_has_its_own_function() {
    for spec in SHAPES {
        let ChannelSpec { outer, channels, inner } = spec;
        let len = outer * channels * inner;
        let (mut x, dy) = (normal(1, len), normal(2, len));
        x.iter_mut().zip(HARD).for_each(|(x, hard)| *x = hard);
        for candidates in [Activation::PAPER, &[Activation::Gelu, Activation::Prelu]] {
            let shares = shares(channels, candidates);
            let functions = functions(candidates, &shares);
            let (mut y, mut dx) = (vec![f32::NAN; len], vec![f32::NAN; len]);
            channels::forward(&spec, &functions, &x, &mut y);
            let grads = channels::backward(&spec, &functions, &x, &dy, &mut dx);
            for c in 0..channels {
                let at: Vec<usize> = (0..len).filter(|i| i / inner % channels == c).collect();
                let of = |v: &[f32]| at.iter().map(|&i| v[i]).collect::<Vec<f32>>();
                let (mut y1, mut dx1) = (vec![0.0; at.len()], vec![0.0; at.len()]);
                elementwise::forward(&functions[c], &of(&x), &mut y1);
                let own = elementwise::backward(&functions[c], &of(&x), &of(&dy), &mut dx1);
                assert_eq!(of(&y), y1, "{spec:?}, channel {c}");
                assert_eq!(of(&dx), dx1, "{spec:?}, channel {c}");
                let all = |g: &adact_kernels::FunctionGrads| {
                    g.shares.iter().copied().chain([g.slope.into()]).collect::<Vec<f64>>()
                };
                for (got, want) in all(&grads[c]).into_iter().zip(all(&own)) {
                    let size = want.abs().max(1.0);
                    assert!((got - want).abs() < 1e-3 * size || size > 1e3, "{spec:?}: {got} {want}");
                }
            }
        }
    }
}

#[test]
fn slopes_are_drawn_for_each_element_and_again_in_the_backward_pass() {
    for spec in [
        ChannelSpec { outer: 600, channels: 20, inner: 1 },
        ChannelSpec { outer: 3, channels: 20, inner: 200 },
    ] {
        let noise = Noise::Random(Stream::new(1, Purpose::Rrelu, 0));
        let functions = vec![Function::single(&Activation::Rrelu).with_noise(noise); 20];
        let ones = vec![-1.0; 12_000];
        let (mut y, mut dx) = (vec![0.0; ones.len()], vec![0.0; ones.len()]);
        channels::forward(&spec, &functions, &ones, &mut y);
        channels::backward(&spec, &functions, &ones, &ones, &mut dx);
        assert_eq!(y, dx);
        let mut slopes: Vec<u32> = y.iter().map(|v| v.to_bits()).collect();
        slopes.sort_unstable();
        slopes.dedup();
        assert!(slopes.len() > 11_900, "{} slopes of 12,000 differ", slopes.len());
    }
}

#[test]
fn the_bits_are_the_same_on_every_path_and_with_any_threads() {
    let spec = ChannelSpec { outer: 1000, channels: 37, inner: 1 };
    let (x, dy) = (normal(1, 37_000), normal(2, 37_000));
    let shares = shares(37, Activation::PAPER);
    let noise = Noise::Random(Stream::new(1, Purpose::Rrelu, 0));
    let functions: Vec<_> =
        functions(Activation::PAPER, &shares).into_iter().map(|f| f.with_noise(noise)).collect();
    same_bits_everywhere(|| {
        let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        channels::forward(&spec, &functions, &x, &mut y);
        let grads = channels::backward(&spec, &functions, &x, &dy, &mut dx);
        let grads = grads.iter().flat_map(|g| g.shares.iter().map(|&v| v as f32).chain([g.slope]));
        vec![y, dx, grads.collect()]
    });
}
