//! The function composed of Burn's own operations: for backends and element types without a fused kernel.

use adact_kernels::{Activation, Function, Noise, elementwise};
use burn::tensor::activation::{gelu, sigmoid, softmax};
use burn::tensor::{Bool, Tensor, TensorData};

use super::{FunctionSpec, FunctionTensors};
use crate::activation::Gate;

/// See [`super::function()`].
pub(super) fn function<const D: usize>(
    x: Tensor<D>,
    parameters: FunctionTensors,
    spec: &FunctionSpec,
) -> Tensor<D> {
    let slope = parameters.slope;
    let Some(gate) = spec.gate else {
        return candidate(spec.candidates[0], x, &slope, spec);
    };
    let candidates = spec.candidates.len();
    let rows = parameters.w.dims()[0] / candidates;
    let shares = parameters.w.cast(x.dtype()).reshape([rows, candidates]);
    let shares = match gate {
        Gate::Softmax => softmax(shares, 1),
        Gate::Sigmoid => sigmoid(shares),
        Gate::Linear => shares,
    };
    let terms = spec.candidates.iter().enumerate().map(|(i, &activation)| {
        let share = shares.clone().narrow(1, i, 1).reshape(spec.parameter_shape::<D>());
        candidate(activation, x.clone(), &slope, spec) * share
    });
    terms.reduce(|sum, term| sum + term).expect("a mixture has one candidate at least")
}

/// One activation. NaN stays NaN, in values and in gradients: masks keep what compares as false.
fn candidate<const D: usize>(
    activation: Activation,
    x: Tensor<D>,
    slope: &Tensor<1>,
    spec: &FunctionSpec,
) -> Tensor<D> {
    let negative = x.clone().lower_equal_scalar(0.0);
    let constants = &spec.constants;
    match activation {
        Activation::Relu => x.mask_fill(negative, 0.0),
        Activation::Elu => elu(x, negative, constants.alpha),
        Activation::LeakyRelu => x.clone().mask_where(negative, x * constants.negative_slope),
        Activation::Prelu => {
            let slope = slope.clone().cast(x.dtype()).reshape(spec.parameter_shape::<D>());
            x.clone().mask_where(negative, x * slope)
        }
        Activation::Rrelu => {
            let slopes = rrelu_slopes(&x, spec);
            x.clone().mask_where(negative, x * slopes)
        }
        Activation::Silu => x.clone() * sigmoid(x),
        Activation::Mish => {
            // tanh(ln(1 + e)) = n / (n + 2) with n = e (e + 2); above 20 it is 1 in any precision here.
            let e = x.clone().clamp_max(20.0).exp();
            let n = e.clone() * (e + 2.0);
            x * (n.clone() / (n + 2.0))
        }
        Activation::Gelu => gelu(x),
        Activation::Hardswish => x.clone() * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Tanh => x.tanh(),
        Activation::Identity => x,
        Activation::GeluTanh => {
            let z = (x.clone().powi_scalar(2) * 0.044_715 + 1.0) * x.clone() * 1.595_769_121_605_730_7;
            // Beyond 40 the sigmoid is 0 or 1, and its gradient stays finite.
            x * sigmoid(z.clamp(-40.0, 40.0))
        }
        Activation::Sigmoid => sigmoid(x),
        Activation::Softplus => x.clone().clamp_min(0.0) + log(x),
        Activation::Selu => elu(x, negative, 1.673_263_242_354_377_2) * 1.050_700_987_355_480_5,
        Activation::Celu => elu(x, negative, 1.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Hardtanh => x.clamp(-1.0, 1.0),
        Activation::Softsign => x.clone() / (x.abs() + 1.0),
        Activation::Logsigmoid => x.clone().clamp_max(0.0) - log(x),
        Activation::Hardsigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Tanhshrink => x.clone() - x.tanh(),
        Activation::Softshrink => x.clone() - x.clamp(-0.5, 0.5),
        Activation::Hardshrink => {
            let inside = x.clone().abs().lower_equal_scalar(0.5);
            x.mask_fill(inside, 0.0)
        }
        Activation::SquaredRelu => x.mask_fill(negative, 0.0).powi_scalar(2),
        Activation::StarRelu => x.mask_fill(negative, 0.0).powi_scalar(2) * 0.8944 - 0.4472,
        Activation::Snake => x.clone() + angle(x).sin().powi_scalar(2),
        Activation::Sine => angle(x).sin(),
        Activation::Gaussian => x.clamp(-40.0, 40.0).powi_scalar(2).neg().exp(),
    }
}

/// ELU, whose inputs at or below 0 are marked.
fn elu<const D: usize>(x: Tensor<D>, negative: Tensor<D, Bool>, alpha: f64) -> Tensor<D> {
    // Bounded above, so that the side that the mask drops cannot overflow in its gradient.
    let below = (x.clone().clamp_max(0.0).exp() - 1.0) * alpha;
    x.mask_where(negative, below)
}

/// ln(1 + exp(-|x|)).
fn log<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.abs().neg().exp().log1p()
}

/// What a sine is taken of: the fused kernel's bounds.
fn angle<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clamp(-32_768.0, 32_768.0)
}

/// The slopes that the fused kernel draws: RReLU of -1 is the negative of its slope.
fn rrelu_slopes<const D: usize>(x: &Tensor<D>, spec: &FunctionSpec) -> Tensor<D> {
    let shape = match spec.noise {
        Noise::Mean => [1; D].into(),
        Noise::Random(_) => x.shape(),
    };
    let ones = vec![-1.0; shape.num_elements()];
    let mut slopes = vec![0.0; ones.len()];
    let rrelu =
        Function { constants: spec.constants, noise: spec.noise, ..Function::single(&Activation::Rrelu) };
    elementwise::forward(&rrelu, &ones, &mut slopes);
    Tensor::<D>::from_data(TensorData::new(slopes, shape), &x.device()).cast(x.dtype()).neg()
}
