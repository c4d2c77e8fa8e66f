//! Convolution, batch norm, function and max pooling as one operation.

use burn::backend::{Backend, Dispatch, ExtensionType, tensor::FloatTensor};
use burn::tensor::Tensor;

use super::conv::conv_spec;
use super::flex::FusedOps;
use super::{FunctionSpec, FunctionTensors, compose, is_fused};

/// What of a block is not a tensor.
#[derive(Clone, Debug)]
pub(crate) struct BlockSpec {
    /// The convolution's stride.
    pub stride: usize,
    /// The convolution's padding.
    pub padding: usize,
    /// Batch norm, or none.
    pub norm: Option<NormSpec>,
    /// The activation or mixture.
    pub function: FunctionSpec,
    /// Whether max pooling 2x2 with stride 2 ends the block.
    pub pool: bool,
    /// Whether batch norm uses the batch's statistics (and updates the running ones) rather than the running ones.
    pub training: bool,
}

/// The constants of batch norm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NormSpec {
    /// Added to the variance.
    pub eps: f32,
    /// The share of the batch in the running statistics.
    pub momentum: f32,
}

/// The parameters and running statistics of a block. What a block doesn't have is a tensor without elements.
#[derive(Clone, Debug)]
pub(crate) struct BlockTensors {
    /// (out channels, in channels, kernel, kernel).
    pub weight: Tensor<4>,
    /// (out channels) or absent, as all that follow.
    pub bias: Tensor<1>,
    /// Batch norm's scale.
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
    pub running_mean: FloatTensor<B>,
    pub running_var: FloatTensor<B>,
}

/// Runs a block on images (batch, in channels, height, width).
///
/// Returns the output and the running mean and variance after it: PyTorch's, with the unbiased variance of the
/// batch. In evaluation they are as they were.
pub(crate) fn conv_block(
    x: Tensor<4>,
    tensors: BlockTensors,
    spec: BlockSpec,
) -> (Tensor<4>, [Tensor<1>; 2]) {
    // Checks the shapes, on every path.
    conv_spec(x.dims(), tensors.weight.dims(), spec.stride, spec.padding);
    // The fused evaluation has no gradients: a frozen block inside a network that trains is composed.
    let frozen = !spec.training && (x.is_autodiff() || tensors.weight.is_autodiff());
    if frozen || !is_fused(&x) || !tensors.is_fused() {
        return compose::conv_block(x, tensors, &spec);
    }
    let out = <Dispatch as FusedOps>::conv_block(
        BlockInputs {
            x: x.into_dispatch(),
            weight: tensors.weight.into_dispatch(),
            bias: tensors.bias.into_dispatch(),
            gamma: tensors.gamma.into_dispatch(),
            beta: tensors.beta.into_dispatch(),
            w: tensors.function.w.into_dispatch(),
            slope: tensors.function.slope.into_dispatch(),
            running_mean: tensors.running_mean.into_dispatch(),
            running_var: tensors.running_var.into_dispatch(),
        },
        spec,
    );
    let running = [out.running_mean, out.running_var].map(Tensor::from_dispatch);
    (Tensor::from_dispatch(out.y), running)
}

impl BlockTensors {
    fn is_fused(&self) -> bool {
        let vectors = [&self.bias, &self.gamma, &self.beta, &self.function.w, &self.function.slope];
        is_fused(&self.weight) && vectors.into_iter().all(is_fused)
    }
}
