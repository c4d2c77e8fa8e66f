//! A step of AdamW.

use adact_kernels::adamw::AdamW;
use adact_kernels::clip;
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Float, Tensor};

use super::fused::is_fused;
use super::layout::Arranged;

/// Updates a parameter and its moments for its gradient, at step `t` from 1, in place where nobody shares them. None of
/// them carries autodiff.
pub(crate) fn adamw<const D: usize>(
    config: &AdamW,
    t: u64,
    [parameter, gradient, first, second]: [Tensor<D>; 4],
) -> [Tensor<D>; 3] {
    let tensors = [&parameter, &gradient, &first, &second];
    if tensors.iter().any(|tensor| !is_fused(tensor)) {
        return composed(config, t, [parameter, gradient, first, second]);
    }
    let (mut first, mut second) = (row_major(first), row_major(second));
    let parameter = in_place(parameter, gradient, |parameter, gradient| {
        config.step(t, parameter, gradient, first.storage_mut(), second.storage_mut());
    });
    [parameter, Tensor::from_primitive::<Flex>(first), Tensor::from_primitive::<Flex>(second)]
}

/// Changes the values of a parameter for those of its gradient, both in row-major order; in place where nobody shares
/// them. The gradient may change too: nobody sees it again. Neither carries autodiff, and both are of Burn's Flex backend.
pub(crate) fn in_place<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    step: impl FnOnce(&mut [f32], &mut [f32]),
) -> Tensor<D> {
    let (mut parameter, mut gradient) = (row_major(parameter), row_major(gradient));
    step(parameter.storage_mut(), gradient.storage_mut());
    Tensor::<D, Float>::from_primitive::<Flex>(parameter)
}

/// The sum of the squares of a gradient, which carries no autodiff and is of Burn's Flex backend.
pub(crate) fn sum_of_squares<const D: usize>(gradient: Tensor<D>) -> f64 {
    clip::sum_of_squares(row_major(gradient).storage())
}

/// The tensor with its elements in order in its buffer, and no others.
fn row_major<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    let tensor = tensor.try_into_primitive::<Flex>();
    Arranged::row_major(tensor.expect("a tensor of the Flex backend without autodiff")).into_tensor()
}

fn composed<const D: usize>(
    config: &AdamW,
    t: u64,
    [parameter, gradient, first, second]: [Tensor<D>; 4],
) -> [Tensor<D>; 3] {
    let first = first * config.beta1 + gradient.clone() * (1.0 - config.beta1);
    let second = second * config.beta2 + gradient.square() * (1.0 - config.beta2);
    let [correct_first, correct_second] = config.corrections(t);
    let root = (second.clone() / correct_second).sqrt() + config.eps;
    let update = first.clone() / root * (config.lr / correct_first);
    [parameter * (1.0 - config.lr * config.weight_decay) - update, first, second]
}
