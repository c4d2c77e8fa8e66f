//! bf16: the upper half of an `f32`. Products of pairs of them are added to `f32` sums.
//!
//! What a processor with AVX512-BF16 does is defined here, and every path does the same: numbers are rounded to nearest, ties to even; a
//! pair's upper product is added first, the lower one next, each fused; and subnormal numbers are zeros, in operands and sums,
//! before and after. So the bits of a sum don't depend on the processor. (Intel's manual has the order of `VDPBF16PS`; on an AMD Zen
//! 4 it was the same for each of 64 million pairs of ordinary and hard numbers.)

/// A number rounded to bf16: to nearest, ties to even; a subnormal one to a zero of its sign, NaN to a quiet NaN.
#[inline(always)]
pub(crate) fn round(number: f32) -> u16 {
    let bits = number.to_bits();
    if number.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    if number.is_subnormal() {
        return (bits >> 16) as u16 & 0x8000;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// `sum` plus the products of two pairs of bf16: the upper ones first, then the lower ones.
#[inline(always)]
pub(crate) fn dot(sum: f32, a: u32, b: u32) -> f32 {
    let upper = |pair: u32| flushed(f32::from_bits(pair & 0xffff_0000));
    let lower = |pair: u32| flushed(f32::from_bits(pair << 16));
    let sum = flushed(upper(a).mul_add(upper(b), flushed(sum)));
    flushed(lower(a).mul_add(lower(b), sum))
}

/// A zero of the same sign in the place of a subnormal number.
#[inline(always)]
fn flushed(number: f32) -> f32 {
    if number.is_subnormal() { 0.0f32.copysign(number) } else { number }
}

/// Whether this processor multiplies pairs of bf16 by an instruction: without it they give the same numbers, slowly.
pub fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        super::path() == super::Path::Avx512 && is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(test)]
mod tests {
    use super::super::{WIDTH, vectorised};
    use super::*;

    vectorised! {
        /// Sums, pairs and rounded numbers of a path; by the instruction, where `native`.
        fn on_path<V>(native: bool, sums: &[f32; WIDTH], a: &[f32; WIDTH], b: &[f32; WIDTH]) -> [[f32; WIDTH]; 2] {
            // SAFETY: arrays of sixteen
            let [sum, a, b] = unsafe { [V::load(sums.as_ptr()), V::load(a.as_ptr()), V::load(b.as_ptr())] };
            let dot = if native { sum.dot_bf16_native(a, b) } else { sum.dot_bf16(a, b) };
            [dot.to_array(), V::pairs_bf16(sum, a).to_array()]
        }
    }
    vectorised! {
        fn stored<V>(numbers: &[f32; WIDTH]) -> [u16; WIDTH] {
            let mut out = [0; WIDTH];
            // SAFETY: arrays of sixteen
            unsafe { V::load(numbers.as_ptr()).store_bf16(out.as_mut_ptr()) };
            out
        }
    }

    /// Numbers of all kinds: ordinary ones, those at the ends of the range, subnormal ones, and what is no number.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        /// An f32 with an exponent of one of the ranges.
        fn f32(&mut self) -> f32 {
            const HARD: [u32; 12] = [
                0,
                0x8000_0000,
                0x7f80_0000,
                0xff80_0000,
                0x7fc0_0000,
                0x0080_0000,
                0x8080_0000,
                1,
                0x807f_ffff,
                0x7f7f_ffff,
                0x3f80_0000,
                0xbf80_8000,
            ];
            let (bits, kind) = (self.next() as u32, self.next());
            let exponent =
                |first: u32, many: u32| (bits & 0x807f_ffff) | (first + (kind >> 32) as u32 % many) << 23;
            f32::from_bits(match kind % 8 {
                0 => HARD[(kind >> 32) as usize % HARD.len()],
                1 => bits,
                2 => exponent(0, 3),
                3 => exponent(56, 16),
                4 => exponent(240, 15),
                _ => exponent(120, 12),
            })
        }

        fn array(&mut self) -> [f32; WIDTH] {
            std::array::from_fn(|_| self.f32())
        }
    }

    /// NaN are equal: which one comes out is nobody's business.
    fn assert_bits(found: f32, expected: f32, what: &str) {
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        assert!(
            same,
            "{what}: {found:e} ({:08x}), not {expected:e} ({:08x})",
            found.to_bits(),
            expected.to_bits()
        );
    }

    #[test]
    fn numbers_are_rounded_to_nearest_and_ties_to_even() {
        let of = |bits: u32| round(f32::from_bits(bits));
        assert_eq!([of(0x3f80_0000), of(0x3f80_8000), of(0x3f81_8000)], [0x3f80, 0x3f80, 0x3f82]);
        assert_eq!([of(0x3f80_8001), of(0x3f80_7fff)], [0x3f81, 0x3f80]);
        assert_eq!([of(0x7f7f_ffff), of(0xff80_0000), of(0x7f80_0001)], [0x7f80, 0xff80, 0x7fc0]);
        assert_eq!([of(1), of(0x807f_ffff), of(0x0080_0000)], [0, 0x8000, 0x80]);
    }

    #[test]
    fn this_path_gives_the_bits_that_are_defined() {
        let mut numbers = Numbers(20_261_128);
        for _ in 0..20_000 {
            let (sums, a, b) = (numbers.array(), numbers.array(), numbers.array());
            // A sum that the upper product cancels.
            let mut sums = sums;
            let upper = |v: f32| f32::from_bits(v.to_bits() & 0xffff_0000);
            sums[3] = -(upper(a[3]) * upper(b[3]));
            for native in [false, true] {
                if native && !has_bf16() {
                    continue;
                }
                let [dots, pairs] = on_path(native, &sums, &a, &b);
                let words = stored(&sums);
                for i in 0..WIDTH {
                    let what = format!("{:e} + {:08x} {:08x}", sums[i], a[i].to_bits(), b[i].to_bits());
                    assert_bits(dots[i], dot(sums[i], a[i].to_bits(), b[i].to_bits()), &what);
                    assert_eq!(words[i], round(sums[i]), "{:e}", sums[i]);
                    assert_eq!(pairs[i].to_bits(), u32::from(round(sums[i])) | u32::from(round(a[i])) << 16);
                }
            }
        }
        if !has_bf16() {
            println!("this processor, or this path, has no AVX512-BF16: the instruction is not tested");
        }
    }
}
