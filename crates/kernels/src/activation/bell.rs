//! Curves that are made of the bell curve.

use super::curve::{Curve, Parts, Point};
use crate::real::Real;

/// `x Phi(x)`, Phi the normal distribution function (Hendrycks and Gimpel 2016), by the error function.
#[derive(Clone, Copy)]
pub struct Gelu;
impl Curve for Gelu {
    const PARTS: Parts = Parts::PHI;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let density = p.bell.scaled(0.398_942_280_401_432_7); // 1 / sqrt(2 pi)
        let inside = p.x.clamped(-40.0, 40.0); // where the density is 0, and stays so times anything finite
        (p.x.times(p.phi), inside.fma(density, p.phi))
    }
}

/// `exp(-x^2)` (Ramasinghe and Lucey 2022).
#[derive(Clone, Copy)]
pub struct Gaussian;
impl Curve for Gaussian {
    const PARTS: Parts = Parts::BELL;
    #[inline(always)]
    fn at<R: Real>(p: &Point<R>) -> (R, R) {
        let y = p.bell.times(p.bell);
        (y, p.x.scaled(-2.0).times(y))
    }
}
