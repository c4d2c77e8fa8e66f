//! What AdAct chose for each layer, whether other seeds chose the same, and where it is undecided.

use crate::records::{LayerChoice, LayerWeights, Role, RunResult};
use crate::statistics::Summary;

/// With one seed, a lead in softmax weight below this is no preference: in the studies that are published with this
/// program, the lead of a layer's first candidate has a standard deviation of about 0.02 from seed to seed (the median
/// over their layers).
pub const LEAD_OF_ONE_SEED: f64 = 0.02;

/// With several seeds, this share of them must agree on a choice.
pub const CLEAR_MAJORITY: f64 = 0.75;

/// The choice for each AdAct over the runs of a study's [mixture](mixture_of), in the order of the runs.
///
/// The choice is what most seeds chose; among equals, the one with the larger mean weight. A layer is undecided
/// between its choice and every candidate whose softmax weight isn't clearly smaller: the 95% interval (Student's t)
/// of the paired difference over the seeds reaches down to 0; with one seed, the lead is below [`LEAD_OF_ONE_SEED`].
/// Where fewer than [`CLEAR_MAJORITY`] of the seeds chose it, it is undecided between all that any seed chose, too.
///
/// Only layers that every run has are told.
pub fn choices(runs: &[RunResult]) -> Vec<LayerChoice> {
    let runs: Vec<_> = mixtures(runs).filter_map(|run| run.layers.as_deref()).collect();
    let layers = runs.iter().map(|layers| layers.len()).min().unwrap_or(0);
    (0..layers).map(|i| choice(i + 1, &runs.iter().map(|layers| &layers[i]).collect::<Vec<_>>())).collect()
}

/// The mixture whose weights, curves and choices are told: `adact`, or where a study has none the first that searches in another way.
pub fn mixture_of(runs: &[RunResult]) -> Role<'_> {
    let roles = || runs.iter().filter(|run| run.layers.is_some()).map(RunResult::role);
    let adact = roles().find(|role| *role == Role::Mixture);
    adact.or_else(|| roles().find(|role| role.is_mixture())).unwrap_or(Role::Mixture)
}

/// The runs of that mixture.
pub(crate) fn mixtures(runs: &[RunResult]) -> impl Iterator<Item = &RunResult> {
    let mixture = mixture_of(runs);
    runs.iter().filter(move |run| run.role() == mixture)
}

/// The choice for one AdAct (the `layer`th of its network, from 1), whose weights are given seed by seed; see
/// [`choices`].
pub fn choice(layer: usize, seeds: &[&LayerWeights]) -> LayerChoice {
    let by_seed: Vec<String> = seeds.iter().map(|weights| weights.choice.clone()).collect();
    let mean_share = |name: &str| seeds.iter().map(|w| w.share_of(name)).sum::<f64>() / seeds.len() as f64;
    let votes = |name: &str| by_seed.iter().filter(|c| *c == name).count();
    let better =
        |a: &&String, b: &&String| votes(a).cmp(&votes(b)).then(mean_share(a).total_cmp(&mean_share(b)));
    let choice = by_seed.iter().max_by(better).cloned().unwrap_or_default();

    let mut rivals = not_clearly(Less, &choice, seeds);
    if (votes(&choice) as f64) < CLEAR_MAJORITY * seeds.len() as f64 {
        let others = by_seed.iter().filter(|c| **c != choice);
        others.for_each(|other| {
            if !rivals.contains(other) {
                rivals.push(other.clone())
            }
        });
    }
    rivals.sort_by(|a, b| mean_share(b).total_cmp(&mean_share(a)));
    let undecided =
        if rivals.is_empty() { Vec::new() } else { std::iter::once(choice.clone()).chain(rivals).collect() };
    LayerChoice {
        layer,
        place: seeds.first().and_then(|weights| weights.place.clone()),
        share: mean_share(&choice),
        agreement: agreement(&by_seed),
        by_seed,
        choice,
        undecided,
    }
}

/// Which way a weight should differ.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Than {
    Less,
    More,
}
pub(crate) use Than::{Less, More};

/// The other candidates of a layer whose softmax weight isn't clearly less (or more) than that of `name`, by the rule
/// of [`choices`].
pub(crate) fn not_clearly(than: Than, name: &str, seeds: &[&LayerWeights]) -> Vec<String> {
    let Some(first) = seeds.first() else { return Vec::new() };
    let clear = |other: &str| {
        let sign = if than == Less { 1.0 } else { -1.0 };
        let leads: Vec<f64> = seeds.iter().map(|w| sign * (w.share_of(name) - w.share_of(other))).collect();
        match Summary::of(&leads) {
            Some(Summary { ci95: Some([low, _]), .. }) => low > 0.0,
            Some(one) => one.mean >= LEAD_OF_ONE_SEED,
            None => false,
        }
    };
    // What has left with every seed is no rival.
    let is_there = |other: &str| seeds.iter().any(|weights| weights.share_of(other) > 0.0);
    let rivals = |other: &&str| *other != name && is_there(other) && !clear(other);
    let others = first.candidates().into_iter().filter(rivals);
    others.map(String::from).collect()
}

/// How often two of them are the same, of all pairs; `None` with fewer than two.
pub fn agreement<T: PartialEq>(chosen: &[T]) -> Option<f64> {
    let n = chosen.len();
    if n < 2 {
        return None;
    }
    let same: usize = (0..n).map(|i| chosen[i + 1..].iter().filter(|c| **c == chosen[i]).count()).sum();
    Some(same as f64 / (n * (n - 1) / 2) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights of a layer with three candidates; the first of the largest is the choice.
    fn layer(softmax: [f32; 3]) -> LayerWeights {
        let names = ["relu", "mish", "silu"];
        let first = (0..3).rev().max_by(|&a, &b| softmax[a].total_cmp(&softmax[b])).unwrap();
        LayerWeights {
            place: None,
            candidates: Some(names.map(String::from).to_vec()),
            w: softmax.map(f32::ln).to_vec(),
            softmax: softmax.to_vec(),
            shares: None,
            prelu_slope: None,
            choice: names[first].into(),
        }
    }

    fn words(seeds: &[[f32; 3]]) -> String {
        let layers: Vec<LayerWeights> = seeds.iter().map(|s| layer(*s)).collect();
        choice(1, &layers.iter().collect::<Vec<_>>()).words()
    }

    #[test]
    fn equal_weights_are_no_preference() {
        let third = 1.0 / 3.0;
        for seeds in [1, 2, 7] {
            let all = vec![[third; 3]; seeds];
            assert_eq!(words(&all), "undecided between ReLU, Mish and SiLU", "{seeds}");
        }
    }

    #[test]
    fn one_seed_decides_by_its_lead() {
        assert_eq!(words(&[[0.30, 0.45, 0.25]]), "Mish");
        assert_eq!(words(&[[0.375, 0.38, 0.245]]), "undecided between Mish and ReLU");
    }

    #[test]
    fn seeds_decide_where_the_lead_is_beyond_what_they_differ_by() {
        let clear: Vec<[f32; 3]> =
            (0..5).map(|i| [0.30, 0.45 + 0.01 * i as f32, 0.25 - 0.01 * i as f32]).collect();
        assert_eq!(words(&clear), "Mish");
        // Leads of 0.02, 0.02, 0.02, 0.02 and -0.06: mean 0.004, and the interval holds 0.
        let mut noisy = vec![[0.38, 0.40, 0.22]; 4];
        noisy.push([0.42, 0.36, 0.22]);
        assert_eq!(words(&noisy), "undecided between Mish and ReLU");
    }

    #[test]
    fn seeds_that_disagree_without_a_clear_majority_are_undecided() {
        // Seven of ten leads are 0.2 and three -0.001: the mean lead is clear, the majority isn't.
        let mut seeds = vec![[0.3, 0.5, 0.2]; 7];
        seeds.extend([[0.4005, 0.3995, 0.2]; 3]);
        assert_eq!(words(&seeds), "undecided between Mish and ReLU");
        // Eight of ten are.
        seeds[7] = [0.3, 0.5, 0.2];
        assert_eq!(words(&seeds), "Mish");
    }

    #[test]
    fn pairs_of_seeds_that_agree() {
        // Of the 10 pairs of 5 seeds, 3 + 1 agree.
        assert_eq!(agreement(&["mish", "elu", "mish", "mish", "elu"]), Some(0.4));
        assert_eq!(agreement(&["mish", "mish"]), Some(1.0));
        assert_eq!(agreement(&["mish"]), None);
    }
}
