//! What picks the best epoch, and how epochs are told.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

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

/// What a training is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Passes over the training data.
    Epoch,
    /// Training steps.
    Step,
}

impl Unit {
    /// "epoch" or "step".
    pub fn word(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Step => "step",
        }
    }
}

impl Selection {
    /// The share that is held out when `validation` is asked for without one.
    pub const DEFAULT_SHARE: f64 = 0.1;

    /// Which test number verdicts rest on (see [`RunResult::judged`](super::RunResult::judged)): "after the last epoch".
    pub fn judged_in_words(self, unit: Unit) -> &'static str {
        match (self, unit) {
            (Self::Test, Unit::Epoch) => "after the last epoch",
            (Self::Test, Unit::Step) => "after the last step",
            (_, Unit::Epoch) => "of the epoch that validation picked",
            (_, Unit::Step) => "of the step that validation picked",
        }
    }

    /// What [`Best::test`](super::Best::test) is where no verdict rests on it: the best epoch, picked on the test set.
    pub fn picked_in_words(self, unit: Unit) -> Option<&'static str> {
        match (self, unit) {
            (Self::Test, Unit::Epoch) => Some("best epoch on the test set"),
            (Self::Test, Unit::Step) => Some("best step on the test set"),
            (Self::Validation(_) | Self::ValidationSet, _) => None,
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
