//! The block operation against its definition in f64 and finite differences of that, on every path.

mod common;

use adact_kernels::block::{self, BlockParams, BlockSpec};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, ConvSpec, Function, Noise, Workspace, softmax, softmax_gradient};
use common::*;

/// A block's parameters in f64, and the weights of a mixture or nothing.
#[derive(Clone)]
struct Reference {
    spec: BlockSpec,
    x: Vec<f64>,
    weight: Vec<f64>,
    /// Empty: none.
    bias: Vec<f64>,
    /// Empty: none.
    residual: Vec<f64>,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    w: Vec<f64>,
    slope: f64,
    norm: bool,
    candidates: Vec<Activation>,
}

impl Reference {
    fn new(spec: BlockSpec, norm: bool, candidates: &[Activation], seed: u64) -> Self {
        let conv = &spec.conv;
        let scale = (2.0 / (conv.in_channels * conv.kernel * conv.kernel) as f64).sqrt();
        let out = conv.out_channels;
        Self {
            spec,
            x: wide(&normal(seed, conv.batch * conv.in_image())),
            weight: normal(seed + 1, conv.weights())
                .iter()
                .map(|&v| f64::from((f64::from(v) * scale) as f32))
                .collect(),
            bias: wide(&normal(seed + 2, out)),
            residual: Vec::new(),
            gamma: wide(&normal(seed + 3, out)),
            beta: wide(&normal(seed + 4, out)),
            w: if candidates.len() > 1 { wide(&normal(seed + 5, candidates.len())) } else { Vec::new() },
            slope: f64::from(0.3f32),
            norm,
            candidates: candidates.to_vec(),
        }
    }

    /// With something to add before the activation.
    fn with_residual(mut self, seed: u64) -> Self {
        self.residual = wide(&normal(seed, self.spec.conv.batch * self.spec.conv.out_image()));
        self
    }

    fn without_bias(mut self) -> Self {
        self.bias.clear();
        self
    }

    fn activate(&self, z: f64) -> f64 {
        let constants = adact_kernels::Constants::default();
        let at = |a: &Activation| a.at(z, self.slope, &constants).0;
        if self.w.is_empty() {
            return at(&self.candidates[0]);
        }
        let sum: f64 = self.w.iter().map(|w| w.exp()).sum();
        self.candidates.iter().zip(&self.w).map(|(a, w)| at(a) * w.exp() / sum).sum()
    }

    fn forward(&self) -> Vec<f64> {
        let (conv, out) = (&self.spec.conv, self.spec.conv.out_channels);
        let zeros = vec![0.0; out];
        let bias = if self.bias.is_empty() { &zeros } else { &self.bias };
        let y = conv_f64(conv, &self.x, &self.weight, bias);
        let pixels = (y.len() / out) as f64;
        let channel = |c: usize| y.iter().skip(c).step_by(out);
        let mean: Vec<f64> = (0..out).map(|c| channel(c).sum::<f64>() / pixels).collect();
        let var: Vec<f64> =
            (0..out).map(|c| channel(c).map(|v| (v - mean[c]).powi(2)).sum::<f64>() / pixels).collect();
        let a: Vec<f64> = y
            .iter()
            .enumerate()
            .map(|(i, &v)| {
                let c = i % out;
                let z =
                    (v - mean[c]) / (var[c] + f64::from(self.spec.eps)).sqrt() * self.gamma[c] + self.beta[c];
                let residual = self.residual.get(i).copied().unwrap_or(0.0);
                self.activate(if self.norm { z } else { v } + residual)
            })
            .collect();
        if !self.spec.pool {
            return a;
        }
        let (h, w) = (conv.out_height(), conv.out_width());
        let mut pooled = Vec::new();
        for n in 0..conv.batch {
            for row in 0..h / 2 {
                for column in 0..w / 2 {
                    for c in 0..out {
                        let at =
                            |i: usize, j: usize| a[((n * h + 2 * row + i) * w + 2 * column + j) * out + c];
                        pooled.push(at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1)));
                    }
                }
            }
        }
        pooled
    }
}

fn narrow(v: &[f64]) -> Vec<f32> {
    v.iter().map(|&v| v as f32).collect()
}

/// Runs the block; returns its output and gradients by name.
fn run(
    ws: &Workspace,
    r: &Reference,
    dout: &[f32],
    noise: Noise,
) -> (Vec<f32>, Vec<(&'static str, Vec<f32>)>) {
    let (x, weight, bias) = (narrow(&r.x), narrow(&r.weight), narrow(&r.bias));
    let (gamma, beta, w) = (narrow(&r.gamma), narrow(&r.beta), narrow(&r.w));
    let residual = narrow(&r.residual);
    let shares = softmax(&w);
    let mut function = if w.is_empty() {
        Function::single(&r.candidates[0])
    } else {
        Function::mixture(&r.candidates, &shares)
    };
    function.slope = r.slope as f32;
    function.noise = noise;
    let params = BlockParams {
        weight: &weight,
        bias: &bias,
        gamma_beta: r.norm.then_some((&gamma[..], &beta[..])),
        residual: Some(&residual[..]).filter(|r| !r.is_empty()),
        function: Some(function),
    };
    let f = block::forward(ws, &r.spec, &x, &params);
    let g = block::backward(ws, &r.spec, &x, &params, &f.saved, dout, true);
    let grads = vec![
        ("x", g.dx.unwrap().to_vec()),
        ("weight", g.weight),
        ("bias", g.bias),
        ("gamma", g.gamma),
        ("beta", g.beta),
        ("residual", g.residual.map_or(Vec::new(), |r| r.to_vec())),
        ("w", softmax_gradient(&shares, &g.function.shares)),
        ("slope", vec![g.function.slope]),
    ];
    (f.out.to_vec(), grads)
}

fn cases() -> Vec<Reference> {
    let spec = |conv, pool| BlockSpec { conv, pool, eps: 1e-5 };
    let strided = ConvSpec {
        batch: 2,
        height: 7,
        width: 6,
        in_channels: 5,
        out_channels: 10,
        kernel: 3,
        stride: 2,
        padding: 1,
    };
    let shortcut = ConvSpec { kernel: 1, padding: 0, in_channels: 16, out_channels: 19, ..strided };
    vec![
        Reference::new(spec(ConvSpec::same3x3(2, (8, 8), 3, 32), true), true, Activation::PAPER, 1),
        Reference::new(spec(ConvSpec::same3x3(3, (7, 7), 16, 16), true), true, Activation::PAPER, 11),
        Reference::new(spec(ConvSpec::same3x3(3, (7, 5), 16, 16), true), true, &[Activation::Relu], 21),
        Reference::new(spec(ConvSpec::same3x3(2, (6, 6), 16, 32), false), true, &[Activation::Prelu], 31),
        Reference::new(spec(ConvSpec::same3x3(2, (6, 6), 16, 32), true), false, &[Activation::Mish], 41),
        Reference::new(
            spec(strided, false),
            false,
            &[Activation::Gelu, Activation::Tanh, Activation::Prelu],
            51,
        ),
        Reference::new(spec(strided, true), true, &[Activation::Elu], 61),
        Reference::new(spec(ConvSpec::same3x3(2, (5, 6), 16, 16), false), true, Activation::PAPER, 71)
            .with_residual(72),
        Reference::new(spec(strided, false), true, &[Activation::Prelu], 81).with_residual(82).without_bias(),
        Reference::new(spec(strided, false), false, &[Activation::Mish, Activation::Relu], 91)
            .with_residual(92),
        Reference::new(spec(shortcut, false), false, &[Activation::Gelu], 101)
            .with_residual(102)
            .without_bias(),
        Reference::new(spec(shortcut, true), true, &[Activation::Identity], 111).without_bias(),
    ]
}

#[test]
fn outputs_and_gradients_are_those_of_the_definition() {
    let ws = Workspace::new();
    for (case, r) in cases().iter().enumerate() {
        let want = r.forward();
        let dout = normal(99, want.len());
        let (out, grads) = run(&ws, r, &dout, Noise::Mean);
        let error = relative_error(&out, &want);
        assert!(error < 2e-5, "case {case}: output {error}");
        let loss =
            |r: &Reference| -> f64 { r.forward().iter().zip(&dout).map(|(y, d)| y * f64::from(*d)).sum() };
        for (name, got) in &grads {
            fn field<'a>(r: &'a mut Reference, name: &str) -> &'a mut [f64] {
                match name {
                    "x" => &mut r.x,
                    "weight" => &mut r.weight,
                    "bias" => &mut r.bias,
                    "gamma" => &mut r.gamma,
                    "beta" => &mut r.beta,
                    "residual" => &mut r.residual,
                    "w" => &mut r.w,
                    _ => std::slice::from_mut(&mut r.slope),
                }
            }
            if (*name == "gamma" || *name == "beta") && !r.norm {
                assert!(got.is_empty());
                continue;
            }
            let own: Vec<f64> = field(&mut r.clone(), name).to_vec();
            assert_eq!(got.len(), own.len(), "case {case}: {name}");
            if *name == "bias" && r.norm {
                assert!(got.iter().all(|&b| b == 0.0), "a bias before a normalisation has no gradient");
                continue;
            }
            let top = got.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
            for i in (0..got.len()).step_by((got.len() / 6).max(1)) {
                let h = 1e-6;
                let (mut up, mut down) = (r.clone(), r.clone());
                field(&mut up, name)[i] += h;
                field(&mut down, name)[i] -= h;
                let want = (loss(&up) - loss(&down)) / (2.0 * h);
                let error = (f64::from(got[i]) - want).abs() / f64::from(top);
                assert!(error < 2e-4, "case {case}, {name}[{i}]: {} instead of {want}", got[i]);
            }
        }
    }
}

#[test]
fn evaluation_folds_the_running_statistics() {
    let ws = Workspace::new();
    for r in cases() {
        let dout = vec![0.0; r.forward().len()];
        let (x, weight, bias) = (narrow(&r.x), narrow(&r.weight), narrow(&r.bias));
        let (gamma, beta, w) = (narrow(&r.gamma), narrow(&r.beta), narrow(&r.w));
        let shares = softmax(&w);
        let mut function = if w.is_empty() {
            Function::single(&r.candidates[0])
        } else {
            Function::mixture(&r.candidates, &shares)
        };
        function.slope = r.slope as f32;
        let gamma_beta = r.norm.then_some((&gamma[..], &beta[..]));
        let residual = narrow(&r.residual);
        let residual = Some(&residual[..]).filter(|r| !r.is_empty());
        let function = Some(function);
        let params = BlockParams { weight: &weight, bias: &bias, gamma_beta, residual, function };
        // with the batch's statistics as running ones, evaluation is training
        let f = block::forward(&ws, &r.spec, &x, &params);
        let out = block::forward_eval(&ws, &r.spec, &x, &params, &f.mean, &f.var);
        let error = relative_error(&out, &wide(&f.out));
        assert!(out.len() == dout.len() && error < 3e-5, "{error}");
    }
}

#[test]
fn both_passes_draw_the_same_slopes() {
    let ws = Workspace::new();
    // a 1 x 1 convolution with weight 1 hands its input to RReLU
    for pool in [false, true] {
        let conv = ConvSpec {
            batch: 3,
            height: 5,
            width: 6,
            in_channels: 1,
            out_channels: 1,
            kernel: 1,
            stride: 1,
            padding: 0,
        };
        let spec = BlockSpec { conv, pool, eps: 1e-5 };
        let mut r = Reference::new(spec, false, &[Activation::Rrelu], 5);
        r.x.iter_mut().for_each(|x| *x = -x.abs());
        (r.weight, r.bias) = (vec![1.0], vec![0.0]);
        let dout = vec![1.0; spec.out_image() * conv.batch];
        let (out, grads) = run(&ws, &r, &dout, Noise::Random(Stream::new(1, Purpose::Rrelu, 2)));
        // where the gradient is not 0 it is the slope, and slope times x is the output
        let dx = &grads[0].1;
        let mut products: Vec<f32> =
            dx.iter().zip(&r.x).filter(|(d, _)| **d != 0.0).map(|(d, x)| d * *x as f32).collect();
        let mut out = out;
        products.sort_by(f32::total_cmp);
        out.sort_by(f32::total_cmp);
        assert_eq!(products, out);
        assert!(dx.iter().all(|&d| d == 0.0 || (0.125..=0.334).contains(&d)));
    }
}

#[test]
fn the_bits_are_the_same_on_every_path_and_with_any_threads() {
    let ws = Workspace::new();
    let cases = cases();
    same_bits_everywhere(|| {
        let mut all = Vec::new();
        for r in &cases {
            let size = r.spec.out_image() * r.spec.conv.batch;
            let (out, grads) =
                run(&ws, r, &normal(99, size), Noise::Random(Stream::new(1, Purpose::Rrelu, 2)));
            all.push(out);
            all.extend(grads.into_iter().map(|(_, g)| g));
        }
        all
    });
}

#[test]
fn nan_in_a_residual_passes_and_stays_where_it_is() {
    let ws = Workspace::new();
    let mut r = cases().remove(7);
    let place = 37;
    r.residual[place] = f64::NAN;
    let dout = vec![1.0; r.residual.len()];
    let (out, grads) = run(&ws, &r, &dout, Noise::Mean);
    let residual = &grads.iter().find(|(name, _)| *name == "residual").unwrap().1;
    for i in 0..out.len() {
        assert_eq!((out[i].is_nan(), residual[i].is_nan()), (i == place, i == place), "{i}");
    }
}

#[test]
fn nan_passes_normalisation_activation_and_pooling() {
    let ws = Workspace::new();
    let mut r = cases().remove(1);
    r.x[0] = f64::NAN;
    let dout = vec![1.0; r.spec.out_image() * r.spec.conv.batch];
    let (out, _) = run(&ws, &r, &dout, Noise::Mean);
    assert!(out.iter().all(|v| v.is_nan()), "the batch's statistics are NaN, and everything with them");
    r.norm = false;
    let (out, _) = run(&ws, &r, &dout, Noise::Mean);
    assert!(out[0].is_nan() && out.iter().any(|v| !v.is_nan()));
}
