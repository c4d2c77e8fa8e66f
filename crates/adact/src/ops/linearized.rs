//! Values that were computed beside the graph, with their derivatives.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::tensor::{Tensor, TensorData};

use super::buffer::vector;
use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;

/// `values` as a function of `x` that has this derivative: block by block, each a square Jacobian of so many elements of `x`, row by
/// row. It serves functions of few numbers that are computed in `f64`, straight-through ones among them.
///
/// # Panics
/// If the blocks don't cover `x`, or there is not one value for each element.
pub(crate) fn linearized(x: Tensor<1>, values: Vec<f32>, jacobians: Vec<Vec<f64>>) -> Tensor<1> {
    assert_eq!(x.dims(), [values.len()], "one value for each element");
    let covered: usize = jacobians.iter().map(|jacobian| jacobian.len().isqrt()).sum();
    assert_eq!(covered, values.len(), "a derivative of each element");
    if is_fused(&x) {
        let operation = Linearized { values, jacobians };
        return fused::run([x.into_dispatch()], Arc::new(operation));
    }
    let (device, dtype) = (x.device(), x.dtype());
    let moved = x.clone() - x.detach();
    let mut from = 0;
    let parts = jacobians.iter().map(|jacobian| {
        let size = jacobian.len().isqrt();
        let matrix =
            Tensor::<2>::from_data(TensorData::new(jacobian.clone(), [size, size]), (&device, dtype));
        let part = moved.clone().narrow(0, from, size).reshape([size, 1]);
        from += size;
        matrix.matmul(part).reshape([size])
    });
    let moved = Tensor::cat(parts.collect(), 0);
    moved + Tensor::from_data(values.as_slice(), (&device, dtype))
}

struct Linearized {
    values: Vec<f32>,
    jacobians: Vec<Vec<f64>>,
}

impl Operation<1> for Linearized {
    type Saved = ();

    fn forward(&self, _: [FlexTensor; 1], keep: bool) -> (FlexTensor, Option<()>) {
        (vector(self.values.clone()), keep.then_some(()))
    }

    fn backward(&self, (): &(), gradient: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let gradient = Arranged::row_major(gradient);
        let mut rest = gradient.values();
        let mut dx = Vec::with_capacity(rest.len());
        for jacobian in &self.jacobians {
            let size = jacobian.len().isqrt();
            let (dy, others) = rest.split_at(size);
            rest = others;
            let of = |j: usize| -> f64 {
                dy.iter().enumerate().map(|(i, &dy)| f64::from(dy) * jacobian[i * size + j]).sum()
            };
            dx.extend((0..size).map(|j| of(j) as f32));
        }
        [Some(vector(dx))]
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};

    use super::*;

    #[test]
    fn the_composed_operation_is_the_fused_one() {
        let device = Device::flex().autodiff();
        let jacobians = vec![vec![1.0, -2.0, 0.5, 3.0], vec![4.0]];
        let run = |x: Tensor<1>| {
            let x = x.require_grad();
            let y = linearized(x.clone(), vec![0.5, 0.25, -1.0], jacobians.clone());
            let grads = (y.clone() * y.clone()).sum().backward();
            let grad = x.grad(&grads).unwrap();
            [y.into_data().iter::<f32>().collect::<Vec<_>>(), grad.into_data().iter::<f32>().collect()]
        };
        let x = Tensor::<1>::from_floats([9.0, 8.0, 7.0], &device);
        let fused = run(x.clone());
        assert_eq!(fused, [vec![0.5, 0.25, -1.0], vec![1.25, -0.5, -8.0]]);
        assert_eq!(run(x.cast(DType::F64)), fused);
    }
}
