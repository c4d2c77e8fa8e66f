//! Initial weights: a pure function of the seed and the tensor's number, so that networks which differ only in
//! their activations start from the same weights.

use adact_kernels::random::{Purpose, Stream};
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

/// A parameter drawn uniformly from `[-bound, bound)`.
pub(crate) fn uniform<const D: usize>(
    shape: [usize; D],
    bound: f64,
    seed: u64,
    tensor: u64,
    device: &Device,
) -> Param<Tensor<D>> {
    let stream = Stream::new(seed, Purpose::Init, tensor);
    let count: usize = shape.iter().product();
    let values = (0..count as u64).map(|i| ((2.0 * stream.uniform(i) - 1.0) * bound) as f32);
    Param::from_data(TensorData::new(values.collect(), shape), device)
}

/// A parameter of equal elements.
pub(crate) fn constant<const D: usize>(shape: [usize; D], value: f32, device: &Device) -> Param<Tensor<D>> {
    let count: usize = shape.iter().product();
    Param::from_data(TensorData::new(vec![value; count], shape), device)
}
