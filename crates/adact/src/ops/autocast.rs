//! The precision of matrix products, as PyTorch's `autocast` chooses it: for all that is computed within.

use std::cell::Cell;

use adact_kernels::Precision;

thread_local! {
    static CURRENT: Cell<Precision> = const { Cell::new(Precision::F32) };
}

/// Computes with matrix products of a precision; their gradients have it, too, whenever they are computed.
///
/// It is that of linear layers and attention that are fused (see the crate's table); all else is `f32`: convolutions so far, sums,
/// normalisation, activations, losses and parameters always.
///
/// ```
/// use adact::{Precision, autocast, ops};
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let x = Tensor::<2>::from_data([[1.0, 1.0 + 1.0 / 512.0]], &device);
/// let weight = Tensor::<2>::from_data([[0.0, 1.0]], &device);
/// let y = autocast(Precision::Bf16, || ops::linear(x, weight, None));
/// assert_eq!(y.into_scalar::<f32>(), 1.0); // the 9th bit is rounded away
/// ```
pub fn autocast<T>(precision: Precision, compute: impl FnOnce() -> T) -> T {
    /// Puts the precision back, also where `compute` panics.
    struct Back(Precision);
    impl Drop for Back {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _back = Back(CURRENT.replace(precision));
    compute()
}

/// The precision in which this thread computes now.
pub(super) fn precision() -> Precision {
    CURRENT.get()
}
