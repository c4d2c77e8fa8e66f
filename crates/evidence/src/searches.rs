//! Ways to search, and rules to choose, side by side: what a study's mixtures reached, what is lost when each is replaced by its choice
//! at once, what the rules choose, and what the networks reach that were trained with it.

use std::collections::HashSet;

use crate::Rule;
use crate::agreement::agreement;
use crate::names::{self, MANY_PLACES};
use crate::records::{Role, RunResult, StudyResult};
use crate::statistics::Summary;

/// One way to search over its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The variant that searched: `adact`, `search:gumbel`.
    pub variant: String,
    /// The method: `softmax`, `gumbel`.
    pub method: String,
    /// The metric of the kept mixtures on the test set.
    pub mixture: Option<Summary>,
    /// The same network at once with the choice by weight in the place of each mixture.
    pub discretised: Option<Summary>,
    /// What each rule chooses.
    pub rules: Vec<Chosen>,
}

/// What a rule chooses when a search has learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The rule.
    pub rule: Rule,
    /// The activation of each place that more than half of the seeds choose; none where there is no such.
    pub activations: Vec<Option<String>>,
    /// The share of pairs of seeds that choose alike, the mean over the places; none with one seed.
    pub agreement: Option<f64>,
    /// The number of different choices for the whole network over the seeds, and of seeds.
    pub different: (usize, usize),
    /// The variant that was trained with it, and what it reached with the weights that were kept.
    pub trained: Option<(String, Summary)>,
}

/// What the tables are, for those who have not read the paper.
pub(crate) const IN_WORDS: &str = "A search trains a network whose places mix their candidates; a rule then names one activation \
                                   for each place: by weight, the candidate with the largest share (the paper's rule); nearest, the \
                                   one that is most like the curve that the place learned, under the inputs that it sees; distil, the \
                                   one with which the network's loss is smallest when it takes the mixture's place and all else stays; \
                                   halving, what is left of these after short trainings. \
                                   At once: the searched network with the choices by weight in place of its mixtures, nothing trained \
                                   anew (a search that uses one candidate at a time has nothing to lose there). Trained anew: a network that has these \
                                   activations from its first step. Activations are those of more than half of the seeds; where seeds \
                                   agree, each pair of seeds is counted, and how many different sets of activations there are. All \
                                   numbers are of the weights that were kept.";

/// Which number the table tells.
pub(crate) fn kept_in_words(study: &StudyResult) -> String {
    let which = study.picked_in_words().unwrap_or_else(|| study.judged_in_words());
    format!("{}: {which}.", crate::table::capital(&study.primary().on_test()))
}

/// The searches of a study whose records tell what each rule chooses, in the order of the variants.
pub fn searches(study: &StudyResult) -> Vec<Search> {
    let searched = study.variants.iter().filter(|variant| Role::of(variant).is_mixture());
    searched.filter_map(|variant| search(study, variant)).collect()
}

fn search(study: &StudyResult, variant: &str) -> Option<Search> {
    let runs: Vec<&RunResult> = study.runs.iter().filter(|run| run.variant == variant).collect();
    if runs.iter().all(|run| run.choices.is_empty()) {
        return None;
    }
    let metric = study.primary();
    let summary = |of: &dyn Fn(&RunResult) -> Option<f64>| {
        Summary::of(&runs.iter().filter_map(|run| of(run)).collect::<Vec<_>>())
    };
    let method = runs.iter().find_map(|run| run.mixing.clone()).unwrap_or_else(|| "softmax".into());
    let rules = Rule::ALL.into_iter().filter_map(|rule| chosen(study, &runs, variant, rule)).collect();
    Some(Search {
        variant: variant.into(),
        method,
        mixture: summary(&RunResult::kept),
        discretised: summary(&|run| run.discretised.as_ref()?.test.finite(&metric.name)),
        rules,
    })
}

fn chosen(study: &StudyResult, runs: &[&RunResult], variant: &str, rule: Rule) -> Option<Chosen> {
    // Where the time was weighed, too, a variant may have other activations than the rule's.
    let weighed = |run: &RunResult| {
        let same = study.runs.iter().filter(|other| other.variant == run.variant);
        same.into_iter()
            .any(|other| other.without_costs.as_ref().is_some_and(|rule| *rule != other.activations))
    };
    let follows = |run: &&RunResult| follows(run, study, variant, rule) && !weighed(run);
    let trained: Vec<&RunResult> = study.runs.iter().filter(follows).collect();
    let seeds: Vec<Vec<String>> = match rule {
        // Only what was trained with it tells what short trainings chose.
        Rule::Halving if trained.is_empty() => return None,
        Rule::Halving => trained.iter().map(|run| run.activations.clone()).collect(),
        _ => runs.iter().map(|run| run.choice_by(rule)).collect::<Option<_>>()?,
    };
    let places = seeds.iter().map(Vec::len).min().filter(|&places| places > 0)?;
    let of_place = |i: usize| seeds.iter().map(|seed| seed[i].clone()).collect::<Vec<_>>();
    let agreements: Vec<f64> = (0..places).filter_map(|i| agreement(&of_place(i))).collect();
    let mean = agreements.iter().sum::<f64>() / agreements.len() as f64;
    let different: HashSet<&Vec<String>> = seeds.iter().collect();
    // Two variants may be trained with the same choice: the first one is told.
    let trained = trained.first().and_then(|first| {
        let same = trained.iter().filter(|run| run.variant == first.variant);
        let reached = Summary::of(&same.filter_map(|run| run.kept()).collect::<Vec<_>>())?;
        Some((first.variant.clone(), reached))
    });
    Some(Chosen {
        rule,
        activations: (0..places).map(|i| most(&of_place(i))).collect(),
        agreement: (!agreements.is_empty()).then_some(mean),
        different: (different.len(), seeds.len()),
        trained,
    })
}

/// Whether a run was trained with what a rule chose when the variant had searched.
fn follows(run: &RunResult, study: &StudyResult, variant: &str, rule: Rule) -> bool {
    match run.role() {
        Role::Optimized => variant == "adact" && run.chosen_by.as_deref().unwrap_or("weight") == rule.name(),
        Role::Nearest => variant == "adact" && rule == Rule::Nearest,
        Role::Searched(method, by) => {
            let searched = study.runs.iter().find(|run| run.variant == variant);
            let of = searched.and_then(|run| run.mixing.as_deref()).unwrap_or("softmax");
            let same = Role::of(variant) == Role::Search(method) || (variant == "adact" && of == method);
            same && by == rule.name()
        }
        _ => false,
    }
}

/// What more than half of them are, if anything.
fn most(names: &[String]) -> Option<String> {
    let count = |name: &&String| names.iter().filter(|other| other == name).count();
    names.iter().find(|name| 2 * count(name) > names.len()).cloned()
}

/// What is told where seeds differ.
const DIFFER: &str = "differ";

impl Chosen {
    /// The activations of most seeds in words: one for each place, or how often each is there where places are many.
    pub fn words(&self) -> String {
        let names = self.activations.iter().map(|name| name.as_deref().unwrap_or(DIFFER));
        let names: Vec<&str> = names.collect();
        match names.len() > MANY_PLACES {
            true => names::tally(&names),
            false => names.iter().map(|name| names::activation(name)).collect::<Vec<_>>().join(", "),
        }
    }

    /// How far seeds agree: "86%, 3 different of 5".
    pub fn agreement_in_words(&self) -> String {
        let (different, seeds) = self.different;
        self.agreement.map_or(String::new(), |agreement| {
            format!("{:.0}%, {different} different of {seeds}", 100.0 * agreement)
        })
    }
}
