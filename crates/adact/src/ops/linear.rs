//! The fully connected layer.

use std::sync::Arc;

use adact_kernels::Precision;
use adact_kernels::linear::{self, Forward, LinearParams};
use adact_kernels::{Buffer, Function};
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::autocast::precision;
use super::buffer::{self, WORKSPACE, vector};
use super::function::{FunctionSpec, FunctionTensors, Values, function};
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
    linear_then(x, weight, bias, None, None)
}

/// A fully connected layer with what follows it: `f(x weight^T + bias) + residual`.
///
/// # Panics
/// If the shapes don't fit.
pub(crate) fn linear_then<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    then: Option<(FunctionTensors, FunctionSpec)>,
    residual: Option<Tensor<D>>,
) -> Tensor<D> {
    let mut shape = x.dims();
    let inputs = shape[D - 1];
    let outputs = check(&weight, &bias, inputs);
    shape[D - 1] = outputs;
    if let Some((parameters, spec)) = &then {
        parameters.check(spec);
    }
    if let Some(residual) = &residual {
        check_shape("what is added to the linear layer", residual, shape);
    }
    // The kernel knows one function for all channels.
    let serves =
        then.as_ref().is_none_or(|(parameters, spec)| parameters.is_fused() && spec.channels.is_none())
            && residual.as_ref().is_none_or(is_fused);
    if !(fuses(&x, &weight, &bias) && serves) {
        let y = product(x, weight, bias);
        let y = match then {
            Some((parameters, spec)) => function(y, parameters, spec),
            None => y,
        };
        return match residual {
            Some(residual) => y + residual,
            None => y,
        };
    }
    let device = weight.device();
    let bias = bias.unwrap_or_else(|| absent(&device));
    let (parameters, spec) = then.unzip();
    let parameters = parameters.unwrap_or_else(|| FunctionTensors::none(&device));
    let operation = Linear { function: spec, residual: residual.is_some(), precision: precision() };
    let inputs = [
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        parameters.w.into_dispatch(),
        parameters.slope.into_dispatch(),
        residual.map_or_else(|| absent(&device).into_dispatch(), Tensor::into_dispatch),
    ];
    fused::run(inputs, Arc::new(operation))
}

/// The layer with nothing after it, where what should follow is not the kernel's: fused by itself, or composed.
fn product<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    if fuses(&x, &weight, &bias) {
        return linear(x, weight, bias);
    }
    let [outputs, inputs] = weight.dims();
    let mut shape = x.dims();
    shape[D - 1] = outputs;
    let rows = x.shape().num_elements() / inputs.max(1);
    let y = x.reshape([rows, inputs]).matmul(weight.transpose());
    let y = match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    };
    y.reshape(shape)
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
    fused::run(inputs, Arc::new(LinearOfImages(precision())))
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

/// The operation over the last dimension: `x`, the weight, the bias, `w`, the slope and the residual to `y`.
struct Linear {
    function: Option<FunctionSpec>,
    residual: bool,
    precision: Precision,
}

/// What the gradient needs.
struct Saved {
    x: Arranged,
    weight: Arranged,
    /// Empty for none.
    bias: Arranged,
    /// The function's parameters.
    values: Option<Values>,
    /// What the function was applied to.
    z: Option<Buffer>,
}

impl Saved {
    fn params<'a>(&'a self, function: Option<Function<'a>>, precision: Precision) -> LinearParams<'a> {
        let [outputs, inputs] = self.weight.dims();
        let bias = Some(self.bias.values()).filter(|bias| !bias.is_empty());
        LinearParams { inputs, outputs, weight: self.weight.values(), bias, function, precision }
    }

    fn function<'a>(&'a self, spec: &'a Option<FunctionSpec>) -> Option<Function<'a>> {
        spec.as_ref().zip(self.values.as_ref()).map(|(spec, values)| spec.bind(values))
    }
}

impl Operation<6> for Linear {
    type Saved = Saved;

    fn forward(&self, inputs: [FlexTensor; 6], keep: bool) -> (FlexTensor, Option<Saved>) {
        let [x, weight, bias, w, slope, residual] = inputs;
        let mut shape = x.shape();
        let last = shape.num_dims() - 1;
        shape[last] = weight.shape()[0];
        let values = self.function.as_ref().map(|spec| spec.values(w, slope));
        let [x, weight, bias] = [x, weight, bias].map(Arranged::row_major);
        let residual = self.residual.then(|| Arranged::row_major(residual));
        let residual = residual.as_ref().map(Arranged::values);
        let mut saved = Saved { x, weight, bias, values, z: None };
        let params = saved.params(saved.function(&self.function), self.precision);
        if !keep {
            let y = linear::forward_eval(&WORKSPACE, &params, saved.x.values(), residual);
            return (buffer::tensor(y, shape), None);
        }
        let Forward { y, z } = linear::forward(&WORKSPACE, &params, saved.x.values(), residual);
        saved.z = z;
        (buffer::tensor(y, shape), Some(saved))
    }

    fn backward(
        &self,
        saved: &Saved,
        dy: FlexTensor,
        [need_dx, .., need_residual]: [bool; 6],
    ) -> [Option<FlexTensor>; 6] {
        let params = saved.params(saved.function(&self.function), self.precision);
        let z = saved.z.as_deref();
        let dy = Arranged::row_major(dy);
        let own = linear::backward(&WORKSPACE, &params, saved.x.values(), z, dy.values(), need_dx);
        let function = self.function.as_ref().zip(saved.values.as_ref());
        let [w, slope] = function
            .map(|(spec, values)| spec.gradients(values, &[own.function]).map(Some))
            .unwrap_or_default();
        [
            own.dx.map(|dx| saved.x.like(dx)),
            Some(saved.weight.like(own.weight)),
            own.bias.map(vector),
            w,
            slope,
            need_residual.then(|| dy.into_tensor()),
        ]
    }
}

/// The operation over images whose channels lie last.
struct LinearOfImages(Precision);

impl LinearOfImages {
    fn params<'a>(&self, inputs: usize, weight: &'a [f32], bias: Option<&'a [f32]>) -> LinearParams<'a> {
        LinearParams {
            inputs,
            outputs: weight.len() / inputs,
            weight,
            bias,
            function: None,
            precision: self.0,
        }
    }
}

impl Operation<3> for LinearOfImages {
    /// The images, the weight in the order of their elements in memory, and the bias.
    type Saved = (Arranged, Vec<f32>, Arranged);

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let [batch, channels, height, width] = x.shape().dims();
        let [outputs, inputs] = weight.shape().dims();
        let x = Arranged::new(x, &CHANNELS_LAST);
        let weight = transpose_rows(Arranged::row_major(weight).values(), channels, height * width);
        let bias = Arranged::row_major(bias);
        let params = self.params(inputs, &weight, Some(bias.values()));
        let y = linear::forward_eval(&WORKSPACE, &params, x.values(), None);
        (buffer::tensor(y, [batch, outputs]), keep.then_some((x, weight, bias)))
    }

    fn backward(
        &self,
        (x, weight, bias): &Self::Saved,
        dy: FlexTensor,
        [need_dx, ..]: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        // (batch, height, width, channels)
        let [_, height, width, channels] = x.dims();
        let (places, inputs) = (height * width, height * width * channels);
        let params = self.params(inputs, weight, Some(bias.values()));
        let dy = Arranged::row_major(dy);
        let own = linear::backward(&WORKSPACE, &params, x.values(), None, dy.values(), need_dx);
        let weight = transpose_rows(&own.weight, places, channels);
        let outputs = weight.len() / inputs;
        [own.dx.map(|dx| x.like(dx)), Some(buffer::tensor(weight, [outputs, inputs])), own.bias.map(vector)]
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
