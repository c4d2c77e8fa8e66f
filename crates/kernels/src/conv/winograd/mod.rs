//! Winograd's minimal filtering (Winograd 1980; Lavin and Gray 2016): the outputs of a tile from fewer products than the
//! definition takes, as independent matrix products over the channels.
//!
//! With d a patch of the input and g a kernel: y = At [(G g Gt) . (Bt d B)] A. The [forward](forward) pass uses tiles of
//! 2 x 2, the [backward](backward) pass tiles of 4 x 4: it is the transposed computation, with m = A dy At the gradients
//! are dg = Gt [sum over tiles m . (Bt d B)] G and dd = B [m . (G g Gt)] Bt, overlapping patches added; m serves both.
//! Maps that are no multiple of a tile get tiles that hang over the edge.
//!
//! Two orders of work keep what is large from leaving the cache. Where a layer has few weights and many tiles, tasks are
//! images: all weights stay, tiles come and go. Where it has many weights and few tiles, tasks are channels: all tiles
//! stay, and weights are transformed for some channels, used for all tiles, and forgotten.

mod backward;
pub(super) mod forward;
mod transforms;

pub(super) use backward::backward;

use super::ConvSpec;
use crate::gemm::{packed_index, packed_len};
use crate::simd::WIDTH;
use std::marker::PhantomData;
use std::ops::Range;

/// Products a tile of the backward pass.
const POINTS: usize = 36;
/// Outputs of such a tile along a side.
const TILE: usize = 4;
/// Channels a task, where tasks are channels.
const CHANNELS: usize = 32;
/// Tiles that a task of channels takes through its products at once.
const TILES_A_PASS: usize = 64;

/// Floats from one point's matrix to the next one's. Matrices are often a multiple of 4 KiB; without the extra line all
/// values of a tile would fall into one set of the first-level cache.
fn point_stride(rows: usize, columns: usize) -> usize {
    rows * columns + WIDTH
}

/// The same for packed weights.
fn weights_stride(rows: usize, columns: usize) -> usize {
    packed_len(rows, columns) + WIDTH
}

/// Where a column of packed weights begins, and the floats from one of its rows to the next.
fn packed_column(rows: usize, columns: usize, column: usize) -> (usize, usize) {
    let first = packed_index(rows, columns, 0, column);
    let step = if rows > 1 { packed_index(rows, columns, 1, column) - first } else { 0 };
    (first, step)
}

/// Images a task, where tasks are images: about `tiles_a_task` tiles, so that a task's transforms stay in the second-level
/// cache, and tasks in fours.
fn images_a_task(batch: usize, tiles_an_image: usize, tiles_a_task: usize) -> usize {
    let tasks = (batch * tiles_an_image).div_ceil(tiles_a_task).next_multiple_of(4);
    batch.div_ceil(tasks).max(1)
}

/// Cuts the rows of `images` images, of one if it has more than `tiles_a_task` tiles of `tile` x `tile`, into strips of whole tiles
/// that have so many or are one tile high.
fn strips(
    images: usize,
    (height, width): (usize, usize),
    tile: usize,
    tiles_a_task: usize,
) -> impl Iterator<Item = Range<usize>> {
    let tiles_a_row = width.div_ceil(tile);
    let rows = if images > 1 { height } else { (tiles_a_task / tiles_a_row).max(1) * tile };
    (0..height).step_by(rows).map(move |first| first..height.min(first + rows))
}

/// Tiles of an image in the backward pass.
fn tiles(spec: &ConvSpec) -> usize {
    tiles_in(spec, &(0..spec.out_height()))
}

/// Tiles of some rows of an image in the backward pass.
fn tiles_in(spec: &ConvSpec, rows: &Range<usize>) -> usize {
    rows.len().div_ceil(TILE) * spec.out_width().div_ceil(TILE)
}

/// Whether the transformed products are fewer than the definition's by half: tiles hang over the edge, and where most of
/// a tile does, the direct way has less to do.
pub(super) fn pays(spec: &ConvSpec) -> bool {
    tiles(spec) * POINTS * 2 <= spec.out_height() * spec.out_width() * 9
}

/// Whether a layer has so many weights for its tiles that tasks should be channels.
fn by_channels(spec: &ConvSpec) -> bool {
    let (weights, tiles) = (spec.in_channels * spec.out_channels, spec.batch * tiles(spec));
    weights >= 64 * tiles
}

/// Floats that tasks write at the same time, each of them places of its own.
#[derive(Clone, Copy)]
struct Shared<'a> {
    start: *mut f32,
    len: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: whoever makes one promises that tasks use different places.
unsafe impl Send for Shared<'_> {}
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    /// # Safety
    /// No place is written by one thread while another uses it, through this value and its copies.
    unsafe fn new(floats: &'a mut [f32]) -> Self {
        Self { start: floats.as_mut_ptr(), len: floats.len(), life: PhantomData }
    }

    /// What remains from `place` on.
    fn from(self, place: usize) -> Self {
        assert!(place <= self.len, "a place beyond the end");
        // SAFETY: the place lies inside
        Self { start: unsafe { self.start.add(place) }, len: self.len - place, ..self }
    }

    /// A pointer to at least `len` floats.
    fn hold(self, len: usize) -> *mut f32 {
        assert!(len <= self.len, "{len} floats where {} are left", self.len);
        self.start
    }
}

/// Floats from the first one of a small matrix' points to the last: every point has `rows` x `columns` of them.
fn points_len(points: usize, point_stride: usize, rows: usize, columns: usize) -> usize {
    (points - 1) * point_stride + rows * columns
}
