//! What the elements of a tensor may be. The arithmetic is `f32` whatever they are.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::simd::vectorised;

/// Elements that are widened together: three runs of them stay in the first-level cache.
const RUN: usize = 1024;

/// An element of a tensor: `f32`, or a half-precision number that is widened to `f32` before the arithmetic and rounded to
/// the nearest (ties to even) after it.
pub trait Element: Copy + Send + Sync + 'static {
    /// Calls `run` with the position, the values and room for the results of each run of elements.
    #[doc(hidden)]
    fn map(x: &[Self], y: &mut [Self], run: impl FnMut(usize, &[f32], &mut [f32]));

    /// The same of two inputs.
    #[doc(hidden)]
    fn map2(x: &[Self], dy: &[Self], dx: &mut [Self], run: impl FnMut(usize, &[f32], &[f32], &mut [f32]));
}

/// Nothing to widen: all elements are one run.
impl Element for f32 {
    fn map(x: &[Self], y: &mut [Self], mut run: impl FnMut(usize, &[f32], &mut [f32])) {
        run(0, x, y);
    }

    fn map2(
        x: &[Self],
        dy: &[Self],
        dx: &mut [Self],
        mut run: impl FnMut(usize, &[f32], &[f32], &mut [f32]),
    ) {
        run(0, x, dy, dx);
    }
}

macro_rules! half_precision {
    ($type:ident, $widen:ident, $narrow:ident) => {
        impl Element for $type {
            fn map(x: &[Self], y: &mut [Self], mut run: impl FnMut(usize, &[f32], &mut [f32])) {
                let (mut from, mut to) = ([0.0; RUN], [0.0; RUN]);
                for (i, (x, y)) in x.chunks(RUN).zip(y.chunks_mut(RUN)).enumerate() {
                    let n = x.len();
                    $widen(x, &mut from[..n]);
                    run(i * RUN, &from[..n], &mut to[..n]);
                    $narrow(&to[..n], y);
                }
            }

            fn map2(
                x: &[Self],
                dy: &[Self],
                dx: &mut [Self],
                mut run: impl FnMut(usize, &[f32], &[f32], &mut [f32]),
            ) {
                let [mut from, mut gradient, mut to] = [[0.0; RUN]; 3];
                let runs = x.chunks(RUN).zip(dy.chunks(RUN)).zip(dx.chunks_mut(RUN));
                for (i, ((x, dy), dx)) in runs.enumerate() {
                    let n = x.len();
                    $widen(x, &mut from[..n]);
                    $widen(dy, &mut gradient[..n]);
                    run(i * RUN, &from[..n], &gradient[..n], &mut to[..n]);
                    $narrow(&to[..n], dx);
                }
            }
        }
    };
}

half_precision!(bf16, widen_bf16, narrow_bf16);
half_precision!(f16, widen_f16, narrow_f16);

vectorised! {
    /// Exact.
    fn widen_bf16<V>(from: &[bf16], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from_bits(u32::from(from.to_bits()) << 16);
        }
    }
}

vectorised! {
    /// To the nearest, ties to even. NaN stays one: its upper bits with the quiet bit set.
    fn narrow_bf16<V>(from: &[f32], to: &mut [bf16]) {
        for (to, from) in to.iter_mut().zip(from) {
            let bits = from.to_bits();
            let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
            let nan = (bits >> 16) | 0x40;
            *to = bf16::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { nan } else { rounded } as u16);
        }
    }
}

fn widen_f16(from: &[f16], to: &mut [f32]) {
    from.convert_to_f32_slice(to);
}

fn narrow_f16(from: &[f32], to: &mut [f16]) {
    to.convert_from_f32_slice(from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_those_of_the_crate_half() {
        // Every 97th bit pattern: subnormals, infinities and NaN among them.
        let values: Vec<f32> = (0..=u32::MAX).step_by(65_521).map(f32::from_bits).collect();
        let mut narrow = vec![bf16::ZERO; values.len()];
        narrow_bf16(&values, &mut narrow);
        let mut wide = vec![0.0; values.len()];
        widen_bf16(&narrow, &mut wide);
        for ((&value, &narrow), &wide) in values.iter().zip(&narrow).zip(&wide) {
            assert_eq!(narrow.to_bits(), bf16::from_f32(value).to_bits(), "{value:e}");
            assert_eq!(wide.to_bits(), narrow.to_f32().to_bits(), "{value:e}");
        }
    }
}
