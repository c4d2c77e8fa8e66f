//! The function composed of Burn's own operations: for backends and element types without a fused kernel.

use adact_kernels::{Activation, Function, Noise, elementwise};
use burn::tensor::activation::{gelu, sigmoid, softmax};
use burn::tensor::{Tensor, TensorData};

use super::{FunctionSpec, FunctionTensors, SharesFrom};

/// See [`super::function()`].
pub(super) fn function<const D: usize>(
    x: Tensor<D>,
    parameters: FunctionTensors,
    spec: &FunctionSpec,
) -> Tensor<D> {
    let slope = parameters.slope;
    let Some(from) = spec.shares else {
        return candidate(spec.candidates[0], x, &slope, spec);
    };
    let candidates = spec.candidates.len();
    let rows = parameters.w.dims()[0] / candidates;
    let shares = parameters.w.cast(x.dtype()).reshape([rows, candidates]);
    let shares = match from {
        SharesFrom::Softmax => softmax(shares, 1),
        SharesFrom::Given => shares,
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
        Activation::Elu => {
            // Bounded above, so that the side that the mask drops cannot overflow in its gradient.
            let below = (x.clone().clamp_max(0.0).exp() - 1.0) * constants.alpha;
            x.mask_where(negative, below)
        }
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
    }
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
