//! Variants in pairs, and what may be concluded.

use serde::{Deserialize, Serialize};

use super::summary::t_two_sided;
use super::{
    LEVEL, MOST_PAIRS, POWER, Permutation, Summary, holm, pairs_needed, permutation_test, smallest_p,
};
use crate::records::RunResult;
use crate::table::{count, thousands};

/// Everything that is said of a study's accuracies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// The level of significance.
    pub level: f64,
    /// The pairs of variants that share a seed: every two, or each with the one that all are compared with.
    pub comparisons: Vec<Comparison>,
}

/// Two variants over the seeds that both were trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first variant.
    pub a: String,
    /// The second variant.
    pub b: String,
    /// The test accuracies of `a` less those of `b`, by seed.
    pub differences: Vec<f64>,
    /// Mean, spread and interval of the differences.
    pub difference: Summary,
    /// The p-value of the paired t-test, two-sided; absent for a single pair and where all differences are
    /// equal, so that there is no spread to measure against.
    #[serde(default)]
    pub t_test: Option<f64>,
    /// The same after Holm's correction.
    #[serde(default)]
    pub t_test_holm: Option<f64>,
    /// The paired permutation test, two-sided.
    pub permutation: Permutation,
    /// Its p-value after Holm's correction.
    pub permutation_holm: f64,
    /// What may be concluded.
    pub verdict: Verdict,
    /// With how many seeds the permutation test could reach the level at all, corrected.
    pub seeds_to_reach_level: usize,
    /// How many seeds would show a difference of this size with a probability of 80%: by the power of the
    /// paired t-test at the level divided by the number of comparisons, if mean and spread of the
    /// differences are as seen here, and no fewer than `seeds_to_reach_level`. Absent for a single pair,
    /// without any difference or spread, and when it is more than anyone would train.
    #[serde(default)]
    pub seeds_needed: Option<usize>,
}

/// What may be concluded of `a` against `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// `a` is better than `b`.
    Better,
    /// `a` is worse than `b`.
    Worse,
    /// The seeds show no difference; there may be one.
    NoDifferenceShown,
    /// So few seeds can't show a difference at this level, whatever they say.
    TooFewSeeds,
}

impl Statistics {
    /// Compares every two variants in their order, or each with `against` alone, over the seeds that both have.
    pub fn of(variants: &[String], runs: &[RunResult], against: Option<&str>) -> Self {
        let mut comparisons = Vec::new();
        for (i, a) in variants.iter().enumerate() {
            let others = match against {
                None => &variants[i + 1..],
                Some(baseline) if a == baseline => &[],
                Some(baseline) => {
                    variants.iter().find(|v| *v == baseline).map(std::slice::from_ref).unwrap_or(&[])
                }
            };
            for b in others {
                let differences = paired(runs, a, b);
                if let Some(difference) = Summary::of(&differences) {
                    comparisons.push(Comparison::alone(a, b, differences, difference));
                }
            }
        }
        correct(&mut comparisons);
        Self { level: LEVEL, comparisons }
    }

    /// The comparison of two variants, whichever comes first in it.
    pub fn between(&self, a: &str, b: &str) -> Option<&Comparison> {
        self.comparisons.iter().find(|c| (c.a == a && c.b == b) || (c.a == b && c.b == a))
    }

    /// The comparisons to tell first, and the others: where there are many, those of AdAct and of its choice come first.
    pub fn by_interest(&self) -> (Vec<&Comparison>, Vec<&Comparison>) {
        let adacts =
            |c: &&Comparison| [&c.a, &c.b].iter().any(|v| ["adact", "optimized"].contains(&v.as_str()));
        if self.comparisons.len() <= MANY || !self.comparisons.iter().any(|c| adacts(&c)) {
            return (self.comparisons.iter().collect(), Vec::new());
        }
        self.comparisons.iter().partition(adacts)
    }

    /// Why there is no verdict on comparisons, in a sentence: the seeds are too few. None where they suffice.
    pub fn too_few_seeds(&self) -> Option<String> {
        let open = self.comparisons.iter().find(|c| c.verdict == Verdict::TooFewSeeds)?;
        Some(format!(
            "{} can't decide, whatever the accuracies: {} take{} at least {} seeds.",
            count(open.difference.n, "seed"),
            count(self.comparisons.len(), "comparison"),
            if self.comparisons.len() == 1 { "s" } else { "" },
            open.seeds_to_reach_level
        ))
    }
}

/// More comparisons than people read at once.
const MANY: usize = 15;

/// The least number of seeds with which the permutation test can reach the level at all, if that many comparisons are
/// corrected for.
pub fn seeds_to_reach_level(comparisons: usize) -> usize {
    // Above some number of seeds signs are drawn, and their number bounds the p-value.
    (1..100).find(|&n| comparisons as f64 * smallest_p(n) <= LEVEL).unwrap_or(MOST_PAIRS)
}

/// The differences in test accuracy over the seeds that both variants have, in the order of `a`'s runs.
fn paired(runs: &[RunResult], a: &str, b: &str) -> Vec<f64> {
    let of = |variant: &str| runs.iter().filter(move |r| r.variant == variant).collect::<Vec<_>>();
    let others = of(b);
    of(a)
        .iter()
        .filter_map(|x| others.iter().find(|y| y.seed == x.seed).map(|y| (x, y)))
        .map(|(x, y)| x.best.test_accuracy - y.best.test_accuracy)
        .collect()
}

impl Comparison {
    /// The comparison as if it were the only one.
    fn alone(a: &str, b: &str, differences: Vec<f64>, difference: Summary) -> Self {
        let n = difference.n;
        // Differences that are equal but for rounding have no spread.
        let spread = difference.sd.filter(|sd| *sd > 1e-12);
        let t_test = spread.map(|sd| t_two_sided(difference.mean / (sd / (n as f64).sqrt()), n - 1));
        let permutation = permutation_test(&differences);
        Self {
            a: a.into(),
            b: b.into(),
            differences,
            difference,
            t_test,
            t_test_holm: t_test,
            permutation,
            permutation_holm: permutation.p,
            verdict: Verdict::NoDifferenceShown,
            seeds_to_reach_level: 0,
            seeds_needed: None,
        }
    }

    /// The mean difference and the verdict as `variant`, one of the two, sees them.
    pub fn seen_from(&self, variant: &str) -> (f64, Verdict) {
        match (self.a == variant, self.verdict) {
            (true, verdict) => (self.difference.mean, verdict),
            (false, Verdict::Better) => (-self.difference.mean, Verdict::Worse),
            (false, Verdict::Worse) => (-self.difference.mean, Verdict::Better),
            (false, verdict) => (-self.difference.mean, verdict),
        }
    }

    /// The verdict in a word or two: "better".
    pub fn short(&self) -> &'static str {
        match self.verdict {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::NoDifferenceShown => "no difference shown",
            Verdict::TooFewSeeds => "too few seeds",
        }
    }

    /// [`seeds_needed`](Self::seeds_needed) in words: "about 40".
    pub fn seeds_needed_in_words(&self) -> String {
        match (self.seeds_needed, self.t_test) {
            // From few seeds it is a rough guess: more digits would promise too much.
            (Some(n), _) => format!("about {}", thousands(two_digits(n))),
            (None, Some(_)) => format!("over {}", thousands(MOST_PAIRS as u64)),
            (None, None) => "–".into(),
        }
    }

    /// The verdict in words: "AdAct is better than ReLU".
    pub fn words(&self) -> String {
        let (a, b) = (crate::names::variant(&self.a), crate::names::variant(&self.b));
        match self.verdict {
            Verdict::Better => format!("{a} is better than {b}"),
            Verdict::Worse => format!("{a} is worse than {b}"),
            Verdict::NoDifferenceShown => format!("no difference shown between {a} and {b}"),
            Verdict::TooFewSeeds => format!("too few seeds to compare {a} with {b}"),
        }
    }
}

/// A number rounded to two digits.
fn two_digits(n: usize) -> u64 {
    let unit = 10u64.pow((n.max(1).ilog10()).saturating_sub(1));
    (n as u64 + unit / 2) / unit * unit
}

/// Corrects all comparisons for their number, and concludes.
fn correct(comparisons: &mut [Comparison]) {
    let m = comparisons.len();
    let permutations: Vec<f64> = comparisons.iter().map(|c| c.permutation.p).collect();
    let t_tests: Vec<f64> = comparisons.iter().filter_map(|c| c.t_test).collect();
    let mut t_tests = holm(&t_tests, m).into_iter();
    let reach = seeds_to_reach_level(m);
    for (c, p) in comparisons.iter_mut().zip(holm(&permutations, m)) {
        c.permutation_holm = p;
        c.t_test_holm = c.t_test.and_then(|_| t_tests.next());
        c.seeds_to_reach_level = reach;
        c.verdict = if c.difference.n < reach {
            Verdict::TooFewSeeds
        } else if p > LEVEL {
            Verdict::NoDifferenceShown
        } else if c.difference.mean > 0.0 {
            Verdict::Better
        } else {
            Verdict::Worse
        };
        let effect = c.t_test.and(c.difference.sd).map(|sd| c.difference.mean / sd);
        c.seeds_needed = effect.and_then(|d| pairs_needed(d, LEVEL / m as f64, POWER)).map(|n| n.max(reach));
    }
}

#[cfg(test)]
mod tests {
    use super::two_digits;

    #[test]
    fn guesses_have_two_digits() {
        let rounded = [0, 1, 7, 10, 42, 99, 104, 105, 995, 45_582].map(two_digits);
        assert_eq!(rounded, [0, 1, 7, 10, 42, 99, 100, 110, 1000, 46_000]);
    }
}
