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
    /// The error function (for GELU).
    fn erf(self) -> Self;
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
    fn erf(self) -> Self {
        libm::erf(self)
    }
}

/// One `f32` takes its exponential and error function from the portable vector: the same bits as the kernels.
impl Real for f32 {
    scalar_arithmetic!(f32);

    fn exp_expm1(self) -> (Self, Self) {
        let (e, em1) = Portable::splat(self).exp_expm1();
        (e.to_array()[0], em1.to_array()[0])
    }
    fn erf(self) -> Self {
        Portable::splat(self).erf().to_array()[0]
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

    /// Abramowitz and Stegun, formula 7.1.26: at most 1.5e-7 from the true value.
    #[inline(always)]
    fn erf(self) -> Self {
        let zero = V::splat(0.0);
        let abs = self.select_gt(zero, self, zero.sub(self));
        let t = V::splat(1.0).div(abs.mul_add(V::splat(0.327_591_1), V::splat(1.0)));
        let p = V::splat(1.061_405_4).mul_add(t, V::splat(-1.453_152));
        let p = p.mul_add(t, V::splat(1.421_413_7));
        let p = p.mul_add(t, V::splat(-0.284_496_74));
        let p = p.mul_add(t, V::splat(0.254_829_6)).mul(t);
        let (e, _) = zero.sub(abs.mul(abs)).exp_expm1();
        let y = p.neg_mul_add(e, V::splat(1.0));
        self.select_gt(zero, y, zero.sub(y))
    }
}
