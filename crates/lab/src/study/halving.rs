//! The best of a few assignments of activations by short trainings: successive halving (Jamieson and Talwalkar 2016).
//!
//! What the other rules chose, and its next best, are trained for an eighth of the training; the better half goes on to a quarter, and so
//! on until one is left. Each is a training in a folder of its own, so that a study that is stopped goes on there.

use adact_evidence::Rule;
use adact_evidence::records::RunResult;

use crate::config::{Config, Protocol};
use crate::control::RunId;
use crate::error::{Error, Result};

/// How many assignments are tried.
const TRIED: usize = 8;

/// One short training, of these options, in the folder of this name.
pub(super) type Short<'a> = &'a dyn Fn(&Config, &RunId, &str) -> Result<RunResult>;

/// The assignment that is left, as the section `[train]` names it; `config` are the options of the whole training with any activations.
///
/// # Errors
/// If a training fails, or nothing is held out to compare them by.
pub(super) fn halve(mixture: &RunResult, id: &RunId, config: &Config, short: Short<'_>) -> Result<String> {
    let mut left = assignments(mixture)?;
    let mut part = TRIED;
    while left.len() > 1 {
        let mut reached: Vec<(f64, Vec<String>)> = Vec::new();
        for (i, activations) in left.into_iter().enumerate() {
            let config = shorter(config, &activations, part);
            let rung = format!("1-of-{part}");
            let name = format!("{}-{rung}-{}", id.variant, i + 1);
            let result = short(&config, &RunId { variant: name.clone(), seed: id.seed }, &name)?;
            reached.push((gain(&result)?, activations));
        }
        // The better half; of equals the earlier ones.
        reached.sort_by(|a, b| b.0.total_cmp(&a.0));
        reached.truncate(reached.len().div_ceil(2));
        left = reached.into_iter().map(|(_, activations)| activations).collect();
        part = (part / 2).max(1);
    }
    Ok(left.pop().unwrap_or_default().join("+"))
}

/// What each rule chose, and then, place by place, the candidates with which the network loses least beside that.
fn assignments(mixture: &RunResult) -> Result<Vec<Vec<String>>> {
    let lacks = || {
        let (variant, seed) = (&mixture.variant, mixture.seed);
        Error::failure(format!("the run of {variant} with seed {seed} doesn't tell what each rule chooses"))
    };
    let others = Rule::ALL.into_iter().filter(|rule| *rule != Rule::Halving);
    let mut found: Vec<Vec<String>> = Vec::new();
    for rule in others {
        let choice = mixture.choice_by(rule).ok_or_else(lacks)?;
        if !found.contains(&choice) {
            found.push(choice);
        }
    }
    let distil =
        mixture.choices.iter().find(|choice| choice.rule == Rule::Distil.name()).ok_or_else(lacks)?;
    let least: Vec<f64> = (0..distil.activations.len())
        .map(|place| distil.score(place, &distil.activations[place]).unwrap_or(f64::INFINITY))
        .collect();
    let next = distil.scores.iter().enumerate().flat_map(|(place, scores)| {
        let least = least[place];
        scores.iter().filter_map(move |(name, loss)| Some(((*loss)? - least, place, name)))
    });
    let mut next: Vec<_> = next.collect();
    next.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(b.2)));
    for (_, place, name) in next {
        let mut one = distil.activations.clone();
        one[place].clone_from(name);
        if found.len() < TRIED && !found.contains(&one) {
            found.push(one);
        }
    }
    Ok(found)
}

/// The options of a training of a part of the length with these activations.
fn shorter(config: &Config, activations: &[String], part: usize) -> Config {
    let mut config = config.clone();
    if let Some(train) = &mut config.train {
        train.activation = activations.join("+");
    }
    let Protocol { epochs, steps, warmup, .. } = &mut config.protocol;
    let whole = *epochs;
    *epochs = (whole / part).max(1);
    // As many steps as these epochs have.
    *steps = steps.map(|steps| *epochs * steps.div_ceil(whole));
    *warmup /= part;
    config
}

/// What decides: the metric on what was held out, the more the better.
fn gain(result: &RunResult) -> Result<f64> {
    let metric = result.primary();
    let held_out = result.validation.as_ref().and_then(|held_out| held_out.metrics.finite(&metric.name));
    let held_out =
        held_out.ok_or_else(|| Error::failure("nothing is held out to compare short trainings by"))?;
    Ok(metric.gain(held_out))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use adact_evidence::records::{RuleChoice, Validation};

    use super::*;

    /// A mixture of two places whose rules choose relu, elu and mish at both.
    fn mixture() -> RunResult {
        let mut run: RunResult = serde_json::from_value(serde_json::json!({
            "dataset": "d", "variant": "adact", "activations": ["adact", "adact"], "seed": 3, "epochs": 8,
            "best": {"epoch": 1, "test_accuracy": 0.5}, "last": {}, "parameters": 1, "seconds": 1.0,
        }))
        .unwrap();
        let losses = [("relu", 0.5), ("elu", 0.25), ("mish", 0.125), ("tanh", f64::NAN)];
        let losses = losses.map(|(name, loss)| (name.to_string(), loss)).to_vec();
        let all = |rule: Rule, name: &str| RuleChoice {
            rule: rule.name().into(),
            activations: vec![name.into(); 2],
            scores: Vec::new(),
            errors: Vec::new(),
        };
        let distil = RuleChoice::of_scores(Rule::Distil, vec![losses; 2]);
        run.choices = vec![all(Rule::Weight, "relu"), all(Rule::Nearest, "relu"), distil];
        run
    }

    #[test]
    fn the_choices_come_first_and_then_what_loses_least() {
        let found: Vec<String> = assignments(&mixture()).unwrap().iter().map(|one| one.join("+")).collect();
        assert_eq!(found, ["relu+relu", "mish+mish", "elu+mish", "mish+elu", "relu+mish", "mish+relu"]);
        let old = RunResult { choices: Vec::new(), ..mixture() };
        assert!(assignments(&old).unwrap_err().to_string().contains("doesn't tell"));
    }

    #[test]
    fn the_better_half_goes_on_and_trainings_become_longer() {
        let mut config = crate::testing::config();
        (config.protocol.epochs, config.protocol.warmup) = (16, 80);
        let done = RefCell::new(Vec::new());
        let short = |config: &Config, id: &RunId, name: &str| {
            let activations = config.train.as_ref().unwrap().activation.clone();
            done.borrow_mut().push((config.protocol.epochs, config.protocol.warmup, activations.clone()));
            assert_eq!(id.variant, name);
            // elu+mish is the best.
            let accuracy = if activations == "elu+mish" { 0.9 } else { activations.len() as f64 / 100.0 };
            let metrics = adact_evidence::records::Metrics::from([("accuracy", accuracy)]);
            Ok(RunResult { validation: Some(Validation { images: 1, metrics }), ..mixture() })
        };
        let id = RunId { variant: "search:softmax/halving".into(), seed: 3 };
        assert_eq!(halve(&mixture(), &id, &config, &short).unwrap(), "elu+mish");
        let lengths: Vec<(usize, usize)> = done.borrow().iter().map(|(e, w, _)| (*e, *w)).collect();
        assert_eq!(lengths, [vec![(2, 10); 6], vec![(4, 20); 3], vec![(8, 40); 2]].concat());
        let blind = |_: &Config, _: &RunId, _: &str| Ok(mixture());
        assert!(halve(&mixture(), &id, &config, &blind).unwrap_err().to_string().contains("held out"));
    }
}
