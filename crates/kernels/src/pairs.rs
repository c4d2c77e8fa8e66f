//! Matrices of numbers as matrices of pairs of bf16, half as deep.
//!
//! A pair takes the place of an `f32` and holds two numbers that follow each other along the depth of a product, the first one in
//! its lower half. So all that lays out and multiplies matrices of `f32` does so with pairs; what is lacking to the last pair is 0.

use rayon::prelude::*;

use crate::simd::{WIDTH, vectorised};
use crate::workspace::{Buffer, Workspace};

/// Pairs that a task makes at least.
const TASK: usize = 16 * 1024;

/// Pairs of the neighbours in each row: rows x columns become rows x half the columns.
pub(crate) fn along_rows(ws: &Workspace, values: &[f32], columns: usize) -> Buffer {
    let pairs = columns.div_ceil(2);
    let rows = values.len() / columns;
    let mut out = ws.take(rows * pairs);
    let each = (TASK / pairs).max(1);
    let tasks = out.par_chunks_mut(each * pairs).zip(values.par_chunks(each * columns));
    tasks.for_each(|(out, values)| {
        if columns.is_multiple_of(2) {
            neighbours(values, out);
        } else {
            out.chunks_exact_mut(pairs)
                .zip(values.chunks_exact(columns))
                .for_each(|(out, row)| neighbours(row, out));
        }
    });
    out
}

/// Pairs of the numbers of two rows, one below the other: rows x columns become half the rows x columns.
pub(crate) fn across_rows(ws: &Workspace, values: &[f32], columns: usize) -> Buffer {
    let pairs = (values.len() / columns).div_ceil(2);
    let mut out = ws.take(pairs * columns);
    let each = (TASK / columns).max(1);
    let tasks = out.par_chunks_mut(each * columns).zip(values.par_chunks(2 * each * columns));
    tasks.for_each(|(out, values)| {
        for (out, rows) in out.chunks_exact_mut(columns).zip(values.chunks(2 * columns)) {
            let (even, odd) = rows.split_at(columns);
            between(even, (!odd.is_empty()).then_some(odd), out);
        }
    });
    out
}

vectorised! {
    /// Pairs of neighbours.
    fn neighbours<V>(values: &[f32], out: &mut [f32]) {
        assert!(values.len().div_ceil(2) == out.len(), "a pair for every two numbers");
        let to = out.as_mut_ptr().cast::<u16>();
        let whole = values.len() / WIDTH * WIDTH;
        // SAFETY: a number of 16 bits for each value, of which there is room for an even number; a little-endian pair has its first
        // number first
        unsafe {
            for i in (0..whole).step_by(WIDTH) {
                V::load(values.as_ptr().add(i)).store_bf16(to.add(i));
            }
            let rest = values.len() - whole;
            if rest > 0 {
                let mut last = [0u16; WIDTH];
                V::load_partial(values.as_ptr().add(whole), rest).store_bf16(last.as_mut_ptr());
                std::ptr::copy_nonoverlapping(last.as_ptr(), to.add(whole), rest.next_multiple_of(2));
            }
        }
    }
}

vectorised! {
    /// Pairs of the numbers of two rows, the first one's in the lower halves.
    fn between<V>(even: &[f32], odd: Option<&[f32]>, out: &mut [f32]) {
        assert!(even.len() == out.len() && odd.is_none_or(|odd| odd.len() == out.len()), "rows of one length");
        let mut i = 0;
        while i < out.len() {
            let n = WIDTH.min(out.len() - i);
            // SAFETY: i + n is inside of all rows
            unsafe {
                let low = V::load_partial(even.as_ptr().add(i), n);
                let high = match odd {
                    Some(odd) => V::load_partial(odd.as_ptr().add(i), n),
                    None => V::splat(0.0),
                };
                V::pairs_bf16(low, high).store_partial(out.as_mut_ptr().add(i), n);
            }
            i += WIDTH;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::bf16::round;

    #[test]
    fn pairs_hold_two_numbers_each_and_zeros_where_there_is_none() {
        let ws = Workspace::new();
        for (rows, columns) in [(1, 1), (3, 5), (2, 16), (5, 33), (4, 40), (1, 7)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| 1.0 + i as f32 / 300.0).collect();
            let at = |row: usize, column: usize| {
                let is_there = row < rows && column < columns;
                if is_there { u32::from(round(values[row * columns + column])) } else { 0 }
            };
            let (along, across) = (along_rows(&ws, &values, columns), across_rows(&ws, &values, columns));
            let half = columns.div_ceil(2);
            assert_eq!((along.len(), across.len()), (rows * half, rows.div_ceil(2) * columns));
            for (i, pair) in along.iter().enumerate() {
                let (row, column) = (i / half, 2 * (i % half));
                assert_eq!(pair.to_bits(), at(row, column) | at(row, column + 1) << 16, "{rows} x {columns}");
            }
            for (i, pair) in across.iter().enumerate() {
                let (row, column) = (2 * (i / columns), i % columns);
                assert_eq!(pair.to_bits(), at(row, column) | at(row + 1, column) << 16, "{rows} x {columns}");
            }
        }
    }
}
