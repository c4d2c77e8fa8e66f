//! One line of `metrics.jsonl`: what was measured after an epoch, or after a number of steps.

use std::path::Path;

use adact_kernels::has_left;
use serde::{Deserialize, Serialize};

use super::metrics::{self, Metrics};
use super::read::{self, Checked};
use crate::{Result, atomic};

/// The paper's candidates, in the order of its weights.
pub const PAPER_CANDIDATES: [&str; 7] = ["relu", "elu", "leaky_relu", "prelu", "rrelu", "silu", "mish"];

/// What was measured in and after one epoch.
///
/// An epoch is a pass over the training data, or, where `step` says so, the steps between two evaluations. In a file the
/// metrics' keys are their names behind `train_`, `test_` and `validation_`: `train_loss`, `test_accuracy`. A number that
/// is not finite is written as `null` and read as NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The training step after which it was measured, counted through all epochs; absent where an epoch is a pass over
    /// the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Means over the epoch's training batches, as the weights moved: the loss, the share of right answers. Empty where a
    /// training program doesn't tell.
    #[serde(flatten, with = "metrics::train")]
    pub train: Metrics,
    /// On the test set after the epoch; absent where it was kept away from the training (see
    /// [`Selection`](super::Selection)).
    #[serde(flatten, with = "metrics::test")]
    pub test: Option<Metrics>,
    /// On the data that was held out to pick the epoch; absent where nothing was.
    #[serde(flatten, with = "metrics::validation")]
    pub validation: Option<Metrics>,
    /// How long the epoch took, its evaluation included.
    pub seconds: f64,
    /// The weights of each AdAct after the epoch, in the order of the layers; absent where no layer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<LayerWeights>>,
}

/// The weights of one AdAct.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerWeights {
    /// The path of its module: `layer1.0.act2`. Absent where it is the paper's network, whose layers are
    /// `act.0`, `act.1`, ... in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The names of the candidates, in the order of `w`; absent means [`PAPER_CANDIDATES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<String>>,
    /// The raw weights, those whose softmax follows; [`LEFT`](adact_kernels::LEFT) for a candidate that has left.
    pub w: Vec<f32>,
    /// Their softmax: how likely each candidate is. Where shares are made by sigmoids or are the weights themselves, the part that each has of
    /// the sum of their magnitudes.
    pub softmax: Vec<f32>,
    /// What the network is evaluated with; absent means `softmax`. A search that draws one candidate a step is evaluated
    /// with the likeliest alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Vec<f32>>,
    /// The learned slope of PReLU; absent or `null` where PReLU is not among the candidates.
    #[serde(default)]
    pub prelu_slope: Option<f32>,
    /// The candidate with the largest weight, the first of equals.
    pub choice: String,
}

impl LayerWeights {
    /// The names of the candidates, in the order of the weights.
    pub fn candidates(&self) -> Vec<&str> {
        match &self.candidates {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => PAPER_CANDIDATES.to_vec(),
        }
    }

    /// The share of each candidate in the function that the network is evaluated with.
    pub fn shares(&self) -> &[f32] {
        self.shares.as_deref().unwrap_or(&self.softmax)
    }

    /// The softmax weight of a candidate; 0 for what is none.
    pub fn share_of(&self, name: &str) -> f64 {
        let at = self.candidates().iter().position(|c| *c == name);
        at.and_then(|at| self.softmax.get(at)).map_or(0.0, |&s| s.into())
    }

    /// The softmax weight of the choice.
    pub fn share(&self) -> f32 {
        self.softmax.iter().copied().fold(0.0, f32::max)
    }

    /// The raw weight of a candidate to look at, 0 for what is none: one that has left is as low as the lowest that has not.
    pub fn raw_of(&self, name: &str) -> f64 {
        let at = self.candidates().iter().position(|c| *c == name);
        let Some(&w) = at.and_then(|at| self.w.get(at)) else { return 0.0 };
        let there = || self.w.iter().copied().filter(|w| !has_left(*w));
        if has_left(w) && there().next().is_some() { there().fold(0.0, f32::min).into() } else { w.into() }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let n = self.candidates().len();
        if n == 0 || self.w.len() != n || self.softmax.len() != n || self.shares().len() != n {
            return Err(format!(
                "there are {n} candidates, but {} raw weights and {} softmax weights",
                self.w.len(),
                self.softmax.len()
            ));
        }
        if self.w.iter().chain(&self.softmax).chain(self.shares()).any(|v| !v.is_finite()) {
            return Err("a weight is not finite".into());
        }
        if !self.candidates().contains(&self.choice.as_str()) {
            return Err(format!("the choice {:?} is not among the candidates", self.choice));
        }
        Ok(())
    }
}

impl EpochRecord {
    /// Reads a `metrics.jsonl`: the epochs in order.
    ///
    /// # Errors
    /// A missing or broken file, with the line; epochs that do not count up by one.
    pub fn read_all(path: &Path) -> Result<Vec<Self>> {
        read::lines(path)
    }

    /// Parses the contents of a `metrics.jsonl`; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`read_all`](Self::read_all).
    pub fn parse_all(path: &Path, bytes: &[u8]) -> Result<Vec<Self>> {
        read::parse_lines(path, bytes)
    }

    /// Writes a `metrics.jsonl`, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_all(path: &Path, epochs: &[Self]) -> Result<()> {
        let mut bytes = Vec::new();
        for epoch in epochs {
            bytes.extend(read::to_json(path, epoch, false)?);
            bytes.push(b'\n');
        }
        atomic::write(path, &bytes)
    }
}

impl Checked for EpochRecord {
    fn check(&self) -> Result<(), String> {
        if self.train.is_empty() && self.test.is_none() && self.validation.is_none() {
            return Err("there is no metric, such as train_loss or test_accuracy".into());
        }
        self.train.check("train_")?;
        self.test.iter().try_for_each(|test| test.check("test_"))?;
        self.validation.iter().try_for_each(|validation| validation.check("validation_"))?;
        check_seconds(self.seconds)?;
        for (i, layer) in self.layers.iter().flatten().enumerate() {
            layer.check().map_err(|e| format!("layers[{i}]: {e}"))?;
        }
        Ok(())
    }
}

pub(super) fn check_seconds(value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(format!("{value} is not a number of seconds"))
    }
}
