//! The table of a study, as Markdown and as CSV.

mod csv;
mod front;
mod markdown;
mod numbers;
mod sentences;

use serde::{Deserialize, Serialize};

pub use csv::csv;
pub use front::cost_in_words;
pub(crate) use front::{cells, heads, measured_in_words, title};
pub(crate) use markdown::cell;
pub use markdown::markdown;
pub(crate) use numbers::{capital, signed_interval};
pub use numbers::{
    count, duration, interval, mean_and_sd, mean_and_sd_or_nothing, p_in_words, p_value, thousands,
};
pub use sentences::{
    correction_in_words, direction_in_words, search_in_words, selection_in_words, shortcomings,
    undecided_in_words,
};

use crate::names;
use crate::records::{Role, RunResult, StudyResult};
use crate::statistics::Summary;

/// A variant over its seeds. What needs a run is absent where every training failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// The variant.
    pub variant: String,
    /// The activation of each layer; empty where they differ from seed to seed.
    pub activations: Vec<String>,
    /// The test number that verdicts rest on (see [`RunResult::judged`]); absent where a record lacks it.
    #[serde(default)]
    pub judged: Option<Summary>,
    /// The test accuracy of the weights that were kept. Where the test set picked them, it is the highest of all epochs,
    /// as the paper reports. Absent where the metric is another, see [`TableRow::kept`].
    #[serde(default)]
    pub accuracy: Option<Summary>,
    /// The same of another metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Summary>,
    /// The metric on the test set after the last epoch; absent where the test set was touched only once.
    #[serde(default)]
    pub last: Option<Summary>,
    /// The number of parameters that learn (the mean, where they differ from seed to seed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<f64>,
    /// How long a training took, on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// With how many seeds a training has a result.
    #[serde(default, skip)]
    pub finished: usize,
    /// The seeds of the study.
    #[serde(default)]
    pub seeds: usize,
    /// With how many of them the training failed.
    #[serde(default)]
    pub failed: usize,
}

impl TableRow {
    /// The part that its variant plays.
    pub fn role(&self) -> Role<'_> {
        Role::of(&self.variant)
    }

    /// One row for each variant that has a run or a failure.
    pub fn of(study: &StudyResult) -> Vec<Self> {
        study.variants.iter().filter_map(|v| Self::of_variant(study, v)).collect()
    }

    fn of_variant(study: &StudyResult, variant: &str) -> Option<Self> {
        let runs: Vec<_> = study.runs.iter().filter(|r| r.variant == variant).collect();
        let failed = study.failures.iter().filter(|f| f.variant == variant).count();
        if runs.is_empty() && failed == 0 {
            return None;
        }
        let mean = |f: fn(&RunResult) -> f64| {
            (!runs.is_empty()).then(|| runs.iter().map(|r| f(r)).sum::<f64>() / runs.len() as f64)
        };
        let metric = study.primary();
        let last = |r: &RunResult| r.last.test.as_ref().and_then(|test| test.finite(&metric.name));
        let summary = |f: &dyn Fn(&RunResult) -> Option<f64>| {
            let values: Option<Vec<f64>> = runs.iter().map(|r| f(r)).collect();
            values.and_then(|values| Summary::of(&values))
        };
        let kept = summary(&RunResult::kept);
        let first = runs.first().map(|r| &r.activations);
        let same = runs.iter().all(|r| Some(&r.activations) == first);
        Some(Self {
            variant: variant.into(),
            activations: first.filter(|_| same).cloned().unwrap_or_default(),
            judged: Summary::of(&runs.iter().filter_map(|r| r.judged()).collect::<Vec<_>>()),
            accuracy: kept.filter(|_| metric.is_accuracy()),
            other: kept.filter(|_| !metric.is_accuracy()),
            last: summary(&last),
            // Programs of others may not tell.
            parameters: mean(|r| r.parameters as f64).filter(|&n| n > 0.0),
            seconds: mean(|r| r.seconds),
            finished: runs.len(),
            seeds: study.all_seeds().len(),
            failed,
        })
    }

    /// The metric on the test set of the weights that were kept: the best of all epochs where the test set picked them.
    pub fn kept(&self) -> Option<Summary> {
        self.accuracy.or(self.other)
    }

    /// How many runs have a result.
    pub fn runs(&self) -> usize {
        self.finished
    }

    /// How the variant is named: with the number of seeds with which it failed, or of those that aren't finished.
    pub fn name(&self) -> String {
        let name = crate::statistics::name(&self.variant, self.failed, self.seeds);
        let open = self.seeds.saturating_sub(self.runs() + self.failed);
        if open == 0 {
            name
        } else {
            format!("{name} ({open} of {} not finished)", count(self.seeds, "seed"))
        }
    }

    /// The number of parameters for people; nothing where none is known.
    pub fn parameters_in_words(&self) -> String {
        self.parameters.map_or(String::new(), |n| thousands(n.round() as u64))
    }

    /// The time of a training for people; nothing where none ended.
    pub fn time_in_words(&self) -> String {
        self.seconds.map_or(String::new(), duration)
    }

    /// The activations in words: one name if all places have the same, and how often each is there where places are many.
    pub fn activations_in_words(&self) -> String {
        match self.activations.split_first() {
            None if self.runs() == 0 => String::new(),
            None => "differ by seed".into(),
            Some((first, rest)) if rest.iter().all(|a| a == first) => names::activation(first).into(),
            _ if self.activations.len() > names::MANY_PLACES => names::tally(&self.activations),
            _ => self.activations.iter().map(|a| names::activation(a)).collect::<Vec<_>>().join(", "),
        }
    }
}
