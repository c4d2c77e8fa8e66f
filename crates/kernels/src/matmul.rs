//! Products of large matrices: blocks for the caches and tasks for the threads, around [`gemm`]'s tiles.
//!
//! The right operand is packed into panels of 64 columns once. Tasks are blocks of rows; a task takes the depth in
//! steps that fit the first-level cache. Every element of the product is one chain of fused multiply-adds in the order of
//! the depth, so neither the blocks nor the number of threads show in the bits.

use rayon::prelude::*;

use crate::gemm::{Left, PANEL_WIDTH, Right, Start, gemm};
use crate::simd::WIDTH;
use crate::workspace::{Buffer, Workspace};

/// Steps of the depth that are taken at once: a panel's block (32 KiB) stays in the first-level cache.
const DEPTH: usize = 128;
/// Rows that a register tile takes; blocks of rows are multiples.
const TILE_ROWS: usize = 6;
/// Rows of a task at most.
const MOST_ROWS: usize = 96;
/// Tasks for each thread, so that threads end together.
const TASKS_PER_THREAD: usize = 4;

/// A matrix in a slice, as it lies or transposed.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix of `columns` columns.
    ///
    /// # Panics
    /// If the values don't fill whole rows.
    pub fn new(values: &'a [f32], columns: usize) -> Self {
        assert!(
            columns > 0 && values.len().is_multiple_of(columns),
            "values that fill whole rows of a matrix"
        );
        let rows = values.len() / columns;
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Packs the matrix into panels: a panel holds its rows one after the other.
    fn pack(&self, ws: &Workspace) -> Buffer {
        let width = self.columns.next_multiple_of(WIDTH);
        let mut packed = ws.take(self.rows * width);
        let panels = packed.par_chunks_mut(self.rows * PANEL_WIDTH);
        panels.enumerate().for_each(|(panel, out)| self.pack_panel(panel * PANEL_WIDTH, out));
        packed
    }

    fn pack_panel(&self, first: usize, out: &mut [f32]) {
        let width = out.len() / self.rows;
        let columns = width.min(self.columns - first);
        if self.column_stride == 1 {
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                let from = row * self.row_stride + first;
                out[..columns].copy_from_slice(&self.values[from..from + columns]);
                out[columns..].fill(0.0);
            }
            return;
        }
        // Sixteen rows at once: what a column reads is one cache line, what it writes stays in the cache.
        for (block, out) in out.chunks_mut(WIDTH * width).enumerate() {
            let rows = out.len() / width;
            for column in 0..columns {
                let from = (first + column) * self.column_stride + block * WIDTH;
                for (row, &value) in self.values[from..from + rows].iter().enumerate() {
                    out[row * width + column] = value;
                }
            }
            for row in out.chunks_exact_mut(width) {
                row[columns..].fill(0.0);
            }
        }
    }
}

/// The product `a b`, plus a row of bias to each of its rows.
///
/// # Panics
/// If the sizes don't fit, or one of them is 0.
pub(crate) fn matmul(ws: &Workspace, a: Matrix<'_>, b: Matrix<'_>, bias: Option<&[f32]>) -> Buffer {
    let packed = Packed::new(ws, b);
    let (mut c, rows) = (ws.take(a.rows * b.columns), task_rows(a.rows));
    let blocks = c.par_chunks_mut(rows * b.columns).enumerate();
    blocks.for_each(|(block, c)| packed.product(block * rows, a, bias, c));
    c
}

/// Rows of a task of a product that has `m`. It depends on the number of threads: no sum may end with a task.
pub(crate) fn task_rows(m: usize) -> usize {
    let tasks = rayon::current_num_threads() * TASKS_PER_THREAD;
    m.div_ceil(tasks).next_multiple_of(TILE_ROWS).min(MOST_ROWS)
}

/// A right operand in panels.
pub(crate) struct Packed {
    values: Buffer,
    rows: usize,
    columns: usize,
}

impl Packed {
    /// Packs a matrix.
    pub fn new(ws: &Workspace, b: Matrix<'_>) -> Self {
        Self { values: b.pack(ws), rows: b.rows, columns: b.columns }
    }

    /// A block of rows of the product with `a`, from its row `first` on, plus a row of bias to each.
    ///
    /// # Panics
    /// If the sizes don't fit, or one of them is 0.
    pub fn product(&self, first: usize, a: Matrix<'_>, bias: Option<&[f32]>, c: &mut [f32]) {
        assert_eq!(self.rows, a.columns, "the right matrix has as many rows as the left has columns");
        product(first, a, &self.values, self.columns, bias, c);
    }
}

fn product(first: usize, a: Matrix<'_>, packed: &[f32], n: usize, bias: Option<&[f32]>, c: &mut [f32]) {
    let (rows, depth) = (c.len() / n, a.columns);
    for k in (0..depth).step_by(DEPTH) {
        let steps = DEPTH.min(depth - k);
        let left = &a.values[first * a.row_stride + k * a.column_stride..];
        let left = Left::matrix(left, a.row_stride, a.column_stride);
        for column in (0..n).step_by(PANEL_WIDTH) {
            let columns = PANEL_WIDTH.min(n - column);
            let width = columns.next_multiple_of(WIDTH);
            let start = match bias {
                _ if k > 0 => Start::Accumulate,
                None => Start::Zero,
                Some(bias) => Start::Bias(&bias[column..]),
            };
            let right = Right::Rows(&packed[column * depth + k * width..], width);
            gemm(rows, columns, steps, left, right, &mut c[column..], n, start);
        }
    }
}
