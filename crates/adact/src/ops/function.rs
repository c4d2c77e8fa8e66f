//! A function applied to every element: one activation or a mixture.

use std::sync::Arc;

use adact_kernels::{Activation, Constants, Function, Noise};
use burn::backend::Dispatch;
use burn::tensor::{Device, Tensor};

use super::flex::FusedOps;
use super::{check_shape, compose, is_fused};

/// What of a function is not a tensor.
#[derive(Clone, Debug)]
pub(crate) struct FunctionSpec {
    /// The candidates of the mixture, or the one activation.
    pub candidates: Arc<[Activation]>,
    /// Whether it is a mixture.
    pub is_mixture: bool,
    /// The constants of the candidates.
    pub constants: Constants,
    /// Where RReLU's slopes come from.
    pub noise: Noise,
}

/// The parameters of a function. What a function doesn't have is a tensor without elements.
#[derive(Clone, Debug)]
pub(crate) struct FunctionTensors {
    /// The raw weights of a mixture.
    pub w: Tensor<1>,
    /// PReLU's slope, one element.
    pub slope: Tensor<1>,
}

impl FunctionSpec {
    /// The function with the values of its parameters.
    pub fn bind<'a>(&'a self, w: &'a [f32], slope: &[f32]) -> Function<'a> {
        Function {
            candidates: &self.candidates,
            mixture: self.is_mixture.then_some(w),
            slope: slope.first().copied().unwrap_or(0.0),
            constants: self.constants,
            noise: self.noise,
        }
    }
}

impl FunctionTensors {
    /// Checks that there is one weight for each candidate of a mixture, and a slope where PReLU is one.
    ///
    /// # Panics
    /// If not.
    pub fn check(&self, spec: &FunctionSpec) {
        if spec.is_mixture {
            check_shape("the mixture's w", &self.w, [spec.candidates.len()]);
        }
        if spec.candidates.iter().any(|candidate| candidate.learns_slope()) {
            check_shape("PReLU's slope", &self.slope, [1]);
        }
    }
}

/// A parameter that a function doesn't have.
pub(crate) fn absent(device: &Device) -> Tensor<1> {
    Tensor::empty([0], device)
}

/// Applies a function to every element of a tensor of any rank.
///
/// # Panics
/// If the parameters are not those of the function.
pub(crate) fn function<const D: usize>(
    x: Tensor<D>,
    parameters: FunctionTensors,
    spec: FunctionSpec,
) -> Tensor<D> {
    parameters.check(&spec);
    let FunctionTensors { w, slope } = parameters;
    if !(is_fused(&x) && is_fused(&w) && is_fused(&slope)) {
        return compose::function(x, FunctionTensors { w, slope }, &spec);
    }
    let (x, w, slope) = (x.into_dispatch(), w.into_dispatch(), slope.into_dispatch());
    Tensor::from_dispatch(<Dispatch as FusedOps>::function(x, w, slope, spec))
}
