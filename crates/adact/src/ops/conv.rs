//! Convolution alone.

use std::sync::Arc;

use adact_kernels::{ConvSpec, conv};
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;

use super::buffer::{WORKSPACE, vector};
use super::fused::{self, Operation, is_fused};
use super::layout::{Arranged, CHANNELS_LAST, from_channels_last};
use super::{absent, check_shape};

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
    fused::run([x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()], Arc::new(Convolve(spec)))
}

/// The operation: images, weight and bias (without elements: none).
struct Convolve(ConvSpec);

impl Operation<3> for Convolve {
    /// The images and the weight.
    type Saved = [Arranged; 2];

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let spec = &self.0;
        let (x, weight) = (Arranged::new(x, &CHANNELS_LAST), Arranged::row_major(weight));
        let bias = Arranged::row_major(bias);
        let bias = Some(bias.values()).filter(|b| !b.is_empty());
        let y = conv::forward(&WORKSPACE, spec, x.values(), weight.values(), bias);
        let y = from_channels_last(y, spec.batch, [spec.out_height(), spec.out_width(), spec.out_channels]);
        (y, keep.then_some([x, weight]))
    }

    fn backward(
        &self,
        [x, weight]: &Self::Saved,
        dy: FlexTensor,
        [need_dx, ..]: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        let spec = &self.0;
        let dy = Arranged::new(dy, &CHANNELS_LAST);
        let own = conv::backward(&WORKSPACE, spec, x.values(), weight.values(), dy.values(), need_dx);
        let dims = [spec.height, spec.width, spec.in_channels];
        let dx = own.dx.map(|dx| from_channels_last(dx, spec.batch, dims));
        [dx, Some(weight.like(own.weight)), Some(vector(own.bias))]
    }
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
