//! What each rule chooses for the places of a network that has searched, and what is lost by choosing.

use std::collections::BTreeMap;

use adact_evidence::Rule;
use adact_evidence::nearest;
use adact_evidence::records::{Discretised, LayerWeights, RuleChoice, RunResult};
use adact_evidence::statistics::Summary;

use super::Training;
use crate::control::Event;
use crate::error::Result;
use crate::learner::Learner;

impl<L: Learner> Training<'_, L> {
    /// Adds to a result what each rule chooses, and what the network reaches with the choice by weight at once. The learner has
    /// the kept weights.
    pub(super) fn choose(&mut self, result: &mut RunResult) -> Result<()> {
        let Some(layers) = result.layers.clone() else { return Ok(()) };
        let by_weight: Vec<String> = layers.iter().map(|layer| layer.choice.clone()).collect();
        let choices: Vec<Option<String>> = by_weight.iter().cloned().map(Some).collect();
        let mut test = self.evaluate(&self.data.test, Some(&choices))?.metrics();
        if test.get("loss").is_some_and(|loss| !loss.is_finite()) {
            test.remove("loss");
        }
        result.discretised = Some(Discretised { test });
        let weight = RuleChoice {
            rule: Rule::Weight.name().into(),
            activations: by_weight,
            scores: Vec::new(),
            errors: Vec::new(),
        };
        let nearest = nearest::choice(result);
        let losses = self.losses(&layers)?;
        let mut distil =
            RuleChoice::of_scores(Rule::Distil, losses.iter().map(|place| means(place)).collect());
        if self.config.search.weighs_time() {
            distil.errors =
                losses.iter().zip(&distil.activations).map(|(place, best)| errors(place, best)).collect();
        }
        result.choices = [weight].into_iter().chain(nearest).chain([distil]).collect();
        Ok(())
    }

    /// The network's mean loss with each candidate in the place of each mixture, the others as they learned: on held-out data,
    /// or on training data where nothing is held out.
    fn losses(&mut self, layers: &[LayerWeights]) -> Result<Vec<Vec<Losses>>> {
        let part = self.data.validation.as_ref().unwrap_or(&self.data.train);
        let shown = if self.config.search.weighs_time() { part.shown_in_groups() } else { part.shown() };
        let mut places = Vec::new();
        let (mut done, of) = (0, layers.iter().map(|layer| layer.candidates().len()).sum());
        for (place, layer) in layers.iter().enumerate() {
            let mut losses = Vec::new();
            for candidate in layer.candidates() {
                self.control.check()?;
                self.control.tell(Event::Choosing { run: self.run, done, of });
                done += 1;
                let mut choices = vec![None; layers.len()];
                choices[place] = Some(candidate.to_owned());
                let mut groups = Vec::new();
                for (inputs, targets) in &shown {
                    let found = self.learner.evaluate_with(&choices, inputs.clone(), targets)?;
                    groups.push((found.loss_sum, targets.len()));
                }
                losses.push(Losses { candidate: candidate.to_owned(), groups });
            }
            places.push(losses);
        }
        Ok(places)
    }
}

/// What the network loses with a candidate.
struct Losses {
    candidate: String,
    /// The sum over each batch, and how many rows it has.
    groups: Vec<(f64, usize)>,
}

/// The mean loss of each candidate.
fn means(place: &[Losses]) -> Vec<(String, f64)> {
    let mean = |losses: &Losses| {
        let sum = losses.groups.iter().fold(0.0, |sum, group| sum + group.0);
        let rows: usize = losses.groups.iter().map(|group| group.1).sum();
        (losses.candidate.clone(), sum / rows as f64)
    };
    place.iter().map(mean).collect()
}

/// The standard error of the difference of each candidate's mean loss to that of the best: of the same batches, from how their
/// differences scatter.
fn errors(place: &[Losses], best: &str) -> BTreeMap<String, Option<f64>> {
    let best = place.iter().find(|losses| losses.candidate == best);
    let error = |losses: &Losses| {
        let pairs = losses.groups.iter().zip(&best?.groups);
        let differences: Vec<f64> = pairs.map(|(own, best)| (own.0 - best.0) / own.1 as f64).collect();
        let sd = Summary::of(&differences)?.sd?;
        Some(sd / (differences.len() as f64).sqrt()).filter(|error| error.is_finite())
    };
    place.iter().map(|losses| (losses.candidate.clone(), error(losses))).collect()
}
