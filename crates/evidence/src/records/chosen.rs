//! What a search chose: by which rule, and what led to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::{self, Metrics};
use crate::Rule;

/// The activations that a rule chooses when a mixture has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleChoice {
    /// The rule's name, see [`Rule`].
    pub rule: String,
    /// The activation of each AdAct, in the order of the layers.
    pub activations: Vec<String>,
    /// What led to it, for each AdAct and candidate: the distance from the learned curve, or the network's loss; the smallest
    /// is chosen. Absent for the weights, which the layers tell. A number that is not finite is `null`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<BTreeMap<String, Option<f64>>>,
    /// The standard error of the difference of each score to that of the choice, where both are of the same examples; absent where the
    /// choice is not to weigh the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<BTreeMap<String, Option<f64>>>,
}

impl RuleChoice {
    /// The choice of the smallest score at each place; of equals, and where nothing is finite, the earlier candidate.
    pub fn of_scores(rule: Rule, scores: Vec<Vec<(String, f64)>>) -> Self {
        let least = |place: &Vec<(String, f64)>| {
            let order = |score: f64| if score.is_nan() { f64::INFINITY } else { score };
            let best = place.iter().min_by(|a, b| order(a.1).total_cmp(&order(b.1)));
            best.map_or(String::new(), |(name, _)| name.clone())
        };
        Self {
            rule: rule.name().into(),
            activations: scores.iter().map(least).collect(),
            errors: Vec::new(),
            scores: scores
                .into_iter()
                .map(|place| {
                    place
                        .into_iter()
                        .map(|(name, score)| (name, Some(score).filter(|s| s.is_finite())))
                        .collect()
                })
                .collect(),
        }
    }

    /// The score of an activation at the `i`th AdAct (from 0), if there is one.
    pub fn score(&self, i: usize, activation: &str) -> Option<f64> {
        *self.scores.get(i)?.get(activation)?
    }

    pub(super) fn check(&self, layers: usize) -> Result<(), String> {
        let n = self.activations.len();
        if n != layers || [self.scores.len(), self.errors.len()].iter().any(|&told| told != 0 && told != n) {
            return Err(format!("the rule {:?} chooses for {n} places of {layers}", self.rule));
        }
        Ok(())
    }
}

/// The network whose mixtures are replaced by the choice by weight, all other parameters as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discretised {
    /// What it reaches on the test set.
    #[serde(flatten, with = "metrics::best")]
    pub test: Metrics,
}
