//! The fully connected layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::activation::ActivationLayer;
use crate::init::Init;
use crate::ops;
use crate::pass::Pass;

/// A fully connected layer over the last dimension, in PyTorch's orientation.
#[derive(Module, Debug)]
pub struct Linear {
    /// (outputs, inputs).
    pub weight: Param<Tensor<2>>,
    /// (outputs).
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Creates the layer as PyTorch's `Linear` does: weights and bias uniform within `1 / sqrt(inputs)`.
    pub fn new(inputs: usize, outputs: usize, init: &mut Init<'_>) -> Self {
        let bound = 1.0 / (inputs as f64).sqrt();
        let weight = init.uniform([outputs, inputs], bound);
        Self { weight, bias: Some(init.uniform([outputs], bound)) }
    }

    /// Creates the layer as transformers do: weights normal with a deviation of `std`, the bias 0.
    pub fn normal(inputs: usize, outputs: usize, std: f64, init: &mut Init<'_>) -> Self {
        Self { weight: init.normal([outputs, inputs], std), bias: Some(init.constant([outputs], 0.0)) }
    }

    /// Applies the layer to (..., inputs); gives (..., outputs).
    ///
    /// # Panics
    /// If the last dimension is another.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        ops::linear(x, self.weight.val(), self.bias())
    }

    /// The layer and an activation or mixture in one operation.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn then_act<const D: usize>(&self, x: Tensor<D>, act: &ActivationLayer, pass: &Pass) -> Tensor<D> {
        if pass.records() {
            // What the activation sees is between two parts of the operation.
            return act.forward_in(self.forward(x), pass);
        }
        let device = self.weight.device();
        let training = device.is_autodiff() || x.is_autodiff();
        let (spec, parameters) = act.function_in(pass, training, &device);
        ops::linear_then(x, self.weight.val(), self.bias(), Some((parameters, spec)), None)
    }

    /// The layer and a sum with what went around it in one operation.
    ///
    /// # Panics
    /// As [`forward`](Self::forward), or if the residual has another shape than the result.
    pub fn then_add<const D: usize>(&self, x: Tensor<D>, residual: Tensor<D>) -> Tensor<D> {
        ops::linear_then(x, self.weight.val(), self.bias(), None, Some(residual))
    }

    fn bias(&self) -> Option<Tensor<1>> {
        self.bias.as_ref().map(Param::val)
    }
}
