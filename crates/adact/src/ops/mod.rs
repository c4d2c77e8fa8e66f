//! The operations, on tensors.
//!
//! On Burn's CPU backend (Flex) with `f32` tensors each is one fused kernel, forward and backward. On any other
//! backend or element type the same mathematics is composed of Burn's own operations, and autodiff derives the
//! gradients.

mod adamw;
mod autodiff;
mod block;
mod buffer;
mod compose;
mod conv;
mod flex;
mod function;
mod layout;
mod linear;
mod loss;

pub(crate) use adamw::{adamw, adamw_in_place};
pub(crate) use block::{BlockSpec, BlockTensors, conv_block};
pub use conv::conv2d;
pub(crate) use function::{FunctionSpec, FunctionTensors, absent, function};
pub use linear::linear;
pub use loss::cross_entropy;
pub(crate) use loss::cross_entropy_counted;

use burn::backend::DispatchTensorKind;
use burn::tensor::{DType, Tensor};

/// Checks a tensor's shape, so that every path refuses what doesn't fit in the same words.
///
/// # Panics
/// If it is another than the one expected.
pub(crate) fn check_shape<const D: usize>(name: &str, tensor: &Tensor<D>, expected: [usize; D]) {
    let shape = tensor.dims();
    assert!(shape == expected, "{name} has the shape {shape:?}, not {expected:?}");
}

/// Whether the fused kernels serve this tensor.
fn is_fused<const D: usize>(tensor: &Tensor<D>) -> bool {
    let is_flex = match tensor.clone().into_dispatch().kind {
        DispatchTensorKind::Flex(_) => true,
        DispatchTensorKind::Autodiff(inner) => matches!(*inner, DispatchTensorKind::Flex(_)),
        // With one backend compiled in there is no other.
        #[allow(unreachable_patterns)]
        _ => false,
    };
    is_flex && tensor.dtype() == DType::F32
}
