//! Matrix products: the one loop nest that every convolution and the linear layer end in.
//!
//! A tile of C, as many rows and vectors as the registers hold, stays in registers while k runs. Each element of C is one
//! chain of fused multiply-adds in the order of k whatever the tile's size, so the tile's size never shows in the bits.

use crate::product::Product;
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
/// Rows of the tallest tile.
const TALLEST: usize = 12;

/// Rows a tile of `vectors` at most: a narrow one is taller, for the multiply-adds of one row wait for each other.
fn tile_rows<V: Lanes>(vectors: usize) -> usize {
    (V::TILE_SUMS / vectors).min(TALLEST)
}

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
    pub(crate) fn gemm<V, P: Product>(m: usize, n: usize, k: usize, a: Left<'_>, b: Right<'_>, c: &mut [f32], ldc: usize, start: Start<'_>) {
        assert!(m.min(n).min(k).min(a.runs) > 0, "an empty matrix");
        assert!(a.len(m, k) <= a.data.len(), "the left matrix");
        assert!(b.holds(a.runs * k, n), "the right matrix");
        assert!(n <= ldc && (m - 1) * ldc + n <= c.len(), "the product");
        if let Start::Bias(bias) = start {
            assert!(n <= bias.len(), "the bias");
        }
        let mut column = 0;
        while column < n {
            // a last vector that isn't full goes alone
            let vectors = ((n - column) / WIDTH).clamp(1, V::TILE_VECTORS);
            // rows in blocks as equal as can be: a last block of one row would leave the processor idle
            let blocks = m.div_ceil(tile_rows::<V>(vectors));
            let (fewest, longer) = (m / blocks, m % blocks);
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
            let c = &mut c[column..];
            let start = match start {
                Start::Bias(bias) => Start::Bias(&bias[column..]),
                other => other,
            };
            let mut row = 0;
            for (rows, count) in [(fewest + 1, longer), (fewest, blocks - longer)] {
                if count == 0 {
                    continue;
                }
                let a = Left { data: &a.data[row * a.row_stride..], ..a };
                let (b, c) = (b.as_ptr(), c[row * ldc..].as_mut_ptr());
                // SAFETY: the matrices are all there, and the tiles lie inside C: their rows end at m, and their columns at n
                unsafe {
                    match vectors {
                        4 => tiles::<V, P, 4>(rows, count, k, a, b, ldb, c, ldc, start, [width, last]),
                        3 => tiles::<V, P, 3>(rows, count, k, a, b, ldb, c, ldc, start, [width, last]),
                        2 => tiles::<V, P, 2>(rows, count, k, a, b, ldb, c, ldc, start, [width, last]),
                        _ => tiles::<V, P, 1>(rows, count, k, a, b, ldb, c, ldc, start, [width, last]),
                    }
                }
                row += rows * count;
            }
            column += vectors * WIDTH;
        }
    }
}

/// `count` [`tile`]s one below the other, of a number of rows that is only known at run time, [`tile_rows`] at most.
///
/// # Safety
/// As [`tile`], for all of them.
#[inline(always)]
unsafe fn tiles<V: Lanes, P: Product, const N: usize>(
    rows: usize,
    count: usize,
    k: usize,
    a: Left<'_>,
    b: *const f32,
    ldb: usize,
    c: *mut f32,
    ldc: usize,
    start: Start<'_>,
    lanes: [usize; 2],
) {
    macro_rules! of_rows {
        ($($m:literal)*) => {
            match rows {
                // Taller tiles than the registers hold are not compiled.
                $($m if $m * N <= V::TILE_SUMS => for i in 0..count {
                    let a = Left { data: &a.data[i * $m * a.row_stride..], ..a };
                    // SAFETY: by the caller's guarantee
                    unsafe { tile::<V, P, $m, N>(k, a, b, ldb, c.add(i * $m * ldc), ldc, start, lanes) }
                },)*
                rows => unreachable!("a tile of {rows} rows"),
            }
        };
    }
    of_rows!(1 2 3 4 5 6 7 8 9 10 11 12)
}

/// M rows by N vectors of C. Where N is 1, `lanes` are those of a vector of B that are read, and those of C that count;
/// else all do.
///
/// # Safety
/// `a` has M rows of k columns a run; `b` points to runs k rows, every `ldb` floats, of the columns that are read; `c` to M
/// rows, every `ldc` floats, of those that count, which nobody else uses; a bias has as many values as count.
#[inline(always)]
unsafe fn tile<V: Lanes, P: Product, const M: usize, const N: usize>(
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
            let first = a.data.as_ptr().add(run * a.run_stride);
            // A pointer for every three rows, the other two an index away: one pointer that steps from row to row makes a chain of
            // additions as long as the tile is tall.
            let mut rows: [*const f32; TALLEST / 3] =
                std::array::from_fn(|group| first.wrapping_add(3 * group * a.row_stride));
            for _ in 0..k {
                let mut right = [V::splat(0.0); N];
                for (j, v) in right.iter_mut().enumerate() {
                    *v = V::load_partial(b.add(j * WIDTH), read);
                }
                for (i, row) in sum.iter_mut().enumerate() {
                    let l = V::splat(*rows[i / 3].add(i % 3 * a.row_stride));
                    for (v, r) in row.iter_mut().zip(right) {
                        *v = P::add(l, r, *v);
                    }
                }
                for pointer in &mut rows[..M.div_ceil(3)] {
                    *pointer = pointer.wrapping_add(a.k_stride);
                }
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
