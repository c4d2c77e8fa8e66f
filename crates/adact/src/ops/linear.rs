//! The fully connected layer.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::flex::FusedOps;
use super::{check_shape, is_fused};

/// A fully connected layer over everything but the batch: `flatten(x) weight^T + bias`.
///
/// - `x`: (batch, ...), any rank from 2;
/// - `weight`: (outputs, inputs), PyTorch's orientation, inputs in the row-major order of `x`'s axes;
/// - `bias`: (outputs).
///
/// Images whose channels lie last in memory are not copied: the weights are read in their order instead.
///
/// # Panics
/// If the shapes don't fit.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let (x, weight) = (Tensor::<4>::ones([8, 3, 2, 2], &device), Tensor::ones([10, 12], &device));
/// assert_eq!(adact::ops::linear(x, weight, Tensor::zeros([10], &device)).dims(), [8, 10]);
/// ```
pub fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    let batch = x.shape()[0];
    let inputs: usize = x.shape().iter().skip(1).product();
    let outputs = weight.dims()[0];
    check_shape("the linear layer's weight", &weight, [outputs, inputs]);
    check_shape("the linear layer's bias", &bias, [outputs]);
    if !(is_fused(&x) && is_fused(&weight) && is_fused(&bias)) {
        return x.reshape([batch, inputs]).matmul(weight.transpose()) + bias.unsqueeze();
    }
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(<Dispatch as FusedOps>::linear(x, weight, bias))
}
