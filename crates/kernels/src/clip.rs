//! What clipping gradients by their norm needs.

use crate::simd::{WIDTH, vectorised};
use rayon::prelude::*;

/// Elements of a task. It fixes where partial sums end, so it must not depend on the number of threads.
const CHUNK: usize = 16 * 1024;

/// The sum of the squares of all values, in `f64` and in a fixed order. NaN if a value is.
///
/// ```
/// assert_eq!(adact_kernels::clip::sum_of_squares(&[3.0, -4.0]), 25.0);
/// ```
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let mut partial = vec![0.0; values.len().div_ceil(CHUNK)];
    partial.par_iter_mut().zip(values.par_chunks(CHUNK)).for_each(|(sum, values)| *sum = of_chunk(values));
    partial.iter().fold(0.0, |total, sum| total + sum)
}

vectorised! {
    /// Squares are exact in `f64`: sixteen sums beside each other, which the compiler makes vectors of.
    fn of_chunk<V>(values: &[f32]) -> f64 {
        let mut sums = [0.0f64; WIDTH];
        let (whole, rest) = values.as_chunks::<WIDTH>();
        for values in whole {
            for l in 0..WIDTH {
                sums[l] += f64::from(values[l]) * f64::from(values[l]);
            }
        }
        for (sum, &v) in sums.iter_mut().zip(rest) {
            *sum += f64::from(v) * f64::from(v);
        }
        let mut total = 0.0;
        for sum in sums {
            total += sum;
        }
        total
    }
}
