//! Pooling alone, channels last: the largest of 2 x 2, and the mean of an image.

use rayon::prelude::*;

use crate::check::length;
use crate::pointwise::{Layout, regenerate, store_index};
use crate::simd::{WIDTH, vectorised};
use crate::workspace::{Buffer, Workspace};

/// The shape of what is pooled, N x H x W x C. Max pooling needs 2 x 2 pixels at least, the mean needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    /// Images.
    pub batch: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl PoolSpec {
    fn layout(&self) -> Layout {
        Layout { height: self.height, width: self.width, channels: self.channels, pool: true }
    }

    fn check(&self, least: usize) {
        let Self { batch, height, width, channels } = *self;
        let fits = height.min(width) >= least && batch.min(channels) > 0;
        assert!(fits, "pooling of a map that is smaller than {least} x {least}: {self:?}");
        let numbers = [height, width, channels].iter().try_fold(batch, |n, &size| n.checked_mul(size));
        assert!(numbers.is_some(), "a map is too large: {self:?}");
    }
}

/// The result of max pooling.
#[derive(Debug)]
pub struct MaxPool {
    /// N x H / 2 x W / 2 x C, rounded down.
    pub out: Buffer,
    /// Which of its four inputs each output took: a byte each.
    winners: Buffer,
}

/// The largest of each 2 x 2, stride 2. The first of equals wins, and NaN does, as in PyTorch; an odd last row or column is
/// dropped.
///
/// # Panics
/// If the map is smaller than 2 x 2 or of another length.
///
/// ```
/// use adact_kernels::{Workspace, pool};
/// let spec = pool::PoolSpec { batch: 1, height: 2, width: 3, channels: 1 };
/// let pooled = pool::max_pool(&Workspace::new(), &spec, &[1.0, 2.0, 9.0, 4.0, 3.0, 9.0]);
/// assert_eq!(pooled.out[..], [4.0]);
/// ```
pub fn max_pool(ws: &Workspace, spec: &PoolSpec, x: &[f32]) -> MaxPool {
    spec.check(2);
    let layout = spec.layout();
    length("x", x.len(), spec.batch * layout.len());
    let mut out = ws.take(spec.batch * layout.out_len());
    let mut winners = ws.take(out.len().div_ceil(4));
    let images = out.par_chunks_mut(layout.out_len()).zip(x.par_chunks(layout.len()));
    let images = images.zip(winners.as_bytes_mut().par_chunks_mut(layout.out_len()));
    images.for_each(|((out, x), winners)| largest(layout, x, out, winners));
    MaxPool { out, winners }
}

/// The gradient of max pooling's input for the output's gradient `dout`, with what [`max_pool`] returned for the same spec.
///
/// # Panics
/// If a length doesn't fit the map.
pub fn max_pool_backward(ws: &Workspace, spec: &PoolSpec, pooled: &MaxPool, dout: &[f32]) -> Buffer {
    spec.check(2);
    let layout = spec.layout();
    let one = layout.out_len();
    length("what was pooled", pooled.out.len(), spec.batch * one);
    length("dout", dout.len(), spec.batch * one);
    let mut dx = ws.take(spec.batch * layout.len());
    let (ones, zeros) = (vec![1.0; spec.channels], vec![0.0; spec.channels]);
    let winners = pooled.winners.as_bytes();
    dx.par_chunks_mut(layout.len()).enumerate().for_each(|(image, dx)| {
        let (dout, winners) = (&dout[image * one..][..one], &winners[image * one..][..one]);
        regenerate(layout, &ones, &zeros, &zeros, None, dout, Some(winners), dx);
    });
    dx
}

vectorised! {
    /// One image.
    fn largest<V>(layout: Layout, x: &[f32], out: &mut [f32], winners: &mut [u8]) {
        let Layout { width, channels, .. } = layout;
        length("x", x.len(), layout.len());
        length("out", out.len(), layout.out_len());
        length("winners", winners.len(), layout.out_len());
        let offsets = [0, channels, width * channels, (width + 1) * channels];
        for row in 0..layout.height / 2 {
            for column in 0..width / 2 {
                for c in (0..channels).step_by(WIDTH) {
                    let n = WIDTH.min(channels - c);
                    let at = (row * (width / 2) + column) * channels + c;
                    let from = (2 * row * width + 2 * column) * channels + c;
                    // SAFETY: c + n <= channels; the window is inside the image
                    unsafe {
                        let (mut best, mut winner) = (V::splat(f32::NEG_INFINITY), V::splat(0.0));
                        for (i, offset) in offsets.into_iter().enumerate() {
                            let v = V::load_partial(x.as_ptr().add(from + offset), n);
                            winner = v.select_gt_or_nan(best, V::splat(i as f32), winner);
                            best = v.select_gt_or_nan(best, v, best);
                        }
                        best.store_partial(out.as_mut_ptr().add(at), n);
                        store_index(winner, winners.as_mut_ptr().add(at), n);
                    }
                }
            }
        }
    }
}

/// The mean of each channel of each image: N x C.
///
/// # Panics
/// If the map is empty or of another length.
///
/// ```
/// use adact_kernels::{Workspace, pool};
/// let spec = pool::PoolSpec { batch: 1, height: 1, width: 2, channels: 2 };
/// assert_eq!(pool::mean_pool(&Workspace::new(), &spec, &[1.0, 2.0, 5.0, 4.0])[..], [3.0, 3.0]);
/// ```
pub fn mean_pool(ws: &Workspace, spec: &PoolSpec, x: &[f32]) -> Buffer {
    spec.check(1);
    let pixels = spec.height * spec.width;
    length("x", x.len(), spec.batch * pixels * spec.channels);
    let mut out = ws.take(spec.batch * spec.channels);
    let images = out.par_chunks_mut(spec.channels).zip(x.par_chunks(pixels * spec.channels));
    images.for_each(|(out, x)| {
        let mut sums = vec![0.0f64; spec.channels];
        for pixel in x.chunks_exact(spec.channels) {
            sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = (sum / pixels as f64) as f32);
    });
    out
}

/// The gradient of the mean's input for the output's gradient `dout` (N x C).
///
/// # Panics
/// If the map is empty or `dout` of another length.
pub fn mean_pool_backward(ws: &Workspace, spec: &PoolSpec, dout: &[f32]) -> Buffer {
    spec.check(1);
    let pixels = spec.height * spec.width;
    length("dout", dout.len(), spec.batch * spec.channels);
    let mut dx = ws.take(spec.batch * pixels * spec.channels);
    let images = dx.par_chunks_mut(pixels * spec.channels).zip(dout.par_chunks(spec.channels));
    images.for_each(|(dx, dout)| {
        let share = 1.0 / pixels as f32;
        let (first, rest) = dx.split_at_mut(spec.channels);
        first.iter_mut().zip(dout).for_each(|(dx, d)| *dx = d * share);
        rest.chunks_exact_mut(spec.channels).for_each(|pixel| pixel.copy_from_slice(first));
    });
    dx
}
