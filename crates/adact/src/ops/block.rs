//! Convolution, batch norm, residual sum, function and max pooling as one operation.

use std::sync::{Arc, OnceLock};

use adact_kernels::block::{self, BlockParams, Saved};
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::buffer::{self, WORKSPACE, vector};
use super::conv::conv_spec;
use super::function::Values;
use super::fused::{self, Operation, is_fused};
use super::layout::{Arranged, CHANNELS_LAST, from_channels_last};
use super::{FunctionSpec, FunctionTensors, absent, check_shape, compose, function, max_pool2d};

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
    /// What is added before the function, of the shape that the function sees.
    pub residual: Option<Tensor<4>>,
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
    if spec.pool
        && let Some(residual) = tensors.residual
    {
        // The kernel pools no residual sum: two passes.
        let whole = BlockSpec { pool: false, ..spec };
        let (y, statistics) = conv_block(x, BlockTensors { residual: Some(residual), ..tensors }, whole);
        return (max_pool2d(y), statistics);
    }
    let device = tensors.weight.device();
    if spec.function.channels.is_some() {
        // The kernel knows one function for all channels: two passes.
        let before = BlockTensors { function: FunctionTensors::none(&device), ..tensors };
        let bare = BlockSpec { function: FunctionSpec::identity(), pool: false, ..spec.clone() };
        let (y, statistics) = conv_block(x, before, bare);
        let y = function(y, tensors.function, spec.function);
        return (if spec.pool { max_pool2d(y) } else { y }, statistics);
    }
    let bias = tensors.bias.unwrap_or_else(|| absent(&device));
    let residual = tensors.residual.map(Tensor::into_dispatch);
    let operation = Arc::new(Block { spec, statistics: OnceLock::new() });
    let inputs = [
        x.into_dispatch(),
        tensors.weight.into_dispatch(),
        bias.into_dispatch(),
        tensors.gamma.into_dispatch(),
        tensors.beta.into_dispatch(),
        tensors.function.w.into_dispatch(),
        tensors.function.slope.into_dispatch(),
        tensors.running_mean.into_dispatch(),
        tensors.running_var.into_dispatch(),
        residual.unwrap_or_else(|| absent(&device).into_dispatch()),
    ];
    let y = fused::run(inputs, operation.clone());
    let statistics = operation.statistics.get();
    let statistics =
        statistics.map(|both| both.clone().map(|values| Tensor::from_floats(&values[..], &device)));
    (y, statistics)
}

/// The operation. It runs once, and leaves the batch's mean and unbiased variance in `statistics`.
struct Block {
    spec: BlockSpec,
    statistics: OnceLock<[Vec<f32>; 2]>,
}

/// The inputs of a block in the order that the kernel reads.
struct Inputs {
    kernel: block::BlockSpec,
    x: Arranged,
    weight: Arranged,
    /// Empty for none.
    bias: Arranged,
    gamma: Arranged,
    beta: Arranged,
    values: Values,
    residual: Option<Arranged>,
}

impl Inputs {
    fn params<'a>(&'a self, spec: &'a BlockSpec) -> BlockParams<'a> {
        BlockParams {
            weight: self.weight.values(),
            bias: self.bias.values(),
            gamma_beta: spec.norm.map(|_| (self.gamma.values(), self.beta.values())),
            residual: self.residual.as_ref().map(Arranged::values),
            function: Some(spec.function.bind(&self.values)),
        }
    }

    /// The output as a tensor.
    fn output(&self, y: impl buffer::Values) -> FlexTensor {
        let (height, width) = self.kernel.out_size();
        from_channels_last(y, self.kernel.conv.batch, [height, width, self.kernel.conv.out_channels])
    }
}

impl Operation<10> for Block {
    type Saved = (Inputs, Saved);

    fn forward(&self, inputs: [FlexTensor; 10], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let [x, weight, bias, gamma, beta, w, slope, running_mean, running_var, residual] = inputs;
        let spec = &self.spec;
        let dims = |t: &FlexTensor| -> [usize; 4] { t.shape().dims() };
        let conv = conv_spec(dims(&x), dims(&weight), spec.stride, spec.padding);
        let inputs = Inputs {
            kernel: block::BlockSpec { conv, pool: spec.pool, eps: spec.norm.unwrap_or(0.0) },
            x: Arranged::new(x, &CHANNELS_LAST),
            weight: Arranged::row_major(weight),
            bias: Arranged::row_major(bias),
            gamma: Arranged::row_major(gamma),
            beta: Arranged::row_major(beta),
            values: spec.function.values(w, slope),
            residual: (residual.rank() == 4).then(|| Arranged::new(residual, &CHANNELS_LAST)),
        };
        let params = inputs.params(spec);
        if !spec.training {
            let (mean, var) = (Arranged::row_major(running_mean), Arranged::row_major(running_var));
            let (mean, var) = (mean.values(), var.values());
            let y = block::forward_eval(&WORKSPACE, &inputs.kernel, inputs.x.values(), &params, mean, var);
            return (inputs.output(y), None);
        }
        let forward = block::forward(&WORKSPACE, &inputs.kernel, inputs.x.values(), &params);
        if spec.norm.is_some() {
            let count = (conv.batch * conv.out_height() * conv.out_width()) as f32;
            let unbiased = count / (count - 1.0).max(1.0);
            let var = forward.var.iter().map(|v| v * unbiased).collect();
            self.statistics.get_or_init(|| [forward.mean, var]);
        }
        (inputs.output(forward.out), keep.then_some((inputs, forward.saved)))
    }

    fn backward(
        &self,
        (inputs, saved): &Self::Saved,
        dy: FlexTensor,
        [need_dx, ..]: [bool; 10],
    ) -> [Option<FlexTensor>; 10] {
        let dy = Arranged::new(dy, &CHANNELS_LAST);
        let (kernel, params) = (&inputs.kernel, inputs.params(&self.spec));
        let own =
            block::backward(&WORKSPACE, kernel, inputs.x.values(), &params, saved, dy.values(), need_dx);
        let residual = own.residual;
        let [w, slope] = self.spec.function.gradients(&inputs.values, &[own.function]);
        [
            own.dx.map(|dx| inputs.x.like(dx)),
            Some(inputs.weight.like(own.weight)),
            Some(vector(own.bias)),
            Some(vector(own.gamma)),
            Some(vector(own.beta)),
            Some(w),
            Some(slope),
            None,
            None,
            residual.map(|values| inputs.output(values)),
        ]
    }
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
        let vectors = [&self.gamma, &self.beta];
        is_fused(&self.weight)
            && self.bias.iter().chain(vectors).chain(statistics).all(is_fused)
            && self.function.is_fused()
            && self.residual.as_ref().is_none_or(is_fused)
    }
}
