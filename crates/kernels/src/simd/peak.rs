//! The most that a processor can do, to compare kernels with.

use super::vectorised;

vectorised! {
    /// `rounds` times 24 independent fused multiply-adds of vectors, as many as a register tile has, and nothing else:
    /// `rounds * 24 * 16 * 2` operations. Each of the first 24 numbers is multiplied by the 25th and the 26th added.
    ///
    /// ```
    /// let mut numbers = [1.0; 26];
    /// adact_kernels::simd::multiply_add(2, &mut numbers);
    /// assert_eq!(numbers[0], 3.0);
    /// ```
    pub fn multiply_add<V>(rounds: usize, numbers: &mut [f32; 26]) {
        let (a, b) = (V::splat(numbers[24]), V::splat(numbers[25]));
        let mut sums = [V::splat(0.0); 24];
        for i in 0..24 {
            sums[i] = V::splat(numbers[i]);
        }
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = sum.mul_add(a, b);
            }
        }
        for i in 0..24 {
            numbers[i] = sums[i].to_array()[0];
        }
    }
}
