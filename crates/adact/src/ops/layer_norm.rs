//! Layer norm.

use std::sync::Arc;

use adact_kernels::Buffer;
use adact_kernels::layer_norm::{self, Forward};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::buffer::{WORKSPACE, vector};
use super::check_shape;
use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;

/// Layer norm over the last dimension: `(x - mean) / sqrt(variance + eps) weight + bias`, the variance biased.
///
/// # Panics
/// If weight or bias are not as long as the last dimension.
pub(crate) fn layer_norm<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f32,
) -> Tensor<D> {
    let dim = x.dims()[D - 1];
    check_shape("layer norm's weight", &weight, [dim]);
    check_shape("layer norm's bias", &bias, [dim]);
    if !(is_fused(&x) && is_fused(&weight) && is_fused(&bias)) {
        let centered = x.clone() - x.mean_dim(D - 1);
        let variance = centered.clone().square().mean_dim(D - 1);
        return centered / (variance + eps).sqrt() * weight.unsqueeze() + bias.unsqueeze();
    }
    fused::run([x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()], Arc::new(LayerNorm { eps }))
}

struct LayerNorm {
    eps: f32,
}

/// What the gradient needs: the input, the scale, and each row's mean and inverse deviation.
struct Saved {
    x: Arranged,
    weight: Arranged,
    mean: Buffer,
    rstd: Buffer,
}

impl Operation<3> for LayerNorm {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3], keep: bool) -> (FlexTensor, Option<Saved>) {
        let [x, weight, bias] = [x, weight, bias].map(Arranged::row_major);
        let Forward { y, mean, rstd } =
            layer_norm::forward(&WORKSPACE, x.values(), weight.values(), bias.values(), self.eps);
        (x.like(y), keep.then_some(Saved { x, weight, mean, rstd }))
    }

    fn backward(&self, saved: &Saved, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let Saved { x, weight, mean, rstd } = saved;
        let dy = Arranged::row_major(dy);
        let own = layer_norm::backward(&WORKSPACE, x.values(), weight.values(), mean, rstd, dy.values());
        [Some(x.like(own.dx)), Some(vector(own.gamma)), Some(vector(own.beta))]
    }
}
