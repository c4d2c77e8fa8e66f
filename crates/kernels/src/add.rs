//! Sums of arrays.

use rayon::prelude::*;

use crate::check::length;

/// Numbers that a task adds.
const PART: usize = 1 << 15;

/// Adds `b` to `a`, number by number.
///
/// ```
/// let mut a = [1.0, 2.0];
/// adact_kernels::add::add_to(&mut a, &[0.5, -2.0]);
/// assert_eq!(a, [1.5, 0.0]);
/// ```
///
/// # Panics
/// If they have not as many numbers.
pub fn add_to(a: &mut [f32], b: &[f32]) {
    length("b", b.len(), a.len());
    let parts = a.par_chunks_mut(PART).zip(b.par_chunks(PART));
    parts.for_each(|(a, b)| a.iter_mut().zip(b).for_each(|(a, b)| *a += b));
}
