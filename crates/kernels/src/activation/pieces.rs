//! Curves of pieces: lines, parabolas and a hyperbola.
//!
//! Clamping lets a NaN through, which `x > 0 ? x : 0` would hide. At kinks the derivatives are those that PyTorch takes.

use super::curve::{Curve, Point};
use crate::real::Real;

/// One slope a side.
#[inline(always)]
fn sloped<R: Real>(x: R, slope: R) -> (R, R) {
    (x.if_positive(x, slope.times(x)), x.if_positive(R::constant(1.0), slope))
}

/// `slope` where `low < x < high`, and 0 elsewhere.
#[inline(always)]
fn between<R: Real>(x: R, low: f64, high: f64, slope: f64) -> R {
    let zero = R::constant(0.0);
    let below_high = R::constant(high).minus(x).if_positive(R::constant(slope), zero);
    x.minus(R::constant(low)).if_positive(below_high, zero)
}

/// 1 where `|x| > bound`, and 0 elsewhere.
#[inline(always)]
fn outside<R: Real>(p: &Point<R>, bound: f64) -> R {
    p.abs().minus(R::constant(bound)).if_positive(R::constant(1.0), R::constant(0.0))
}

/// `max(x, 0)`.
#[derive(Clone, Copy)]
pub struct Relu;
impl Curve for Relu {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.clamped(0.0, f64::INFINITY), p.x.if_positive(R::constant(1.0), R::constant(0.0)))
    }
}

/// `x > 0 ? x : negative_slope x` (Maas et al. 2013).
#[derive(Clone, Copy)]
pub struct LeakyRelu;
impl Curve for LeakyRelu {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        sloped(p.x, p.slopes.leaky)
    }
}

/// `x > 0 ? x : slope x` with a learned slope (He et al. 2015).
#[derive(Clone, Copy)]
pub struct Prelu;
impl Curve for Prelu {
    const LEARNS_SLOPE: bool = true;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        sloped(p.x, p.slopes.prelu)
    }
}

/// `x > 0 ? x : r x`, r uniform in [lower, upper] for each element while training and their mean in evaluation
/// (Xu et al. 2015).
#[derive(Clone, Copy)]
pub struct Rrelu;
impl Curve for Rrelu {
    const IS_RANDOM: bool = true;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        sloped(p.x, p.slopes.rrelu)
    }
}

/// `min(max(x, 0), 6)` (Krizhevsky 2010).
#[derive(Clone, Copy)]
pub struct Relu6;
impl Curve for Relu6 {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.clamped(0.0, 6.0), between(p.x, 0.0, 6.0, 1.0))
    }
}

/// `max(x, 0)^2` (So et al. 2021, Primer).
#[derive(Clone, Copy)]
pub struct SquaredRelu;
impl Curve for SquaredRelu {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let above = p.x.clamped(0.0, f64::INFINITY);
        (above.times(above), above.plus(above))
    }
}

/// `s max(x, 0)^2 + b` with s = 0.8944 and b = -0.4472, for which standard normal inputs come out with mean 0 and
/// variance 1 (Yu et al. 2022, MetaFormer baselines, where both may also be learned).
#[derive(Clone, Copy)]
pub struct StarRelu;
impl Curve for StarRelu {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let above = p.x.clamped(0.0, f64::INFINITY);
        let scaled = above.scaled(0.8944);
        (scaled.fma(above, R::constant(-0.4472)), scaled.plus(scaled))
    }
}

/// `min(max(x, -1), 1)` (Collobert 2004).
#[derive(Clone, Copy)]
pub struct Hardtanh;
impl Curve for Hardtanh {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.clamped(-1.0, 1.0), between(p.x, -1.0, 1.0, 1.0))
    }
}

/// `clamp(x + 3, 0, 6) / 6` (Courbariaux et al. 2015, with the bounds of PyTorch).
#[derive(Clone, Copy)]
pub struct Hardsigmoid;
impl Curve for Hardsigmoid {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let gate = p.x.plus(R::constant(3.0)).clamped(0.0, 6.0).scaled(1.0 / 6.0);
        (gate, between(p.x, -3.0, 3.0, 1.0 / 6.0))
    }
}

/// `x clamp(x + 3, 0, 6) / 6` (Howard et al. 2019).
#[derive(Clone, Copy)]
pub struct Hardswish;
impl Curve for Hardswish {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let (x, three) = (p.x, R::constant(3.0));
        let gate = x.plus(three).clamped(0.0, 6.0).scaled(1.0 / 6.0);
        let middle = x.scaled(2.0).plus(three).scaled(1.0 / 6.0);
        let left = x.plus(three).if_positive(middle, R::constant(0.0));
        // at the kinks the slopes further from 0
        (x.times(gate), three.minus(x).if_positive(left, R::constant(1.0)))
    }
}

/// `x - clamp(x, -1/2, 1/2)` (Donoho 1995).
#[derive(Clone, Copy)]
pub struct Softshrink;
impl Curve for Softshrink {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x.minus(p.x.clamped(-0.5, 0.5)), outside(p, 0.5))
    }
}

/// `|x| > 1/2 ? x : 0` (Donoho and Johnstone 1994).
#[derive(Clone, Copy)]
pub struct Hardshrink;
impl Curve for Hardshrink {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let far = p.abs().minus(R::constant(0.5));
        // 0 times x, for NaN
        (far.if_positive(p.x, p.x.scaled(0.0)), outside(p, 0.5))
    }
}

/// `x / (1 + |x|)` (Bergstra et al. 2009).
#[derive(Clone, Copy)]
pub struct Softsign;
impl Curve for Softsign {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let one = R::constant(1.0);
        let r = one.over(one.plus(p.abs()));
        (p.x.times(r), r.times(r))
    }
}

/// `x`.
#[derive(Clone, Copy)]
pub struct Identity;
impl Curve for Identity {
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.x, R::constant(1.0))
    }
}
