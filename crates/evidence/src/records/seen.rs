//! What a trained network sees and takes it for: inputs of activations, classes and answers.

use serde::{Deserialize, Serialize};

/// A confusion matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// `counts[truth][answer]`, in images.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// All images.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The images whose answer was right.
    pub fn correct(&self) -> u64 {
        self.counts.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let n = self.classes.len();
        if n == 0 || self.counts.len() != n || self.counts.iter().any(|row| row.len() != n) {
            return Err(format!("{n} classes need a table of {n} rows and {n} columns"));
        }
        check_sum(self.counts.iter().flatten())
    }
}

/// How often an activation sees which input: bins of equal width between two ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputHistogram {
    /// The lower end of the first bin.
    pub low: f64,
    /// The upper end of the last bin.
    pub high: f64,
    /// How many inputs fell in each bin.
    pub counts: Vec<u64>,
    /// How many were below `low`.
    #[serde(default)]
    pub below: u64,
    /// How many were at or above `high`.
    #[serde(default)]
    pub above: u64,
}

impl InputHistogram {
    /// An empty histogram.
    pub fn new(low: f64, high: f64, bins: usize) -> Self {
        Self { low, high, counts: vec![0; bins], below: 0, above: 0 }
    }

    /// Counts inputs; NaN is left out.
    pub fn add(&mut self, inputs: &[f32]) {
        let bins = self.counts.len();
        let scale = bins as f64 / (self.high - self.low);
        for &x in inputs {
            let at = (x as f64 - self.low) * scale;
            if at < 0.0 {
                self.below += 1;
            } else if at >= bins as f64 {
                self.above += 1;
            } else if !at.is_nan() {
                self.counts[at as usize] += 1;
            }
        }
    }

    /// How many inputs were counted.
    pub fn total(&self) -> u64 {
        self.below + self.counts.iter().sum::<u64>() + self.above
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.low.is_finite() && self.high.is_finite() && self.low < self.high) {
            return Err(format!("the bins go from {} to {}", self.low, self.high));
        }
        if self.counts.is_empty() {
            return Err("there are no bins".into());
        }
        check_sum(self.counts.iter().chain([&self.below, &self.above]))
    }
}

/// Sums of counts must not overflow: whoever adds them later need not think of it.
fn check_sum<'a>(mut counts: impl Iterator<Item = &'a u64>) -> Result<(), String> {
    match counts.try_fold(0u64, |sum, n| sum.checked_add(*n)) {
        Some(_) => Ok(()),
        None => Err("the counts are too large to add".into()),
    }
}
