//! The ways to mix: how the raw weights of a place become the shares of its candidates while a network searches.
//!
//! To add one: its line in the table, its arm in [`Moment::draw`], and, where evaluation takes other shares than the mixtures
//! themselves have, in [`Moment::settle`]. The command line, records, reports and comparisons follow.

use std::fmt;
use std::str::FromStr;

use adact_kernels::random::Stream;
use adact_kernels::{Activation, LEFT, softmax};
use serde::{Deserialize, Serialize};

use crate::activation::Gate;
use crate::activation::selection::strongest;
use crate::error::{Error, Result};

/// Builds the enumeration and everything that lists it from one table.
macro_rules! mixings {
    ($($(#[$meta:meta])* $variant:ident => $name:literal, $words:literal, $source:literal);* $(;)?) => {
        /// How the raw weights `w` of a place become the shares of its candidates, while a network searches.
        ///
        /// ```
        /// use adact::Mixing;
        /// assert_eq!("gumbel".parse::<Mixing>()?, Mixing::Gumbel);
        /// assert!("gumble".parse::<Mixing>().unwrap_err().to_string().contains("did you mean 'gumbel'"));
        /// # Ok::<(), adact::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Mixing { $($(#[$meta])* $variant),* }

        impl Mixing {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, as the command line and files spell it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it does, in a few words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),* }
            }

            /// Where it comes from.
            pub fn source(self) -> &'static str {
                match self { $(Self::$variant => $source),* }
            }
        }
    };
}

mixings! {
    /// The softmax of `w`: the paper's.
    #[default]
    Softmax => "softmax", "the softmax of the weights", "Maiti 2024";
    /// The softmax of `w / T`, with a temperature `T` that falls exponentially.
    Anneal => "anneal", "the softmax of the weights over a temperature that falls", "usual";
    /// The softmax of `w`, with its entropy as a penalty on the loss, which grows from a third of the search on.
    Entropy => "entropy", "the softmax of the weights, with a growing penalty on its entropy", "usual";
    /// One candidate for each place and step, drawn by the Gumbel softmax of `w`; gradients as if the soft shares had been used.
    Gumbel => "gumbel", "one candidate a step, drawn by the weights (straight-through Gumbel softmax)", "Jang et al. 2017";
    /// The candidate of the largest weight; gradients as if the softmax had been used.
    Hard => "hard", "the candidate of the largest weight (straight-through)", "Bengio et al. 2013";
    /// Shares drawn from the Dirichlet distribution of concentrations `elu(w) + 1`.
    Dirichlet => "dirichlet", "shares drawn from a Dirichlet distribution", "Chen et al. 2021 (DrNAS)";
    /// The sigmoid of each weight by itself, shares that need not add up to 1: mixtures of [`Gate::Sigmoid`].
    Sigmoid => "sigmoid", "a gate for each candidate, the sigmoid of its weight", "an ablation";
    /// The weights themselves, also negative ones: mixtures of [`Gate::Linear`].
    Linear => "linear", "the weights themselves as coefficients", "an ablation";
}

impl Mixing {
    /// The gate of the mixtures that search so.
    pub fn gate(self) -> Gate {
        match self {
            Self::Sigmoid => Gate::Sigmoid,
            Self::Linear => Gate::Linear,
            _ => Gate::Softmax,
        }
    }

    /// Whether it is nothing but the gate of the mixtures, whose shares can be kept as they are.
    pub(super) fn keeps_weights(self) -> bool {
        matches!(self, Self::Softmax | Self::Sigmoid | Self::Linear)
    }

    /// Whether candidates can leave meanwhile: not where a weight far below 0 is a share like any other.
    pub fn can_shrink(self) -> bool {
        self != Self::Linear
    }

    /// Whether the shares of a step are what the mixture's gate makes of its weights, with nothing in between.
    pub(super) fn is_plain(self) -> bool {
        self.keeps_weights() || self == Self::Entropy
    }

    /// Whether a step depends on how many there are.
    pub fn looks_ahead(self) -> bool {
        matches!(self, Self::Anneal | Self::Entropy | Self::Gumbel)
    }

    /// The first and the last temperature, where there is one.
    pub fn temperatures(self) -> Option<[f64; 2]> {
        match self {
            Self::Anneal => Some([1.0, 0.1]),
            Self::Gumbel => Some([5.0, 0.5]),
            _ => None,
        }
    }
}

impl fmt::Display for Mixing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mixing {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let name = name.trim();
        Self::ALL.iter().copied().find(|mixing| mixing.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|mixing| mixing.name()).collect();
            let nearest = adact_common::nearest(name, names.iter().copied());
            let nearest = nearest.map_or(String::new(), |nearest| format!("; did you mean '{nearest}'"));
            Error::config(format!("'{name}' is no way to mix{nearest}. The ways are {}", names.join(", ")))
        })
    }
}

/// Where a search is: what a step, and the evaluation after it, need to know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    pub mixing: Mixing,
    /// The temperature; 1 where there is none.
    pub temperature: f64,
    /// What the entropy of a place's shares is multiplied by in the loss, as a part of the largest that it can be.
    pub penalty: f64,
    /// The activation that each place uses alone, while the search has not begun.
    pub warming: Option<Activation>,
}

/// The shares of a place's candidates, and how they move with its raw weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shares {
    pub values: Vec<f64>,
    /// The derivative of each share by each weight, share by share.
    pub jacobian: Vec<f64>,
}

impl Moment {
    /// Whether the shares of a step are those that the mixture itself computes.
    pub fn is_plain(&self) -> bool {
        self.warming.is_none() && self.mixing.is_plain()
    }

    /// The shares of a training step, for raw weights of these candidates.
    pub fn draw(&self, candidates: &[Activation], w: &[f32], stream: Stream) -> Shares {
        if let Some(first) = self.warming {
            let share = |&candidate: &Activation| f64::from(u8::from(candidate == first));
            let values = candidates.iter().map(share).collect();
            return Shares { values, jacobian: vec![0.0; w.len() * w.len()] };
        }
        let softened = |noise: &dyn Fn(usize) -> f64| {
            let over = |(i, &w): (usize, &f32)| ((f64::from(w) + noise(i)) / self.temperature) as f32;
            softmax(&w.iter().enumerate().map(over).collect::<Vec<_>>())
        };
        match self.mixing {
            Mixing::Softmax | Mixing::Entropy | Mixing::Anneal => {
                let shares = softened(&|_| 0.0);
                Shares { jacobian: softmax_jacobian(&shares, self.temperature), values: shares }
            }
            Mixing::Gumbel => {
                // From -ln(-ln u) with u in (0, 1).
                let uniform = |i: usize| stream.uniform(i as u64) + f64::EPSILON / 4.0;
                let soft = softened(&|i| -libm::log(-libm::log(uniform(i))));
                Shares { values: one_hot(&soft), jacobian: softmax_jacobian(&soft, self.temperature) }
            }
            Mixing::Hard => {
                let soft = softened(&|_| 0.0);
                Shares { values: one_hot(&soft), jacobian: softmax_jacobian(&soft, 1.0) }
            }
            Mixing::Dirichlet => dirichlet(w, stream),
            Mixing::Sigmoid => {
                let shares = Gate::Sigmoid.shares(w);
                let slopes = shares.iter().map(|share| share * (1.0 - share));
                Shares { jacobian: diagonal(&slopes.collect::<Vec<_>>()), values: shares }
            }
            Mixing::Linear => {
                Shares { values: Gate::Linear.shares(w), jacobian: diagonal(&vec![1.0; w.len()]) }
            }
        }
    }

    /// The raw weights whose softmax tells how likely each candidate is.
    pub fn weights(&self, w: &[f32]) -> Vec<f32> {
        match self.mixing {
            Mixing::Anneal => w.iter().map(|&w| (f64::from(w) / self.temperature) as f32).collect(),
            // The mean of the distribution has shares in proportion to the concentrations.
            Mixing::Dirichlet => {
                w.iter().map(|&w| (libm::log(concentration(w).0) as f32).max(LEFT)).collect()
            }
            _ => w.to_vec(),
        }
    }

    /// The raw weights of which the mixture's gate makes the shares of the network that is evaluated and kept: one that draws nothing.
    pub fn settle(&self, gate: Gate, candidates: &[Activation], w: &[f32]) -> Vec<f32> {
        let alone = |choice| gate.alone(candidates, choice);
        match (self.warming, self.mixing) {
            (Some(first), _) => alone(first),
            (None, Mixing::Gumbel | Mixing::Hard) => alone(strongest(candidates, w)),
            _ => self.weights(w),
        }
    }

    /// The gradient by the raw weights of the penalty on the entropy, `penalty H(softmax w) / ln n`.
    pub fn penalty_gradient(&self, w: &[f32]) -> Vec<f64> {
        let shares = softmax(w);
        let log = |share: f64| if share > 0.0 { libm::log(share) } else { 0.0 };
        let entropy: f64 = -shares.iter().map(|&share| share * log(share)).sum::<f64>();
        let most = libm::log(w.len() as f64);
        let scale = if most > 0.0 { self.penalty / most } else { 0.0 };
        shares.iter().map(|&share| -scale * share * (log(share) + entropy)).collect()
    }
}

/// 1 at the largest, the first of equals, and 0 elsewhere.
fn one_hot(values: &[f64]) -> Vec<f64> {
    let first_largest = |best: usize, i: usize| if values[i] > values[best] { i } else { best };
    let best = (0..values.len()).fold(0, first_largest);
    (0..values.len()).map(|i| f64::from(u8::from(i == best))).collect()
}

/// The derivative of shares that move with their own weights alone.
fn diagonal(slopes: &[f64]) -> Vec<f64> {
    let entry = |i: usize, j: usize| if i == j { slopes[i] } else { 0.0 };
    (0..slopes.len()).flat_map(|i| (0..slopes.len()).map(move |j| entry(i, j))).collect()
}

/// The derivative of `softmax(w / temperature)`, of which `shares` are the values.
fn softmax_jacobian(shares: &[f64], temperature: f64) -> Vec<f64> {
    let entry = |i: usize, j: usize| {
        let own = if i == j { shares[i] } else { 0.0 };
        (own - shares[i] * shares[j]) / temperature
    };
    (0..shares.len()).flat_map(|i| (0..shares.len()).map(move |j| entry(i, j))).collect()
}

/// The concentration that a raw weight gives, `elu(w) + 1`, and its derivative.
fn concentration(w: f32) -> (f64, f64) {
    let w = f64::from(w);
    if w > 0.0 { (w + 1.0, 1.0) } else { (libm::exp(w), libm::exp(w)) }
}

/// Shares from the Dirichlet distribution: gamma variates over their sum, with the derivatives of the variates by their
/// concentrations.
fn dirichlet(w: &[f32], stream: Stream) -> Shares {
    let of = |(i, &w): (usize, &f32)| {
        let (alpha, dalpha) = concentration(w);
        let (value, slope) = gamma(alpha, stream.child(i as u64));
        (value, slope * dalpha)
    };
    let variates: Vec<(f64, f64)> = w.iter().enumerate().map(of).collect();
    let sum: f64 = variates.iter().map(|variate| variate.0).sum::<f64>().max(f64::MIN_POSITIVE);
    let values: Vec<f64> = variates.iter().map(|variate| variate.0 / sum).collect();
    let entry = |i: usize, j: usize| {
        let own = f64::from(u8::from(i == j));
        (own - values[i]) / sum * variates[j].1
    };
    let jacobian = (0..w.len()).flat_map(|i| (0..w.len()).map(move |j| (i, j)));
    let jacobian = jacobian.map(|(i, j)| entry(i, j)).collect();
    Shares { values, jacobian }
}

/// By how much the shape of a gamma variate is raised before it is drawn.
const RAISED: u64 = 10;

/// How many proposals are tried; at these shapes two are rare.
const PROPOSALS: u64 = 1000;

/// A gamma variate of shape `alpha`, and its derivative by `alpha`.
///
/// The variate of shape `alpha + 10` by Marsaglia and Tsang (2000), brought down by ten uniform numbers. At such shapes nearly
/// every proposal is accepted, so that the derivative of the proposal is that of the variate (Naesseth et al. 2017, "Reparameterization
/// gradients through acceptance-rejection sampling algorithms", section 5.2).
fn gamma(alpha: f64, stream: Stream) -> (f64, f64) {
    let d = alpha + RAISED as f64 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    let proposals = (0..PROPOSALS).map(|i| (stream.child(1).normal(i), stream.child(2).uniform(i)));
    let accepted = |&(normal, uniform): &(f64, f64)| {
        let v = 1.0 + c * normal;
        let v = v * v * v;
        v > 0.0 && libm::log(uniform) < 0.5 * normal * normal + d - d * v + d * libm::log(v)
    };
    // None is accepted only where the shape is no number, which shows in what follows.
    let normal = proposals.into_iter().find(accepted).map_or(0.0, |(normal, _)| normal);
    let root = 1.0 + c * normal;
    // d root^3, and its derivative: dc/dalpha is -c / (2 d).
    let (value, slope) = (d * root * root * root, root * root * (root - 1.5 * c * normal));
    // Times u^(1 / (alpha + i)) for each unit of shape.
    let (mut log, mut dlog) = (0.0, 0.0);
    for i in 0..RAISED {
        let u = libm::log(1.0 - stream.child(3).uniform(i));
        let shape = (alpha + i as f64).max(f64::MIN_POSITIVE);
        log += u / shape;
        dlog -= u / (shape * shape);
    }
    let factor = libm::exp(log);
    let product = value * factor;
    // What vanished doesn't move; NaN stays NaN.
    if product == 0.0 { (0.0, 0.0) } else { (product, slope * factor + product * dlog) }
}

#[cfg(test)]
mod tests {
    use adact_kernels::random::Purpose;

    use super::*;

    const W: [f32; 4] = [0.3, -0.8, 1.2, 0.0];
    const C: [Activation; 4] = [Activation::Relu, Activation::Elu, Activation::Mish, Activation::Silu];

    fn moment(mixing: Mixing, temperature: f64) -> Moment {
        Moment { mixing, temperature, penalty: 0.05, warming: None }
    }

    fn stream(step: u64) -> Stream {
        Stream::new(3, Purpose::Synthetic, step)
    }

    /// The derivative of a function of weights by finite differences, result by result.
    fn differences(f: impl Fn(&[f32]) -> Vec<f64>) -> Vec<f64> {
        let h = 1e-3;
        let columns: Vec<Vec<f64>> = (0..W.len())
            .map(|j| {
                let at = |by: f32| {
                    let mut w = W;
                    w[j] += by;
                    f(&w)
                };
                let step = f64::from((W[j] + h) - (W[j] - h));
                at(h).iter().zip(at(-h)).map(|(up, down)| (up - down) / step).collect()
            })
            .collect();
        (0..columns[0].len()).flat_map(|i| columns.iter().map(move |column| column[i])).collect()
    }

    fn assert_near(got: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() <= tolerance, "{got} is not {want}");
        }
    }

    #[test]
    fn smooth_shares_move_as_their_jacobian_says() {
        for (mixing, temperature) in [(Mixing::Softmax, 1.0), (Mixing::Anneal, 0.3), (Mixing::Dirichlet, 1.0)]
        {
            for step in 0..20 {
                let moment = moment(mixing, temperature);
                let shares = moment.draw(&C, &W, stream(step));
                assert!((shares.values.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{mixing}");
                // The accepted proposal stays the same for so small a step.
                let by = differences(|w| moment.draw(&C, w, stream(step)).values);
                assert_near(&shares.jacobian, &by, 2e-4);
            }
        }
    }

    #[test]
    fn a_gates_shares_are_what_the_mixture_computes() {
        for mixing in [Mixing::Sigmoid, Mixing::Linear] {
            let shares = moment(mixing, 1.0).draw(&C, &W, stream(0));
            assert_eq!(shares.values, mixing.gate().shares(&W));
            assert_near(&shares.jacobian, &differences(|w| mixing.gate().shares(w)), 1e-5);
            assert!(moment(mixing, 1.0).is_plain());
        }
    }

    #[test]
    fn straight_through_shares_are_one_candidate_with_soft_gradients() {
        let hard = moment(Mixing::Hard, 1.0).draw(&C, &W, stream(0));
        assert_eq!(hard.values, [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(hard.jacobian, moment(Mixing::Softmax, 1.0).draw(&C, &W, stream(0)).jacobian);
        let gumbel = moment(Mixing::Gumbel, 0.7);
        let draws = 20_000;
        let mut counts = [0.0; 4];
        for step in 0..draws {
            let shares = gumbel.draw(&C, &W, stream(step));
            assert_eq!(shares.values.iter().sum::<f64>(), 1.0);
            // Each column of a softmax's derivative adds up to 0.
            assert!((0..4).all(|j| (0..4).map(|i| shares.jacobian[i * 4 + j]).sum::<f64>().abs() < 1e-12));
            counts.iter_mut().zip(&shares.values).for_each(|(count, share)| *count += share);
        }
        // Whatever the temperature, the largest is a draw of the softmax of the weights (Gumbel's trick).
        let frequencies = counts.map(|count| count / draws as f64);
        assert_near(&frequencies, &softmax(&W), 0.015);
    }

    #[test]
    fn dirichlet_draws_have_its_means_and_their_derivatives() {
        let moment = moment(Mixing::Dirichlet, 1.0);
        let draws = 40_000;
        let (mut values, mut jacobian) = (vec![0.0; 4], vec![0.0; 16]);
        for step in 0..draws {
            let shares = moment.draw(&C, &W, stream(step));
            values.iter_mut().zip(&shares.values).for_each(|(sum, v)| *sum += v / draws as f64);
            jacobian.iter_mut().zip(&shares.jacobian).for_each(|(sum, v)| *sum += v / draws as f64);
        }
        let mean = |w: &[f32]| softmax(&moment.settle(Gate::Softmax, &C, w));
        assert_near(&values, &mean(&W), 6e-3);
        assert_near(&jacobian, &differences(mean), 1e-2);
    }

    #[test]
    fn the_penalty_has_the_gradient_of_the_entropy() {
        let moment = moment(Mixing::Entropy, 1.0);
        let penalty = |w: &[f32]| {
            let entropy: f64 = softmax(w).iter().map(|&share| -share * libm::log(share)).sum();
            vec![0.05 * entropy / libm::log(4.0)]
        };
        assert_near(&moment.penalty_gradient(&W), &differences(penalty), 1e-6);
        assert_eq!(moment.penalty_gradient(&[1.0]), [0.0]);
    }

    #[test]
    fn weights_that_are_no_numbers_end_and_stay_none() {
        for &mixing in Mixing::ALL {
            let shares = moment(mixing, 1.0).draw(&C, &[f32::NAN, 0.0, 1.0, f32::INFINITY], stream(1));
            let known = matches!(mixing, Mixing::Gumbel | Mixing::Hard);
            assert!(known || shares.values.iter().any(|share| share.is_nan()), "{mixing}");
        }
    }

    #[test]
    fn what_left_has_no_share_and_no_gradient() {
        let w = [0.5, LEFT, -0.25];
        for &mixing in Mixing::ALL.iter().filter(|mixing| mixing.can_shrink()) {
            let [first, last] = mixing.temperatures().unwrap_or([1.0; 2]);
            for temperature in [first, last] {
                let moment = moment(mixing, temperature);
                let shares = moment.draw(&C[..3], &w, stream(5));
                assert!(shares.jacobian.iter().all(|d| d.is_finite()), "{mixing}");
                assert_eq!(shares.values[1], 0.0, "{mixing}");
                assert!((0..3).all(|i| shares.jacobian[3 * i + 1] == 0.0), "{mixing}");
                let settled = mixing.gate().shares(&moment.settle(mixing.gate(), &C[..3], &w));
                assert_eq!(settled[1], 0.0, "{mixing}");
                let sum = settled.iter().sum::<f64>();
                assert!(sum == 1.0 || mixing == Mixing::Sigmoid, "{mixing}");
                assert!(moment.penalty_gradient(&w).iter().all(|d| d.is_finite()), "{mixing}");
            }
        }
    }
    #[test]
    fn a_search_that_has_not_begun_uses_one_activation() {
        let moment = Moment { warming: Some(Activation::Mish), ..moment(Mixing::Gumbel, 1.0) };
        let shares = moment.draw(&C, &W, stream(0));
        assert_eq!((shares.values, shares.jacobian), (vec![0.0, 0.0, 1.0, 0.0], vec![0.0; 16]));
        for gate in Gate::ALL {
            let settled = moment.settle(gate, &C, &[9.0, 0.0, 0.0, 0.0]);
            assert_eq!(gate.shares(&settled), [0.0, 0.0, 1.0, 0.0]);
        }
    }
}
