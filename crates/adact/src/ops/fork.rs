//! A tensor that is used twice, and the sum of its two gradients.

use std::sync::{Arc, Mutex, PoisonError};

use adact_kernels::add::add_to;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;

/// The tensor for two uses, both of which reach the loss: a residual sum, a skip connection.
///
/// Burn adds the gradients of a tensor with several uses on one thread, and brings channels-last images into another order
/// first. Here they are added where they lie, by all threads.
pub(crate) fn fork<const D: usize>(x: Tensor<D>) -> [Tensor<D>; 2] {
    if !(x.is_autodiff() && is_fused(&x)) {
        return [x.clone(), x];
    }
    let operation = Arc::new(Fork { earlier: Mutex::new(None) });
    let copy = fused::run([x.clone().into_dispatch()], operation.clone());
    [copy, fused::run([x.into_dispatch()], operation)]
}

/// Both uses of a tensor.
struct Fork {
    /// The gradient of the use whose turn came first.
    earlier: Mutex<Option<FlexTensor>>,
}

impl Operation<1> for Fork {
    type Saved = ();

    fn forward(&self, [x]: [FlexTensor; 1], _keep: bool) -> (FlexTensor, Option<()>) {
        (x, Some(()))
    }

    fn backward(&self, _saved: &(), gradient: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        match earlier.take() {
            None => {
                *earlier = Some(gradient);
                [None]
            }
            Some(earlier) => [Some(sum(earlier, gradient))],
        }
    }
}

/// The sum of two tensors, in the memory of the first.
fn sum(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    let mut a = Arranged::as_it_lies(a);
    let b = a.arrange(b);
    add_to(a.values_mut(), b.values());
    a.into_tensor()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// The gradient of x for y = sum(3 x . x + x transposed), by two uses whose gradients lie in different orders.
    fn gradient(uses: impl Fn(Tensor<2>) -> [Tensor<2>; 2]) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let x = Tensor::<2>::from_floats([[1.0, -2.0, 0.5], [4.0, 0.0, 3.0]], &device).require_grad();
        let [a, b] = uses(x.clone() * 2.0);
        let weights = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &device);
        let y = (a.clone() * a * 3.0).sum() + (b.transpose() * weights).sum();
        let gradients = y.backward();
        x.grad(&gradients).expect("x has a gradient").into_data().try_to_vec().expect("f32")
    }

    #[test]
    fn the_gradients_of_both_uses_are_added() {
        let found = gradient(fork);
        assert_eq!(found, gradient(|x| [x.clone(), x]));
        // d/dx of 3 (2x)^2 + 2 x w
        assert_eq!(found, [26.0, -42.0, 22.0, 100.0, 8.0, 84.0]);
    }
}
