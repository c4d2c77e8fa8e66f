//! Clipping gradients by their norm, all of them together (Pascanu, Mikolov and Bengio 2013).

use rayon::prelude::*;

use crate::simd::{WIDTH, vectorised};
use crate::sums;

/// Numbers of a task. It fixes where partial sums end, so it must not depend on the number of threads.
const CHUNK: usize = 16 * 1024;

/// The sum of the squares of a gradient, in a fixed order: the norm of several is the root of the sum of theirs.
///
/// ```
/// assert_eq!(adact_kernels::clip::sum_of_squares(&[3.0, 4.0]), 25.0);
/// ```
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let mut partial = vec![0.0; values.len().div_ceil(CHUNK)];
    let tasks = partial.par_iter_mut().zip(values.par_chunks(CHUNK));
    tasks.for_each(|(sum, values)| *sum = sums::sum_of_squares(values));
    partial.iter().sum()
}

/// What gradients of a norm are multiplied by so that their norm is `max_norm` at most: PyTorch's `max_norm / (norm + 1e-6)`,
/// 1 at most. NaN for a norm that is NaN.
///
/// ```
/// use adact_kernels::clip::coefficient;
/// assert_eq!(coefficient(0.5, 1.0), 1.0);
/// assert!((coefficient(4.0, 1.0) - 0.25).abs() < 1e-6);
/// ```
pub fn coefficient(norm: f64, max_norm: f64) -> f32 {
    let coefficient = max_norm / (norm + 1e-6);
    if coefficient > 1.0 { 1.0 } else { coefficient as f32 }
}

/// Multiplies all values by `factor`, in place.
pub fn scale(values: &mut [f32], factor: f32) {
    values.par_chunks_mut(CHUNK).for_each(|values| multiply(values, factor));
}

vectorised! {
    fn multiply<V>(values: &mut [f32], factor: f32) {
        let mut i = 0;
        while i < values.len() {
            let n = WIDTH.min(values.len() - i);
            // SAFETY: i + n <= values.len()
            unsafe {
                let p = values.as_mut_ptr().add(i);
                V::load_partial(p, n).mul(V::splat(factor)).store_partial(p, n);
            }
            i += WIDTH;
        }
    }
}
