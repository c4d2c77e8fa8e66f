//! The numbers that activations are written over: `f32`, `f64` and vectors of sixteen `f32`.
//!
//! An activation is defined once, over [`Real`]. In `f64` it is the reference that tests compare with and that
//! figures are drawn from; over vectors it is what the kernels run.

use crate::simd::{Lanes, Portable};

/// A real number, or sixteen of them.
///
/// NaN stays NaN through every function here. `positive` and comparisons take a NaN as not positive.
pub trait Real: Copy {
    /// The constant `v`, rounded to this type.
    fn constant(v: f64) -> Self;
    /// `self + o`.
    fn plus(self, o: Self) -> Self;
    /// `self - o`.
    fn minus(self, o: Self) -> Self;
    /// `self * o`.
    fn times(self, o: Self) -> Self;
    /// `self / o`.
    fn over(self, o: Self) -> Self;
    /// `self * a + b`, rounded once.
    fn fma(self, a: Self, b: Self) -> Self;
    /// `self > 0 ? a : b`.
    fn if_positive(self, a: Self, b: Self) -> Self;
    /// `max(self, low)` then `min(., high)`; NaN stays.
    fn clamped(self, low: f64, high: f64) -> Self;
    /// `exp(x)` and `exp(x) - 1`, the latter exact near 0. Both stay finite: `x` is clamped from above where
    /// sigmoid(x) rounds to 1 and from below where exp(x) is at the smallest normal number.
    fn exp_expm1(self) -> (Self, Self);
    /// What [`Real::erf`] divides by, 1 or larger.
    fn erf_divisor(self) -> Self;
    /// The error function, where `r` is 1 by its divisor, and `bell` exp(-x^2).
    fn erf(self, r: Self, bell: Self) -> Self;
    /// What [`Real::ln_1p_exp`] divides by, 1 or larger.
    fn ln_1p_exp_divisor(self, e: Self) -> Self;
    /// ln(1 + exp(-|x|)), where `e` is exp(x) as [`Real::exp_expm1`] gives it, and `r` 1 by its divisor.
    fn ln_1p_exp(self, e: Self, r: Self) -> Self;
    /// The sine and the cosine. Beyond +-32,768, where neighbouring `f32` are 1/256 and more apart, they stay at their values there.
    fn sin_cos(self) -> (Self, Self);
    /// Multiplication by a constant.
    #[inline(always)]
    fn scaled(self, c: f64) -> Self {
        self.times(Self::constant(c))
    }
}

/// The methods that Rust's own numbers have as operators.
macro_rules! scalar_arithmetic {
    ($type:ty) => {
        fn constant(v: f64) -> Self {
            v as $type
        }
        fn plus(self, o: Self) -> Self {
            self + o
        }
        fn minus(self, o: Self) -> Self {
            self - o
        }
        fn times(self, o: Self) -> Self {
            self * o
        }
        fn over(self, o: Self) -> Self {
            self / o
        }
        fn fma(self, a: Self, b: Self) -> Self {
            self.mul_add(a, b)
        }
        fn if_positive(self, a: Self, b: Self) -> Self {
            if self > 0.0 { a } else { b }
        }
        fn clamped(self, low: f64, high: f64) -> Self {
            self.clamp(low as $type, high as $type)
        }
    };
}

impl Real for f64 {
    scalar_arithmetic!(f64);

    fn exp_expm1(self) -> (Self, Self) {
        let x = self.clamp(-700.0, 40.0);
        (libm::exp(x), libm::expm1(x))
    }
    fn erf_divisor(self) -> Self {
        1.0
    }
    fn erf(self, _: Self, _: Self) -> Self {
        libm::erf(self)
    }
    fn ln_1p_exp_divisor(self, _: Self) -> Self {
        1.0
    }
    fn ln_1p_exp(self, _: Self, _: Self) -> Self {
        libm::log1p(libm::exp(-self.abs()))
    }
    fn sin_cos(self) -> (Self, Self) {
        libm::sincos(self.clamp(-LARGEST_ANGLE, LARGEST_ANGLE))
    }
}

/// The largest angle whose sine is computed, for both signs.
const LARGEST_ANGLE: f64 = 32_768.0;

/// One `f32` takes its functions from the portable vector: the same bits as the kernels.
impl Real for f32 {
    scalar_arithmetic!(f32);

    fn exp_expm1(self) -> (Self, Self) {
        let (e, em1) = Portable::splat(self).exp_expm1();
        (e.to_array()[0], em1.to_array()[0])
    }
    fn erf_divisor(self) -> Self {
        Portable::splat(self).erf_divisor().to_array()[0]
    }
    fn erf(self, r: Self, bell: Self) -> Self {
        Portable::splat(self).erf(Portable::splat(r), Portable::splat(bell)).to_array()[0]
    }
    fn ln_1p_exp_divisor(self, e: Self) -> Self {
        Portable::splat(self).ln_1p_exp_divisor(Portable::splat(e)).to_array()[0]
    }
    fn ln_1p_exp(self, e: Self, r: Self) -> Self {
        Portable::splat(self).ln_1p_exp(Portable::splat(e), Portable::splat(r)).to_array()[0]
    }
    fn sin_cos(self) -> (Self, Self) {
        let (sin, cos) = Portable::splat(self).sin_cos();
        (sin.to_array()[0], cos.to_array()[0])
    }
}

impl<V: Lanes> Real for V {
    #[inline(always)]
    fn constant(v: f64) -> Self {
        V::splat(v as f32)
    }
    #[inline(always)]
    fn plus(self, o: Self) -> Self {
        self.add(o)
    }
    #[inline(always)]
    fn minus(self, o: Self) -> Self {
        self.sub(o)
    }
    #[inline(always)]
    fn times(self, o: Self) -> Self {
        self.mul(o)
    }
    #[inline(always)]
    fn over(self, o: Self) -> Self {
        self.div(o)
    }
    #[inline(always)]
    fn fma(self, a: Self, b: Self) -> Self {
        self.mul_add(a, b)
    }
    #[inline(always)]
    fn if_positive(self, a: Self, b: Self) -> Self {
        self.select_gt(V::splat(0.0), a, b)
    }
    #[inline(always)]
    fn clamped(self, low: f64, high: f64) -> Self {
        V::splat(high as f32).min(V::splat(low as f32).max(self))
    }

    /// Splits x = k ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite's two-part constant), takes a polynomial for
    /// expm1(r), and puts the halves together as 2^k expm1(r) + (2^k - 1): nothing cancels near 0, where k = 0.
    #[inline(always)]
    fn exp_expm1(self) -> (Self, Self) {
        let x = V::clamped(self, -87.0, 20.0);
        let magic = V::splat(12_582_912.0); // 1.5 * 2^23: adding it rounds to the nearest integer
        let k = x.mul_add(V::splat(std::f32::consts::LOG2_E), magic).sub(magic);
        let r = k.neg_mul_add(V::splat(0.693_145_75), x);
        let r = k.neg_mul_add(V::splat(1.428_606_8e-6), r);
        // expm1(r) = r + r^2 (1/2 + r/6 + ...), Taylor to r^7: the rest is below 2^-28 |r| for |r| <= 0.35
        let p = V::splat(1.0 / 5040.0).mul_add(r, V::splat(1.0 / 720.0));
        let p = p.mul_add(r, V::splat(1.0 / 120.0));
        let p = p.mul_add(r, V::splat(1.0 / 24.0));
        let p = p.mul_add(r, V::splat(1.0 / 6.0));
        let p = p.mul_add(r, V::splat(0.5));
        let q = r.mul(r).mul_add(p, r);
        let scale = k.exp2_integral();
        (q.mul_add(scale, scale), q.mul_add(scale, scale.sub(V::splat(1.0))))
    }

    /// Beyond 10 it stays, where the error function is 1 or -1 whatever it is.
    #[inline(always)]
    fn erf_divisor(self) -> Self {
        let abs = self.select_gt(V::splat(0.0), self, V::splat(0.0).sub(self));
        V::splat(10.0).min(abs).mul_add(V::splat(0.327_591_1), V::splat(1.0))
    }

    /// Abramowitz and Stegun, formula 7.1.26: at most 1.5e-7 from the true value.
    #[inline(always)]
    fn erf(self, r: Self, bell: Self) -> Self {
        let zero = V::splat(0.0);
        let p = V::splat(1.061_405_4).mul_add(r, V::splat(-1.453_152));
        let p = p.mul_add(r, V::splat(1.421_413_7));
        let p = p.mul_add(r, V::splat(-0.284_496_74));
        let p = p.mul_add(r, V::splat(0.254_829_6)).mul(r);
        let y = p.neg_mul_add(bell, V::splat(1.0));
        self.select_gt(zero, y, zero.sub(y))
    }

    /// 2 + u with u = exp(-|x|), where x is positive times exp(x).
    #[inline(always)]
    fn ln_1p_exp_divisor(self, e: Self) -> Self {
        let (one, two) = (V::splat(1.0), V::splat(2.0));
        self.select_gt(V::splat(0.0), e.mul_add(two, one), e.add(two))
    }

    /// ln(1 + u) = 2 artanh(s) with s = u / (2 + u) in 0..=1/3, u = exp(-|x|): the series to s^13, whose rest is below
    /// 1e-8 s.
    #[inline(always)]
    fn ln_1p_exp(self, e: Self, r: Self) -> Self {
        let s = self.select_gt(V::splat(0.0), V::splat(1.0), e).mul(r);
        let q = s.mul(s);
        let p = V::splat(2.0 / 13.0).mul_add(q, V::splat(2.0 / 11.0));
        let p = p.mul_add(q, V::splat(2.0 / 9.0));
        let p = p.mul_add(q, V::splat(2.0 / 7.0));
        let p = p.mul_add(q, V::splat(2.0 / 5.0));
        let p = p.mul_add(q, V::splat(2.0 / 3.0));
        p.mul(q).mul_add(s, s.add(s))
    }

    /// Splits x = k pi + r with |r| <= pi / 2 (Cody and Waite): the sine and the cosine are those of r, with their signs
    /// changed where k is odd. Their polynomials are Taylor's, to r^11 and r^12.
    #[inline(always)]
    fn sin_cos(self) -> (Self, Self) {
        let x = V::clamped(self, -LARGEST_ANGLE, LARGEST_ANGLE);
        let magic = V::splat(12_582_912.0); // 1.5 * 2^23: adding it rounds to the nearest integer
        let k = x.mul_add(V::splat(std::f32::consts::FRAC_1_PI), magic).sub(magic);
        let r = k.neg_mul_add(V::splat(std::f32::consts::PI), x);
        let r = k.neg_mul_add(V::splat(-8.742_278e-8), r);
        // k - 2 floor(k / 2) is 1 where k is odd
        let pairs = k.mul_add(V::splat(0.5), V::splat(-0.25)).add(magic).sub(magic);
        let odd = pairs.neg_mul_add(V::splat(2.0), k);
        let sign = odd.neg_mul_add(V::splat(2.0), V::splat(1.0));
        let q = r.mul(r);
        let s = V::splat(-1.0 / 39_916_800.0).mul_add(q, V::splat(1.0 / 362_880.0));
        let s = s.mul_add(q, V::splat(-1.0 / 5040.0));
        let s = s.mul_add(q, V::splat(1.0 / 120.0));
        let s = s.mul_add(q, V::splat(-1.0 / 6.0));
        let s = s.mul(q).mul_add(r, r);
        let c = V::splat(1.0 / 479_001_600.0).mul_add(q, V::splat(-1.0 / 3_628_800.0));
        let c = c.mul_add(q, V::splat(1.0 / 40_320.0));
        let c = c.mul_add(q, V::splat(-1.0 / 720.0));
        let c = c.mul_add(q, V::splat(1.0 / 24.0));
        let c = c.mul_add(q, V::splat(-0.5));
        let c = c.mul_add(q, V::splat(1.0));
        (s.mul(sign), c.mul(sign))
    }
}
