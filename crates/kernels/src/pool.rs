//! Pooling of maps, channels last: the largest of 2 x 2 pixels, and the mean of all pixels of an image.

use std::ops::Deref;

use rayon::prelude::*;

use crate::check::length;
use crate::simd::{WIDTH, vectorised};
use crate::sums::sum_rows;
use crate::workspace::{Buffer, Workspace};

/// The shape of a map, N x H x W x C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// Images.
    pub batch: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

impl MapSpec {
    /// Numbers of the map.
    pub fn len(&self) -> usize {
        self.batch * self.image()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers of the map of the largest of 2 x 2: an odd last row or column is left out.
    pub fn pooled_len(&self) -> usize {
        self.batch * (self.height / 2) * (self.width / 2) * self.channels
    }

    /// Numbers of an image.
    fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Where the four pixels of a window lie, from its first number on.
    fn window(&self) -> [usize; 4] {
        let row = self.width * self.channels;
        [0, self.channels, row, row + self.channels]
    }

    fn check(&self, smallest: usize) {
        let Self { batch, height, width, channels } = *self;
        assert!(
            batch.min(channels) > 0 && height.min(width) >= smallest,
            "pooling needs images of {smallest} x {smallest} pixels at least: {self:?}"
        );
        let product = [height, width, channels].iter().try_fold(batch, |p, &size| p.checked_mul(size));
        assert!(product.is_some(), "a map is too large: {self:?}");
    }
}

/// What max pooling gives.
#[derive(Debug)]
pub struct MaxPool {
    /// N x H/2 x W/2 x C.
    pub y: Buffer,
    /// For each number of `y` which of its window it is, 0..=3 in reading order.
    pub winners: Winners,
}

/// Bytes in a buffer of the workspace.
#[derive(Debug)]
pub struct Winners {
    buffer: Buffer,
    len: usize,
}

impl Winners {
    /// Bytes of any value.
    fn take(ws: &Workspace, len: usize) -> Self {
        Self { buffer: ws.take(len.div_ceil(size_of::<f32>())), len }
    }
}

impl Deref for Winners {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.buffer.as_bytes()[..self.len]
    }
}

/// The largest of each 2 x 2 pixels, with stride 2: of equals the first, and NaN if there is one, as in PyTorch.
///
/// # Panics
/// If the shape has no such pixels or `x` another length.
///
/// ```
/// use adact_kernels::pool::{self, MapSpec};
/// let ws = adact_kernels::Workspace::new();
/// let map = MapSpec { batch: 1, height: 2, width: 2, channels: 1 };
/// let pooled = pool::max_pool(&ws, &map, &[1.0, 3.0, 3.0, 2.0]);
/// assert_eq!((pooled.y[0], pooled.winners[0]), (3.0, 1));
/// assert_eq!(pool::max_pool_backward(&ws, &map, &pooled.winners, &[5.0])[..], [0.0, 5.0, 0.0, 0.0]);
/// ```
pub fn max_pool(ws: &Workspace, map: &MapSpec, x: &[f32]) -> MaxPool {
    map.check(2);
    length("x", x.len(), map.len());
    let (mut y, mut winners) = (ws.take(map.pooled_len()), Winners::take(ws, map.pooled_len()));
    let one = map.pooled_len() / map.batch;
    let bytes = &mut winners.buffer.as_bytes_mut()[..winners.len];
    let images = x.par_chunks(map.image()).zip(y.par_chunks_mut(one)).zip(bytes.par_chunks_mut(one));
    images.for_each(|((x, y), winners)| largest(map, x, y, winners));
    MaxPool { y, winners }
}

/// The gradient of the input for the output's gradient `dy`, with the `winners` of [`max_pool`].
///
/// # Panics
/// As [`max_pool`].
pub fn max_pool_backward(ws: &Workspace, map: &MapSpec, winners: &[u8], dy: &[f32]) -> Buffer {
    map.check(2);
    length("winners", winners.len(), map.pooled_len());
    length("dy", dy.len(), map.pooled_len());
    let mut dx = ws.take(map.len());
    let one = map.pooled_len() / map.batch;
    let images = dx.par_chunks_mut(map.image()).zip(dy.par_chunks(one)).zip(winners.par_chunks(one));
    images.for_each(|((dx, dy), winners)| scatter(map, winners, dy, dx));
    dx
}

vectorised! {
    fn largest<V>(map: &MapSpec, x: &[f32], y: &mut [f32], winners: &mut [u8]) {
        let (rows, columns, channels) = (map.height / 2, map.width / 2, map.channels);
        length("x", x.len(), map.image());
        length("y", y.len(), rows * columns * channels);
        length("winners", winners.len(), y.len());
        for i in 0..rows * columns {
            let from = (i / columns * 2 * map.width + i % columns * 2) * channels;
            for c in (0..channels).step_by(WIDTH) {
                let n = WIDTH.min(channels - c);
                // SAFETY: c + n <= channels, and the window is inside the image
                unsafe {
                    let (mut best, mut winner) = (V::splat(f32::NEG_INFINITY), V::splat(0.0));
                    for (place, offset) in map.window().into_iter().enumerate() {
                        let v = V::load_partial(x.as_ptr().add(from + offset + c), n);
                        winner = v.select_gt_or_nan(best, V::splat(place as f32), winner);
                        best = v.select_gt_or_nan(best, v, best);
                    }
                    best.store_partial(y.as_mut_ptr().add(i * channels + c), n);
                    winner.store_u8_partial(winners.as_mut_ptr().add(i * channels + c), n);
                }
            }
        }
    }
}

vectorised! {
    fn scatter<V>(map: &MapSpec, winners: &[u8], dy: &[f32], dx: &mut [f32]) {
        let (rows, columns, channels) = (map.height / 2, map.width / 2, map.channels);
        length("dx", dx.len(), map.image());
        length("dy", dy.len(), rows * columns * channels);
        length("winners", winners.len(), dy.len());
        // an odd last row or column is in no window
        if map.height % 2 == 1 {
            dx[rows * 2 * map.width * channels..].fill(0.0);
        }
        if map.width % 2 == 1 {
            for row in dx.chunks_exact_mut(map.width * channels) {
                row[columns * 2 * channels..].fill(0.0);
            }
        }
        for i in 0..rows * columns {
            let to = (i / columns * 2 * map.width + i % columns * 2) * channels;
            for c in (0..channels).step_by(WIDTH) {
                let n = WIDTH.min(channels - c);
                // SAFETY: c + n <= channels, and the window is inside the image
                unsafe {
                    let d = V::load_partial(dy.as_ptr().add(i * channels + c), n);
                    let winner = V::load_u8_partial(winners.as_ptr().add(i * channels + c), n);
                    for (place, offset) in map.window().into_iter().enumerate() {
                        let d = winner.select_eq(V::splat(place as f32), d, V::splat(0.0));
                        d.store_partial(dx.as_mut_ptr().add(to + offset + c), n);
                    }
                }
            }
        }
    }
}

/// The mean of all pixels of each image, N x C.
///
/// # Panics
/// If the shape has no pixels or `x` another length.
pub fn mean_pool(ws: &Workspace, map: &MapSpec, x: &[f32]) -> Buffer {
    map.check(1);
    length("x", x.len(), map.len());
    let mut y = ws.take(map.batch * map.channels);
    let scale = 1.0 / (map.height * map.width) as f64;
    let images = y.par_chunks_mut(map.channels).zip(x.par_chunks(map.image()));
    images.for_each(|(y, x)| sum_rows(x, scale, y));
    y
}

/// The gradient of the input for the gradient `dy` of [`mean_pool`]'s output.
///
/// # Panics
/// As [`mean_pool`].
pub fn mean_pool_backward(ws: &Workspace, map: &MapSpec, dy: &[f32]) -> Buffer {
    map.check(1);
    length("dy", dy.len(), map.batch * map.channels);
    let scale = (1.0 / (map.height * map.width) as f64) as f32;
    let mut dx = ws.take(map.len());
    dx.par_chunks_mut(map.image()).zip(dy.par_chunks(map.channels)).for_each(|(dx, dy)| {
        let (first, rest) = dx.split_at_mut(map.channels);
        first.iter_mut().zip(dy).for_each(|(dx, dy)| *dx = dy * scale);
        rest.chunks_exact_mut(map.channels).for_each(|pixel| pixel.copy_from_slice(first));
    });
    dx
}
