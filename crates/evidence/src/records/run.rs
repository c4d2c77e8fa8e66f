//! `result.json` of a run.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::epoch::{LayerWeights, check_seconds, check_share};
use super::read::{self, Checked};
use crate::{Error, ErrorKind, Result};

/// What came out of one training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The name of the data set.
    pub dataset: String,
    /// The variant: `adact`, `optimized`, `relu`, `uniform:mish`, `random:0`, or whatever the user named.
    pub variant: String,
    /// The activation of each layer; `adact` where it is a mixture.
    pub activations: Vec<String>,
    /// The seed of the initial weights and of the order of the images.
    pub seed: u64,
    /// How many epochs were trained.
    pub epochs: usize,
    /// The epoch whose weights were kept.
    pub best: Best,
    /// The last epoch.
    pub last: Last,
    /// The number of parameters that learn.
    pub parameters: u64,
    /// How long the training took, evaluations included.
    pub seconds: f64,
    /// The weights of each AdAct in the epoch that was kept; absent where no layer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<LayerWeights>>,
    /// The constants of the activations, where they are not the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constants: Option<CurveConstants>,
    /// What picked the best epoch; absent means the test set.
    #[serde(default)]
    pub selection: Selection,
    /// What the held-out part said; absent where nothing was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// The classes of the test images against the answers of the kept weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
    /// What each layer's activation sees with the kept weights, in the order of the layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<InputHistogram>>,
    /// How many test images there were; absent in records of older programs, see [`RunResult::test_images`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_images: Option<u64>,
}

/// The epoch whose weights were kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Its test accuracy. Where the test set picked the epoch, it is the highest of all epochs: what the paper
    /// reports, and no number to compare variants by (see [`RunResult::judged`]).
    pub test_accuracy: f64,
    /// Its test loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
}

/// The last epoch; the numbers are absent where the test set was touched only once, for the best one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Last {
    /// Test accuracy after the last epoch.
    #[serde(default)]
    pub test_accuracy: Option<f64>,
    /// Test loss after the last epoch; `null` where it was not finite.
    #[serde(default)]
    pub test_loss: Option<f64>,
}

/// What picks the best epoch and the activations. Written `test`, `validation:0.1` or `validation-set`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Selection {
    /// The test set, as in the paper: the reported accuracy is that of the luckiest epoch.
    #[default]
    Test,
    /// A part of the training set that is held out, with its share; the test set is touched once.
    Validation(f64),
    /// A validation set that came with the data; the test set is touched once.
    ValidationSet,
}

impl Selection {
    /// The share that is held out when `validation` is asked for without one.
    pub const DEFAULT_SHARE: f64 = 0.1;

    /// Which epoch's test accuracy verdicts rest on (see [`RunResult::judged`]): "after the last epoch".
    pub fn judged_in_words(self) -> &'static str {
        match self {
            Self::Test => "after the last epoch",
            Self::Validation(_) | Self::ValidationSet => "of the epoch that validation picked",
        }
    }

    /// What [`Best::test_accuracy`] is where no verdict rests on it: the best epoch, picked on the test set.
    pub fn picked_in_words(self) -> Option<&'static str> {
        match self {
            Self::Test => Some("best epoch on the test set"),
            Self::Validation(_) | Self::ValidationSet => None,
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => f.write_str("test"),
            Self::Validation(share) => write!(f, "validation:{share}"),
            Self::ValidationSet => f.write_str("validation-set"),
        }
    }
}

impl FromStr for Selection {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        let share = match s.split_once(':') {
            None if s == "test" => return Ok(Self::Test),
            None if s == "validation-set" => return Ok(Self::ValidationSet),
            None if s == "validation" => Some(Self::DEFAULT_SHARE),
            Some(("validation", share)) => share.parse().ok(),
            _ => None,
        };
        match share {
            Some(share) if share > 0.0 && share < 1.0 => Ok(Self::Validation(share)),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{s:?} selects nothing: write `test`, `validation` or `validation:0.1` (a share below 1)"
                ),
            )),
        }
    }
}

impl TryFrom<String> for Selection {
    type Error = Error;

    fn try_from(s: String) -> Result<Self> {
        s.parse()
    }
}

impl From<Selection> for String {
    fn from(s: Selection) -> Self {
        s.to_string()
    }
}

/// What the images by which the epoch was picked said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// How many images they are.
    pub images: usize,
    /// The accuracy on them in the epoch that was kept.
    pub accuracy: f64,
    /// The loss on them in the epoch that was kept.
    #[serde(default)]
    pub loss: Option<f64>,
}

/// What the definitions of the activations leave to choose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveConstants {
    /// ELU's alpha.
    pub alpha: f64,
    /// LeakyReLU's slope.
    pub negative_slope: f64,
    /// The smallest slope that RReLU draws.
    pub rrelu_lower: f64,
    /// The largest slope that RReLU draws.
    pub rrelu_upper: f64,
}

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

    fn check(&self) -> Result<(), String> {
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

    fn check(&self) -> Result<(), String> {
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

impl RunResult {
    /// The test accuracy that every verdict rests on: one that was not picked on the test set.
    ///
    /// With [`Selection::Test`] it is the accuracy after the last epoch, with [`Selection::Validation`] that of the
    /// epoch that the held-out images picked. The highest of many readings of the test set would favour the variant
    /// that fluctuates more from epoch to epoch. `None` where a record lacks the last epoch's accuracy.
    pub fn judged(&self) -> Option<f64> {
        match self.selection {
            Selection::Test => self.last.test_accuracy,
            Selection::Validation(_) | Selection::ValidationSet => Some(self.best.test_accuracy),
        }
    }

    /// How many test images there were, if the record tells: its own number, or the confusion matrix's.
    pub fn test_images(&self) -> Option<u64> {
        self.test_images.or_else(|| self.confusion.as_ref().map(Confusion::total)).filter(|n| *n > 0)
    }

    /// Reads a run's `result.json`.
    ///
    /// # Errors
    /// A missing or broken file, with the place; a record that contradicts itself.
    pub fn read(path: &Path) -> Result<Self> {
        read::json(path)
    }

    /// Parses the contents of a run's `result.json`; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        read::parse(path, bytes)
    }

    /// Writes a run's `result.json`, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        read::write_json(path, self)
    }
}

impl Checked for RunResult {
    fn check(&self) -> Result<(), String> {
        check_share("best.test_accuracy", self.best.test_accuracy)?;
        if let Some(accuracy) = self.last.test_accuracy {
            check_share("last.test_accuracy", accuracy)?;
        }
        if let Some(validation) = &self.validation {
            check_share("validation.accuracy", validation.accuracy)?;
        }
        check_seconds(self.seconds)?;
        if self.activations.is_empty() {
            return Err("activations: the list is empty".into());
        }
        if self.best.epoch == 0 || self.best.epoch > self.epochs {
            return Err(format!(
                "best.epoch is {}, but the epochs are 1 to {}",
                self.best.epoch, self.epochs
            ));
        }
        for (i, layer) in self.layers.iter().flatten().enumerate() {
            layer.check().map_err(|e| format!("layers[{i}]: {e}"))?;
        }
        for (i, histogram) in self.inputs.iter().flatten().enumerate() {
            histogram.check().map_err(|e| format!("inputs[{i}]: {e}"))?;
        }
        match &self.confusion {
            Some(confusion) => confusion.check().map_err(|e| format!("confusion: {e}")),
            None => Ok(()),
        }
    }
}
