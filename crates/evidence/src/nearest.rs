//! Which single activation is most like the function that a mixture learned.
//!
//! The paper reads the choice off the largest weight. A large weight doesn't say that the sum looks like that candidate: a PReLU
//! whose slope became negative bends the sum, and the network that is trained with PReLU alone starts elsewhere. So the function
//! itself is compared with each candidate, in mean square under the inputs that the place really sees.

use crate::Rule;
use crate::figures::adact_layers;
use crate::function::{curve, mixture, slope};
use crate::records::{CurveConstants, InputHistogram, LayerWeights, RuleChoice, RunResult, StudyResult};

/// What a distance is, for tables and reports.
pub(crate) const DISTANCE_IN_WORDS: &str = "How far a learned curve is from an activation is the root mean square of the \
                                            difference over the inputs that the place sees, as a share of the curve's own. \
                                            A candidate with a large weight may be far from the curve, for the others bend it: \
                                            PReLU, whose slope is learned, most of all.";

/// A candidate beside the function that a place learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// The name of the activation.
    pub activation: String,
    /// PReLU's slope that is nearest; none for others.
    pub slope: Option<f64>,
    /// The root mean square of the difference from the learned function, as a share of the function's own root mean square.
    pub distance: f64,
}

/// The candidates of a mixture, the nearest to the learned function first; PReLU has the slope that brings it nearest, the
/// constants of the others are what they are. Inputs outside of the histogram's bins count at its ends.
///
/// Empty if nothing was counted, the function is 0 there, or an activation is unknown.
///
/// ```
/// use adact_evidence::nearest::nearest;
/// use adact_evidence::records::{InputHistogram, LayerWeights};
/// let mut seen = InputHistogram::new(-4.0, 4.0, 160);
/// seen.add(&[-2.0, -1.0, 0.5, 3.0]);
/// // PReLU leads, and what it does is to lift the sum: the learned function is ReLU.
/// let learned = LayerWeights {
///     place: None,
///     candidates: Some(vec!["prelu".into(), "relu".into()]),
///     w: vec![0.5, 0.0],
///     softmax: vec![0.6, 0.4],
///     shares: None,
///     prelu_slope: Some(0.001),
///     choice: "prelu".into(),
/// };
/// let found = nearest(&learned, &seen, None);
/// assert!(found.iter().all(|near| near.distance < 0.01));
/// ```
pub fn nearest(layer: &LayerWeights, seen: &InputHistogram, constants: Option<&CurveConstants>) -> Vec<Near> {
    let Some(points) = points(layer, seen, constants) else { return Vec::new() };
    let size: f64 = points.iter().map(|p| p.count * p.y * p.y).sum();
    if size <= 0.0 {
        return Vec::new();
    }
    let near = |name: &str| {
        let best = (name == "prelu").then(|| best_slope(&points).unwrap_or_else(|| slope(layer)));
        let difference = |p: &Point| {
            let y = curve(name, p.x, best.unwrap_or(0.0), constants)?;
            Some(p.count * (y - p.y).powi(2))
        };
        let sum: f64 = points.iter().map(difference).sum::<Option<f64>>()?;
        Some(Near { activation: name.into(), slope: best, distance: (sum / size).sqrt() })
    };
    let Some(mut all) = layer.candidates().into_iter().map(near).collect::<Option<Vec<Near>>>() else {
        return Vec::new();
    };
    all.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    all
}

/// The distance by which candidates are ordered: of those as near as PReLU, which is any line below 0, the one without a slope of its
/// own comes first.
fn rank(near: &Near) -> f64 {
    near.distance + if near.slope.is_some() { EQUAL } else { 0.0 }
}

/// Distances that differ by less are equal.
const EQUAL: f64 = 1e-6;

/// The learned function at an input, and how often it is seen.
struct Point {
    x: f64,
    y: f64,
    count: f64,
}

fn points(
    layer: &LayerWeights,
    seen: &InputHistogram,
    constants: Option<&CurveConstants>,
) -> Option<Vec<Point>> {
    let width = (seen.high - seen.low) / seen.counts.len() as f64;
    let bins = seen.counts.iter().enumerate().map(|(i, count)| (seen.low + (i as f64 + 0.5) * width, *count));
    let ends = [(seen.low, seen.below), (seen.high, seen.above)];
    let point =
        |(x, count): (f64, u64)| Some(Point { x, y: mixture(layer, x, constants)?, count: count as f64 });
    bins.chain(ends).filter(|(_, count)| *count > 0).map(point).collect()
}

/// The slope for negative inputs that is nearest in mean square; none if there are none.
fn best_slope(points: &[Point]) -> Option<f64> {
    let below = || points.iter().filter(|p| p.x < 0.0);
    let square: f64 = below().map(|p| p.count * p.x * p.x).sum();
    (square > 0.0).then(|| below().map(|p| p.count * p.x * p.y).sum::<f64>() / square)
}

/// What the function of a place is nearest to, over the seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct ByCurve {
    /// The activation that the learned function is nearest to with most seeds; of equals, the nearer one in the mean.
    pub choice: String,
    /// The same seed by seed.
    pub by_seed: Vec<String>,
    /// Every candidate with its means over the seeds, the nearest first.
    pub ranking: Vec<Near>,
}

impl ByCurve {
    /// What is known of a candidate.
    pub fn of(&self, name: &str) -> Option<&Near> {
        self.ranking.iter().find(|near| near.activation == name)
    }
}

/// [`nearest`] for the `layer`th AdAct (from 0) of a run; none where it doesn't tell what that saw.
pub fn of_run(run: &RunResult, layer: usize) -> Option<Vec<Near>> {
    let weights = run.layers.as_deref()?.get(layer)?;
    Some(nearest(weights, run.inputs_of_layer(layer)?, run.constants.as_ref()))
}

/// What [`nearest`] chooses for each AdAct of a run, with the distances; the choice by weight where a function is 0 everywhere. None
/// where it doesn't tell what its places saw.
pub fn choice(run: &RunResult) -> Option<RuleChoice> {
    let layers = run.layers.as_deref()?;
    let rankings: Vec<Vec<Near>> = (0..layers.len()).map(|i| of_run(run, i)).collect::<Option<_>>()?;
    let pick = |(layer, ranking): (&LayerWeights, &Vec<Near>)| {
        ranking.first().map_or_else(|| layer.choice.clone(), |near| near.activation.clone())
    };
    Some(RuleChoice {
        rule: Rule::Nearest.name().into(),
        activations: layers.iter().zip(&rankings).map(pick).collect(),
        errors: Vec::new(),
        scores: rankings
            .into_iter()
            .map(|ranking| ranking.into_iter().map(|near| (near.activation, Some(near.distance))).collect())
            .collect(),
    })
}

/// What the function of the `layer`th AdAct (from 0) is nearest to; none where a run doesn't tell what it saw.
pub fn by_curve(result: &StudyResult, layer: usize) -> Option<ByCurve> {
    let rankings = adact_layers(result).into_iter();
    let rankings = rankings.map(|(run, _)| of_run(run, layer).filter(|ranking| !ranking.is_empty()));
    let rankings: Vec<Vec<Near>> = rankings.collect::<Option<_>>()?;
    let means = rankings.first()?.iter().map(|first| {
        let of =
            |ranking: &Vec<Near>| ranking.iter().find(|near| near.activation == first.activation).cloned();
        let seeds: Vec<Near> = rankings.iter().map(of).collect::<Option<_>>()?;
        let mean = |values: Option<f64>| values.map(|sum| sum / seeds.len() as f64);
        Some(Near {
            activation: first.activation.clone(),
            slope: mean(seeds.iter().map(|near| near.slope).sum()),
            distance: mean(Some(seeds.iter().map(|near| near.distance).sum()))?,
        })
    });
    let mut ranking: Vec<Near> = means.collect::<Option<_>>()?;
    ranking.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    let by_seed: Vec<String> = rankings.iter().map(|ranking| ranking[0].activation.clone()).collect();
    let votes = |near: &&Near| by_seed.iter().filter(|chosen| **chosen == near.activation).count();
    // of equals the last, which is the nearest
    let choice = ranking.iter().rev().max_by_key(votes)?.activation.clone();
    Some(ByCurve { choice, by_seed, ranking })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> InputHistogram {
        let mut seen = InputHistogram::new(-4.0, 4.0, 400);
        let inputs: Vec<f32> = (0..4000).map(|i| ((i * 7919 % 4000) as f32 / 2000.0 - 1.0) * 3.5).collect();
        seen.add(&inputs);
        seen
    }

    fn learned(names: &[&str], softmax: &[f32], slope: f32) -> LayerWeights {
        LayerWeights {
            place: None,
            candidates: Some(names.iter().map(|name| name.to_string()).collect()),
            w: softmax.iter().map(|share| share.ln()).collect(),
            softmax: softmax.to_vec(),
            shares: None,
            prelu_slope: Some(slope),
            choice: names[0].into(),
        }
    }

    #[test]
    fn one_candidate_alone_is_itself() {
        for name in ["mish", "silu", "elu", "relu", "leaky_relu", "prelu", "rrelu", "gelu", "tanh"] {
            let mut names = vec![
                "identity",
                "mish",
                "silu",
                "elu",
                "relu",
                "leaky_relu",
                "prelu",
                "rrelu",
                "gelu",
                "tanh",
            ];
            names.retain(|other| *other != name);
            names.insert(0, name);
            let shares: Vec<f32> = (0..names.len()).map(|i| f32::from(u8::from(i == 0))).collect();
            let found = nearest(&learned(&names, &shares, -0.4), &seen(), None);
            // PReLU is any line below 0, so it is as near to those that are one.
            let itself = found.iter().find(|near| near.activation == name).unwrap();
            assert!(itself.distance < 1e-6, "{name}: {found:?}");
            assert!(found[0].distance <= itself.distance && found.len() == names.len());
            if name == "prelu" {
                assert!((itself.slope.unwrap() + 0.4).abs() < 1e-6, "{itself:?}");
            }
        }
    }

    #[test]
    fn the_largest_weight_is_not_always_the_nearest() {
        // Mish leads, but PReLU's negative slope lifts what it does below 0: the function is nearly ReLU.
        let layer = learned(&["mish", "prelu", "silu", "relu"], &[0.40, 0.30, 0.20, 0.10], -0.15);
        let found = nearest(&layer, &seen(), None);
        let distance = |name: &str| found.iter().find(|near| near.activation == name).unwrap().distance;
        assert!(distance("relu") < 0.7 * distance("mish"), "{found:?}");
        assert_ne!(found[0].activation, "mish");
    }

    #[test]
    fn only_what_is_seen_counts() {
        let layer = learned(&["elu", "relu", "mish"], &[0.5, 0.3, 0.2], 0.25);
        let mut positive = InputHistogram::new(-4.0, 4.0, 400);
        positive.add(&[3.0, 3.5, 3.9]);
        // Above 3 Mish is the identity but for half a percent, and the others are.
        let found = nearest(&layer, &positive, None);
        assert_eq!(found[0].activation, "elu", "{found:?}");
        assert!(found.iter().all(|near| near.distance < 0.01), "{found:?}");
        assert_eq!(nearest(&layer, &InputHistogram::new(-1.0, 1.0, 10), None), []);
        assert_eq!(nearest(&learned(&["of_another_version"], &[1.0], 0.0), &positive, None), []);
        // What lies outside of the bins counts at their ends.
        let mut outside = InputHistogram::new(-1.0, 1.0, 10);
        outside.add(&[-5.0, 7.0]);
        assert_eq!(nearest(&layer, &outside, None).len(), 3);
    }
}
