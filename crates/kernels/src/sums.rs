//! Sums in `f64`, in a fixed order.

use crate::simd::{WIDTH, vectorised};

vectorised! {
    /// The sum of each column of `rows`, in the order of the rows, times `scale`.
    pub(crate) fn sum_rows<V>(rows: &[f32], scale: f64, sums: &mut [f32]) {
        let columns = sums.len();
        for (i, sums) in sums.chunks_mut(WIDTH).enumerate() {
            let mut total = [0.0f64; WIDTH];
            if sums.len() == WIDTH {
                // of a length that the compiler knows
                for row in rows.chunks_exact(columns) {
                    let row: &[f32; WIDTH] = row[i * WIDTH..][..WIDTH].try_into().expect("sixteen");
                    for j in 0..WIDTH {
                        total[j] += f64::from(row[j]);
                    }
                }
            } else {
                for row in rows.chunks_exact(columns) {
                    for (total, &v) in total.iter_mut().zip(&row[i * WIDTH..]) {
                        *total += f64::from(v);
                    }
                }
            }
            for (sum, total) in sums.iter_mut().zip(total) {
                *sum = (total * scale) as f32;
            }
        }
    }
}

vectorised! {
    /// The sum of the squares, one sum for each of sixteen lanes and those in order.
    pub(crate) fn sum_of_squares<V>(values: &[f32]) -> f64 {
        let mut total = [0.0f64; WIDTH];
        let chunks = values.chunks_exact(WIDTH);
        for (total, &v) in total.iter_mut().zip(chunks.remainder()) {
            *total = f64::from(v) * f64::from(v);
        }
        for chunk in chunks {
            for j in 0..WIDTH {
                let v = f64::from(chunk[j]);
                total[j] += v * v;
            }
        }
        let mut sum = 0.0;
        for total in total {
            sum += total;
        }
        sum
    }
}
