//! Activations and the mixture against PyTorch in float64, against `f64`, by finite differences, on every path.

mod common;

use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{
    Activation, Constants, Element, Function, Noise, elementwise, softmax, softmax_gradient,
};
use common::*;
use half::{bf16, f16};
use safetensors::SafeTensors;

fn close(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() <= 2e-6 * want.abs().max(1.0), "{what}: {got} instead of {want}");
}

fn run(f: &Function<'_>, x: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>, adact_kernels::FunctionGrads) {
    let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    elementwise::forward(f, x, &mut y);
    let grads = elementwise::backward(f, x, dy, &mut dx);
    (y, dx, grads)
}

#[test]
fn activations_are_pytorchs() {
    for (i, bytes) in references("activations.safetensors").into_iter().enumerate() {
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let there = Activation::ALL.iter().filter(|a| file.tensor(a.name()).is_ok()).count();
        // a larger file may be an older one
        assert!(
            there == if i == 0 { Activation::ALL.len() - 5 } else { there.max(7) },
            "{there} activations"
        );
        check_activations(&file);
    }
}

fn check_activations(file: &SafeTensors<'_>) {
    let x64 = tensor(file, "x");
    let x: Vec<f32> = x64.iter().map(|&v| v as f32).collect();
    let constants = Constants::default();
    for a in Activation::ALL.iter().filter(|a| file.tensor(a.name()).is_ok()) {
        let (y, dx, _) = run(&Function::single(a), &x, &vec![1.0; x.len()]);
        // PyTorch takes the 1/6 of these for an f32
        let exact = if matches!(a, Activation::Hardsigmoid | Activation::Hardswish) { 1e-8 } else { 1e-12 };
        let want = (tensor(file, a.name()), tensor(file, &format!("{a}.derivative")));
        for i in 0..x.len() {
            // the grid point itself is rounded to f32: compare the definition there, in f64, with the kernel
            let (v, d) = a.at(f64::from(x[i]), 0.25, &constants);
            close(f64::from(y[i]), v, &format!("{a}({})", x[i]));
            if x64[i] != 0.0 {
                close(f64::from(dx[i]), d, &format!("{a}'({})", x[i]));
            }
            let (v, d) = a.at(x64[i], 0.25, &constants);
            assert!((v - want.0[i]).abs() <= exact * v.abs().max(1.0), "{a}({}): {v}", x64[i]);
            close(f64::from(y[i]), want.0[i], &format!("{a}({})", x64[i]));
            if x64[i] != 0.0 {
                assert!((d - want.1[i]).abs() <= exact, "{a}'({}): {d}", x64[i]);
                close(f64::from(dx[i]), want.1[i], &format!("{a}'({})", x64[i]));
            }
        }
    }
}

#[test]
fn every_activation_agrees_with_its_definition_in_f64_and_with_finite_differences() {
    let x: Vec<f32> = (-2400..=2400).map(|i| i as f32 * 0.005 + 0.001).chain(HARD).collect();
    let constants = Constants::default();
    for a in Activation::ALL {
        let (y, dx, _) = run(&Function::single(a), &x, &vec![1.0; x.len()]);
        for i in 0..x.len() {
            let at = f64::from(x[i]);
            let (v, d) = a.at(at, 0.25, &constants);
            close(f64::from(y[i]), v, &format!("{a}({at})"));
            close(f64::from(dx[i]), d, &format!("{a}'({at})"));
            // at 0 and 1/2 some have kinks
            if at.abs() > 1e-3 && at.abs() != 0.5 && at.abs() < 12.0 {
                let h = 1e-6;
                let slope = (a.at(at + h, 0.25, &constants).0 - a.at(at - h, 0.25, &constants).0) / (2.0 * h);
                assert!((slope - d).abs() < 1e-5, "{a}'({at}): {d}, by differences {slope}");
            }
            assert_eq!(y[i].to_bits(), a.at(x[i], 0.25, &constants).0.to_bits(), "{a}({at}) in f32");
        }
    }
}

#[test]
fn the_mixture_is_pytorchs() {
    for bytes in references("adact.safetensors") {
        check_mixture(&SafeTensors::deserialize(&bytes).unwrap());
    }
}

fn check_mixture(file: &SafeTensors<'_>) {
    for case in 0..6 {
        let get = |name: &str| tensor(file, &format!("{case}.{name}"));
        let single = |name: &str| get(name).iter().map(|&v| v as f32).collect::<Vec<_>>();
        let (x, dy, w) = (single("x"), single("dy"), single("w"));
        let shares = softmax(&w);
        let mut f = Function::mixture(Activation::PAPER, &shares);
        f.slope = get("slope")[0] as f32;
        f.constants.rrelu_lower = 11.0 / 48.0;
        f.constants.rrelu_upper = 11.0 / 48.0;
        let (y, dx, grads) = run(&f, &x, &dy);
        for (name, got, bar) in
            [("y", &y, 2e-6), ("dx", &dx, 2e-6), ("dw", &softmax_gradient(&shares, &grads.shares), 2e-5)]
        {
            let error = relative_error(got, &get(name));
            assert!(error < bar, "case {case}, {name}: {error}");
        }
        let error = relative_error(&[grads.slope], &get("dslope"));
        assert!(error < 2e-5, "case {case}, dslope: {error}");
    }
}

/// Mixture and gradients in f64, by the definition.
fn mixture_f64(f: &Function<'_>, x: &[f32], dy: &[f32], w: &[f64], slope: f64) -> f64 {
    let e: Vec<f64> = w.iter().map(|v| v.exp()).collect();
    let sum: f64 = e.iter().sum();
    let at = |x: f32| -> f64 {
        let values = f.candidates.iter().map(|a| a.at(f64::from(x), slope, &f.constants).0);
        values.zip(&e).map(|(v, p)| v * p / sum).sum()
    };
    x.iter().zip(dy).map(|(&x, &dy)| at(x) * f64::from(dy)).sum()
}

#[test]
fn any_mixture_has_the_gradients_of_finite_differences() {
    let sets: [&[Activation]; 6] = [
        Activation::PAPER,
        Activation::ALL,
        Activation::SMOOTH,
        Activation::CHEAP,
        &[Activation::Mish, Activation::Prelu],
        &[Activation::Gelu, Activation::Tanh, Activation::Identity, Activation::Hardswish],
    ];
    let (x, dy) = (normal(1, 1000), normal(2, 1000));
    for (set, candidates) in sets.into_iter().enumerate() {
        let w = normal(3 + set as u64, candidates.len());
        let shares = softmax(&w);
        let mut f = Function::mixture(candidates, &shares);
        f.slope = -0.3;
        let (y, _, grads) = run(&f, &x, &dy);
        let w64: Vec<f64> = w.iter().map(|&v| f64::from(v)).collect();
        let slope = f64::from(f.slope);
        for i in (0..x.len()).step_by(37) {
            close(f64::from(y[i]), mixture_f64(&f, &x[i..=i], &[1.0], &w64, slope), "mixture");
        }
        let h = 1e-5;
        let dw = softmax_gradient(&shares, &grads.shares);
        for i in 0..w.len() {
            let (mut up, mut down) = (w64.clone(), w64.clone());
            up[i] += h;
            down[i] -= h;
            let want =
                (mixture_f64(&f, &x, &dy, &up, slope) - mixture_f64(&f, &x, &dy, &down, slope)) / (2.0 * h);
            assert!((f64::from(dw[i]) - want).abs() < 1e-4, "set {set}, dw[{i}]: {} {want}", dw[i]);
        }
        let want = (mixture_f64(&f, &x, &dy, &w64, slope + h) - mixture_f64(&f, &x, &dy, &w64, slope - h))
            / (2.0 * h);
        assert!((f64::from(grads.slope) - want).abs() < 1e-3, "set {set}, dslope: {} {want}", grads.slope);
    }
}

#[test]
fn the_fused_mixture_equals_the_general_one() {
    // the same seven in another order take the general path
    let mut reversed = Activation::PAPER.to_vec();
    reversed.reverse();
    let w = normal(9, 7);
    let reversed_w: Vec<f32> = w.iter().rev().copied().collect();
    let noise = Noise::Random(Stream::new(5, Purpose::Rrelu, 0));
    let (x, dy) = (normal(1, 40_000), normal(2, 40_000));
    let (y, dx, grads) = run(&Function::mixture(Activation::PAPER, &softmax(&w)).with_noise(noise), &x, &dy);
    let (y2, dx2, grads2) =
        run(&Function::mixture(&reversed, &softmax(&reversed_w)).with_noise(noise), &x, &dy);
    assert!(relative_error(&y, &wide(&y2)) < 1e-6);
    assert!(relative_error(&dx, &wide(&dx2)) < 1e-6);
    let back: Vec<f64> = grads2.shares.iter().rev().copied().collect();
    assert!(relative_error(&grads.shares.iter().map(|&v| v as f32).collect::<Vec<_>>(), &back) < 1e-5);
    assert!((grads.slope - grads2.slope).abs() < 1e-3);
}

#[test]
fn rrelu_draws_uniform_slopes_and_backward_draws_them_again() {
    let stream = Stream::new(3, Purpose::Rrelu, 11);
    let f = Function::single(&Activation::Rrelu).with_noise(Noise::Random(stream));
    let x = vec![-1.0; 100_000];
    let (y, dx, _) = run(&f, &x, &x);
    let mut bins = [0; 10];
    for (y, dx) in y.iter().zip(&dx) {
        assert_eq!(y, dx, "backward used another slope");
        let unit = (-y - 0.125) / (1.0 / 3.0 - 0.125);
        assert!((0.0..=1.0).contains(&unit));
        bins[((unit * 10.0) as usize).min(9)] += 1;
    }
    // chi-square with 9 degrees of freedom: 27.9 is exceeded once in a thousand
    let chi: f64 = bins.iter().map(|&b| (f64::from(b) - 1e4).powi(2) / 1e4).sum();
    assert!(chi < 27.9, "{bins:?}");
    let correlation: f64 =
        y.windows(2).map(|p| (f64::from(p[0]) + 11.0 / 48.0) * (f64::from(p[1]) + 11.0 / 48.0)).sum::<f64>()
            / 1e5;
    assert!(correlation.abs() < 1e-4, "{correlation}");
}

#[test]
fn nan_and_extremes() {
    for a in Activation::ALL {
        let (y, dx, _) = run(&Function::single(a), &[f32::NAN, 1e4, -1e4], &[1.0; 3]);
        assert!(y[0].is_nan(), "{a} hides NaN");
        assert!(y[1..].iter().chain(&dx[1..]).all(|v| v.is_finite()), "{a}: {y:?} {dx:?}");
    }
    let w = [0.0; 7];
    let (y, dx, _) =
        run(&Function::mixture(Activation::PAPER, &softmax(&w)), &[f32::NAN, 1e4, -1e4], &[1.0; 3]);
    assert!(y[0].is_nan() && dx[0].is_nan());
    assert!(y[1..].iter().chain(&dx[1..]).all(|v| v.is_finite()), "{y:?} {dx:?}");
}

#[test]
fn the_bits_are_the_same_on_every_path_and_with_any_threads() {
    let mut x = normal(1, 50_003);
    x[..16].copy_from_slice(&HARD);
    x[16] = f32::NAN;
    let dy = normal(2, x.len());
    let w = normal(3, 7);
    let all = normal(4, Activation::ALL.len());
    let noise = Noise::Random(Stream::new(1, Purpose::Rrelu, 2));
    same_bits_everywhere(|| {
        let mut out = Vec::new();
        let mut push = |f: Function<'_>| {
            // NaN has many bit patterns, and which of them comes out is not promised
            let plain = |v: Vec<f32>| v.into_iter().map(|v| if v.is_nan() { f32::NAN } else { v }).collect();
            let (y, dx, grads) = run(&f.with_noise(noise), &x, &dy);
            let dshares = grads.shares.iter().map(|&v| v as f32).collect();
            out.extend([plain(y), plain(dx), plain(dshares), plain(vec![grads.slope])]);
        };
        Activation::ALL.iter().for_each(|a| push(Function::single(a)));
        push(Function::mixture(Activation::PAPER, &softmax(&w)));
        push(Function::mixture(Activation::ALL, &softmax(&all)));
        out
    });
}

/// Half precision is the arithmetic of `f32` between a widening and a rounding, wherever an element lies.
fn half_precision_is_widened_and_rounded<E: Element + std::fmt::Debug>(
    narrow: impl Fn(f32) -> E + Sync,
    widen: impl Fn(E) -> f32 + Sync,
    bits: impl Fn(E) -> u16,
) {
    let stream = Stream::new(3, Purpose::Rrelu, 1);
    let x: Vec<E> =
        (0..40_000).map(|i| narrow((i as f32 * 0.37).sin() * 9.0)).chain(HARD.map(&narrow)).collect();
    let dy: Vec<E> = (0..x.len()).map(|i| narrow((i as f32 * 0.11).cos())).collect();
    let shares = softmax(&[0.1, -0.2, 0.3, 0.0, 0.5, -0.4, 0.2]);
    let f = Function::mixture(Activation::PAPER, &shares).with_noise(Noise::Random(stream));
    let (mut y, mut dx) = (vec![narrow(0.0); x.len()], vec![narrow(0.0); x.len()]);
    elementwise::forward(&f, &x, &mut y);
    let own = elementwise::backward(&f, &x, &dy, &mut dx);
    let wide = |values: &[E]| values.iter().map(|&v| widen(v)).collect::<Vec<f32>>();
    let (wide_y, wide_dx, wide_own) = run(&f, &wide(&x), &wide(&dy));
    for i in 0..x.len() {
        assert_eq!(bits(y[i]), bits(narrow(wide_y[i])), "y of {:?}", x[i]);
        assert_eq!(bits(dx[i]), bits(narrow(wide_dx[i])), "dx of {:?}", x[i]);
    }
    for (own, wide) in own.shares.iter().zip(&wide_own.shares) {
        // Hard inputs make some of the sums NaN; runs are summed in another order.
        assert!(
            own.is_nan() && wide.is_nan() || (own - wide).abs() <= 1e-4 * wide.abs().max(1.0),
            "{own} {wide}"
        );
    }
    same_bits_everywhere(|| {
        let (mut y, mut dx) = (vec![narrow(0.0); x.len()], vec![narrow(0.0); x.len()]);
        elementwise::forward(&f, &x, &mut y);
        let own = elementwise::backward(&f, &x, &dy, &mut dx);
        vec![wide(&y), wide(&dx), own.shares.iter().map(|&d| d as f32).collect()]
    });
}

#[test]
fn bfloat16_is_widened_and_rounded() {
    half_precision_is_widened_and_rounded(bf16::from_f32, bf16::to_f32, bf16::to_bits);
}

#[test]
fn float16_is_widened_and_rounded() {
    half_precision_is_widened_and_rounded(f16::from_f32, f16::to_f32, f16::to_bits);
}
