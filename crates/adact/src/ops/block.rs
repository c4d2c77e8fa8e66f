//! Convolution, batch norm, function and max pooling as one operation.

use burn::backend::{Backend, Dispatch, ExtensionType, tensor::FloatTensor};
use burn::tensor::Tensor;

use super::conv::conv_spec;
use super::flex::FusedOps;
use super::{FunctionSpec, FunctionTensors, absent, check_shape, compose, is_fused};

/// What of a block is not a tensor.
#[derive(Clone, Debug)]
pub(crate) struct BlockSpec {
    /// The convolution's stride.
    pub stride: usize,
    /// The convolution's padding.
    pub padding: usize,
    /// What batch norm adds to the variance; none without batch norm.
    pub norm: Option<f32>,
    /// The activation or mixture.
    pub function: FunctionSpec,
    /// Whether max pooling 2x2 with stride 2 ends the block.
    pub pool: bool,
    /// Whether batch norm uses the batch's statistics rather than the running ones.
    pub training: bool,
}

/// The parameters and running statistics of a block. What batch norm doesn't have is a tensor without elements.
#[derive(Clone, Debug)]
pub(crate) struct BlockTensors {
    /// (out channels, in channels, kernel, kernel).
    pub weight: Tensor<4>,
    /// (out channels).
    pub bias: Option<Tensor<1>>,
    /// Batch norm's scale, (out channels), as all that follow.
    pub gamma: Tensor<1>,
    /// Batch norm's shift.
    pub beta: Tensor<1>,
    /// The mean that evaluation uses.
    pub running_mean: Tensor<1>,
    /// The variance that evaluation uses.
    pub running_var: Tensor<1>,
    /// The function's parameters.
    pub function: FunctionTensors,
}

/// All tensors that go into a block.
#[derive(Clone, Debug, ExtensionType)]
pub(crate) struct BlockInputs<B: Backend> {
    pub x: FloatTensor<B>,
    pub weight: FloatTensor<B>,
    pub bias: FloatTensor<B>,
    pub gamma: FloatTensor<B>,
    pub beta: FloatTensor<B>,
    pub w: FloatTensor<B>,
    pub slope: FloatTensor<B>,
    pub running_mean: FloatTensor<B>,
    pub running_var: FloatTensor<B>,
}

/// All tensors that come out of a block.
#[derive(Clone, Debug, ExtensionType)]
pub(crate) struct BlockOutputs<B: Backend> {
    pub y: FloatTensor<B>,
    /// The mean of the batch. Without elements where batch norm doesn't train, as the next.
    pub mean: FloatTensor<B>,
    /// The unbiased variance of the batch.
    pub var: FloatTensor<B>,
}

/// Runs a block on images (batch, in channels, height, width).
///
/// Returns the output and, where batch norm trains, the mean and the unbiased variance of the batch.
///
/// # Panics
/// If a shape doesn't fit.
pub(crate) fn conv_block(
    x: Tensor<4>,
    tensors: BlockTensors,
    spec: BlockSpec,
) -> (Tensor<4>, Option<[Tensor<1>; 2]>) {
    let conv = conv_spec(x.dims(), tensors.weight.dims(), spec.stride, spec.padding);
    tensors.check(&spec, conv.out_channels);
    // The fused evaluation has no gradients: a frozen block inside a network that trains is composed.
    let frozen = !spec.training && (x.is_autodiff() || tensors.weight.is_autodiff());
    if frozen || !is_fused(&x) || !tensors.is_fused() {
        return compose::conv_block(x, tensors, &spec);
    }
    let bias = tensors.bias.unwrap_or_else(|| absent(&tensors.weight.device()));
    let has_statistics = spec.training && spec.norm.is_some();
    let out = <Dispatch as FusedOps>::conv_block(
        BlockInputs {
            x: x.into_dispatch(),
            weight: tensors.weight.into_dispatch(),
            bias: bias.into_dispatch(),
            gamma: tensors.gamma.into_dispatch(),
            beta: tensors.beta.into_dispatch(),
            w: tensors.function.w.into_dispatch(),
            slope: tensors.function.slope.into_dispatch(),
            running_mean: tensors.running_mean.into_dispatch(),
            running_var: tensors.running_var.into_dispatch(),
        },
        spec,
    );
    let statistics = has_statistics.then(|| [out.mean, out.var].map(Tensor::from_dispatch));
    (Tensor::from_dispatch(out.y), statistics)
}

impl BlockTensors {
    fn check(&self, spec: &BlockSpec, channels: usize) {
        if let Some(bias) = &self.bias {
            check_shape("the convolution's bias", bias, [channels]);
        }
        if spec.norm.is_some() {
            check_shape("batch norm's weight", &self.gamma, [channels]);
            check_shape("batch norm's bias", &self.beta, [channels]);
            check_shape("the running mean", &self.running_mean, [channels]);
            check_shape("the running variance", &self.running_var, [channels]);
        }
        self.function.check(&spec.function);
    }

    fn is_fused(&self) -> bool {
        let statistics = [&self.running_mean, &self.running_var];
        let vectors = [&self.gamma, &self.beta, &self.function.w, &self.function.slope];
        is_fused(&self.weight) && self.bias.iter().chain(vectors).chain(statistics).all(is_fused)
    }
}
