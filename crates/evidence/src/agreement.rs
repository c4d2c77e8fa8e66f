//! What AdAct chose for each layer, and whether other seeds chose the same.

use crate::records::{LayerChoice, RunResult};

/// The choice per layer over the runs of the variant `adact`, in the order of the runs.
///
/// Only layers that every run has are told.
pub fn choices(runs: &[RunResult]) -> Vec<LayerChoice> {
    let runs: Vec<_> =
        runs.iter().filter(|r| r.variant == "adact").filter_map(|r| r.layers.as_deref()).collect();
    let layers = runs.iter().map(|layers| layers.len()).min().unwrap_or(0);
    (0..layers)
        .map(|i| {
            let by_seed: Vec<String> = runs.iter().map(|layers| layers[i].choice.clone()).collect();
            let mean_share = |name: &str| {
                let share = |layers: &&[crate::records::LayerWeights]| {
                    let at = layers[i].candidates().iter().position(|c| *c == name);
                    at.and_then(|at| layers[i].softmax.get(at)).map_or(0.0, |&s| s as f64)
                };
                runs.iter().map(share).sum::<f64>() / runs.len() as f64
            };
            let votes = |name: &String| by_seed.iter().filter(|c| *c == name).count();
            let better = |a: &&String, b: &&String| {
                votes(a).cmp(&votes(b)).then(mean_share(a).total_cmp(&mean_share(b)))
            };
            let choice = by_seed.iter().max_by(better).cloned().unwrap_or_default();
            LayerChoice {
                layer: i + 1,
                share: mean_share(&choice),
                agreement: agreement(&by_seed),
                by_seed,
                choice,
            }
        })
        .collect()
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

    #[test]
    fn pairs_of_seeds_that_agree() {
        // Of the 10 pairs of 5 seeds, 3 + 1 agree.
        assert_eq!(agreement(&["mish", "elu", "mish", "mish", "elu"]), Some(0.4));
        assert_eq!(agreement(&["mish", "mish"]), Some(1.0));
        assert_eq!(agreement(&["mish"]), None);
    }
}
