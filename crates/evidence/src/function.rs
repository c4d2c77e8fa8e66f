//! The functions that records tell of: an activation, and what a place learned.

use adact_kernels::{Activation, Constants};

use crate::records::{CurveConstants, LayerWeights};

/// The value of an activation at `x` in evaluation (RReLU with its mean slope), with PReLU's slope;
/// `None` if there is no activation of that name.
pub fn curve(name: &str, x: f64, slope: f64, constants: Option<&CurveConstants>) -> Option<f64> {
    let activation: Activation = name.parse().ok()?;
    let constants = constants.map_or_else(Constants::default, |c| Constants {
        alpha: c.alpha,
        negative_slope: c.negative_slope,
        rrelu_lower: c.rrelu_lower,
        rrelu_upper: c.rrelu_upper,
    });
    Some(activation.at(x, slope, &constants).0)
}

/// The value of a layer's mixture at `x`.
pub(crate) fn mixture(layer: &LayerWeights, x: f64, constants: Option<&CurveConstants>) -> Option<f64> {
    let slope = slope(layer);
    let terms = layer.candidates().into_iter().zip(layer.shares());
    terms.map(|(name, s)| curve(name, x, slope, constants).map(|y| y * *s as f64)).sum()
}

/// PReLU's slope in a mixture; where none is told, the usual first one.
pub(crate) fn slope(layer: &LayerWeights) -> f64 {
    layer.prelu_slope.map_or(0.25, f64::from)
}
