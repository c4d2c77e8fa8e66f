//! From the weights of the mixtures to the choice of each layer.

use adact_kernels::Activation;

/// What a layer's mixture has learned, as plain values.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMixture {
    /// The candidates, in the order of the weights.
    pub candidates: Vec<Activation>,
    /// The raw weights.
    pub w: Vec<f32>,
    /// The share of each candidate, the softmax of the raw weights.
    pub softmax: Vec<f32>,
    /// PReLU's slope, if PReLU is a candidate.
    pub prelu_slope: Option<f32>,
    /// The candidate with the largest weight, the first of equals.
    pub choice: Activation,
}

impl LayerMixture {
    /// From the raw weights, one a candidate.
    ///
    /// # Panics
    /// If there is no candidate, or not one weight for each.
    pub fn new(candidates: &[Activation], w: Vec<f32>, prelu_slope: Option<f32>) -> Self {
        Self {
            candidates: candidates.to_vec(),
            softmax: softmax(&w),
            choice: strongest(candidates, &w),
            prelu_slope,
            w,
        }
    }

    /// The candidates with their shares, the largest first.
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

    /// How far the choice leads: its share less the share of the second. 0 says that nothing was decided.
    pub fn margin(&self) -> f32 {
        match self.ranking()[..] {
            [(_, first), (_, second), ..] => first - second,
            _ => 1.0,
        }
    }
}

/// Softmax, in `f64` inside.
pub(crate) fn softmax(w: &[f32]) -> Vec<f32> {
    adact_kernels::function::softmax(w).into_iter().map(|share| share as f32).collect()
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
