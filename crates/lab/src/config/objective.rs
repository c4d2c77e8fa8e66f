//! What a choice of activations is to be good at.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Config, SearchOptions};
use crate::error::{Error, Result, suggestion};

/// What a choice of activations is to be good at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objective {
    /// The metric alone.
    #[default]
    #[serde(rename = "accuracy")]
    Accuracy,
    /// The metric, and the time where the metric can't tell.
    #[serde(rename = "accuracy+speed")]
    AccuracyAndSpeed,
}

impl Objective {
    const ALL: [Self; 2] = [Self::Accuracy, Self::AccuracyAndSpeed];

    /// The name, as the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::AccuracyAndSpeed => "accuracy+speed",
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Objective {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let name = name.trim();
        Self::ALL.into_iter().find(|objective| objective.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let nearest = suggestion(name, names);
            Error::input(format!("`{name}` is no objective{nearest}: choose from {}", names.join(", ")))
        })
    }
}

impl SearchOptions {
    /// Whether time counts.
    pub(crate) fn weighs_time(&self) -> bool {
        self.objective == Objective::AccuracyAndSpeed
    }
}

/// Refuses an objective where nothing can be timed, and costs where none are weighed.
pub(super) fn check(config: &Config) -> Result<()> {
    if config.program.is_some() && config.search.weighs_time() {
        return Err(Error::input(
            "objective: the steps of a training program can't be timed here, so leave out --objective accuracy+speed",
        ));
    }
    if config.search.costs.is_some() && !config.search.weighs_time() {
        return Err(Error::input("costs: are of no use here: --objective accuracy+speed weighs them"));
    }
    Ok(())
}
