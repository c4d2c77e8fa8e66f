//! Matrix products: the one loop nest that every convolution and the linear layer end in.
//!
//! A tile of C, up to six rows by four vectors, stays in registers while k runs. Each element of C is one chain of fused
//! multiply-adds in the order of k whatever the tile's size, so the tile's size never shows in the bits.

use crate::simd::{Lanes, WIDTH, vectorised};

/// Where the left operand lies: element (row, run, k) is at `row * row_stride + run * run_stride + k * k_stride`.
///
/// A plain matrix has one run. A convolution's patch has one run a row of the kernel; the right operand's
/// rows go on from run to run.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub data: &'a [f32],
    pub row_stride: usize,
    pub k_stride: usize,
    pub runs: usize,
    pub run_stride: usize,
}

impl<'a> Left<'a> {
    /// A matrix without runs.
    pub fn matrix(data: &'a [f32], row_stride: usize, k_stride: usize) -> Self {
        Self { data, row_stride, k_stride, runs: 1, run_stride: 0 }
    }

    /// Floats from the first element to the last of `m` rows and `k` columns a run, none of which is 0.
    fn len(&self, m: usize, k: usize) -> usize {
        (m - 1) * self.row_stride + (self.runs - 1) * self.run_stride + (k - 1) * self.k_stride + 1
    }
}

/// Where the sums start.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// At 0: C = A B.
    Zero,
    /// At C: C += A B.
    Accumulate,
    /// At a row of `n` values: C = bias + A B.
    Bias(&'a [f32]),
}

/// Vectors a tile: the columns of packed right operands come in panels of this many vectors.
const PANEL: usize = 4;
/// Rows a tile at most.
const ROWS: usize = 6;

/// Floats that a right operand of `k` rows and `n` columns takes when packed.
pub(crate) fn packed_len(k: usize, n: usize) -> usize {
    k * n.next_multiple_of(WIDTH)
}

/// The position of element (row, column) in a right operand of `k` rows and `n` columns packed in panels: a panel holds
/// its rows one after the other, so that a tile reads memory in one line.
#[inline(always)]
pub(crate) fn packed_index(k: usize, n: usize, row: usize, column: usize) -> usize {
    let width = PANEL * WIDTH;
    let panel = column / width;
    let panel_width = width.min(n.next_multiple_of(WIDTH) - panel * width);
    panel * width * k + row * panel_width + (column - panel * width)
}

/// The right operand.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    /// Row-major, a row every so many floats.
    Rows(&'a [f32], usize),
    /// In panels ([`packed_index`]).
    Packed(&'a [f32]),
}

impl Right<'_> {
    /// Whether all of `k` rows and `n` columns are there.
    fn holds(&self, k: usize, n: usize) -> bool {
        match *self {
            Right::Rows(data, ld) => n <= ld && (k - 1) * ld + n <= data.len(),
            Right::Packed(data) => packed_len(k, n) <= data.len(),
        }
    }
}

vectorised! {
    /// C (m x n, a row every `ldc` floats) from A (m x runs k) and B (runs k x n).
    ///
    /// # Panics
    /// If a matrix isn't all there, or m, n, k or runs is 0.
    pub(crate) fn gemm<V>(m: usize, n: usize, k: usize, a: Left<'_>, b: Right<'_>, c: &mut [f32], ldc: usize, start: Start<'_>) {
        assert!(m.min(n).min(k).min(a.runs) > 0, "an empty matrix");
        assert!(a.len(m, k) <= a.data.len(), "the left matrix");
        assert!(b.holds(a.runs * k, n), "the right matrix");
        assert!(n <= ldc && (m - 1) * ldc + n <= c.len(), "the product");
        if let Start::Bias(bias) = start {
            assert!(n <= bias.len(), "the bias");
        }
        // rows in blocks as equal as can be: a last block of one row would leave the processor idle
        let blocks = m.div_ceil(ROWS);
        let (fewest, longer) = (m / blocks, m % blocks);
        let mut column = 0;
        while column < n {
            // a last vector that isn't full goes alone
            let vectors = ((n - column) / WIDTH).clamp(1, V::TILE_VECTORS);
            let last = WIDTH.min(n - column);
            let (b, ldb) = match b {
                Right::Rows(data, ld) => (&data[column..], ld),
                Right::Packed(data) => {
                    let panel = column / (PANEL * WIDTH) * (PANEL * WIDTH);
                    let width = (PANEL * WIDTH).min(n.next_multiple_of(WIDTH) - panel);
                    (&data[panel * a.runs * k + (column - panel)..], width)
                }
            };
            // Where whole vectors can be read, the columns past the last one are read and left out of C: it is faster.
            let width = if (a.runs * k - 1) * ldb + WIDTH <= b.len() { WIDTH } else { last };
            let mut row = 0;
            for block in 0..blocks {
                let rows = fewest + usize::from(block < longer);
                let a = Left { data: &a.data[row * a.row_stride..], ..a };
                let c = &mut c[row * ldc + column..];
                let start = match start {
                    Start::Bias(bias) => Start::Bias(&bias[column..]),
                    other => other,
                };
                // SAFETY: the matrices are all there, and the tile lies inside C: rows <= m - row, and its columns end at n
                unsafe {
                    match vectors {
                        4 => tiles::<V, 4>(rows, k, a, b.as_ptr(), ldb, c.as_mut_ptr(), ldc, start, [width, last]),
                        3 => tiles::<V, 3>(rows, k, a, b.as_ptr(), ldb, c.as_mut_ptr(), ldc, start, [width, last]),
                        2 => tiles::<V, 2>(rows, k, a, b.as_ptr(), ldb, c.as_mut_ptr(), ldc, start, [width, last]),
                        _ => tiles::<V, 1>(rows, k, a, b.as_ptr(), ldb, c.as_mut_ptr(), ldc, start, [width, last]),
                    }
                }
                row += rows;
            }
            column += vectors * WIDTH;
        }
    }
}

/// [`tile`] for a number of rows that is only known at run time, 6 at most.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn tiles<V: Lanes, const N: usize>(
    rows: usize,
    k: usize,
    a: Left<'_>,
    b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    start: Start<'_>,
    lanes: [usize; 2],
) {
    // SAFETY: by the caller's guarantee
    unsafe {
        match rows {
            1 => tile::<V, 1, N>(k, a, b, ldb, c, ldc, start, lanes),
            2 => tile::<V, 2, N>(k, a, b, ldb, c, ldc, start, lanes),
            3 => tile::<V, 3, N>(k, a, b, ldb, c, ldc, start, lanes),
            4 => tile::<V, 4, N>(k, a, b, ldb, c, ldc, start, lanes),
            5 => tile::<V, 5, N>(k, a, b, ldb, c, ldc, start, lanes),
            _ => tile::<V, ROWS, N>(k, a, b, ldb, c, ldc, start, lanes),
        }
    }
}

/// M rows by N vectors of C. Where N is 1, `lanes` are those of a vector of B that are read, and those of C that count;
/// else all do.
///
/// # Safety
/// `a` has M rows of k columns a run; `b` points to runs k rows, every `ldb` floats, of the columns that are read; `c` to M
/// rows, every `ldc` floats, of those that count, which nobody else uses; a bias has as many values as count.
#[inline(always)]
unsafe fn tile<V: Lanes, const M: usize, const N: usize>(
    k: usize,
    a: Left<'_>,
    mut b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    start: Start<'_>,
    lanes: [usize; 2],
) {
    let [read, lanes] = if N == 1 { lanes } else { [WIDTH; 2] };
    let mut sum = [[V::splat(0.0); N]; M];
    // SAFETY: by the caller's guarantee. The pointers that step through a and b pass their ends after the last column, by more
    // than one float: they wrap instead of adding.
    unsafe {
        match start {
            Start::Zero => {}
            Start::Accumulate => {
                for i in 0..M {
                    for j in 0..N {
                        sum[i][j] = V::load_partial(c.add(i * ldc + j * WIDTH), lanes);
                    }
                }
            }
            Start::Bias(bias) => {
                for row in &mut sum {
                    for (j, v) in row.iter_mut().enumerate() {
                        *v = V::load_partial(bias.as_ptr().add(j * WIDTH), lanes);
                    }
                }
            }
        }
        for run in 0..a.runs {
            let mut left = a.data.as_ptr().add(run * a.run_stride);
            for _ in 0..k {
                let mut right = [V::splat(0.0); N];
                for (j, v) in right.iter_mut().enumerate() {
                    *v = V::load_partial(b.add(j * WIDTH), read);
                }
                for (i, row) in sum.iter_mut().enumerate() {
                    let l = V::splat(*left.add(i * a.row_stride));
                    for (v, r) in row.iter_mut().zip(right) {
                        *v = l.mul_add(r, *v);
                    }
                }
                left = left.wrapping_add(a.k_stride);
                b = b.wrapping_add(ldb);
            }
        }
        for (i, row) in sum.iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                v.store_partial(c.add(i * ldc + j * WIDTH), lanes);
            }
        }
    }
}
