//! Transposed convolution whose stride is its kernel.

use std::sync::Arc;

use adact_kernels::conv_transpose::{self, ConvTransposeSpec};
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;
use burn::tensor::ops::ConvTransposeOptions;

use super::buffer::{WORKSPACE, vector};
use super::fused::{self, Operation, is_fused};
use super::layout::{Arranged, CHANNELS_LAST, from_channels_last};
use super::{absent, check_shape};

/// Every pixel times the weights becomes a square of its own, whose channels follow those of `kept`, U-Net's way up.
///
/// - `x`: (batch, in channels, height, width);
/// - `weight`: (in channels, out channels, kernel, kernel);
/// - `bias`: (out channels);
/// - `kept`: (batch, kept channels, kernel height, kernel width), or none.
///
/// Returns (batch, kept channels + out channels, kernel height, kernel width).
///
/// # Panics
/// If the shapes don't fit.
pub(crate) fn conv_transpose(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    kept: Option<Tensor<4>>,
) -> Tensor<4> {
    let [batch, in_channels, height, width] = x.dims();
    let [_, out_channels, kernel, _] = weight.dims();
    let expected = [in_channels, out_channels, kernel, kernel];
    check_shape("the transposed convolution's weight", &weight, expected);
    check_shape("the transposed convolution's bias", &bias, [out_channels]);
    let kept_channels = kept.as_ref().map_or(0, |kept| kept.dims()[1]);
    if let Some(kept) = &kept {
        let expected = [batch, kept_channels, kernel * height, kernel * width];
        check_shape("what the transposed convolution is joined to", kept, expected);
    }
    let fuses = is_fused(&x) && is_fused(&weight) && is_fused(&bias) && kept.as_ref().is_none_or(is_fused);
    if !fuses {
        let options = ConvTransposeOptions::new([kernel; 2], [0; 2], [0; 2], [1; 2], 1);
        let y = burn::tensor::module::conv_transpose2d(x, weight, Some(bias), options);
        return match kept {
            Some(kept) => Tensor::cat(vec![kept, y], 1),
            None => y,
        };
    }
    let spec = ConvTransposeSpec { batch, height, width, in_channels, out_channels, kernel, kept_channels };
    let device = weight.device();
    let kept = kept.map_or_else(|| absent(&device).into_dispatch(), Tensor::into_dispatch);
    let inputs = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch(), kept];
    fused::run(inputs, Arc::new(ConvTranspose(spec)))
}

/// The operation: images, weight, bias and what is kept to larger images.
struct ConvTranspose(ConvTransposeSpec);

impl ConvTranspose {
    /// Rows and columns of the output.
    fn size(&self) -> [usize; 2] {
        [self.0.height, self.0.width].map(|side| side * self.0.kernel)
    }
}

impl Operation<4> for ConvTranspose {
    /// The images and the weight.
    type Saved = [Arranged; 2];

    fn forward(
        &self,
        [x, weight, bias, kept]: [FlexTensor; 4],
        keep: bool,
    ) -> (FlexTensor, Option<Self::Saved>) {
        let (x, weight) = (Arranged::new(x, &CHANNELS_LAST), Arranged::row_major(weight));
        let bias = Arranged::row_major(bias);
        let kept = match kept.rank() {
            4 => Arranged::new(kept, &CHANNELS_LAST),
            _ => Arranged::row_major(kept),
        };
        let bias = Some(bias.values());
        let y =
            conv_transpose::forward(&WORKSPACE, &self.0, x.values(), weight.values(), bias, kept.values());
        let [height, width] = self.size();
        let channels = self.0.kept_channels + self.0.out_channels;
        (from_channels_last(y, self.0.batch, [height, width, channels]), keep.then_some([x, weight]))
    }

    fn backward(
        &self,
        [x, weight]: &Self::Saved,
        dy: FlexTensor,
        [need_dx, ..]: [bool; 4],
    ) -> [Option<FlexTensor>; 4] {
        let dy = Arranged::new(dy, &CHANNELS_LAST);
        let own =
            conv_transpose::backward(&WORKSPACE, &self.0, x.values(), weight.values(), dy.values(), need_dx);
        let ([height, width], kept) = (self.size(), self.0.kept_channels);
        [
            own.dx.map(|dx| x.like(dx)),
            Some(weight.like(own.weight)),
            Some(vector(own.bias)),
            (kept > 0).then(|| from_channels_last(own.kept, self.0.batch, [height, width, kept])),
        ]
    }
}
