//! Exponential and logarithm in `f64` of whole slices, in the ranges that a softmax needs.
//!
//! They are `libm`'s formulas (FreeBSD's e_exp.c and e_log.c, by Sun Microsystems) without branches, so that the compiler
//! makes vectors of them, and give `libm`'s bits.

use crate::simd::vectorised;

const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// x = exp(x) for numbers that are not positive; of positive ones it is slower.
pub(crate) fn exp(x: &mut [f64]) {
    // where the result is a normal number
    if x.iter().all(|&x| (-708.0..=0.0).contains(&x)) {
        normal_exp(x);
    } else {
        x.iter_mut().for_each(|x| *x = libm::exp(*x));
    }
}

/// x = ln x for numbers from 1; of others it is slower.
pub(crate) fn log(x: &mut [f64]) {
    if x.iter().all(|&x| (1.0..f64::INFINITY).contains(&x)) {
        normal_log(x);
    } else {
        x.iter_mut().for_each(|x| *x = libm::log(*x));
    }
}

vectorised! {
    /// For numbers from -708 to 0.
    fn normal_exp<V>(x: &mut [f64]) {
        const INVERSE_LN2: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);
        const P: [f64; 5] = [f64::from_bits(0x3fc5_5555_5555_553e), f64::from_bits(0xbf66_c16c_16be_bd93), f64::from_bits(0x3f11_566a_af25_de2c), f64::from_bits(0xbebb_bd41_c5d2_6bf1), f64::from_bits(0x3e66_3769_72be_a4d0)];
        for x in x {
            // the upper half of |x|, which comparisons are made with
            let size = (x.to_bits() >> 32) as u32 & 0x7fff_ffff;
            // x = k ln 2 + r, |r| <= ln 2 / 2
            let far = INVERSE_LN2 * *x - 0.5;
            // SAFETY: far is between -1023 and 0
            let far = unsafe { far.to_int_unchecked::<i32>() };
            let near = if size > 0x3fd6_2e42 { -1 } else { 0 };
            let k = if size >= 0x3ff0_a2b2 { far } else { near };
            let (high, low) = (*x - f64::from(k) * LN2_HIGH, f64::from(k) * LN2_LOW);
            let r = high - low;
            let rr = r * r;
            let c = r - rr * (P[0] + rr * (P[1] + rr * (P[2] + rr * (P[3] + rr * P[4]))));
            let y = 1.0 + (r * c / (2.0 - c) - low + high);
            let y = y * f64::from_bits(((1023 + k) as u64) << 52);
            *x = if size > 0x3e30_0000 { y } else { 1.0 + *x };
        }
    }
}

vectorised! {
    /// For finite numbers from 1.
    fn normal_log<V>(x: &mut [f64]) {
        const L: [f64; 7] = [f64::from_bits(0x3fe5_5555_5555_5593), f64::from_bits(0x3fd9_9999_9997_fa04), f64::from_bits(0x3fd2_4924_9422_9359), f64::from_bits(0x3fcc_71c5_1d8e_78af), f64::from_bits(0x3fc7_4664_96cb_03de), f64::from_bits(0x3fc3_9a09_d078_c69f), f64::from_bits(0x3fc2_f112_df3e_5244)];
        for x in x {
            // x = 2^k (1 + f), sqrt(2) / 2 < 1 + f < sqrt(2)
            let bits = x.to_bits();
            let upper = (bits >> 32) as u32 + (0x3ff0_0000 - 0x3fe6_a09e);
            let k = f64::from((upper >> 20) as i32 - 0x3ff);
            let upper = (upper & 0x000f_ffff) + 0x3fe6_a09e;
            let f = f64::from_bits(u64::from(upper) << 32 | (bits & 0xffff_ffff)) - 1.0;
            let half = 0.5 * f * f;
            let s = f / (2.0 + f);
            let z = s * s;
            let w = z * z;
            let r = z * (L[0] + w * (L[2] + w * (L[4] + w * L[6]))) + w * (L[1] + w * (L[3] + w * L[5]));
            *x = s * (half + r) + k * LN2_LOW - half + f + k * LN2_HIGH;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from 0 to 708 of all sizes, and the limits of the formulas' parts.
    fn numbers() -> Vec<f64> {
        let steps = (0..=400_000).map(|i| f64::from(i) * 708.0 / 400_000.0);
        let sizes = (0..2000).map(|i| libm::exp(f64::from(i) * -0.02) * 1.3);
        let edges = [0x3e30_0000u64, 0x3e30_0001, 0x3fd6_2e42, 0x3fd6_2e43, 0x3ff0_a2b1, 0x3ff0_a2b2];
        let edges =
            edges.into_iter().flat_map(|b| [b << 32, (b << 32) + 1, (b << 32) - 1]).map(f64::from_bits);
        steps.chain(sizes).chain(edges).collect()
    }

    fn same(function: fn(&mut [f64]), scalar: fn(f64) -> f64, numbers: &[f64]) {
        let mut got = numbers.to_vec();
        function(&mut got);
        for (x, y) in numbers.iter().zip(got) {
            let want = scalar(*x);
            assert!(y.to_bits() == want.to_bits() || (y.is_nan() && want.is_nan()), "{x}: {y}, not {want}");
        }
    }

    #[test]
    fn both_have_libms_bits() {
        let positive = numbers();
        let negative: Vec<f64> = positive.iter().map(|x| -x).chain([0.0]).collect();
        same(exp, libm::exp, &negative);
        let from_one: Vec<f64> = positive.iter().map(|x| x + 1.0).chain([1.0, 1e300, f64::MAX]).collect();
        same(log, libm::log, &from_one);
        let hard = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -800.0, -710.0, 5.0, 0.0, -1.0, 1e-310];
        same(exp, libm::exp, &hard);
        same(log, libm::log, &hard);
    }
}
