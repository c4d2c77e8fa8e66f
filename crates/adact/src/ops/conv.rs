//! Convolution alone.

use adact_kernels::ConvSpec;
use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;

use super::flex::FusedOps;
use super::{absent, check_shape, is_fused};

/// Convolution in two dimensions, the same stride and padding in both.
///
/// - `x`: (batch, in channels, height, width);
/// - `weight`: (out channels, in channels, kernel, kernel), a square kernel;
/// - `bias`: (out channels), or none.
///
/// Returns (batch, out channels, height', width') with height' = (height + 2 padding - kernel) / stride + 1.
/// Fastest if the channels of `x` lie last in memory, as in every result of this crate's operations.
///
/// # Panics
/// If the shapes don't fit, the kernel isn't square or larger than the padded image.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let (x, weight) = (Tensor::<4>::ones([1, 2, 5, 5], &device), Tensor::ones([3, 2, 3, 3], &device));
/// let y = adact::ops::conv2d(x, weight, None, 1, 1);
/// assert_eq!(y.dims(), [1, 3, 5, 5]);
/// assert_eq!(y.max().into_scalar::<f32>(), 18.0);
/// ```
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let spec = conv_spec(x.dims(), weight.dims(), stride, padding);
    if let Some(bias) = &bias {
        check_shape("the convolution's bias", bias, [spec.out_channels]);
    }
    if !(is_fused(&x) && is_fused(&weight) && bias.as_ref().is_none_or(is_fused)) {
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        return burn::tensor::module::conv2d(x, weight, bias, options);
    }
    let bias = bias.unwrap_or_else(|| absent(&x.device()));
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(<Dispatch as FusedOps>::conv2d(x, weight, bias, spec))
}

/// The sizes of a convolution.
///
/// # Panics
/// If they don't fit.
pub(super) fn conv_spec(
    [batch, channels, height, width]: [usize; 4],
    [out_channels, in_channels, kernel, kernel_width]: [usize; 4],
    stride: usize,
    padding: usize,
) -> ConvSpec {
    assert_eq!(channels, in_channels, "the image has {channels} channels, the weights are for {in_channels}");
    assert_eq!(kernel, kernel_width, "the kernel is {kernel} x {kernel_width}, not square");
    assert!(stride > 0, "a stride of 0");
    assert!(
        kernel > 0 && height.min(width) + 2 * padding >= kernel,
        "a kernel of {kernel} doesn't fit into {height} x {width} with padding {padding}"
    );
    ConvSpec { batch, height, width, in_channels, out_channels, kernel, stride, padding }
}
