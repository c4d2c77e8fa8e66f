//! Products of large matrices: blocks for the caches and tasks for the threads, around [`gemm`]'s tiles.
//!
//! The right operand is packed into panels as wide as a register tile once. Tasks are blocks of rows; a task takes the
//! depth in steps that fit the first-level cache. Every element of the product is one chain of fused multiply-adds in the
//! order of the depth, so neither the blocks nor the path nor the number of threads show in the bits.

use std::ops::Range;

use rayon::prelude::*;

use crate::gemm::{Left, Right, Start, gemm};
use crate::pairs::{across_rows, along_rows};
use crate::precision::Precision;
use crate::product::{Product, with_product};
use crate::simd::{WIDTH, vectorised};
use crate::workspace::{Buffer, Workspace};

/// Floats of a panel that are taken at once: 32 KiB stay in the first-level cache.
const BLOCK: usize = 8 * 1024;
/// Steps of the depth that are taken at once, at most.
const MOST_STEPS: usize = 256;
/// Numbers that are packed without tasks: it takes less time than to divide it.
const SMALL: usize = 32 * 1024;
/// Columns that are packed in a task, and finished at once: a multiple of every panel's.
const STRIP: usize = 64;
/// Rows that a register tile takes; blocks of rows are multiples.
const TILE_ROWS: usize = 6;
/// Rows of a task at most.
const MOST_ROWS: usize = 96;
/// Tasks for each thread, so that threads end together.
const TASKS_PER_THREAD: usize = 4;

vectorised! {
    /// Columns of a register tile. Panels are as wide: in wider ones, a tile's rows of the panel would lie in a few lines of
    /// the cache that throw each other out.
    fn tile_width<V>() -> usize {
        V::TILE_VECTORS * WIDTH
    }
}

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

    /// A matrix whose rows begin every `stride` values: the rest of each belongs to others.
    pub fn strided(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self { values, rows, columns, row_stride: stride, column_stride: 1 }
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

    /// The operand of a product whose depth is this matrix' columns. Rows or columns lie without gaps.
    pub fn along<P: Product>(self, ws: &Workspace) -> Operand<'a> {
        self.transposed().across::<P>(ws).transposed()
    }

    /// The operand of a product whose depth is this matrix' rows. Rows or columns lie without gaps.
    pub fn across<P: Product>(self, ws: &Workspace) -> Operand<'a> {
        let pairs = || match self.column_stride {
            1 => across_rows(ws, self.values, [self.rows, self.columns], self.row_stride),
            stride => along_rows(ws, self.values, [self.columns, self.rows], stride),
        };
        Operand { pairs: P::PAIRS.then(pairs), matrix: self, is_transposed: false }
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The matrix as the left side of products.
    pub fn left(&self) -> Left<'a> {
        Left::matrix(self.values, self.row_stride, self.column_stride)
    }

    /// The rows of a matrix whose columns lie without gaps as the right side of a product.
    pub fn right(&self) -> Right<'a> {
        Right::Rows(self.values, self.row_stride)
    }

    /// The rows from one on.
    pub fn below(self, row: usize) -> Self {
        Self { values: &self.values[row * self.row_stride..], rows: self.rows - row, ..self }
    }

    /// The values from an element on.
    fn from(&self, row: usize, column: usize) -> &'a [f32] {
        &self.values[row * self.row_stride + column * self.column_stride..]
    }

    /// Packs the matrix for the right side of a product.
    pub fn pack(&self, ws: &Workspace) -> Panels {
        let mut panels = Panels::take(ws, self);
        // a task takes some panels: one alone may be little work
        if panels.values.len() <= SMALL {
            self.pack_strip(0, panels.width, &mut panels.values);
            return panels;
        }
        let strips = panels.values.par_chunks_mut(self.rows * STRIP).enumerate();
        strips.for_each(|(i, out)| self.pack_strip(i * STRIP, panels.width, out));
        panels
    }

    /// As [`Matrix::pack`], without tasks.
    pub fn pack_here(&self, ws: &Workspace) -> Panels {
        let mut panels = Panels::take(ws, self);
        self.pack_strip(0, panels.width, &mut panels.values);
        panels
    }

    fn pack_strip(&self, first: usize, width: usize, out: &mut [f32]) {
        let panels = out.chunks_mut(self.rows * width);
        panels.enumerate().for_each(|(i, out)| self.pack_panel(first + i * width, out));
    }

    fn pack_panel(&self, first: usize, out: &mut [f32]) {
        let width = out.len() / self.rows;
        let columns = width.min(self.columns - first);
        if columns < width {
            out.chunks_exact_mut(width).for_each(|row| row[columns..].fill(0.0));
        }
        if self.column_stride == 1 {
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                out[..columns].copy_from_slice(&self.from(row, first)[..columns]);
            }
        } else {
            transpose(self.from(0, first), self.column_stride, self.rows, columns, out, width);
        }
    }
}

/// A matrix as it is, or as pairs of bf16, half as deep: what a product takes.
pub(crate) struct Operand<'a> {
    /// What it was made of, with the depth in its rows.
    matrix: Matrix<'a>,
    pairs: Option<Buffer>,
    /// Whether the depth is in the operand's columns.
    is_transposed: bool,
}

impl Operand<'_> {
    fn transposed(self) -> Self {
        Self { is_transposed: !self.is_transposed, ..self }
    }

    pub fn matrix(&self) -> Matrix<'_> {
        let Matrix { rows, columns, column_stride, .. } = self.matrix;
        let deep = match &self.pairs {
            None => self.matrix,
            Some(pairs) if column_stride == 1 => Matrix::new(pairs, columns),
            Some(pairs) => Matrix::new(pairs, rows.div_ceil(2)).transposed(),
        };
        if self.is_transposed { deep.transposed() } else { deep }
    }
}

vectorised! {
    /// Writes `columns` runs of `rows` numbers, which begin every `stride`, as the columns of rows of `width`.
    fn transpose<V>(from: &[f32], stride: usize, rows: usize, columns: usize, out: &mut [f32], width: usize) {
        assert!((columns - 1) * stride + rows <= from.len() && columns <= width && rows * width <= out.len());
        let whole = [rows / 8 * 8, columns / 8 * 8];
        for row in (0..whole[0]).step_by(8) {
            for column in (0..whole[1]).step_by(8) {
                // SAFETY: the block of eight times eight is inside both
                unsafe {
                    let (from, to) = (from.as_ptr().add(column * stride + row), out.as_mut_ptr().add(row * width + column));
                    V::transpose8(from, stride, to, width);
                }
            }
        }
        for row in 0..rows {
            let first = if row < whole[0] { whole[1] } else { 0 };
            for column in first..columns {
                out[row * width + column] = from[column * stride + row];
            }
        }
    }
}

/// The right side of products: a matrix in panels of columns as wide as a register tile, each with its rows one after the
/// other. What the last panel lacks to whole vectors is 0.
pub(crate) struct Panels {
    values: Buffer,
    rows: usize,
    columns: usize,
    /// Columns of a panel.
    width: usize,
}

impl Panels {
    fn take(ws: &Workspace, matrix: &Matrix<'_>) -> Self {
        let (rows, columns) = (matrix.rows, matrix.columns);
        let values = ws.take(rows * columns.next_multiple_of(WIDTH));
        Self { values, rows, columns, width: tile_width() }
    }

    /// All rows: the depth of products.
    pub fn depth(&self) -> Range<usize> {
        0..self.rows
    }

    /// Some columns of C (`m` rows, one every `ldc` floats) from `left` and some rows of this matrix. The columns begin with a
    /// panel, and may end with the last panel's zeros.
    pub fn multiply<P: Product>(
        &self,
        m: usize,
        left: Left<'_>,
        [rows, columns]: [Range<usize>; 2],
        c: &mut [f32],
        ldc: usize,
        start: Start<'_>,
    ) {
        let whole = self.columns.next_multiple_of(WIDTH);
        for column in columns.clone().step_by(self.width) {
            let width = self.width.min(whole - column);
            let right = Right::Rows(&self.values[column * self.rows + rows.start * width..], width);
            let (n, first) = (width.min(columns.end - column), column - columns.start);
            let start = match start {
                Start::Bias(bias) => Start::Bias(&bias[first..]),
                other => other,
            };
            gemm::<P>(m, n, rows.len(), left, right, &mut c[first..], ldc, start);
        }
    }
}

/// Some rows and columns of a finished product, still in the cache.
pub(crate) struct Tile<'a> {
    /// The position of its first element in the product.
    pub start: usize,
    pub columns: usize,
    /// Floats from row to row, here and in the product.
    pub stride: usize,
    /// From the tile's first element on; the last row may end with the tile's columns.
    pub product: &'a mut [f32],
    /// The same of a second matrix of the product's size, where there is one.
    pub out: Option<&'a mut [f32]>,
}

impl Tile<'_> {
    pub fn rows(&self) -> usize {
        self.product.len().div_ceil(self.stride)
    }
}

/// The product `a b`.
///
/// # Panics
/// If the sizes don't fit, or one of them is 0.
pub(crate) fn matmul(ws: &Workspace, a: Matrix<'_>, b: Matrix<'_>, precision: Precision) -> Buffer {
    let mut c = ws.take(a.rows * b.columns);
    matmul_then(ws, a, b, precision, None, &mut c, None, &|_| ());
    c
}

/// As [`matmul`], plus a row of bias to each row, into `c`; and calls `then` with each tile of the product, and of `out` beside it.
///
/// # Panics
/// As [`matmul`], and if `c` or `out` are not of the product's size.
pub(crate) fn matmul_then(
    ws: &Workspace,
    a: Matrix<'_>,
    b: Matrix<'_>,
    precision: Precision,
    bias: Option<&[f32]>,
    c: &mut [f32],
    out: Option<&mut [f32]>,
    then: &(impl Fn(Tile<'_>) + Sync),
) {
    assert_eq!(b.rows, a.columns, "the right matrix has as many rows as the left has columns");
    with_product!(precision, multiply(ws, a, b, bias, c, out, then))
}

fn multiply<P: Product>(
    ws: &Workspace,
    a: Matrix<'_>,
    b: Matrix<'_>,
    bias: Option<&[f32]>,
    c: &mut [f32],
    out: Option<&mut [f32]>,
    then: &(impl Fn(Tile<'_>) + Sync),
) {
    let (a, b) = (a.along::<P>(ws), b.across::<P>(ws));
    let (a, b) = (a.matrix(), b.matrix());
    let (m, n) = (a.rows, b.columns);
    assert_eq!(c.len(), m * n, "the product's size");
    assert!(out.as_ref().is_none_or(|out| out.len() == m * n), "the size of what follows the product");
    let right = &b.pack(ws);
    let tasks = rayon::current_num_threads() * TASKS_PER_THREAD;
    let rows = m.div_ceil(tasks).next_multiple_of(TILE_ROWS).min(MOST_ROWS);
    let mut outs = out.map(|out| out.chunks_mut(rows * n));
    let blocks = c.chunks_mut(rows * n).map(|c| (c, outs.as_mut().and_then(Iterator::next)));
    let blocks: Vec<_> = blocks.enumerate().collect();
    blocks.into_par_iter().for_each(|(block, (c, out))| {
        product::<P>(ws, block * rows, a, right, bias, c, out, then);
    });
}

/// A block of rows of the product.
fn product<P: Product>(
    ws: &Workspace,
    first: usize,
    a: Matrix<'_>,
    right: &Panels,
    bias: Option<&[f32]>,
    c: &mut [f32],
    mut out: Option<&mut [f32]>,
    then: &impl Fn(Tile<'_>),
) {
    let (n, depth) = (right.columns, a.columns);
    let rows = c.len() / n;
    let step = (BLOCK / right.width).min(MOST_STEPS);
    let mut copy = (a.row_stride == 1).then(|| ws.take(rows * step.min(depth)));
    for k in (0..depth).step_by(step) {
        let steps = step.min(depth - k);
        let left = match &mut copy {
            None => Left::matrix(a.from(first, k), a.row_stride, a.column_stride),
            // as it lies, each step is in another page: a copy of the block stays in the cache
            Some(copy) => {
                for (i, to) in copy.chunks_exact_mut(rows).take(steps).enumerate() {
                    to.copy_from_slice(&a.from(first, k + i)[..rows]);
                }
                Left::matrix(copy, 1, rows)
            }
        };
        for strip in (0..n).step_by(STRIP) {
            let end = n.min(strip + STRIP);
            let start = match bias {
                _ if k > 0 => Start::Accumulate,
                None => Start::Zero,
                Some(bias) => Start::Bias(&bias[strip..]),
            };
            right.multiply::<P>(rows, left, [k..k + steps, strip..end], &mut c[strip..], n, start);
            if k + steps == depth {
                let out = out.as_deref_mut().map(|out| &mut out[strip..]);
                let (start, columns) = (first * n + strip, end - strip);
                then(Tile { start, columns, stride: n, product: &mut c[strip..], out });
            }
        }
    }
}
