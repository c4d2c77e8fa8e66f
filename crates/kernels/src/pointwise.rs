//! The passes of a block between its convolution and its output, one image at a time: normalise, activate, pool, and back.

use crate::check::length;
use crate::function::Pointwise;
use crate::norm::Affine;
use crate::simd::{Lanes, WIDTH, vectorised};

/// An image of a block: what the convolution gives, and whether pooling follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub pool: bool,
}

impl Layout {
    /// Numbers before pooling.
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Numbers after pooling.
    pub fn out_len(self) -> usize {
        if self.pool { self.height / 2 * (self.width / 2) * self.channels } else { self.len() }
    }

    /// The numbers of an image, in those of all before pooling.
    pub fn image(self, all: &[f32], image: usize) -> &[f32] {
        &all[image * self.len()..][..self.len()]
    }
}

/// The counter of an element's random slope, in two halves. With pooling, an element is numbered by its window and its
/// place in it, so that both passes find it.
#[inline(always)]
fn counter(image: usize, image_len: usize, offset: usize) -> (u32, u32) {
    let at = (image * image_len + offset) as u64;
    (at as u32, (at >> 32) as u32)
}

vectorised! {
    /// out = f(scale y + shift + residual), without pooling.
    pub(crate) fn apply<V, F: Pointwise>(
        f: F, layout: Layout, affine: &Affine, image: usize, y: &[f32], residual: Option<&[f32]>, out: &mut [f32],
    ) {
        let channels = layout.channels;
        affine.check(channels);
        length("y", y.len(), layout.len());
        length("out", out.len(), layout.len());
        length("residual", residual.map_or(y.len(), <[f32]>::len), y.len());
        let p = *f.parameters();
        for pixel in 0..layout.height * layout.width {
            for c in (0..channels).step_by(WIDTH) {
                let n = WIDTH.min(channels - c);
                let at = pixel * channels + c;
                // SAFETY: c + n <= channels, and at + n is inside the image
                unsafe {
                    let mut z = V::load_partial(y.as_ptr().add(at), n).mul_add(
                        V::load_partial(affine.scale.as_ptr().add(c), n),
                        V::load_partial(affine.shift.as_ptr().add(c), n),
                    );
                    if let Some(residual) = residual {
                        z = z.add(V::load_partial(residual.as_ptr().add(at), n));
                    }
                    let noise = if F::NEEDS_NOISE {
                        let (low, high) = counter(image, layout.len(), at);
                        p.noise::<V>(V::counters(low), high)
                    } else {
                        V::splat(0.0)
                    };
                    f.value(z, noise).store_partial(out.as_mut_ptr().add(at), n);
                }
            }
        }
    }
}

vectorised! {
    /// out = the largest of four f(scale y + shift); with `SAVE`, also which of the four it was and its y.
    pub(crate) fn apply_and_pool<V, F: Pointwise; const SAVE: bool>(
        f: F, layout: Layout, affine: &Affine, image: usize, y: &[f32], out: &mut [f32], index: &mut [u8], value: &mut [f32],
    ) {
        let Layout { width, channels, .. } = layout;
        affine.check(channels);
        length("y", y.len(), layout.len());
        length("out", out.len(), layout.out_len());
        if SAVE {
            length("index", index.len(), layout.out_len());
            length("value", value.len(), layout.out_len());
        }
        let p = *f.parameters();
        let offsets = [0, channels, width * channels, (width + 1) * channels];
        for row in 0..layout.height / 2 {
            for column in 0..width / 2 {
                for c in (0..channels).step_by(WIDTH) {
                    let n = WIDTH.min(channels - c);
                    let at = (row * (width / 2) + column) * channels + c;
                    let from = (2 * row * width + 2 * column) * channels + c;
                    // SAFETY: c + n <= channels; the window is inside the image
                    unsafe {
                        let scale = V::load_partial(affine.scale.as_ptr().add(c), n);
                        let shift = V::load_partial(affine.shift.as_ptr().add(c), n);
                        let mut best = V::splat(f32::NEG_INFINITY);
                        let (mut best_y, mut best_index) = (V::splat(0.0), V::splat(0.0));
                        for (i, offset) in offsets.into_iter().enumerate() {
                            let v = V::load_partial(y.as_ptr().add(from + offset), n);
                            let noise = if F::NEEDS_NOISE {
                                let (low, high) = counter(image, layout.len(), 4 * at);
                                p.noise::<V>(window_counters::<V>(low.wrapping_add(i as u32)), high)
                            } else {
                                V::splat(0.0)
                            };
                            let a = f.value(v.mul_add(scale, shift), noise);
                            if SAVE {
                                best_y = a.select_gt_or_nan(best, v, best_y);
                                best_index = a.select_gt_or_nan(best, V::splat(i as f32), best_index);
                            }
                            best = a.select_gt_or_nan(best, a, best);
                        }
                        best.store_partial(out.as_mut_ptr().add(at), n);
                        if SAVE {
                            best_y.store_partial(value.as_mut_ptr().add(at), n);
                            store_index(best_index, index.as_mut_ptr().add(at), n);
                        }
                    }
                }
            }
        }
    }
}

/// The counters of the elements at one place of sixteen windows: `first + 4 lane`.
#[inline(always)]
fn window_counters<V: Lanes>(first: u32) -> V::Bits {
    V::bits_add(V::bits_mul(V::counters(0), V::bits_splat(4)), V::bits_splat(first))
}

/// Writes the first `n` lanes as bytes.
///
/// # Safety
/// `p` points to `n <= 16` writable bytes.
#[inline(always)]
pub(crate) unsafe fn store_index<V: Lanes>(v: V, p: *mut u8, n: usize) {
    if n == WIDTH {
        // SAFETY: by the caller's guarantee
        unsafe { v.store_u8(p) };
    } else {
        let a = v.to_array();
        for (i, v) in a.into_iter().enumerate().take(n) {
            // SAFETY: as above
            unsafe { *p.add(i) = v as u8 };
        }
    }
}

/// The first `n` bytes as numbers, zeros in the rest.
///
/// # Safety
/// `p` points to `n <= 16` readable bytes.
#[inline(always)]
unsafe fn load_index<V: Lanes>(p: *const u8, n: usize) -> V {
    if n == WIDTH {
        // SAFETY: by the caller's guarantee
        unsafe { V::load_u8(p) }
    } else {
        let mut a = [0.0; WIDTH];
        for (i, v) in a.iter_mut().enumerate().take(n) {
            // SAFETY: as above
            *v = f32::from(unsafe { *p.add(i) });
        }
        // SAFETY: the array holds sixteen floats
        unsafe { V::load(a.as_ptr()) }
    }
}

vectorised! {
    /// dz = dout f'(z) at the elements that reached the output, z = scale values + shift + residual. Writes to `parts` the function's sums,
    /// then the sums of dz a channel, then those of dz values.
    pub(crate) fn differentiate<V, F: Pointwise>(
        f: F, layout: Layout, affine: &Affine, image: usize, values: &[f32], residual: Option<&[f32]>,
        index: Option<&[u8]>, dout: &[f32], dz: &mut [f32], parts: &mut [f64],
    ) {
        let channels = layout.channels;
        affine.check(channels);
        length("values", values.len(), layout.out_len());
        length("dout", dout.len(), layout.out_len());
        length("dz", dz.len(), layout.out_len());
        length("residual", residual.map_or(values.len(), <[f32]>::len), values.len());
        if let Some(index) = index {
            length("index", index.len(), layout.out_len());
        }
        let p = *f.parameters();
        let mut sums = F::zeros::<V>();
        for c in (0..channels).step_by(WIDTH) {
            let n = WIDTH.min(channels - c);
            // SAFETY: c + n <= channels; at + n is inside the slices
            unsafe {
                let scale = V::load_partial(affine.scale.as_ptr().add(c), n);
                let shift = V::load_partial(affine.shift.as_ptr().add(c), n);
                let (mut sum, mut with_value) = (V::splat(0.0), V::splat(0.0));
                for at in (c..dout.len()).step_by(channels) {
                    let v = V::load_partial(values.as_ptr().add(at), n);
                    let g = V::load_partial(dout.as_ptr().add(at), n);
                    let noise = if !F::NEEDS_NOISE {
                        V::splat(0.0)
                    } else if let Some(index) = index {
                        let (low, high) = counter(image, layout.len(), 4 * at);
                        let place = load_index::<V>(index.as_ptr().add(at), n).to_bits_integral();
                        p.noise::<V>(V::bits_add(window_counters::<V>(low), place), high)
                    } else {
                        let (low, high) = counter(image, layout.len(), at);
                        p.noise::<V>(V::counters(low), high)
                    };
                    let mut z = v.mul_add(scale, shift);
                    if let Some(residual) = residual {
                        z = z.add(V::load_partial(residual.as_ptr().add(at), n));
                    }
                    let d = f.gradient(z, noise, g, &mut sums);
                    d.store_partial(dz.as_mut_ptr().add(at), n);
                    sum = sum.add(d);
                    with_value = d.mul_add(v, with_value);
                }
                let (sum, with_value) = (sum.to_array(), with_value.to_array());
                for l in 0..n {
                    parts[F::SUMS + c + l] = f64::from(sum[l]);
                    parts[F::SUMS + channels + c + l] = f64::from(with_value[l]);
                }
            }
        }
        for (out, sum) in parts.iter_mut().zip(&sums.as_ref()[..f.sums()]) {
            *out = sum.sum();
        }
    }
}

vectorised! {
    /// dy = scale dz + slope y + constant, dz being 0 where an element didn't win its window; without `y`, dy = scale dz.
    pub(crate) fn regenerate<V>(
        layout: Layout, scale: &[f32], slope: &[f32], constant: &[f32], y: Option<&[f32]>, dz: &[f32], index: Option<&[u8]>,
        dy: &mut [f32],
    ) {
        let Layout { height, width, channels, .. } = layout;
        for (name, values) in [("scale", scale), ("slope", slope), ("constant", constant)] {
            length(name, values.len(), channels);
        }
        let places = if index.is_some() { layout.out_len() } else { layout.len() };
        length("dz", dz.len(), places);
        length("index", index.map_or(places, <[u8]>::len), places);
        length("dy", dy.len(), layout.len());
        length("y", y.map_or(dy.len(), <[f32]>::len), layout.len());
        let dense = Dense { slope, constant, y };
        let Some(index) = index else {
            for pixel in 0..height * width {
                for c in (0..channels).step_by(WIDTH) {
                    let (n, at) = (WIDTH.min(channels - c), pixel * channels + c);
                    // SAFETY: c + n <= channels, and the pixel is inside the image
                    unsafe {
                        let a = V::load_partial(scale.as_ptr().add(c), n);
                        let d = V::load_partial(dz.as_ptr().add(at), n).mul_add(a, dense.at(at, c, n));
                        d.store_partial(dy.as_mut_ptr().add(at), n);
                    }
                }
            }
            return;
        };
        let offsets = [0, channels, width * channels, (width + 1) * channels];
        for row in 0..height / 2 {
            for column in 0..width / 2 {
                for c in (0..channels).step_by(WIDTH) {
                    let n = WIDTH.min(channels - c);
                    let window = (row * (width / 2) + column) * channels + c;
                    let from = (2 * row * width + 2 * column) * channels + c;
                    // SAFETY: c + n <= channels, and the window is inside the image
                    unsafe {
                        let a = V::load_partial(scale.as_ptr().add(c), n);
                        let d = V::load_partial(dz.as_ptr().add(window), n).mul(a);
                        let winner = load_index::<V>(index.as_ptr().add(window), n);
                        for (i, offset) in offsets.into_iter().enumerate() {
                            let d = V::splat(i as f32).select_eq(winner, d, V::splat(0.0));
                            let rest = dense.at::<V>(from + offset, c, n);
                            d.add(rest).store_partial(dy.as_mut_ptr().add(from + offset), n);
                        }
                    }
                }
            }
        }
        // an odd last column or row is in no window
        for row in 0..height {
            let outside = if row / 2 == height / 2 { 0 } else { width / 2 * 2 };
            for column in outside..width {
                for c in (0..channels).step_by(WIDTH) {
                    let (n, at) = (WIDTH.min(channels - c), (row * width + column) * channels + c);
                    // SAFETY: as above
                    unsafe { dense.at::<V>(at, c, n).store_partial(dy.as_mut_ptr().add(at), n) };
                }
            }
        }
    }
}

/// The part of a normalisation's gradient that every element has: slope y + constant, and 0 without a normalisation.
struct Dense<'a> {
    slope: &'a [f32],
    constant: &'a [f32],
    y: Option<&'a [f32]>,
}

impl Dense<'_> {
    /// The part of `n <= 16` elements from `at` on, whose channels begin with `c`.
    ///
    /// # Safety
    /// There are so many elements and channels.
    #[inline(always)]
    unsafe fn at<V: Lanes>(&self, at: usize, c: usize, n: usize) -> V {
        let Some(y) = self.y else { return V::splat(0.0) };
        // SAFETY: by the caller's guarantee
        unsafe {
            V::load_partial(y.as_ptr().add(at), n).mul_add(
                V::load_partial(self.slope.as_ptr().add(c), n),
                V::load_partial(self.constant.as_ptr().add(c), n),
            )
        }
    }
}
