//! A step of AdamW.

use adact_kernels::adamw::AdamW;
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Float, Tensor};

use super::is_fused;
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
    let parameter = adamw_in_place(config, t, parameter, gradient, first.storage_mut(), second.storage_mut());
    [parameter, Tensor::from_primitive::<Flex>(first), Tensor::from_primitive::<Flex>(second)]
}

/// As [`adamw()`] on Burn's Flex backend, the moments in the parameter's row-major order.
pub(crate) fn adamw_in_place<const D: usize>(
    config: &AdamW,
    t: u64,
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    first: &mut [f32],
    second: &mut [f32],
) -> Tensor<D> {
    let (mut parameter, gradient) = (row_major(parameter), row_major(gradient));
    config.step(t, parameter.storage_mut(), gradient.storage(), first, second);
    Tensor::<D, Float>::from_primitive::<Flex>(parameter)
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
