//! The linear layer and what follows it, against f64 and finite differences.

mod common;

use adact_kernels::linear::{self, LinearParams};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{
    Activation, Function, FunctionGrads, Noise, Precision, Workspace, elementwise, softmax, softmax_gradient,
};

use common::*;

/// Rows, inputs, outputs: one tile, odd ones, a classifier, several steps of the depth, several tasks and chunks.
const SHAPES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [64, 1024, 10],
    [3, 7, 1],
    [16, 2304, 7],
    [5, 33, 40],
    [65, 17, 65],
    [97, 300, 130],
    [7, 129, 515],
    [700, 20, 36],
];

/// The product with its bias, in f64.
/// In `f32`.
fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

fn product([rows, inputs, outputs]: [usize; 3], x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f64> {
    let at = |r: usize, o: usize| -> f64 {
        let products = (0..inputs).map(|i| f64::from(x[r * inputs + i]) * f64::from(w[o * inputs + i]));
        f64::from(bias[o]) + products.sum::<f64>()
    };
    (0..rows * outputs).map(|i| at(i / outputs, i % outputs)).collect()
}

/// The gradients of the input, the weights and the bias for `dz`, in f64.
fn gradients([rows, inputs, outputs]: [usize; 3], x: &[f32], w: &[f32], dz: &[f32]) -> [Vec<f64>; 3] {
    let sum = |n: usize, f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
    let product = |a: f32, b: f32| f64::from(a) * f64::from(b);
    let dx = (0..rows * inputs)
        .map(|k| sum(outputs, &|o| product(dz[k / inputs * outputs + o], w[o * inputs + k % inputs])));
    let dw = (0..outputs * inputs)
        .map(|k| sum(rows, &|r| product(dz[r * outputs + k / inputs], x[r * inputs + k % inputs])));
    let db = (0..outputs).map(|o| sum(rows, &|r| f64::from(dz[r * outputs + o])));
    [dx.collect(), dw.collect(), db.collect()]
}

/// Numbers for a shape: input, weights, bias, residual, the output's gradient.
fn numbers([rows, inputs, outputs]: [usize; 3]) -> [Vec<f32>; 5] {
    let scale = 1.0 / (inputs as f32).sqrt();
    let weight = normal(2, outputs * inputs).iter().map(|w| w * scale).collect();
    [
        normal(1, rows * inputs),
        weight,
        normal(3, outputs),
        normal(4, rows * outputs),
        normal(5, rows * outputs),
    ]
}

#[test]
fn the_layer_alone() {
    for precision in [Precision::F32, Precision::Bf16] {
        SHAPES.into_iter().for_each(|shape| alone(shape, precision));
    }
}

/// What a product takes of its operands.
fn operand(precision: Precision, values: &[f32]) -> Vec<f32> {
    match precision {
        Precision::F32 => values.to_vec(),
        Precision::Bf16 => values.iter().map(|&v| half::bf16::from_f32(v).to_f32()).collect(),
    }
}

fn alone(shape: [usize; 3], precision: Precision) {
    let ws = Workspace::new();
    {
        let [x, weight, bias, residual, dy] = numbers(shape);
        let [of_x, of_weight, of_dy] = [&x, &weight, &dy].map(|values| operand(precision, values));
        let [_, inputs, outputs] = shape;
        let params =
            LinearParams { inputs, outputs, weight: &weight, bias: Some(&bias), function: None, precision };
        let want = product(shape, &of_x, &of_weight, &bias);
        let got = linear::forward(&ws, &params, &x, None);
        assert!(got.z.is_none());
        assert!(relative_error(&got.y, &want) < 2e-6, "{shape:?}");
        assert_eq!(got.y[..], linear::forward_eval(&ws, &params, &x, None)[..]);
        let with_residual: Vec<f32> = got.y.iter().zip(&residual).map(|(y, r)| y + r).collect();
        assert_eq!(linear::forward(&ws, &params, &x, Some(&residual)).y[..], with_residual[..]);
        assert_eq!(linear::forward_eval(&ws, &params, &x, Some(&residual))[..], with_residual[..]);

        let got = linear::backward(&ws, &params, &x, None, &dy, true);
        let [dx, dw, _] = gradients(shape, &of_x, &of_weight, &of_dy);
        // Sums of gradients are not products: nothing is rounded.
        let [_, _, db] = gradients(shape, &x, &weight, &dy);
        assert!(relative_error(&got.dx.unwrap(), &dx) < 2e-6, "{shape:?}");
        assert!(relative_error(&got.weight, &dw) < 2e-6, "{shape:?}");
        assert!(relative_error(&got.bias.unwrap(), &db) < 2e-6, "{shape:?}");
        assert_eq!(got.function, FunctionGrads::default());

        let params = LinearParams { bias: None, ..params };
        let want = product(shape, &of_x, &of_weight, &vec![0.0; outputs]);
        assert!(relative_error(&linear::forward_eval(&ws, &params, &x, None), &want) < 2e-6);
        let got = linear::backward(&ws, &params, &x, None, &dy, false);
        assert!(got.dx.is_none() && got.bias.is_none());
        assert!(relative_error(&got.weight, &dw) < 2e-6);
    }
}

/// Every activation alone, and mixtures of the paper's and of all.
fn each_function(noise: Noise, check: impl Fn(&Function<'_>)) {
    for activation in Activation::ALL {
        check(&Function::single(activation).with_noise(noise));
    }
    let w = normal(9, Activation::ALL.len());
    for candidates in [Activation::PAPER, Activation::ALL] {
        check(&Function::mixture(candidates, &softmax(&w[..candidates.len()])).with_noise(noise));
    }
}

/// The function in one pass gives what the function of the product gives in a pass of its own, and so do the gradients.
#[test]
fn the_function_is_that_of_the_product() {
    let ws = Workspace::new();
    for noise in [Noise::Mean, Noise::Random(Stream::new(3, Purpose::Rrelu, 1))] {
        each_function(noise, |f| {
            for shape in SHAPES {
                let [x, weight, bias, residual, dy] = numbers(shape);
                let [_, inputs, outputs] = shape;
                let plain = LinearParams {
                    inputs,
                    outputs,
                    weight: &weight,
                    bias: Some(&bias),
                    function: None,
                    precision: Precision::F32,
                };
                let params = LinearParams { function: Some(*f), ..plain };
                let z = linear::forward(&ws, &plain, &x, None).y;
                let mut y = vec![0.0; z.len()];
                elementwise::forward(f, &z, &mut y);
                let got = linear::forward(&ws, &params, &x, None);
                assert_eq!(got.y[..], y[..], "{shape:?} {:?}", f.candidates);
                assert_eq!(got.z.unwrap()[..], z[..]);
                y.iter_mut().zip(&residual).for_each(|(y, r)| *y += r);
                assert_eq!(linear::forward(&ws, &params, &x, Some(&residual)).y[..], y[..]);
                assert_eq!(linear::forward_eval(&ws, &params, &x, Some(&residual))[..], y[..]);

                let mut dz = vec![0.0; z.len()];
                let own = elementwise::backward(f, &z, &dy, &mut dz);
                let got = linear::backward(&ws, &params, &x, Some(&z), &dy, true);
                let want = linear::backward(&ws, &plain, &x, None, &dz, true);
                assert_eq!(got.dx.unwrap()[..], want.dx.unwrap()[..]);
                assert_eq!(got.weight[..], want.weight[..]);
                assert_eq!(got.bias, want.bias);
                // sums in another order
                let own64: Vec<f64> = own.shares.iter().copied().chain([own.slope.into()]).collect();
                let mut shares = narrow(&got.function.shares);
                shares.push(got.function.slope);
                let got = shares;
                let top = dy.len() as f64;
                for (got, want) in got.iter().zip(own64) {
                    assert!((f64::from(*got) - want).abs() < 1e-6 * top, "{shape:?}: {got} is not {want}");
                }
            }
        });
    }
}

/// The whole layer by its definition in f64: the sum of the outputs, each times its weight.
#[test]
fn gradients_are_those_of_finite_differences() {
    let ws = Workspace::new();
    let shape @ [_, inputs, outputs] = [7, 5, 17];
    let [x, weight, bias, residual, dy] = numbers(shape);
    let candidates = [Activation::Gelu, Activation::Silu, Activation::Mish, Activation::Prelu];
    let (w, slope) = ([0.3, -0.2, 0.1, 0.4], 0.3f32);
    let value = |x: &[f64], weight: &[f64], bias: &[f64], w: &[f64], slope: f64| -> f64 {
        let sum: f64 = w.iter().map(|w| w.exp()).sum();
        let mut total = 0.0;
        for (r, x) in x.chunks(inputs).enumerate() {
            for o in 0..outputs {
                let row = &weight[o * inputs..][..inputs];
                let z = bias[o] + x.iter().zip(row).map(|(x, w)| x * w).sum::<f64>();
                let f = [
                    z * 0.5 * (1.0 + libm::erf(z / 2f64.sqrt())),
                    z / (1.0 + (-z).exp()),
                    z * z.exp().ln_1p().tanh(),
                    if z > 0.0 { z } else { slope * z },
                ];
                let y: f64 = f.iter().zip(w).map(|(f, w)| f * w.exp() / sum).sum();
                let i = r * outputs + o;
                total += f64::from(dy[i]) * (y + f64::from(residual[i]));
            }
        }
        total
    };
    let shares = softmax(&w);
    let mut function = Function::mixture(&candidates, &shares);
    function.slope = slope;
    let params = LinearParams {
        inputs,
        outputs,
        weight: &weight,
        bias: Some(&bias),
        function: Some(function),
        precision: Precision::F32,
    };
    let forward = linear::forward(&ws, &params, &x, Some(&residual));
    let weighted: f64 = forward.y.iter().zip(&dy).map(|(y, d)| f64::from(*y) * f64::from(*d)).sum();
    let (x64, weight64, bias64, w64) = (wide(&x), wide(&weight), wide(&bias), wide(&w));
    assert!((weighted - value(&x64, &weight64, &bias64, &w64, f64::from(slope))).abs() < 1e-4);
    let grads = linear::backward(&ws, &params, &x, forward.z.as_deref(), &dy, true);
    let check = |got: &[f32], at: &[f64], f: &dyn Fn(&[f64]) -> f64| {
        for i in 0..at.len() {
            let near = |d: f64| {
                let mut at = at.to_vec();
                at[i] += d;
                f(&at)
            };
            let want = (near(1e-5) - near(-1e-5)) / 2e-5;
            assert!(
                (f64::from(got[i]) - want).abs() < 2e-5 * want.abs().max(1.0),
                "{} is not {want}",
                got[i]
            );
        }
    };
    let slope = f64::from(slope);
    check(&grads.dx.unwrap(), &x64, &|x| value(x, &weight64, &bias64, &w64, slope));
    check(&grads.weight, &weight64, &|weight| value(&x64, weight, &bias64, &w64, slope));
    check(&grads.bias.unwrap(), &bias64, &|bias| value(&x64, &weight64, bias, &w64, slope));
    check(&softmax_gradient(&shares, &grads.function.shares), &w64, &|w| {
        value(&x64, &weight64, &bias64, w, slope)
    });
    check(&[grads.function.slope], &[slope], &|s| value(&x64, &weight64, &bias64, &w64, s[0]));
}

#[test]
fn hard_inputs_and_nan() {
    let ws = Workspace::new();
    let shares = [1.0 / 7.0; 7];
    let function = Some(Function::mixture(Activation::PAPER, &shares));
    let params = LinearParams {
        inputs: 1,
        outputs: 2,
        weight: &[1.0, -1.0],
        bias: Some(&[0.0; 2]),
        function,
        precision: Precision::F32,
    };
    let got = linear::forward(&ws, &params, &HARD, None);
    let plain = LinearParams { function: None, ..params };
    let want = product([HARD.len(), 1, 2], &HARD, params.weight, &[0.0; 2]);
    assert!(relative_error(&linear::forward_eval(&ws, &plain, &HARD, None), &want) < 1e-7);
    assert!(got.y.iter().all(|y| y.is_finite()));
    let grads = linear::backward(&ws, &params, &HARD, got.z.as_deref(), &[1.0; 32], true);
    assert!(grads.dx.unwrap().iter().chain(&grads.weight[..]).all(|d| d.is_finite()));
    // NaN reaches its row's outputs and no other; its gradients reach the weights
    let x = [1.0, f32::NAN, 2.0];
    let got = linear::forward(&ws, &params, &x, None);
    assert!(got.y.iter().map(|y| y.is_nan()).eq([false, false, true, true, false, false]));
    let grads = linear::backward(&ws, &params, &x, got.z.as_deref(), &[1.0; 6], true);
    assert!(grads.weight.iter().all(|d| d.is_nan()) && grads.function.shares.iter().all(|d| d.is_nan()));
}

#[test]
fn the_same_bits_everywhere() {
    let ws = Workspace::new();
    let shares = softmax(&normal(9, 7));
    let noise = Noise::Random(Stream::new(1, Purpose::Rrelu, 0));
    let function = Some(Function::mixture(Activation::PAPER, &shares).with_noise(noise));
    let shapes = [[64, 1024, 10], [300, 130, 100], [97, 300, 65], [700, 17, 36]];
    let both = [Precision::F32, Precision::Bf16];
    for (shape, precision) in shapes.into_iter().flat_map(|shape| both.map(|precision| (shape, precision))) {
        let [_, inputs, outputs] = shape;
        let [x, weight, bias, residual, dy] = numbers(shape);
        let params =
            LinearParams { inputs, outputs, weight: &weight, bias: Some(&bias), function, precision };
        same_bits_everywhere(|| {
            let f = linear::forward(&ws, &params, &x, Some(&residual));
            let g = linear::backward(&ws, &params, &x, f.z.as_deref(), &dy, true);
            let buffers = [f.y, f.z.unwrap(), g.dx.unwrap(), g.weight];
            let mut all: Vec<Vec<f32>> = buffers.iter().map(|b| b.to_vec()).collect();
            all.extend([g.bias.unwrap(), narrow(&g.function.shares), vec![g.function.slope]]);
            all
        });
    }
}

/// Numbers that bf16 has no place for, and what is no number, reach what they should and nothing else.
#[test]
fn hard_operands_in_bf16() {
    let ws = Workspace::new();
    let params = LinearParams {
        inputs: 2,
        outputs: 1,
        weight: &[1.0, 1.0],
        bias: None,
        function: None,
        precision: Precision::Bf16,
    };
    let of = |a: f32, b: f32| linear::forward_eval(&ws, &params, &[a, b], None)[0];
    assert_eq!(of(1.0, 2.0), 3.0);
    assert_eq!(of(1.0 + 1.0 / 512.0, 0.0), 1.0, "half way is rounded to even");
    assert_eq!(of(3.0 / 512.0 + 1.0, 0.0), 1.0 + 1.0 / 128.0);
    assert_eq!(of(1e-39, -1e-39), 0.0, "subnormal numbers are zeros");
    assert_eq!(of(f32::MAX, 0.0), f32::INFINITY, "the largest numbers are rounded up");
    assert!(of(f32::INFINITY, f32::NEG_INFINITY).is_nan() && of(f32::NAN, 0.0).is_nan());
    // The pair's upper product is added first: what it leaves of 2^-30 is nothing.
    let big = f32::exp2(30.0);
    assert_eq!(of(1.0, big) - big, 0.0);
}
