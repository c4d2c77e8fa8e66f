//! One line of `metrics.jsonl`: what was measured after an epoch.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use super::read::{self, Checked};
use crate::{Result, atomic};

/// The paper's candidates, in the order of its weights.
pub const PAPER_CANDIDATES: [&str; 7] = ["relu", "elu", "leaky_relu", "prelu", "rrelu", "silu", "mish"];

/// What was measured in and after one epoch.
///
/// `test_*` is absent where the test set was kept away from the training (see [`Selection`](super::Selection)),
/// `validation_*` where nothing was held out, `layers` where no layer is an AdAct. A loss that is not finite is
/// written as `null` and read as NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the epoch's training batches, as the weights moved.
    #[serde(deserialize_with = "nan_from_null")]
    pub train_loss: f64,
    /// The share of right answers in the same batches.
    pub train_accuracy: f64,
    /// Mean loss over the test set after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// The share of right answers on the test set after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    /// Mean loss over the part of the training set that was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// The share of right answers on the part of the training set that was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// How long the epoch took, its evaluation included.
    pub seconds: f64,
    /// The weights of each AdAct after the epoch, in the order of the layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<LayerWeights>>,
}

/// The weights of one AdAct.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerWeights {
    /// The names of the candidates, in the order of `w`; absent means [`PAPER_CANDIDATES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<String>>,
    /// The raw weights.
    pub w: Vec<f32>,
    /// Their softmax.
    pub softmax: Vec<f32>,
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

    /// The softmax weight of a candidate; 0 for what is none.
    pub fn share_of(&self, name: &str) -> f64 {
        let at = self.candidates().iter().position(|c| *c == name);
        at.and_then(|at| self.softmax.get(at)).map_or(0.0, |&s| s.into())
    }

    /// The softmax weight of the choice.
    pub fn share(&self) -> f32 {
        self.softmax.iter().copied().fold(0.0, f32::max)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let n = self.candidates().len();
        if n == 0 || self.w.len() != n || self.softmax.len() != n {
            return Err(format!(
                "there are {n} candidates, but {} raw weights and {} softmax weights",
                self.w.len(),
                self.softmax.len()
            ));
        }
        if self.w.iter().chain(&self.softmax).any(|v| !v.is_finite()) {
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
        let shares = [Some(self.train_accuracy), self.test_accuracy, self.validation_accuracy];
        shares.into_iter().flatten().try_for_each(|a| check_share("an accuracy", a))?;
        check_seconds(self.seconds)?;
        for (i, layer) in self.layers.iter().flatten().enumerate() {
            layer.check().map_err(|e| format!("layers[{i}]: {e}"))?;
        }
        Ok(())
    }
}

pub(super) fn check_share(what: &str, value: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(format!("{what} of {value} is not between 0 and 1"))
    }
}

pub(super) fn check_seconds(value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(format!("{value} is not a number of seconds"))
    }
}

/// JSON knows no NaN: the writer says `null`.
fn nan_from_null<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::NAN))
}
