//! Embedding: rows of a table by number, and the table's gradient.

use rayon::prelude::*;

use crate::check::length;

/// Columns of a task of the gradient.
const COLUMNS: usize = 64;

/// The rows of `table` (entries x dim) at `indices`, one after the other.
///
/// # Panics
/// If the table has no whole rows or an index is beyond its rows.
///
/// ```
/// use adact_kernels::embedding;
/// let mut rows = [0.0; 4];
/// embedding::forward(&[1.0, 2.0, 3.0, 4.0], 2, &[1, 0], &mut rows);
/// assert_eq!(rows, [3.0, 4.0, 1.0, 2.0]);
/// ```
pub fn forward(table: &[f32], dim: usize, indices: &[i32], rows: &mut [f32]) {
    check(table.len(), dim, indices, rows);
    for (row, &index) in rows.chunks_exact_mut(dim).zip(indices) {
        let from = index as usize * dim;
        row.copy_from_slice(&table[from..from + dim]);
    }
}

/// Adds the gradient `drows` of the rows at `indices` to the table's gradient `dtable`, in the order of the rows.
///
/// # Panics
/// As [`forward`].
pub fn backward(dtable: &mut [f32], dim: usize, indices: &[i32], drows: &[f32]) {
    check(dtable.len(), dim, indices, drows);
    // Tasks are strips of columns: no two of them touch the same number, whatever the indices.
    let strips: Vec<(usize, Vec<f32>)> = (0..dim)
        .step_by(COLUMNS)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|first| {
            let width = COLUMNS.min(dim - first);
            let mut strip = vec![0.0; dtable.len() / dim * width];
            for (row, &index) in drows.chunks_exact(dim).zip(indices) {
                let to = index as usize * width;
                strip[to..to + width].iter_mut().zip(&row[first..]).for_each(|(t, d)| *t += d);
            }
            (width, strip)
        })
        .collect();
    let mut first = 0;
    for (width, strip) in strips {
        for (row, strip) in dtable.chunks_exact_mut(dim).zip(strip.chunks_exact(width)) {
            row[first..].iter_mut().zip(strip).for_each(|(t, d)| *t += d);
        }
        first += width;
    }
}

fn check(table: usize, dim: usize, indices: &[i32], rows: &[f32]) {
    assert!(dim > 0, "an embedding has at least one dimension");
    let entries = table / dim;
    length("table", table, entries * dim);
    length("rows", rows.len(), indices.len() * dim);
    if let Some(bad) = indices.iter().find(|&&i| usize::try_from(i).map_or(true, |i| i >= entries)) {
        panic!("index {bad} is beyond a table of {entries} rows");
    }
}
