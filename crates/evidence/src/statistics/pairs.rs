//! The pairs of runs that two variants have, and those that they lack.

use serde::{Deserialize, Serialize};

use crate::metric::Metric;
use crate::names;
use crate::records::{RunResult, StudyResult};

/// A run that a comparison lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// The variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// Why it is lacking.
    pub why: Why,
}

/// Why a comparison lacks a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its training failed.
    Failed,
    /// It has no result yet.
    NotFinished,
    /// Its record doesn't tell the metric after the last epoch.
    NotJudged,
}

impl Why {
    fn words(self, metric: &Metric) -> String {
        match self {
            Self::Failed => "failed".into(),
            Self::NotFinished => "isn't finished".into(),
            Self::NotJudged => format!("has no {} after the last epoch", metric.words),
        }
    }
}

/// The judged numbers of `a` less those of `b`, seed by seed, and what is lacking.
pub(super) fn pairs(study: &StudyResult, a: &str, b: &str) -> (Vec<f64>, Vec<Lack>) {
    let (mut differences, mut lacks) = (Vec::new(), Vec::new());
    for seed in study.all_seeds() {
        let [x, y] = [a, b].map(|variant| judged(study, variant, seed));
        if let (Ok(x), Ok(y)) = (&x, &y) {
            differences.push(x - y);
        }
        lacks.extend([x, y].into_iter().filter_map(Result::err));
    }
    (differences, lacks)
}

fn judged(study: &StudyResult, variant: &str, seed: u64) -> Result<f64, Lack> {
    let run = study.run(variant, seed);
    run.and_then(RunResult::judged).ok_or_else(|| {
        let why = match run {
            Some(_) => Why::NotJudged,
            None if study.failed(variant, seed) => Why::Failed,
            None => Why::NotFinished,
        };
        Lack { variant: variant.into(), seed, why }
    })
}

/// What is lacking, in words: "AdAct failed with seeds 3 and 5; ReLU isn't finished with seed 6".
pub(super) fn in_words(lacks: &[Lack], metric: &Metric) -> String {
    let mut groups: Vec<(&str, Why, Vec<String>)> = Vec::new();
    for Lack { variant, seed, why } in lacks {
        match groups.iter_mut().find(|(v, w, _)| *v == variant && w == why) {
            Some((_, _, seeds)) => seeds.push(seed.to_string()),
            None => groups.push((variant, *why, vec![seed.to_string()])),
        }
    }
    let group = |(variant, why, seeds): (&str, Why, Vec<String>)| {
        let s = if seeds.len() == 1 { "" } else { "s" };
        format!("{} {} with seed{s} {}", names::variant(variant), why.words(metric), names::list(&seeds))
    };
    groups.into_iter().map(group).collect::<Vec<_>>().join("; ")
}

/// How a variant is named wherever it is compared: never without the word that it failed with some seeds.
pub(crate) fn name(variant: &str, failed: usize, seeds: usize) -> String {
    let name = names::variant(variant);
    match failed {
        0 => name,
        n => format!("{name} (failed with {n} of {})", crate::table::count(seeds, "seed")),
    }
}
