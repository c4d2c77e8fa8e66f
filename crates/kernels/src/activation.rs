//! The activation functions: each one defined once, value and derivative, over [`Real`].
//!
//! To add a candidate: write its [`Curve`] here and add its line to the table at the end. Its name, parsing, the
//! mixture, the fused kernels and the figures follow.

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

/// A function of one variable with its derivative.
pub trait Curve: Copy + Send + Sync + 'static {
    /// Whether the curve has PReLU's slope as a parameter: df/dslope is then `min(x, 0)`.
    const LEARNS_SLOPE: bool = false;
    /// Whether the curve draws a slope at random for each element while training.
    const IS_RANDOM: bool = false;
    /// The value and the derivative at `x`.
    fn at<R: Real>(x: R, s: &Slopes<R>) -> (R, R);
}

/// One slope per side.
#[inline(always)]
fn sloped<R: Real>(x: R, slope: R) -> (R, R) {
    (x.if_positive(x, slope.times(x)), x.if_positive(R::constant(1.0), slope))
}

/// `max(x, 0)`.
#[derive(Clone, Copy)]
pub struct Relu;
impl Curve for Relu {
    #[inline(always)]
    fn at<R: Real>(x: R, _: &Slopes<R>) -> (R, R) {
        // clamping lets a NaN through, which `x > 0 ? x : 0` would hide
        (x.clamped(0.0, f64::INFINITY), x.if_positive(R::constant(1.0), R::constant(0.0)))
    }
}

/// `x > 0 ? x : alpha (exp(x) - 1)` (Clevert et al. 2015).
#[derive(Clone, Copy)]
pub struct Elu;
impl Curve for Elu {
    #[inline(always)]
    fn at<R: Real>(x: R, s: &Slopes<R>) -> (R, R) {
        let (e, em1) = x.exp_expm1();
        (x.if_positive(x, s.alpha.times(em1)), x.if_positive(R::constant(1.0), s.alpha.times(e)))
    }
}

/// `x > 0 ? x : negative_slope x` (Maas et al. 2013).
#[derive(Clone, Copy)]
pub struct LeakyRelu;
impl Curve for LeakyRelu {
    #[inline(always)]
    fn at<R: Real>(x: R, s: &Slopes<R>) -> (R, R) {
        sloped(x, s.leaky)
    }
}

/// `x > 0 ? x : slope x` with a learned slope (He et al. 2015).
#[derive(Clone, Copy)]
pub struct Prelu;
impl Curve for Prelu {
    const LEARNS_SLOPE: bool = true;
    #[inline(always)]
    fn at<R: Real>(x: R, s: &Slopes<R>) -> (R, R) {
        sloped(x, s.prelu)
    }
}

/// `x > 0 ? x : r x`, r uniform in [lower, upper] for each element while training and their mean in evaluation
/// (Xu et al. 2015).
#[derive(Clone, Copy)]
pub struct Rrelu;
impl Curve for Rrelu {
    const IS_RANDOM: bool = true;
    #[inline(always)]
    fn at<R: Real>(x: R, s: &Slopes<R>) -> (R, R) {
        sloped(x, s.rrelu)
    }
}

/// `x sigmoid(x)`, also called Swish (Elfwing et al. 2018; Ramachandran et al. 2017).
#[derive(Clone, Copy)]
pub struct Silu;
impl Curve for Silu {
    #[inline(always)]
    fn at<R: Real>(x: R, _: &Slopes<R>) -> (R, R) {
        let one = R::constant(1.0);
        let (e, _) = x.exp_expm1();
        let r = one.over(one.plus(e)); // 1 - sigmoid(x)
        let s = e.times(r);
        // r stays at its value at the clamp above it, so x must not go on growing there
        (x.times(s), x.clamped(f64::NEG_INFINITY, 20.0).times(r).fma(s, s))
    }
}

/// `x tanh(ln(1 + exp(x)))` (Misra 2020). With n = e (e + 2), e = exp(x): x n / (n + 2).
#[derive(Clone, Copy)]
pub struct Mish;
impl Curve for Mish {
    #[inline(always)]
    fn at<R: Real>(x: R, _: &Slopes<R>) -> (R, R) {
        let (one, two) = (R::constant(1.0), R::constant(2.0));
        let (e, _) = x.exp_expm1();
        let n = e.times(e.plus(two));
        let r = one.over(n.plus(two));
        let t = n.times(r);
        // d/dx n/(n + 2) = 4 e (e + 1) / (n + 2)^2
        let slope = e.plus(one).times(r).times(e.times(r)).times(R::constant(4.0));
        (x.times(t), x.fma(slope, t))
    }
}

/// `x Phi(x)`, Phi the normal distribution function (Hendrycks and Gimpel 2016), by the error function.
#[derive(Clone, Copy)]
pub struct Gelu;
impl Curve for Gelu {
    #[inline(always)]
    fn at<R: Real>(x: R, _: &Slopes<R>) -> (R, R) {
        let half = R::constant(0.5);
        let phi = x.scaled(std::f64::consts::FRAC_1_SQRT_2).erf().fma(half, half);
        let (bell, _) = x.times(x).scaled(-0.5).exp_expm1();
        let density = bell.scaled(0.398_942_280_401_432_7); // 1 / sqrt(2 pi)
        let inside = x.clamped(-40.0, 40.0); // where the density is 0, and stays so times anything finite
        (x.times(phi), inside.fma(density, phi))
    }
}

/// `x clamp(x + 3, 0, 6) / 6` (Howard et al. 2019).
#[derive(Clone, Copy)]
pub struct Hardswish;
impl Curve for Hardswish {
    #[inline(always)]
    fn at<R: Real>(x: R, _: &Slopes<R>) -> (R, R) {
        let three = R::constant(3.0);
        let gate = x.plus(three).clamped(0.0, 6.0).scaled(1.0 / 6.0);
        let middle = x.scaled(2.0).plus(three).scaled(1.0 / 6.0);
        let left = x.plus(three).if_positive(middle, R::constant(0.0));
        // At the kinks the slopes further from 0, as PyTorch has them.
        (x.times(gate), three.minus(x).if_positive(left, R::constant(1.0)))
    }
}

/// The hyperbolic tangent.
#[derive(Clone, Copy)]
pub struct Tanh;
impl Curve for Tanh {
    #[inline(always)]
    fn at<R: Real>(x: R, _: &Slopes<R>) -> (R, R) {
        let (_, m) = x.plus(x).exp_expm1();
        let t = m.over(m.plus(R::constant(2.0)));
        let one = R::constant(1.0);
        (t, one.minus(t).times(one.plus(t)))
    }
}

/// `x`.
#[derive(Clone, Copy)]
pub struct Identity;
impl Curve for Identity {
    #[inline(always)]
    fn at<R: Real>(x: R, _: &Slopes<R>) -> (R, R) {
        (x, R::constant(1.0))
    }
}

/// Builds the enumeration and everything that lists it from one table.
macro_rules! activations {
    ($($(#[$meta:meta])* $variant:ident => $name:literal),* $(,)?) => {
        /// An activation function.
        ///
        /// ```
        /// use adact_kernels::Activation;
        /// let mish: Activation = "mish".parse().unwrap();
        /// assert_eq!(mish.to_string(), "mish");
        /// assert!("mesh".parse::<Activation>().unwrap_err().to_string().contains("mish"));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Activation { $($(#[$meta])* $variant),* }

        impl Activation {
            /// Every activation, in the order of the table.
            pub const ALL: &[Activation] = &[$(Activation::$variant),*];

            /// The name, as the command line and files spell it.
            pub fn name(self) -> &'static str {
                match self { $(Activation::$variant => $name),* }
            }

            /// Calls a generic visitor with the activation's [`Curve`].
            #[inline(always)]
            pub fn visit<T: CurveVisitor>(self, visitor: T) -> T::Output {
                match self { $(Activation::$variant => visitor.visit::<$variant>()),* }
            }
        }
    };
}

activations! {
    /// [`Relu`]
    Relu => "relu",
    /// [`Elu`]
    Elu => "elu",
    /// [`LeakyRelu`]
    LeakyRelu => "leaky_relu",
    /// [`Prelu`]
    Prelu => "prelu",
    /// [`Rrelu`]
    Rrelu => "rrelu",
    /// [`Silu`]
    Silu => "silu",
    /// [`Mish`]
    Mish => "mish",
    /// [`Gelu`]
    Gelu => "gelu",
    /// [`Hardswish`]
    Hardswish => "hardswish",
    /// [`Tanh`]
    Tanh => "tanh",
    /// [`Identity`]
    Identity => "identity",
}

/// What can be done with a curve whose type is only known at run time.
pub trait CurveVisitor {
    /// The result.
    type Output;
    /// Called with the curve's type.
    fn visit<C: Curve>(self) -> Self::Output;
}

impl Activation {
    /// The seven candidates of the paper, in its order.
    pub const PAPER: &[Activation] = &[
        Activation::Relu,
        Activation::Elu,
        Activation::LeakyRelu,
        Activation::Prelu,
        Activation::Rrelu,
        Activation::Silu,
        Activation::Mish,
    ];

    /// Whether the activation has PReLU's learned slope.
    pub fn learns_slope(self) -> bool {
        struct Learns;
        impl CurveVisitor for Learns {
            type Output = bool;
            fn visit<C: Curve>(self) -> bool {
                C::LEARNS_SLOPE
            }
        }
        self.visit(Learns)
    }

    /// The value and the derivative at `x`, in evaluation (RReLU with its mean slope), in any precision.
    ///
    /// ```
    /// use adact_kernels::{Activation, Constants};
    /// let (y, dy) = Activation::Silu.at(0.0f64, 0.25, &Constants::default());
    /// assert_eq!((y, dy), (0.0, 0.5));
    /// ```
    pub fn at<R: Real>(self, x: R, slope: f64, constants: &Constants) -> (R, R) {
        struct At<R>(R, Slopes<R>);
        impl<R: Real> CurveVisitor for At<R> {
            type Output = (R, R);
            fn visit<C: Curve>(self) -> (R, R) {
                C::at(self.0, &self.1)
            }
        }
        let slopes = Slopes {
            alpha: R::constant(constants.alpha),
            leaky: R::constant(constants.negative_slope),
            prelu: R::constant(slope),
            rrelu: R::constant(constants.rrelu_mean()),
        };
        self.visit(At(x, slopes))
    }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no activation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownActivation {
    /// What was given.
    pub name: String,
}

impl std::fmt::Display for UnknownActivation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = Activation::ALL.iter().map(|a| a.name()).collect();
        write!(f, "there is no activation '{}'", self.name)?;
        if let Some(nearest) = adact_common::nearest(&self.name, names.iter().copied()) {
            write!(f, "; did you mean '{nearest}'?")?;
        }
        write!(f, " The activations are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownActivation {}

impl std::str::FromStr for Activation {
    type Err = UnknownActivation;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Activation::ALL.iter().copied().find(|a| a.name() == name);
        found.ok_or_else(|| UnknownActivation { name: name.to_string() })
    }
}
