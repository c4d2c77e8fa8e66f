//! What a rule chooses where the time counts, too: at each place the fastest of the candidates that it can't tell from its best.

use adact_evidence::Rule;
use adact_evidence::agreement::LEAD_OF_ONE_SEED;
use adact_evidence::records::{Costs, RunResult};

use crate::error::{Error, Result};

/// The activation of each place; none for rules that have no measure of what they can't tell apart, and choose as ever.
///
/// By weight these are the candidates whose softmax weight is less than [`LEAD_OF_ONE_SEED`] behind the largest; by loss in its place
/// (`distil`) those that lose no more than the best one and the standard error of the difference to it. One that is faster by no more
/// than the noise of the measurement is not taken for it.
///
/// # Errors
/// If costs lack a place or a candidate.
pub(crate) fn weighed(mixture: &RunResult, rule: Rule, costs: &Costs) -> Result<Option<Vec<String>>> {
    let Some(best) = mixture.choice_by(rule) else { return Ok(None) };
    let alike: Box<dyn Fn(usize) -> Vec<String>> = match rule {
        Rule::Weight => Box::new(|i| by_weight(mixture, i, &best[i])),
        Rule::Distil => Box::new(|i| by_loss(mixture, i, &best[i])),
        Rule::Nearest | Rule::Halving => return Ok(None),
    };
    let fastest = |i: usize| {
        let place = mixture.place_of_layer(i);
        let step = |activation: &str| {
            let cost = costs.of(&place, activation).map(|cost| cost.step);
            cost.ok_or_else(|| Error::failure(format!("the costs lack {activation} at {place}")))
        };
        let (mut chosen, own) = (best[i].clone(), step(&best[i])?);
        let mut least = own.ratio;
        for activation in alike(i) {
            let step = step(&activation)?;
            if step.is_faster_than(&own) && step.ratio < least {
                (chosen, least) = (activation, step.ratio);
            }
        }
        Ok(chosen)
    };
    (0..best.len()).map(fastest).collect::<Result<Vec<_>>>().map(Some)
}

/// The candidates whose weight isn't told from the best one's.
fn by_weight(mixture: &RunResult, i: usize, best: &str) -> Vec<String> {
    let Some(layer) = mixture.layers.as_ref().and_then(|layers| layers.get(i)) else { return Vec::new() };
    let alike = |name: &&str| {
        let share = layer.share_of(name);
        share > 0.0 && layer.share_of(best) - share < LEAD_OF_ONE_SEED
    };
    layer.candidates().into_iter().filter(alike).map(String::from).collect()
}

/// The candidates whose loss in the place isn't told from the best one's. Records of trainings that were not to weigh the time don't
/// tell errors: the best alone then.
fn by_loss(mixture: &RunResult, i: usize, best: &str) -> Vec<String> {
    let Some(choice) = mixture.choices.iter().find(|choice| choice.rule == Rule::Distil.name()) else {
        return Vec::new();
    };
    let (Some(errors), Some(least)) = (choice.errors.get(i), choice.score(i, best)) else {
        return Vec::new();
    };
    let alike = |(name, error): (&String, &Option<f64>)| {
        let within = choice.score(i, name)? - least <= (*error)?;
        within.then(|| name.clone())
    };
    errors.iter().filter_map(alike).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use adact_evidence::records::{Beside, CandidateCosts, LayerWeights, Machine, PlaceCosts, RuleChoice};

    use super::*;

    const NAMES: [&str; 3] = ["mish", "silu", "relu"];

    /// Two places at which mish, silu and relu take 1.2, 1.1 and 1 times as long as ReLU.
    fn costs(noise: f64) -> Costs {
        let cost = |(name, ratio): (&str, f64)| {
            let time = Beside { ratio, noise };
            CandidateCosts { activation: name.into(), step: time, infer: time }
        };
        let place = |place: &str| PlaceCosts {
            place: place.into(),
            kept_bytes: 1,
            rounds: 3,
            step_ms: 1.0,
            infer_ms: 1.0,
            candidates: NAMES.into_iter().zip([1.2, 1.1, 1.0]).map(cost).collect(),
        };
        Costs {
            network: "convnet".into(),
            shape: String::new(),
            batch: 1,
            machine: Machine::default(),
            base: "relu".into(),
            places: vec![place("act.0"), place("act.1")],
        }
    }

    fn mixture(shares: [[f32; 3]; 2]) -> RunResult {
        let mut run: RunResult = serde_json::from_value(serde_json::json!({
            "dataset": "d", "variant": "adact", "activations": ["adact", "adact"], "seed": 0, "epochs": 1,
            "best": {"epoch": 1, "test_accuracy": 0.5}, "last": {}, "parameters": 1, "seconds": 1.0,
        }))
        .unwrap();
        let layer = |softmax: [f32; 3]| {
            let best = (0..3).rev().max_by(|&a, &b| softmax[a].total_cmp(&softmax[b])).unwrap();
            LayerWeights {
                place: None,
                candidates: Some(NAMES.map(String::from).to_vec()),
                w: softmax.to_vec(),
                softmax: softmax.to_vec(),
                shares: None,
                prelu_slope: None,
                choice: NAMES[best].into(),
            }
        };
        run.layers = Some(shares.map(layer).to_vec());
        run
    }

    #[test]
    fn by_weight_the_fastest_within_the_lead_of_one_seed() {
        let of = |shares, noise| weighed(&mixture(shares), Rule::Weight, &costs(noise)).unwrap().unwrap();
        // In the first place silu is as good as mish and relu isn't, in the second all are.
        let shares = [[0.36, 0.35, 0.29], [0.34, 0.335, 0.325]];
        assert_eq!(of(shares, 0.0), ["silu", "relu"]);
        // What is faster by no more than noise is not taken.
        assert_eq!(of(shares, 0.1), ["mish", "relu"]);
        assert_eq!(of(shares, 0.5), ["mish", "mish"]);
        assert_eq!(of([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], 0.0), ["mish", "relu"]);
    }

    #[test]
    fn by_loss_the_fastest_within_the_error_of_the_difference() {
        let mut run = mixture([[0.5, 0.3, 0.2]; 2]);
        let losses = |losses: [f64; 3]| NAMES.map(String::from).into_iter().zip(losses).collect::<Vec<_>>();
        let mut choice =
            RuleChoice::of_scores(Rule::Distil, vec![losses([0.5, 0.51, 0.6]), losses([0.5, 0.51, 0.6])]);
        run.choices = vec![choice.clone()];
        let of = |run: &RunResult| weighed(run, Rule::Distil, &costs(0.0)).unwrap().unwrap();
        // A training that wasn't to weigh the time tells no errors.
        assert_eq!(of(&run), ["mish", "mish"]);
        let errors = |errors: [f64; 3]| {
            NAMES.map(String::from).into_iter().zip(errors.map(Some)).collect::<BTreeMap<_, _>>()
        };
        choice.errors = vec![errors([0.0, 0.02, 0.05]), errors([0.0, 0.005, 0.2])];
        run.choices = vec![choice];
        assert_eq!(of(&run), ["silu", "relu"]);
    }

    #[test]
    fn other_rules_choose_as_ever_and_costs_must_be_whole() {
        let run = mixture([[0.34, 0.335, 0.325]; 2]);
        assert_eq!(weighed(&run, Rule::Nearest, &costs(0.0)).unwrap(), None);
        assert_eq!(weighed(&run, Rule::Halving, &costs(0.0)).unwrap(), None);
        let mut costs = costs(0.0);
        costs.places[1].candidates.remove(0);
        assert!(weighed(&run, Rule::Weight, &costs).unwrap_err().to_string().contains("mish at act.1"));
    }
}
