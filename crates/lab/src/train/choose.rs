//! What each rule chooses for the places of a network that has searched, and what is lost by choosing.

use adact_evidence::Rule;
use adact_evidence::nearest;
use adact_evidence::records::{Discretised, LayerWeights, RuleChoice, RunResult};

use super::Training;
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
        let weight =
            RuleChoice { rule: Rule::Weight.name().into(), activations: by_weight, scores: Vec::new() };
        let nearest = nearest::choice(result);
        let distil = RuleChoice::of_scores(Rule::Distil, self.losses(&layers)?);
        result.choices = [weight].into_iter().chain(nearest).chain([distil]).collect();
        Ok(())
    }

    /// The network's mean loss with each candidate in the place of each mixture, the others as they learned: on held-out data,
    /// or on training data where nothing is held out.
    fn losses(&mut self, layers: &[LayerWeights]) -> Result<Vec<Vec<(String, f64)>>> {
        let shown = self.data.validation.as_ref().unwrap_or(&self.data.train).shown();
        let rows: usize = shown.iter().map(|(_, targets)| targets.len()).sum();
        let mut places = Vec::new();
        for (place, layer) in layers.iter().enumerate() {
            let mut losses = Vec::new();
            for candidate in layer.candidates() {
                self.control.check()?;
                let mut choices = vec![None; layers.len()];
                choices[place] = Some(candidate.to_owned());
                let mut sum = 0.0;
                for (inputs, targets) in &shown {
                    sum += self.learner.evaluate_with(&choices, inputs.clone(), targets)?.loss_sum;
                }
                losses.push((candidate.to_owned(), sum / rows as f64));
            }
            places.push(losses);
        }
        Ok(places)
    }
}
