//! How the raw weights of a mixture are the shares of its candidates.

use std::fmt;

use adact_kernels::{Activation, LEFT, softmax, softmax_gradient};
use serde::{Deserialize, Serialize};

/// How the raw weights `w` of a mixture are the shares of its candidates.
///
/// ```
/// use adact::{AdActConfig, Gate};
/// use burn::tensor::Device;
/// let config = AdActConfig::new().with_gate(Gate::Sigmoid);
/// // Equal shares to begin with, as those of a softmax, that need not add up to 1 from then on.
/// let shares = config.init(&Device::flex()).mixture();
/// assert!(shares.iter().all(|share| (share - 1.0 / 7.0).abs() < 1e-6));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// `softmax(w)`, as in the paper: what one candidate gains others lose.
    #[default]
    Softmax,
    /// `1 / (1 + exp(-w))`, a gate for each candidate by itself.
    Sigmoid,
    /// `w` itself: plain coefficients, which may be negative.
    Linear,
}

impl Gate {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Sigmoid, Self::Linear];

    /// The name: `softmax`, `sigmoid` or `linear`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
            Self::Linear => "linear",
        }
    }

    /// Whether it is the default.
    pub(super) fn is_softmax(&self) -> bool {
        *self == Self::Softmax
    }

    /// The raw weight with which each of `candidates` candidates has the share `1 / candidates`.
    pub(crate) fn even(self, candidates: usize) -> f32 {
        let n = candidates as f64;
        match self {
            Self::Softmax => 0.0,
            // Of one candidate alone the weight is finite, and the share as good as 1.
            Self::Sigmoid if candidates < 2 => 20.0,
            Self::Sigmoid => -libm::log(n - 1.0) as f32,
            Self::Linear => (1.0 / n) as f32,
        }
    }

    /// The raw weights of which one candidate has the share 1 and the others 0.
    pub(crate) fn alone(self, candidates: &[Activation], choice: Activation) -> Vec<f32> {
        let (chosen, other) = match self {
            Self::Softmax => (0.0, LEFT),
            Self::Sigmoid => (-LEFT, LEFT),
            Self::Linear => (1.0, 0.0),
        };
        candidates.iter().map(|&candidate| if candidate == choice { chosen } else { other }).collect()
    }

    /// The shares of raw weights, in `f64`.
    pub fn shares(self, w: &[f32]) -> Vec<f64> {
        match self {
            Self::Softmax => softmax(w),
            Self::Sigmoid => w.iter().map(|&w| 1.0 / (1.0 + libm::exp(-f64::from(w)))).collect(),
            Self::Linear => w.iter().copied().map(f64::from).collect(),
        }
    }

    /// How much of all the weight each candidate has, from 0 to 1: the softmax itself, a part of the sum of the gates, or of the
    /// coefficients' magnitudes.
    pub(crate) fn portions(self, w: &[f32]) -> Vec<f64> {
        let shares = self.shares(w);
        if self == Self::Softmax {
            return shares;
        }
        let sum: f64 = shares.iter().map(|share| share.abs()).sum();
        // Where none has any, all have the same.
        let portion = |share: &f64| if sum == 0.0 { 1.0 / w.len() as f64 } else { share.abs() / sum };
        shares.iter().map(portion).collect()
    }

    /// The gradient of raw weights that have these shares, for that of the shares.
    pub(crate) fn gradient(self, shares: &[f64], dshares: &[f64]) -> Vec<f32> {
        match self {
            Self::Softmax => softmax_gradient(shares, dshares),
            Self::Sigmoid => shares.iter().zip(dshares).map(|(s, d)| (d * s * (1.0 - s)) as f32).collect(),
            Self::Linear => dshares.iter().map(|&d| d as f32).collect(),
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: [Activation; 3] = [Activation::Relu, Activation::Elu, Activation::Mish];

    #[test]
    fn shares_begin_equal() {
        for gate in Gate::ALL {
            for n in 2..9 {
                let shares = gate.shares(&vec![gate.even(n); n]);
                assert!(shares.iter().all(|share| (share - 1.0 / n as f64).abs() < 1e-7), "{gate} {n}");
            }
            assert!((gate.shares(&[gate.even(1)])[0] - 1.0).abs() < 1e-8);
        }
    }

    #[test]
    fn one_candidate_can_be_alone() {
        for gate in Gate::ALL {
            assert_eq!(gate.shares(&gate.alone(&C, Activation::Elu)), [0.0, 1.0, 0.0], "{gate}");
        }
    }

    #[test]
    fn gradients_are_finite_differences() {
        let (w, d) = ([0.5_f32, -1.0, 0.25], [0.3, -0.7, 1.1]);
        for gate in Gate::ALL {
            let own = gate.gradient(&gate.shares(&w), &d);
            let value = |w: &[f32]| -> f64 { gate.shares(w).iter().zip(d).map(|(s, d)| s * d).sum() };
            for i in 0..3 {
                let moved = |by: f32| {
                    let mut w = w;
                    w[i] += by;
                    value(&w)
                };
                let difference = (moved(1.0 / 1024.0) - moved(-1.0 / 1024.0)) * 512.0;
                assert!((f64::from(own[i]) - difference).abs() < 1e-6, "{gate} {i}");
            }
        }
    }

    #[test]
    fn portions_are_of_magnitudes_and_add_up_to_1() {
        assert_eq!(Gate::Linear.portions(&[-3.0, 1.0]), [0.75, 0.25]);
        assert_eq!(Gate::Linear.portions(&[0.0, 0.0]), [0.5, 0.5]);
        for gate in Gate::ALL {
            let sum: f64 = gate.portions(&[0.5, -1.0, 0.25]).iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{gate}");
        }
        assert!(Gate::Linear.portions(&[f32::NAN, 1.0])[0].is_nan());
    }

    #[test]
    fn what_left_a_sigmoid_has_no_share_and_no_gradient() {
        let shares = Gate::Sigmoid.shares(&[LEFT, 0.5]);
        assert_eq!(shares[0], 0.0);
        assert_eq!(Gate::Sigmoid.gradient(&shares, &[1.0, 0.0]), [0.0, 0.0]);
    }
}
