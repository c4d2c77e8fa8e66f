//! A step of AdamW.

use adact_kernels::adamw::AdamW;
use burn::backend::Flex;
use burn::tensor::Tensor;

use super::fused::is_fused;
use super::in_place::{in_place, row_major};

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
