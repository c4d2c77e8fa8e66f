//! The activation functions: each one defined once, value and derivative, over [`Real`].
//!
//! To add a candidate: write its [`Curve`] in the file of its family and add its line to the table below. Its name, parsing,
//! the mixture, the fused kernels and the figures follow.

use crate::real::Real;

mod bell;
mod curve;
mod exponential;
mod pieces;
mod sets;
mod waves;

pub use bell::{Gaussian, Gelu};
pub use curve::{Constants, Curve, Parts, Point, Slopes};
pub use exponential::{
    Celu, Elu, GeluTanh, Logsigmoid, Mish, Selu, Sigmoid, Silu, Softplus, Tanh, Tanhshrink,
};
pub use pieces::{
    Hardshrink, Hardsigmoid, Hardswish, Hardtanh, Identity, LeakyRelu, Prelu, Relu, Relu6, Rrelu, Softshrink,
    Softsign, SquaredRelu, StarRelu,
};
pub use waves::{Sine, Snake};

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
    /// [`GeluTanh`]
    GeluTanh => "gelu_tanh",
    /// [`Sigmoid`]
    Sigmoid => "sigmoid",
    /// [`Softplus`]
    Softplus => "softplus",
    /// [`Selu`]
    Selu => "selu",
    /// [`Celu`]
    Celu => "celu",
    /// [`Relu6`]
    Relu6 => "relu6",
    /// [`Hardtanh`]
    Hardtanh => "hardtanh",
    /// [`Softsign`]
    Softsign => "softsign",
    /// [`Logsigmoid`]
    Logsigmoid => "logsigmoid",
    /// [`Hardsigmoid`]
    Hardsigmoid => "hardsigmoid",
    /// [`Tanhshrink`]
    Tanhshrink => "tanhshrink",
    /// [`Softshrink`]
    Softshrink => "softshrink",
    /// [`Hardshrink`]
    Hardshrink => "hardshrink",
    /// [`SquaredRelu`]
    SquaredRelu => "squared_relu",
    /// [`StarRelu`]
    StarRelu => "star_relu",
    /// [`Snake`]
    Snake => "snake",
    /// [`Sine`]
    Sine => "sine",
    /// [`Gaussian`]
    Gaussian => "gaussian",
}

/// What can be done with a curve whose type is only known at run time.
pub trait CurveVisitor {
    /// The result.
    type Output;
    /// Called with the curve's type.
    fn visit<C: Curve>(self) -> Self::Output;
}

impl Activation {
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

    /// The parts of a point that the activation needs.
    pub(crate) fn parts(self) -> Parts {
        struct Needs;
        impl CurveVisitor for Needs {
            type Output = Parts;
            fn visit<C: Curve>(self) -> Parts {
                C::PARTS
            }
        }
        self.visit(Needs)
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
                C::at(&Point::new(self.0, self.1, C::PARTS))
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
    /// Whether a set could have been given, too.
    pub or_set: bool,
}

impl std::fmt::Display for UnknownActivation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = Activation::ALL.iter().map(|a| a.name()).collect();
        let sets: Vec<_> = Activation::SETS.iter().filter(|_| self.or_set).map(|(set, _)| *set).collect();
        match self.name.as_str() {
            "" => f.write_str("the name of an activation is missing")?,
            name => write!(f, "there is no activation '{name}'")?,
        }
        match adact_common::nearest(&self.name, names.iter().chain(&sets).copied()) {
            Some(nearest) => write!(f, "; did you mean '{nearest}'?")?,
            None => f.write_str(".")?,
        }
        write!(f, " The activations are {}", names.join(", "))?;
        if self.or_set { write!(f, "; sets of them are {}", sets.join(", ")) } else { Ok(()) }
    }
}

impl std::error::Error for UnknownActivation {}

impl std::str::FromStr for Activation {
    type Err = UnknownActivation;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Activation::ALL.iter().copied().find(|a| a.name() == name);
        found.ok_or_else(|| UnknownActivation { name: name.to_string(), or_set: false })
    }
}
