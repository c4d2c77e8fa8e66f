//! The fused operations on Burn's CPU backend: values, without gradients.

use std::sync::Arc;

use adact_kernels::block::{BlockParams, Saved};
use adact_kernels::linear::{self, LinearParams};
use adact_kernels::loss::Loss;
use adact_kernels::{Buffer, ConvSpec, block, conv, elementwise, loss};
use burn::backend::flex::FlexTensor;
use burn::backend::{Backend, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};

use super::FunctionSpec;
use super::block::{BlockInputs, BlockOutputs, BlockSpec};
use super::buffer::{self, WORKSPACE};
use super::conv::conv_spec;
use super::layout::{Arranged, CHANNELS_LAST, from_channels_last};

/// The operations that Burn dispatches to the backend of their tensors.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FusedOps: Backend {
    /// See [`super::function()`].
    fn function(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        slope: FloatTensor<Self>,
        spec: FunctionSpec,
    ) -> FloatTensor<Self>;

    /// See [`super::conv2d()`].
    fn conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: ConvSpec,
    ) -> FloatTensor<Self>;

    /// See [`super::conv_block()`].
    fn conv_block(#[extension_type] inputs: BlockInputs<Self>, spec: BlockSpec) -> BlockOutputs<Self>;

    /// See [`super::linear()`].
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The mean loss, one element, and what else there is to say. See [`super::cross_entropy()`].
    fn cross_entropy(logits: FloatTensor<Self>, labels: Arc<[i32]>) -> (FloatTensor<Self>, Loss);
}

impl FusedOps for Flex {
    fn function(x: FlexTensor, w: FlexTensor, slope: FlexTensor, spec: FunctionSpec) -> FlexTensor {
        apply(&Arranged::as_it_lies(x), &Arranged::row_major(w), &Arranged::row_major(slope), &spec)
    }

    fn conv2d(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, spec: ConvSpec) -> FlexTensor {
        convolve(
            &Arranged::new(x, &CHANNELS_LAST),
            &Arranged::row_major(weight),
            &Arranged::row_major(bias),
            &spec,
        )
    }

    fn conv_block(inputs: BlockInputs<Flex>, spec: BlockSpec) -> BlockOutputs<Flex> {
        let block = Block::new(inputs, spec);
        if block.spec.training { block.train().0 } else { block.evaluate() }
    }

    fn linear(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        Linear::new(x, weight, bias).forward()
    }

    fn cross_entropy(logits: FlexTensor, labels: Arc<[i32]>) -> (FlexTensor, Loss) {
        let (tensor, loss, _) = loss_and_gradient(logits, &labels);
        (tensor, loss)
    }
}

/// A function of every element.
pub(super) fn apply(x: &Arranged, w: &Arranged, slope: &Arranged, spec: &FunctionSpec) -> FlexTensor {
    let mut y = WORKSPACE.take(x.values().len());
    elementwise::forward(&spec.bind(w.values(), slope.values()), x.values(), &mut y);
    x.like(y)
}

/// Convolution; a bias without elements is none.
pub(super) fn convolve(x: &Arranged, weight: &Arranged, bias: &Arranged, spec: &ConvSpec) -> FlexTensor {
    let bias = Some(bias.values()).filter(|b| !b.is_empty());
    let y = conv::forward(&WORKSPACE, spec, x.values(), weight.values(), bias);
    from_channels_last(y, spec.batch, [spec.out_height(), spec.out_width(), spec.out_channels])
}

/// A block with its tensors in the order that the kernel reads.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub spec: BlockSpec,
    pub kernel: block::BlockSpec,
    pub x: Arranged,
    pub weight: Arranged,
    bias: Vec<f32>,
    gamma: Arranged,
    beta: Arranged,
    w: Arranged,
    slope: Arranged,
    running_mean: Arranged,
    running_var: Arranged,
}

impl Block {
    pub fn new(t: BlockInputs<Flex>, spec: BlockSpec) -> Self {
        let dims = |t: &FlexTensor| -> [usize; 4] { t.shape().dims() };
        let conv = conv_spec(dims(&t.x), dims(&t.weight), spec.stride, spec.padding);
        let eps = spec.norm.unwrap_or(0.0);
        let bias = match Arranged::row_major(t.bias).values() {
            [] => vec![0.0; conv.out_channels],
            bias => bias.to_vec(),
        };
        Self {
            kernel: block::BlockSpec { conv, pool: spec.pool, eps },
            x: Arranged::new(t.x, &CHANNELS_LAST),
            weight: Arranged::row_major(t.weight),
            bias,
            gamma: Arranged::row_major(t.gamma),
            beta: Arranged::row_major(t.beta),
            w: Arranged::row_major(t.w),
            slope: Arranged::row_major(t.slope),
            running_mean: Arranged::row_major(t.running_mean),
            running_var: Arranged::row_major(t.running_var),
            spec,
        }
    }

    pub fn params(&self) -> BlockParams<'_> {
        BlockParams {
            weight: self.weight.values(),
            bias: &self.bias,
            gamma_beta: self.spec.norm.map(|_| (self.gamma.values(), self.beta.values())),
            function: Some(self.spec.function.bind(self.w.values(), self.slope.values())),
        }
    }

    /// The output and what the gradient needs.
    pub fn train(&self) -> (BlockOutputs<Flex>, Saved) {
        let forward = block::forward(&WORKSPACE, &self.kernel, self.x.values(), &self.params());
        let conv = &self.kernel.conv;
        let count = (conv.batch * conv.out_height() * conv.out_width()) as f32;
        let unbiased = count / (count - 1.0).max(1.0);
        let var = forward.var.iter().map(|v| v * unbiased).collect();
        (self.outputs(forward.out, [forward.mean, var]), forward.saved)
    }

    /// The output by the running statistics.
    fn evaluate(&self) -> BlockOutputs<Flex> {
        let (mean, var) = (self.running_mean.values(), self.running_var.values());
        let out = block::forward_eval(&WORKSPACE, &self.kernel, self.x.values(), &self.params(), mean, var);
        self.outputs(out, [Vec::new(), Vec::new()])
    }

    fn outputs(&self, y: Vec<f32>, statistics: [Vec<f32>; 2]) -> BlockOutputs<Flex> {
        let conv = &self.kernel.conv;
        let shrink = if self.spec.pool { 2 } else { 1 };
        let dims = [conv.out_height() / shrink, conv.out_width() / shrink, conv.out_channels];
        let [mean, var] = statistics.map(vector);
        BlockOutputs { y: from_channels_last(y, conv.batch, dims), mean, var }
    }
}

/// A fully connected layer with its tensors in the order that the kernel reads.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    pub x: Arranged,
    /// The weights, the inputs in the order of `x` in memory.
    weight: Vec<f32>,
    bias: Arranged,
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// Channels and places of each image, if its channels lie last.
    channels_last: Option<[usize; 2]>,
}

impl Linear {
    pub fn new(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> Self {
        let [outputs, inputs] = weight.shape().dims();
        let batch = x.shape()[0];
        let weight = Arranged::row_major(weight);
        let channels_last = match x.shape()[..] {
            [_, channels, height, width] if !x.is_contiguous() => Some([channels, height * width]),
            _ => None,
        };
        let (x, weight) = match channels_last {
            Some([channels, places]) => {
                (Arranged::new(x, &CHANNELS_LAST), transpose_rows(weight.values(), channels, places))
            }
            None => (Arranged::row_major(x), weight.values().to_vec()),
        };
        Self { x, weight, bias: Arranged::row_major(bias), batch, inputs, outputs, channels_last }
    }

    fn params(&self) -> LinearParams<'_> {
        LinearParams {
            inputs: self.inputs,
            outputs: self.outputs,
            weight: &self.weight,
            bias: Some(self.bias.values()),
            function: None,
        }
    }

    pub fn forward(&self) -> FlexTensor {
        let y = linear::forward_eval(&WORKSPACE, &self.params(), self.x.values(), None);
        buffer::tensor(y, [self.batch, self.outputs])
    }

    /// Gradients of the images, the weights and the bias.
    pub fn backward(&self, dy: &Arranged) -> [FlexTensor; 3] {
        let own = linear::backward(&WORKSPACE, &self.params(), self.x.values(), None, dy.values(), true);
        let shape = [self.outputs, self.inputs];
        let weight = match self.channels_last {
            Some([channels, places]) => buffer::tensor(transpose_rows(&own.weight, places, channels), shape),
            None => buffer::tensor(own.weight, shape),
        };
        let dx = own.dx.expect("the gradient that was asked for");
        let bias = own.bias.expect("the gradient of the bias that there is");
        [self.x.like(dx), weight, vector(bias)]
    }
}

/// Transposes the matrix (rows, columns) that each row of a larger matrix is.
fn transpose_rows(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    let size = rows * columns;
    for (from, to) in values.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
        for (r, row) in from.chunks_exact(columns).enumerate() {
            for (c, &value) in row.iter().enumerate() {
                to[c * rows + r] = value;
            }
        }
    }
    out
}

/// A tensor of one axis.
pub(super) fn vector(values: Vec<f32>) -> FlexTensor {
    let length = values.len();
    buffer::tensor(values, [length])
}

/// The mean loss as a tensor, what there is to say of it, and the gradient of the logits.
pub(super) fn loss_and_gradient(logits: FlexTensor, labels: &[i32]) -> (FlexTensor, Loss, Buffer) {
    let [_, classes] = logits.shape().dims();
    let logits = Arranged::row_major(logits);
    let mut dlogits = WORKSPACE.take(logits.values().len());
    let loss = loss::cross_entropy(logits.values(), labels, classes, &mut dlogits, None);
    (buffer::tensor(vec![loss.mean as f32], [1]), loss, dlogits)
}
