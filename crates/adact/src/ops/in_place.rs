//! What changes a parameter where it lies.

use adact_kernels::clip;
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Float, Tensor};

use super::layout::Arranged;

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
pub(super) fn row_major<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    let tensor = tensor.try_into_primitive::<Flex>();
    Arranged::row_major(tensor.expect("a tensor of the Flex backend without autodiff")).into_tensor()
}
