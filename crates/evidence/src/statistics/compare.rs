//! Variants in pairs, and what may be concluded.

use serde::{Deserialize, Serialize};

use super::pairs::{self, Lack, Why, name, pairs};
use super::summary::t_two_sided;
use super::{
    LEVEL, MOST_PAIRS, POWER, Permutation, Summary, TestSet, Together, holm, pairs_needed, permutation_test,
    smallest_p,
};
use crate::metric::Metric;
use crate::names;
use crate::records::{MetricRecord, Role, StudyResult};
use crate::table::{count, thousands};

/// Everything that is said of a study's accuracies, or of what its metric is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// The level of significance.
    pub level: f64,
    /// The pairs of variants that share a seed: every two, or each with the one that all are compared with.
    pub comparisons: Vec<Comparison>,
    /// The pairs of variants that were to be compared and share no seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unpaired: Vec<Unpaired>,
    /// How many comparisons the p-values are corrected for: all of the study, and those of other studies with which it
    /// is corrected together.
    #[serde(default)]
    pub family: usize,
    /// What the number of test images leaves open; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_set: Option<TestSet>,
}

/// Two variants that should be compared and can't be, because no seed gave both a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpaired {
    /// The first variant.
    pub a: String,
    /// The second variant.
    pub b: String,
    /// The metric; absent means the accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricRecord>,
    /// The runs that are lacking.
    pub lacks: Vec<Lack>,
}

impl Unpaired {
    /// "AdAct and ReLU can't be compared: no pairs (AdAct failed with seeds 0 and 1)".
    pub fn words(&self) -> String {
        let (a, b) = (names::variant(&self.a), names::variant(&self.b));
        format!(
            "{a} and {b} can't be compared: no pairs ({})",
            pairs::in_words(&self.lacks, &MetricRecord::metric(self.metric.as_ref()))
        )
    }
}

/// With how many seeds a variant failed.
fn failed(lacks: &[Lack], variant: &str) -> usize {
    lacks.iter().filter(|l| l.variant == variant && l.why == Why::Failed).count()
}

/// Two variants over the seeds that both were trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first variant.
    pub a: String,
    /// The second variant.
    pub b: String,
    /// The metric; absent means the accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricRecord>,
    /// The judged test numbers of `a` less those of `b`, by seed: differences of the metric, whichever way is better.
    pub differences: Vec<f64>,
    /// The seeds that the study has: pairs, and pairs that are lacking.
    #[serde(default)]
    pub seeds: usize,
    /// The runs that are lacking for more pairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Lack>,
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
    /// Compares every two variants of a study in their order, or each with the one that all are compared with, over the
    /// seeds that both have. The study's table is filled.
    pub(crate) fn of(study: &StudyResult) -> Self {
        let (variants, against) = (&study.variants, study.against.as_deref());
        let (mut comparisons, mut unpaired) = (Vec::new(), Vec::new());
        for (i, a) in variants.iter().enumerate() {
            let others = match against {
                None => &variants[i + 1..],
                Some(baseline) if a == baseline => &[],
                Some(baseline) => {
                    variants.iter().find(|v| *v == baseline).map(std::slice::from_ref).unwrap_or(&[])
                }
            };
            for b in others {
                let (differences, lacks) = pairs(study, a, b);
                let seeds = study.all_seeds().len();
                let metric = study.metric.clone();
                match Summary::of(&differences) {
                    Some(difference) => {
                        let alone = Comparison::alone(a, b, differences, difference);
                        comparisons.push(Comparison { metric, seeds, lacks, ..alone });
                    }
                    None => unpaired.push(Unpaired { a: a.clone(), b: b.clone(), metric, lacks }),
                }
            }
        }
        let others = study.together.clone().unwrap_or_default();
        let family = comparisons.len() + unpaired.len() + others.comparisons;
        correct(&mut comparisons, family, &others);
        Self { level: LEVEL, comparisons, unpaired, family, test_set: TestSet::of(study) }
    }

    /// The comparison of two variants, whichever comes first in it.
    pub fn between<'a>(&self, a: impl Into<Role<'a>>, b: impl Into<Role<'a>>) -> Option<&Comparison> {
        let (a, b) = (a.into(), b.into());
        self.comparisons.iter().find(|c| c.roles() == [a, b] || c.roles() == [b, a])
    }

    /// The comparisons to tell first, and the others: where there are many, those of AdAct and of its choice come first.
    pub fn by_interest(&self) -> (Vec<&Comparison>, Vec<&Comparison>) {
        let adacts = |c: &&Comparison| c.roles().iter().any(|role| role.is_adacts());
        if self.comparisons.len() <= MANY || !self.comparisons.iter().any(|c| adacts(&c)) {
            return (self.comparisons.iter().collect(), Vec::new());
        }
        self.comparisons.iter().partition(adacts)
    }

    /// Why there is no verdict on comparisons, in a sentence: the seeds are too few. None where they suffice.
    pub fn too_few_seeds(&self) -> Option<String> {
        let open = self.comparisons.iter().filter(|c| c.verdict == Verdict::TooFewSeeds);
        let open = open.max_by_key(|c| c.difference.n)?;
        Some(format!(
            "{} can't decide, whatever the {}: {} take{} at least {} seeds.",
            count(open.difference.n, "seed"),
            open.primary().plural,
            count(self.family, "comparison"),
            if self.family == 1 { "s" } else { "" },
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
            metric: None,
            differences,
            seeds: n,
            lacks: Vec::new(),
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

    /// The metric of the differences.
    pub fn primary(&self) -> Metric {
        MetricRecord::metric(self.metric.as_ref())
    }

    /// The mean difference and the verdict as `variant`, one of the two, sees them.
    pub fn seen_from<'a>(&self, variant: impl Into<Role<'a>>) -> (f64, Verdict) {
        match (Role::of(&self.a) == variant.into(), self.verdict) {
            (true, verdict) => (self.difference.mean, verdict),
            (false, Verdict::Better) => (-self.difference.mean, Verdict::Worse),
            (false, Verdict::Worse) => (-self.difference.mean, Verdict::Better),
            (false, verdict) => (-self.difference.mean, verdict),
        }
    }

    /// The parts that the two variants play.
    pub fn roles(&self) -> [Role<'_>; 2] {
        [Role::of(&self.a), Role::of(&self.b)]
    }

    /// How the first variant is named: with the number of seeds with which it failed, if there are any.
    pub fn name_a(&self) -> String {
        name(&self.a, failed(&self.lacks, &self.a), self.seeds)
    }

    /// How the second variant is named, likewise.
    pub fn name_b(&self) -> String {
        name(&self.b, failed(&self.lacks, &self.b), self.seeds)
    }

    /// How many pairs are lacking, and why: "6 of 7 pairs (AdAct failed with seed 3)". `None` where none is.
    pub fn lacks_in_words(&self) -> Option<String> {
        let pairs = count(self.seeds, "pair");
        (!self.lacks.is_empty()).then(|| {
            format!("{} of {pairs} ({})", self.difference.n, pairs::in_words(&self.lacks, &self.primary()))
        })
    }

    /// The verdict in a word or two: "better". It belongs beside [`name_a`](Self::name_a) and `name_b`.
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
        let (a, b) = (self.name_a(), self.name_b());
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

/// Corrects the comparisons for the size of their family, which others belong to, and concludes.
fn correct(comparisons: &mut [Comparison], family: usize, others: &Together) {
    let own = comparisons.iter().map(|c| c.permutation.p);
    let permutations: Vec<f64> = own.chain(others.permutation.iter().copied()).collect();
    let own = comparisons.iter().filter_map(|c| c.t_test);
    let t_tests: Vec<f64> = own.chain(others.t_test.iter().copied()).collect();
    let mut t_tests = holm(&t_tests, family).into_iter();
    let reach = seeds_to_reach_level(family);
    for (c, p) in comparisons.iter_mut().zip(holm(&permutations, family)) {
        c.permutation_holm = p;
        c.t_test_holm = c.t_test.and_then(|_| t_tests.next());
        c.seeds_to_reach_level = reach;
        c.verdict = if c.difference.n < reach {
            Verdict::TooFewSeeds
        } else if p > LEVEL {
            Verdict::NoDifferenceShown
        } else if c.primary().gain(c.difference.mean) > 0.0 {
            Verdict::Better
        } else {
            Verdict::Worse
        };
        let effect = c.t_test.and(c.difference.sd).map(|sd| c.difference.mean / sd);
        c.seeds_needed =
            effect.and_then(|d| pairs_needed(d, LEVEL / family as f64, POWER)).map(|n| n.max(reach));
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
