//! Curves that repeat themselves.

use super::curve::{Curve, Parts, Point};
use crate::real::Real;

/// The sine (Sitzmann et al. 2020, SIREN, without its scale).
#[derive(Clone, Copy)]
pub struct Sine;
impl Curve for Sine {
    const PARTS: Parts = Parts::SINE;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.sin, p.cos)
    }
}

/// `x + sin(x)^2` (Ziyin et al. 2020, with a = 1).
#[derive(Clone, Copy)]
pub struct Snake;
impl Curve for Snake {
    const PARTS: Parts = Parts::SINE;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        (p.sin.fma(p.sin, p.x), p.sin.plus(p.sin).fma(p.cos, R::constant(1.0)))
    }
}
