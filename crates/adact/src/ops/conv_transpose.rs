//! Transposed convolution whose stride is its kernel.

use burn::tensor::Tensor;
use burn::tensor::ops::ConvTransposeOptions;

use super::check_shape;

/// Every pixel times the weights becomes a square of its own.
///
/// - `x`: (batch, in channels, height, width);
/// - `weight`: (in channels, out channels, kernel, kernel);
/// - `bias`: (out channels).
///
/// Returns (batch, out channels, kernel height, kernel width).
///
/// # Panics
/// If the shapes don't fit.
pub(crate) fn conv_transpose(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    let [inputs, outputs, kernel, _] = weight.dims();
    check_shape("the transposed convolution's weight", &weight, [x.dims()[1], outputs, kernel, kernel]);
    check_shape("the transposed convolution's bias", &bias, [outputs]);
    debug_assert_eq!(inputs, x.dims()[1]);
    let options = ConvTransposeOptions::new([kernel; 2], [0; 2], [0; 2], [1; 2], 1);
    burn::tensor::module::conv_transpose2d(x, weight, Some(bias), options)
}
