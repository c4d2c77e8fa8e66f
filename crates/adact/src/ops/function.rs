//! A function applied to every element: one activation or a mixture.

use std::sync::Arc;

use adact_kernels::{Activation, Constants, Function, Noise, elementwise};
use burn::backend::flex::FlexTensor;
use burn::tensor::{Device, Tensor};

use super::buffer::{WORKSPACE, vector};
use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;
use super::{check_shape, compose};

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
    /// The function that changes nothing.
    pub fn identity() -> Self {
        Self {
            candidates: [Activation::Identity].into(),
            is_mixture: false,
            constants: Constants::default(),
            noise: Noise::Mean,
        }
    }

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
    /// Those of a function without parameters.
    pub fn none(device: &Device) -> Self {
        Self { w: absent(device), slope: absent(device) }
    }

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

    /// Whether the kernels serve them.
    pub fn is_fused(&self) -> bool {
        is_fused(&self.w) && is_fused(&self.slope)
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
    if !(is_fused(&x) && parameters.is_fused()) {
        return compose::function(x, parameters, &spec);
    }
    let inputs = [x.into_dispatch(), parameters.w.into_dispatch(), parameters.slope.into_dispatch()];
    fused::run(inputs, Arc::new(Apply(spec)))
}

/// The operation: `x`, `w` and the slope to `f(x)`.
struct Apply(FunctionSpec);

impl Operation<3> for Apply {
    type Saved = [Arranged; 3];

    fn forward(&self, [x, w, slope]: [FlexTensor; 3], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let x = Arranged::as_it_lies(x);
        let (w, slope) = (Arranged::row_major(w), Arranged::row_major(slope));
        let mut y = WORKSPACE.take(x.values().len());
        elementwise::forward(&self.0.bind(w.values(), slope.values()), x.values(), &mut y);
        (x.like(y), keep.then_some([x, w, slope]))
    }

    fn backward(&self, [x, w, slope]: &Self::Saved, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let dy = x.arrange(dy);
        let mut dx = WORKSPACE.take(x.values().len());
        let function = self.0.bind(w.values(), slope.values());
        let own = elementwise::backward(&function, x.values(), dy.values(), &mut dx);
        [Some(x.like(dx)), Some(vector(own.w)), Some(vector(vec![own.slope]))]
    }
}
