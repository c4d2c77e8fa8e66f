//! What an activation is: a function of one variable with its derivative, and what several of them are made of.

use crate::real::Real;

/// What the definitions leave to choose. The defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// ELU's alpha, the negative of its limit for x -> -infinity. Default 1.
    pub alpha: f64,
    /// LeakyReLU's slope for x < 0. Default 0.01.
    pub negative_slope: f64,
    /// The smallest slope that RReLU draws. Default 1/8.
    pub rrelu_lower: f64,
    /// The largest slope that RReLU draws. Default 1/3.
    pub rrelu_upper: f64,
}

impl Default for Constants {
    fn default() -> Self {
        Self { alpha: 1.0, negative_slope: 0.01, rrelu_lower: 0.125, rrelu_upper: 1.0 / 3.0 }
    }
}

impl Constants {
    /// The slope of RReLU in evaluation: the mean of its bounds (Xu et al. 2015), 11/48 by default.
    pub fn rrelu_mean(&self) -> f64 {
        (self.rrelu_lower + self.rrelu_upper) / 2.0
    }
}

/// The parameters of a curve at one point: constants, PReLU's learned slope and RReLU's drawn one.
#[derive(Clone, Copy)]
pub struct Slopes<R> {
    /// ELU's alpha.
    pub alpha: R,
    /// LeakyReLU's slope.
    pub leaky: R,
    /// PReLU's slope.
    pub prelu: R,
    /// RReLU's slope at this element.
    pub rrelu: R,
}

/// The parts of a [`Point`] that curves share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Parts(u16);

impl Parts {
    /// None: a curve of lines, parabolas or a part that is its own.
    pub const NONE: Self = Self(0);
    /// `e` and `em1`.
    pub const EXP: Self = Self(1);
    /// `rest`, and those of [`Parts::EXP`].
    pub const SIGMOID: Self = Self(2).and(Self::EXP);
    /// `gate` and `gate_slope`, and those of [`Parts::EXP`].
    pub const MISH: Self = Self(4).and(Self::EXP);
    /// `tanh`, and those of [`Parts::EXP`].
    pub const TANH: Self = Self(8).and(Self::EXP);
    /// `log`, and those of [`Parts::EXP`].
    pub const LOG: Self = Self(16).and(Self::EXP);
    /// `bell`.
    pub const BELL: Self = Self(32);
    /// `phi`, and those of [`Parts::BELL`].
    pub const PHI: Self = Self(64).and(Self::BELL);
    /// `near_phi` and `near_rest`.
    pub const NEAR_PHI: Self = Self(128);
    /// `sin` and `cos`.
    pub const SINE: Self = Self(256);

    /// These and those of `other`.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the parts of `other` are all among these.
    #[inline(always)]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// An input, and what curves are made of there: each part is computed once, however many curves need it. Parts that were not
/// asked for hold anything.
#[derive(Clone, Copy)]
pub struct Point<R> {
    /// The input.
    pub x: R,
    /// The curves' parameters.
    pub slopes: Slopes<R>,
    /// exp(x), as [`Real::exp_expm1`] bounds it.
    pub e: R,
    /// exp(x) - 1.
    pub em1: R,
    /// 1 - sigmoid(x) = 1 / (1 + e).
    pub rest: R,
    /// tanh(ln(1 + e)) = n / (n + 2) with n = e (e + 2).
    pub gate: R,
    /// The derivative of `gate`.
    pub gate_slope: R,
    /// tanh(x).
    pub tanh: R,
    /// ln(1 + exp(-|x|)).
    pub log: R,
    /// exp(-x^2 / 2).
    pub bell: R,
    /// The normal distribution function.
    pub phi: R,
    /// sigmoid(2 z) with z = sqrt(2/pi) (x + 0.044715 x^3), which is near `phi`.
    pub near_phi: R,
    /// 1 - `near_phi`.
    pub near_rest: R,
    /// sin(x), as [`Real::sin_cos`] bounds it.
    pub sin: R,
    /// cos(x).
    pub cos: R,
}

impl<R: Real> Point<R> {
    /// 2 sqrt(2/pi), of `near_phi`.
    pub(super) const NEAR_SCALE: f64 = 1.595_769_121_605_730_7;
    /// The factor of x^3 in `near_phi`.
    pub(super) const NEAR_CUBIC: f64 = 0.044_715;

    /// The input `x` with these parts.
    #[inline(always)]
    pub fn new(x: R, slopes: Slopes<R>, parts: Parts) -> Self {
        let (zero, one, two) = (R::constant(0.0), R::constant(1.0), R::constant(2.0));
        let (e, em1) = if parts.has(Parts::EXP) { x.exp_expm1() } else { (zero, zero) };
        let bell = if parts.has(Parts::BELL) { x.times(x).scaled(-0.5).exp_expm1().0 } else { zero };
        let near = if parts.has(Parts::NEAR_PHI) {
            let factor = x
                .times(x)
                .fma(R::constant(Self::NEAR_SCALE * Self::NEAR_CUBIC), R::constant(Self::NEAR_SCALE));
            factor.times(x).exp_expm1().0
        } else {
            zero
        };
        let (sin, cos) = if parts.has(Parts::SINE) { x.sin_cos() } else { (zero, zero) };

        // Divisions are slow: one serves three parts.
        let n = e.times(e.plus(two));
        let m = em1.times(em1.plus(two)); // exp(2 x) - 1
        let y = x.scaled(std::f64::consts::FRAC_1_SQRT_2);
        let (d1, d2) = (one.plus(e), n.plus(two));
        let (rest, r, near_rest) =
            reciprocals(parts, [(Parts::SIGMOID, d1), (Parts::MISH, d2), (Parts::NEAR_PHI, one.plus(near))]);
        let of_log = if parts.has(Parts::LOG) { x.ln_1p_exp_divisor(e) } else { one };
        let of_erf = if parts.has(Parts::PHI) { y.erf_divisor() } else { one };
        let (to_tanh, to_log, to_erf) =
            reciprocals(parts, [(Parts::TANH, m.plus(two)), (Parts::LOG, of_log), (Parts::PHI, of_erf)]);
        let half = R::constant(0.5);
        Self {
            x,
            slopes,
            e,
            em1,
            rest,
            gate: n.times(r),
            // d/dx n/(n + 2) = 4 e (e + 1) / (n + 2)^2
            gate_slope: d1.times(r).times(e.times(r)).times(R::constant(4.0)),
            tanh: m.times(to_tanh),
            log: if parts.has(Parts::LOG) { x.ln_1p_exp(e, to_log) } else { zero },
            bell,
            phi: if parts.has(Parts::PHI) { y.erf(to_erf, bell).fma(half, half) } else { zero },
            near_phi: near.times(near_rest),
            near_rest,
            sin,
            cos,
        }
    }

    /// |x|; of NaN, NaN.
    #[inline(always)]
    pub(super) fn abs(&self) -> R {
        self.x.if_positive(self.x, R::constant(0.0).minus(self.x))
    }

    /// sigmoid(x).
    #[inline(always)]
    pub(super) fn sigmoid(&self) -> R {
        self.e.times(self.rest)
    }
}

/// 1 by each of three divisors, by one division. A divisor whose part isn't needed counts as 1.
#[inline(always)]
fn reciprocals<R: Real>(parts: Parts, divisors: [(Parts, R); 3]) -> (R, R, R) {
    let one = R::constant(1.0);
    let [a, b, c] = divisors.map(|(part, divisor)| if parts.has(part) { divisor } else { one });
    if !divisors.iter().any(|&(part, _)| parts.has(part)) {
        return (one, one, one);
    }
    let ab = a.times(b);
    let r = one.over(ab.times(c));
    let of_ab = r.times(c);
    (of_ab.times(b), of_ab.times(a), r.times(ab))
}

/// A function of one variable with its derivative.
pub trait Curve: Copy + Send + Sync + 'static {
    /// The parts of a point that the curve needs.
    const PARTS: Parts = Parts::NONE;
    /// Whether the curve has PReLU's slope as a parameter: df/dslope is then `min(x, 0)`.
    const LEARNS_SLOPE: bool = false;
    /// Whether the curve draws a slope at random for each element while training.
    const IS_RANDOM: bool = false;
    /// The value and the derivative at a point that has [`Curve::PARTS`].
    fn at<R: Real>(p: &Point<R>) -> (R, R);
}
