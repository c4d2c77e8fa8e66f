//! Convolution, batch norm, residual sum, function and max pooling as one operation.

use std::sync::{Arc, OnceLock};

use adact_kernels::block::{self, BlockParams, Saved};
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};

use super::buffer::{self, WORKSPACE, vector};
use super::conv::conv_spec;
use super::function::Values;
use super::fused::{self, Operation, is_fused};
use super::layout::{Arranged, CHANNELS_LAST, from_channels_last};
use super::{FunctionSpec, FunctionTensors, absent, check_shape, function, max_pool2d};

/// What of a block is not a tensor.
#[derive(Clone, Debug)]
pub(crate) struct BlockOptions {
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
    options: BlockOptions,
) -> (Tensor<4>, Option<[Tensor<1>; 2]>) {
    let conv = conv_spec(x.dims(), tensors.weight.dims(), options.stride, options.padding);
    tensors.check(&options, conv.out_channels);
    // The fused evaluation has no gradients: a frozen block inside a network that trains is composed.
    let frozen = !options.training && (x.is_autodiff() || tensors.weight.is_autodiff());
    if frozen || !is_fused(&x) || !tensors.is_fused() {
        return composed(x, tensors, &options);
    }
    if options.pool
        && let Some(residual) = tensors.residual
    {
        // The kernel pools no residual sum: two passes.
        let whole = BlockOptions { pool: false, ..options };
        let (y, statistics) = conv_block(x, BlockTensors { residual: Some(residual), ..tensors }, whole);
        return (max_pool2d(y), statistics);
    }
    let device = tensors.weight.device();
    if options.function.channels.is_some() {
        // The kernel knows one function for all channels: two passes.
        let before = BlockTensors { function: FunctionTensors::none(&device), ..tensors };
        let bare = BlockOptions { function: FunctionSpec::identity(), pool: false, ..options.clone() };
        let (y, statistics) = conv_block(x, before, bare);
        let y = function(y, tensors.function, options.function);
        return (if options.pool { max_pool2d(y) } else { y }, statistics);
    }
    let bias = tensors.bias.unwrap_or_else(|| absent(&device));
    let residual = tensors.residual.map(Tensor::into_dispatch);
    let operation = Arc::new(Block { options, statistics: OnceLock::new() });
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

/// The block composed of Burn's own operations.
fn composed(x: Tensor<4>, t: BlockTensors, options: &BlockOptions) -> (Tensor<4>, Option<[Tensor<1>; 2]>) {
    let conv = ConvOptions::new([options.stride; 2], [options.padding; 2], [1; 2], 1);
    let mut y = module::conv2d(x, t.weight, t.bias, conv);
    let mut statistics = None;
    if let Some(eps) = options.norm.map(f64::from) {
        if options.training {
            let [batch, _, height, width] = y.dims();
            let count = (batch * height * width) as f64;
            let normed = module::batch_norm_train(y, t.gamma, t.beta, eps);
            let unbiased = normed.variance * (count / (count - 1.0).max(1.0));
            statistics = Some([normed.mean, unbiased].map(Tensor::detach));
            y = normed.output;
        } else {
            y = module::batch_norm(y, t.gamma, t.beta, t.running_mean, t.running_var, eps);
        }
    }
    if let Some(residual) = t.residual {
        y = y + residual;
    }
    let y = function(y, t.function, options.function.clone());
    let y = if options.pool { module::max_pool2d(y, MaxPoolOptions::new([2; 2])) } else { y };
    (y, statistics)
}

/// The operation. It runs once, and leaves the batch's mean and unbiased variance in `statistics`.
struct Block {
    options: BlockOptions,
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
    fn params<'a>(&'a self, options: &'a BlockOptions) -> BlockParams<'a> {
        BlockParams {
            weight: self.weight.values(),
            bias: self.bias.values(),
            gamma_beta: options.norm.map(|_| (self.gamma.values(), self.beta.values())),
            residual: self.residual.as_ref().map(Arranged::values),
            function: Some(options.function.bind(&self.values)),
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
        let options = &self.options;
        let dims = |t: &FlexTensor| -> [usize; 4] { t.shape().dims() };
        let conv = conv_spec(dims(&x), dims(&weight), options.stride, options.padding);
        let inputs = Inputs {
            kernel: block::BlockSpec { conv, pool: options.pool, eps: options.norm.unwrap_or(0.0) },
            x: Arranged::new(x, &CHANNELS_LAST),
            weight: Arranged::row_major(weight),
            bias: Arranged::row_major(bias),
            gamma: Arranged::row_major(gamma),
            beta: Arranged::row_major(beta),
            values: options.function.values(w, slope),
            residual: (residual.rank() == 4).then(|| Arranged::new(residual, &CHANNELS_LAST)),
        };
        let params = inputs.params(options);
        if !options.training {
            let (mean, var) = (Arranged::row_major(running_mean), Arranged::row_major(running_var));
            let (mean, var) = (mean.values(), var.values());
            let y = block::forward_eval(&WORKSPACE, &inputs.kernel, inputs.x.values(), &params, mean, var);
            return (inputs.output(y), None);
        }
        let forward = block::forward(&WORKSPACE, &inputs.kernel, inputs.x.values(), &params);
        if options.norm.is_some() {
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
        let (kernel, params) = (&inputs.kernel, inputs.params(&self.options));
        let own =
            block::backward(&WORKSPACE, kernel, inputs.x.values(), &params, saved, dy.values(), need_dx);
        let residual = own.residual;
        let [w, slope] = self.options.function.gradients(&inputs.values, &[own.function]);
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
    fn check(&self, options: &BlockOptions, channels: usize) {
        if let Some(bias) = &self.bias {
            check_shape("the convolution's bias", bias, [channels]);
        }
        if options.norm.is_some() {
            check_shape("batch norm's weight", &self.gamma, [channels]);
            check_shape("batch norm's bias", &self.beta, [channels]);
            check_shape("the running mean", &self.running_mean, [channels]);
            check_shape("the running variance", &self.running_var, [channels]);
        }
        self.function.check(&options.function);
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
