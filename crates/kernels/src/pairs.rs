//! Matrices of numbers as matrices of pairs of bf16, half as deep.
//!
//! A pair takes the place of an `f32` and holds two numbers that follow each other along the depth of a product, the first one in
//! its lower half. So all that lays out and multiplies matrices of `f32` does so with pairs; what is lacking to the last pair is 0.

use rayon::prelude::*;

use crate::simd::{WIDTH, vectorised};
use crate::workspace::{Buffer, Workspace};

/// Pairs that a task makes at least.
const TASK: usize = 16 * 1024;

/// Pairs of the neighbours in each row: rows x columns become rows x half the columns. Rows begin every `stride` numbers.
pub(crate) fn along_rows(ws: &Workspace, values: &[f32], size: [usize; 2], stride: usize) -> Buffer {
    let [rows, columns] = size;
    let pairs = columns.div_ceil(2);
    let mut out = ws.take(rows * pairs);
    let each = (TASK / pairs).max(1);
    if rows <= each {
        neighbours(values, columns, stride, &mut out);
    } else {
        let tasks = out.par_chunks_mut(each * pairs).zip(values.par_chunks(each * stride));
        tasks.for_each(|(out, values)| neighbours(values, columns, stride, out));
    }
    out
}

/// Pairs of the numbers of two rows, one below the other: rows x columns become half the rows x columns. Rows begin every `stride`
/// numbers.
pub(crate) fn across_rows(ws: &Workspace, values: &[f32], size: [usize; 2], stride: usize) -> Buffer {
    let [rows, columns] = size;
    let mut out = ws.take(rows.div_ceil(2) * columns);
    let each = (TASK / columns).max(1);
    if rows <= 2 * each {
        between(values, size, stride, &mut out);
    } else {
        let tasks = out.par_chunks_mut(each * columns).zip(values.par_chunks(2 * each * stride)).enumerate();
        tasks.for_each(|(task, (out, values))| {
            let rows = (2 * each).min(rows - task * 2 * each);
            between(values, [rows, columns], stride, out);
        });
    }
    out
}

vectorised! {
    /// Pairs of the neighbours in each of some rows of `columns` numbers, one every `stride`.
    fn neighbours<V>(values: &[f32], columns: usize, stride: usize, out: &mut [f32]) {
        let pairs = columns.div_ceil(2);
        let rows = out.len() / pairs;
        assert!(rows > 0 && (rows - 1) * stride + columns <= values.len(), "rows inside the matrix");
        let whole = columns / WIDTH * WIDTH;
        let rest = columns - whole;
        for row in 0..rows {
            // SAFETY: each row has so many columns, and a number of 16 bits for each of them, up to an even number; in a
            // little-endian pair the first number comes first
            unsafe {
                let from = values.as_ptr().add(row * stride);
                let to = out.as_mut_ptr().add(row * pairs).cast::<u16>();
                for i in (0..whole).step_by(WIDTH) {
                    V::load(from.add(i)).store_bf16(to.add(i));
                }
                if rest > 0 {
                    let mut last = [0u16; WIDTH];
                    V::load_partial(from.add(whole), rest).store_bf16(last.as_mut_ptr());
                    std::ptr::copy_nonoverlapping(last.as_ptr(), to.add(whole), rest.next_multiple_of(2));
                }
            }
        }
    }
}

vectorised! {
    /// Pairs of the numbers of rows one below the other, the first one's in the lower halves; rows begin every `stride` numbers.
    fn between<V>(values: &[f32], size: [usize; 2], stride: usize, out: &mut [f32]) {
        let [rows, columns] = size;
        assert!(rows > 0 && (rows - 1) * stride + columns <= values.len(), "rows inside the matrix");
        assert!(out.len() == rows.div_ceil(2) * columns, "a row of pairs for every two rows");
        for pair in 0..rows.div_ceil(2) {
            let mut i = 0;
            while i < columns {
                let n = WIDTH.min(columns - i);
                // SAFETY: i + n is inside of all rows
                unsafe {
                    let even = values.as_ptr().add(2 * pair * stride + i);
                    let low = V::load_partial(even, n);
                    let high = if 2 * pair + 1 < rows { V::load_partial(even.add(stride), n) } else { V::splat(0.0) };
                    V::pairs_bf16(low, high).store_partial(out.as_mut_ptr().add(pair * columns + i), n);
                }
                i += WIDTH;
            }
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
        for (rows, columns) in [(1, 1), (3, 5), (2, 16), (5, 33), (4, 40), (1, 7), (1001, 70)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| 1.0 + i as f32 / 300.0).collect();
            let at = |row: usize, column: usize| {
                let is_there = row < rows && column < columns;
                if is_there { u32::from(round(values[row * columns + column])) } else { 0 }
            };
            let size = [rows, columns];
            let both = |values: &[f32], stride: usize| {
                (along_rows(&ws, values, size, stride), across_rows(&ws, values, size, stride))
            };
            let (along, across) = both(&values, columns);
            // The same with rows further apart than they are long.
            let apart: Vec<f32> =
                values.chunks(columns).flat_map(|row| row.iter().copied().chain([9.0; 3])).collect();
            let bits = |buffer: &[f32]| buffer.iter().map(|pair| pair.to_bits()).collect::<Vec<_>>();
            let (along_apart, across_apart) = both(&apart, columns + 3);
            assert_eq!((bits(&along), bits(&across)), (bits(&along_apart), bits(&across_apart)));
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
