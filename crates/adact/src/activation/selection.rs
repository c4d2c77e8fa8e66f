//! From the weights of the mixtures to the choice of each layer.

use adact_kernels::Activation;

use super::gate::Gate;

/// What a layer's mixture has learned, as plain values.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMixture {
    /// The candidates, in the order of the weights.
    pub candidates: Vec<Activation>,
    /// How the raw weights are the shares.
    pub gate: Gate,
    /// The raw weights; their means over the channels where each has its own.
    pub w: Vec<f32>,
    /// How much of the weight each candidate has, by which they are ranked: the softmax of the raw weights; with another [`Gate`] the
    /// part of the sum of the shares' magnitudes. The mean over the channels where each has its own.
    pub softmax: Vec<f32>,
    /// The share of each candidate: the softmax, or what another [`Gate`] makes of the raw weights; the mean over the channels.
    pub shares: Vec<f32>,
    /// PReLU's slope, if PReLU is a candidate; the mean over the channels where each has its own.
    pub prelu_slope: Option<f32>,
    /// The candidate with the largest softmax, the first of equals.
    pub choice: Activation,
}

impl LayerMixture {
    /// From the raw weights of a softmax, one a candidate.
    ///
    /// # Panics
    /// If there is no candidate, or not one weight for each.
    pub fn new(candidates: &[Activation], w: Vec<f32>, prelu_slope: Option<f32>) -> Self {
        assert!(w.len() == candidates.len(), "one weight for each candidate");
        Self::of_channels(candidates, &w, prelu_slope.as_slice())
    }

    /// From the raw weights of one channel after the other, of a softmax, and PReLU's slope of each: means over the channels.
    ///
    /// ```
    /// use adact::{Activation, selection::LayerMixture};
    /// let candidates = [Activation::Relu, Activation::Prelu];
    /// let layer = LayerMixture::of_channels(&candidates, &[9.0, 0.0, 0.0, 1.0], &[0.25, 0.75]);
    /// assert_eq!((layer.choice, layer.prelu_slope), (Activation::Relu, Some(0.5)));
    /// ```
    ///
    /// # Panics
    /// If there is no candidate or channel, or not one weight for each.
    pub fn of_channels(candidates: &[Activation], w: &[f32], slopes: &[f32]) -> Self {
        Self::gated(Gate::Softmax, candidates, w, slopes)
    }

    /// As [`of_channels`](Self::of_channels), with any gate.
    pub(crate) fn gated(gate: Gate, candidates: &[Activation], w: &[f32], slopes: &[f32]) -> Self {
        let count = candidates.len();
        assert!(count > 0 && !w.is_empty() && w.len().is_multiple_of(count), "one weight for each candidate");
        let prelu_slope = (!slopes.is_empty()).then(|| mean(slopes.iter().copied(), slopes.len()));
        let channels = w.len() / count;
        let means = |values: &[f32]| -> Vec<f32> {
            (0..count).map(|i| mean(values[i..].iter().step_by(count).copied(), channels)).collect()
        };
        let of_rows = |of: &dyn Fn(&[f32]) -> Vec<f64>| -> Vec<f32> {
            let values = w.chunks_exact(count).flat_map(of).map(|share| share as f32);
            means(&values.collect::<Vec<_>>())
        };
        let softmax = of_rows(&|row| gate.portions(row));
        let by_weight = channels == 1 && gate != Gate::Linear;
        let choice = strongest(candidates, if by_weight { w } else { &softmax });
        let shares = of_rows(&|row| gate.shares(row));
        Self { candidates: candidates.to_vec(), gate, w: means(w), softmax, shares, prelu_slope, choice }
    }

    /// The candidates with the softmax of their weights, the largest first.
    ///
    /// ```
    /// use adact::{Activation, selection::LayerMixture};
    /// let layer = LayerMixture::new(&[Activation::Relu, Activation::Mish], vec![0.0, 1.0], None);
    /// assert_eq!(layer.choice, Activation::Mish);
    /// assert_eq!(layer.ranking()[0].0, Activation::Mish);
    /// ```
    pub fn ranking(&self) -> Vec<(Activation, f32)> {
        let mut ranking: Vec<_> = self.candidates.iter().copied().zip(self.softmax.iter().copied()).collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranking
    }

    /// How far the choice leads: its softmax less that of the second. 0 says that nothing was decided.
    pub fn margin(&self) -> f32 {
        match self.ranking()[..] {
            [(_, first), (_, second), ..] => first - second,
            _ => 1.0,
        }
    }
}

/// The mean, in `f64` inside.
pub(super) fn mean(values: impl Iterator<Item = f32>, count: usize) -> f32 {
    (values.map(f64::from).sum::<f64>() / count as f64) as f32
}

/// The candidate with the largest weight, the first of equals.
///
/// # Panics
/// If there is no candidate, or not one weight for each.
pub fn strongest(candidates: &[Activation], w: &[f32]) -> Activation {
    assert!(!candidates.is_empty() && candidates.len() == w.len(), "one weight for each candidate");
    let mut best = 0;
    for i in 1..w.len() {
        if w[i] > w[best] {
            best = i;
        }
    }
    candidates[best]
}
