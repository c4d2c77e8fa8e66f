//! Curves that are made of the exponential function.

use super::curve::{Curve, Parts, Point};
use crate::real::Real;

/// `x > 0 ? scale x : scale alpha (exp(x) - 1)`.
#[inline(always)]
fn linear_above<R: Real>(p: &Point<R>, scale: R, alpha: R) -> (R, R) {
    let below = scale.times(alpha);
    (p.x.if_positive(scale.times(p.x), below.times(p.em1)), p.x.if_positive(scale, below.times(p.e)))
}

/// `x > 0 ? x : alpha (exp(x) - 1)` (Clevert et al. 2015).
#[derive(Clone, Copy)]
pub struct Elu;
impl Curve for Elu {
    const PARTS: Parts = Parts::EXP;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        linear_above(p, R::constant(1.0), p.slopes.alpha)
    }
}

/// `x > 0 ? x : exp(x) - 1` (Barron 2017): with its only constant at PyTorch's default 1, it is ELU at its default.
#[derive(Clone, Copy)]
pub struct Celu;
impl Curve for Celu {
    const PARTS: Parts = Parts::EXP;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        linear_above(p, R::constant(1.0), R::constant(1.0))
    }
}

/// ELU with a scale and an alpha that keep mean 0 and variance 1 (Klambauer et al. 2017).
#[derive(Clone, Copy)]
pub struct Selu;
impl Curve for Selu {
    const PARTS: Parts = Parts::EXP;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        linear_above(p, R::constant(1.050_700_987_355_480_5), R::constant(1.673_263_242_354_377_2))
    }
}

/// `1 / (1 + exp(-x))`.
#[derive(Clone, Copy)]
pub struct Sigmoid;
impl Curve for Sigmoid {
    const PARTS: Parts = Parts::SIGMOID;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let s = p.sigmoid();
        (s, s.times(p.rest))
    }
}

/// `x sigmoid(x)`, also called Swish (Elfwing et al. 2018; Ramachandran et al. 2017).
#[derive(Clone, Copy)]
pub struct Silu;
impl Curve for Silu {
    const PARTS: Parts = Parts::SIGMOID;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let s = p.sigmoid();
        // 1 - s stays at its value at the clamp above it, so x must not go on growing there
        (p.x.times(s), p.x.clamped(f64::NEG_INFINITY, 20.0).times(p.rest).fma(s, s))
    }
}

/// `x tanh(ln(1 + exp(x)))` (Misra 2020).
#[derive(Clone, Copy)]
pub struct Mish;
impl Curve for Mish {
    const PARTS: Parts = Parts::MISH;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.times(p.gate), p.x.fma(p.gate_slope, p.gate))
    }
}

/// `ln(1 + exp(x))` (Dugas et al. 2001).
#[derive(Clone, Copy)]
pub struct Softplus;
impl Curve for Softplus {
    const PARTS: Parts = Parts::SIGMOID.and(Parts::LOG);
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.clamped(0.0, f64::INFINITY).plus(p.log), p.sigmoid())
    }
}

/// `ln(sigmoid(x))`, which is `-softplus(-x)`.
#[derive(Clone, Copy)]
pub struct Logsigmoid;
impl Curve for Logsigmoid {
    const PARTS: Parts = Parts::SIGMOID.and(Parts::LOG);
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.clamped(f64::NEG_INFINITY, 0.0).minus(p.log), p.rest)
    }
}

/// The hyperbolic tangent.
#[derive(Clone, Copy)]
pub struct Tanh;
impl Curve for Tanh {
    const PARTS: Parts = Parts::TANH;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let one = R::constant(1.0);
        (p.tanh, one.minus(p.tanh).times(one.plus(p.tanh)))
    }
}

/// `x - tanh(x)`.
#[derive(Clone, Copy)]
pub struct Tanhshrink;
impl Curve for Tanhshrink {
    const PARTS: Parts = Parts::TANH;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.minus(p.tanh), p.tanh.times(p.tanh))
    }
}

/// `x/2 (1 + tanh(z))` with z = sqrt(2/pi) (x + 0.044715 x^3): GELU's approximation (Hendrycks and Gimpel 2016), which GPT-2
/// has. It is `x sigmoid(2 z)`.
#[derive(Clone, Copy)]
pub struct GeluTanh;
impl Curve for GeluTanh {
    const PARTS: Parts = Parts::NEAR_PHI;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        // beyond 7 the sigmoid is 0 or 1, and its slope stays at its value at the clamp
        let inside = p.x.clamped(-7.0, 7.0);
        let (scale, cubic) = (Point::<R>::NEAR_SCALE, Point::<R>::NEAR_CUBIC);
        let slope = inside.times(inside).fma(R::constant(3.0 * scale * cubic), R::constant(scale));
        (p.x.times(p.near_phi), inside.times(slope).times(p.near_rest).fma(p.near_phi, p.near_phi))
    }
}
