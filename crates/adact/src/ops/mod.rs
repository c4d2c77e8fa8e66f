//! The operations, on tensors.
//!
//! On Burn's CPU backend (Flex) with `f32` tensors each is one fused kernel, forward and backward. On any other
//! backend or element type the same mathematics is composed of Burn's own operations, and autodiff derives the
//! gradients.

mod adamw;
mod attention;
mod autocast;
mod block;
mod buffer;
mod channels;
mod conv;
mod conv_transpose;
mod embedding;
mod fork;
mod function;
mod fused;
mod in_place;
mod layer_norm;
mod layout;
mod linear;
mod linearized;
mod loss;
mod pool;

pub(crate) use adamw::adamw;
pub(crate) use attention::attention;
pub use autocast::autocast;
pub(crate) use block::{BlockOptions, BlockTensors, conv_block};
pub use channels::Channels;
pub use conv::conv2d;
pub(crate) use conv_transpose::conv_transpose;
pub(crate) use embedding::embedding;
pub(crate) use fork::fork;
pub use function::mixture;
pub(crate) use function::{FunctionSpec, FunctionTensors, absent, function};
pub(crate) use in_place::{in_place, sum_of_squares};
pub(crate) use layer_norm::layer_norm;
pub(crate) use linear::linear_then;
pub use linear::{linear, linear_of_images};
pub(crate) use linearized::linearized;
pub use loss::cross_entropy;
pub(crate) use loss::cross_entropy_counted;
pub(crate) use pool::{max_pool2d, mean_pool};

use burn::tensor::Tensor;

/// Checks a tensor's shape, so that every path refuses what doesn't fit in the same words.
///
/// # Panics
/// If it is another than the one expected.
pub(crate) fn check_shape<const D: usize>(name: &str, tensor: &Tensor<D>, expected: [usize; D]) {
    let shape = tensor.dims();
    assert!(shape == expected, "{name} has the shape {shape:?}, not {expected:?}");
}
