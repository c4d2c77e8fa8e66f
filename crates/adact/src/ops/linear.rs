//! The fully connected layer.

use std::sync::Arc;

use adact_kernels::linear;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::buffer::{self, WORKSPACE, vector};
use super::fused::{self, Operation, is_fused};
use super::layout::{Arranged, CHANNELS_LAST};
use super::{absent, check_shape};

/// A fully connected layer over the last dimension: `x weight^T + bias`.
///
/// - `x`: (..., inputs), any rank from 1;
/// - `weight`: (outputs, inputs), PyTorch's orientation;
/// - `bias`: (outputs), or none.
///
/// Returns (..., outputs).
///
/// # Panics
/// If the shapes don't fit.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let (x, weight) = (Tensor::<3>::ones([8, 5, 12], &device), Tensor::ones([10, 12], &device));
/// assert_eq!(adact::ops::linear(x, weight, None).dims(), [8, 5, 10]);
/// ```
pub fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    let mut shape = x.dims();
    let inputs = shape[D - 1];
    let outputs = check(&weight, &bias, inputs);
    shape[D - 1] = outputs;
    let rows = x.shape().num_elements() / inputs.max(1);
    if !fuses(&x, &weight, &bias) {
        let y = x.reshape([rows, inputs]).matmul(weight.transpose());
        let y = match bias {
            Some(bias) => y + bias.unsqueeze(),
            None => y,
        };
        return y.reshape(shape);
    }
    let bias = bias.unwrap_or_else(|| absent(&weight.device()));
    fused::run([x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()], Arc::new(Linear))
}

/// The fully connected layer that follows convolutions, over all but the batch: `flatten(images) weight^T + bias`.
///
/// - `images`: (batch, channels, height, width);
/// - `weight`: (outputs, inputs), inputs in PyTorch's order: channel, row, column;
/// - `bias`: (outputs).
///
/// Images whose channels lie last in memory are not copied: the weights are read in their order instead.
///
/// # Panics
/// If the shapes don't fit.
pub fn linear_of_images(images: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    let [batch, channels, height, width] = images.dims();
    let inputs = channels * height * width;
    check(&weight, &Some(bias.clone()), inputs);
    if !(fuses(&images, &weight, &None) && is_fused(&bias)) {
        return linear(images.reshape([batch, inputs]), weight, Some(bias));
    }
    let inputs = [images.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    fused::run(inputs, Arc::new(LinearOfImages))
}

/// Checks the shapes; gives the number of outputs.
fn check(weight: &Tensor<2>, bias: &Option<Tensor<1>>, inputs: usize) -> usize {
    let outputs = weight.dims()[0];
    check_shape("the linear layer's weight", weight, [outputs, inputs]);
    if let Some(bias) = bias {
        check_shape("the linear layer's bias", bias, [outputs]);
    }
    outputs
}

fn fuses<const D: usize>(x: &Tensor<D>, weight: &Tensor<2>, bias: &Option<Tensor<1>>) -> bool {
    is_fused(x) && is_fused(weight) && bias.as_ref().is_none_or(is_fused)
}

/// The operation over the last dimension.
struct Linear;

impl Operation<3> for Linear {
    /// The rows and the weight.
    type Saved = [Arranged; 2];

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let [outputs, inputs] = weight.shape().dims();
        let mut shape = x.shape();
        let last = shape.num_dims() - 1;
        shape[last] = outputs;
        let (x, weight) = (Arranged::row_major(x), Arranged::row_major(weight));
        let bias = bias_or_zeros(bias, outputs);
        let y = linear::forward(&WORKSPACE, inputs, x.values(), weight.values(), bias.values());
        (buffer::tensor(y, shape), keep.then_some([x, weight]))
    }

    fn backward(&self, [x, weight]: &Self::Saved, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let [_, inputs] = weight.dims();
        let dy = Arranged::row_major(dy);
        let own = linear::backward(&WORKSPACE, inputs, x.values(), weight.values(), dy.values());
        [Some(x.like(own.dx)), Some(weight.like(own.weight)), Some(vector(own.bias))]
    }
}

/// The operation over images whose channels lie last.
struct LinearOfImages;

impl Operation<3> for LinearOfImages {
    /// The images, and the weight in the order of their elements in memory.
    type Saved = (Arranged, Vec<f32>);

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let [batch, channels, height, width] = x.shape().dims();
        let [outputs, inputs] = weight.shape().dims();
        let x = Arranged::new(x, &CHANNELS_LAST);
        let weight = transpose_rows(Arranged::row_major(weight).values(), channels, height * width);
        let bias = bias_or_zeros(bias, outputs);
        let y = linear::forward(&WORKSPACE, inputs, x.values(), &weight, bias.values());
        (buffer::tensor(y, [batch, outputs]), keep.then_some((x, weight)))
    }

    fn backward(&self, (x, weight): &Self::Saved, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        // (batch, height, width, channels)
        let [_, height, width, channels] = x.dims();
        let (places, inputs) = (height * width, height * width * channels);
        let dy = Arranged::row_major(dy);
        let own = linear::backward(&WORKSPACE, inputs, x.values(), weight, dy.values());
        let weight = transpose_rows(&own.weight, places, channels);
        let outputs = weight.len() / inputs;
        [Some(x.like(own.dx)), Some(buffer::tensor(weight, [outputs, inputs])), Some(vector(own.bias))]
    }
}

fn bias_or_zeros(bias: FlexTensor, outputs: usize) -> Arranged {
    if bias.shape().num_elements() == 0 {
        return Arranged::row_major(vector(vec![0.0; outputs]));
    }
    Arranged::row_major(bias)
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
