//! Sentences that tables, pages and the terminal have in common.

use super::numbers::count;
use crate::agreement::{CLEAR_MAJORITY, LEAD_OF_ONE_SEED};
use crate::names;
use crate::records::{Role, Selection, StudyResult};

/// Which number the verdicts rest on and what picked the epochs, in a sentence or two.
pub fn selection_in_words(study: &StudyResult) -> String {
    let (metric, unit) = (study.primary(), study.unit().word());
    match study.selection {
        Selection::Test => {
            let like_paper = metric.is_accuracy() && study.is_papers_network();
            let as_paper = if like_paper { ", which the paper reports," } else { "" };
            format!(
                "Verdicts rest on the {} after the last {unit}. The best {unit} on the test set{as_paper} is the {} of many \
                 readings and favours variants that fluctuate more.",
                metric.on_test(),
                metric.superlative()
            )
        }
        Selection::Validation(share) => format!(
            "Best {unit} and activations picked on {:.0}% of the training set, held out; the test set was touched once, and \
             verdicts rest on that {}.",
            share * 100.0,
            metric.words
        ),
        Selection::ValidationSet => format!(
            "Best {unit} and activations picked on the data's own validation set; the test set was touched once."
        ),
    }
}

/// That lower is better, in a sentence, where it is.
pub fn direction_in_words(study: &StudyResult) -> &'static str {
    if study.primary().higher_is_better { "" } else { " Lower is better." }
}

/// How AdAct searched, and by which rule its activations were chosen, in sentences, where it isn't the paper's way; and
/// the precision, where it isn't `f32`.
pub fn search_in_words(study: &StudyResult) -> String {
    let run = |role: Role<'_>| study.runs.iter().find(|run| run.role() == role);
    let mixing = run(Role::Mixture).and_then(|run| run.mixing.as_deref());
    let rule = run(Role::Optimized).and_then(|run| run.chosen_by.as_deref());
    let mixing = mixing.map_or(String::new(), |mixing| format!(" AdAct searched by {mixing}."));
    let rule = rule
        .map_or(String::new(), |rule| format!(" The activations of Optimized are those of the rule {rule}."));
    let precision = study.runs.first().and_then(|run| run.precision.as_deref());
    let precision =
        precision.map_or(String::new(), |precision| format!(" Matrix products are in {precision}."));
    mixing + &rule + &weighed_in_words(study) + &precision
}

/// Where the time changed a choice: " Where a rule can't tell a faster candidate from its best, the faster one was taken: for Optimized at
/// 3 of 12 places, all seeds together (ReLU instead of Mish 2 times, SiLU instead of Mish once)."
fn weighed_in_words(study: &StudyResult) -> String {
    let mut told: Vec<String> = Vec::new();
    for variant in &study.variants {
        let runs = study.runs.iter().filter(|run| run.variant == *variant);
        let pairs = runs.filter_map(|run| Some((&run.activations, run.without_costs.as_ref()?)));
        let places: Vec<(&String, &String)> =
            pairs.flat_map(|(with, without)| with.iter().zip(without)).collect();
        let mut changed: Vec<((&String, &String), usize)> = Vec::new();
        for place in places.iter().filter(|(with, without)| with != without) {
            match changed.iter_mut().find(|(known, _)| known == place) {
                Some((_, times)) => *times += 1,
                None => changed.push((*place, 1)),
            }
        }
        let sum: usize = changed.iter().map(|(_, times)| times).sum();
        changed.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        let each = |((with, without), times): &((&String, &String), usize)| {
            let times = if *times == 1 { "once".into() } else { format!("{times} times") };
            format!("{} instead of {} {times}", names::activation(with), names::activation(without))
        };
        if sum > 0 {
            let each: Vec<String> = changed.iter().map(each).collect();
            let (variant, places) = (names::variant(variant), places.len());
            told.push(format!(
                "{variant} at {sum} of {places} places, all seeds together ({})",
                each.join(", ")
            ));
        }
    }
    match told.is_empty() {
        true => String::new(),
        false => format!(
            " Where a rule can't tell a faster candidate from its best, the faster one was taken: for {}.",
            told.join("; for ")
        ),
    }
}

/// How p-values are corrected, in words: "corrected for 3 comparisons (Holm)".
pub fn correction_in_words(study: &StudyResult) -> String {
    let of = study.together.as_ref().map_or(String::new(), |together| format!(" {}", together.words()));
    format!("corrected for {}{of} (Holm)", count(study.statistics.family, "comparison"))
}

/// What stands between a study and its result, in sentences: failed trainings, those that aren't finished, comparisons
/// without all pairs.
pub fn shortcomings(study: &StudyResult) -> Vec<String> {
    let missing = missing_in_words(study);
    let failures = study.failures.iter().map(|f| f.words()).chain(missing);
    let lacking = study.statistics.comparisons.iter().filter_map(|c| {
        Some(format!("{} against {}: {}", names::variant(&c.a), names::variant(&c.b), c.lacks_in_words()?))
    });
    failures.chain(lacking).chain(study.statistics.unpaired.iter().map(|u| u.words())).collect()
}

/// Which trainings of a study aren't finished: "Not finished: AdAct with seeds 3 and 4, ReLU with seed 4."
fn missing_in_words(study: &StudyResult) -> Option<String> {
    let with = |(variant, seeds): (&str, Vec<u64>)| {
        let s = if seeds.len() == 1 { "" } else { "s" };
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        format!("{} with seed{s} {}", names::variant(variant), names::list(&seeds))
    };
    let told: Vec<String> = study.missing().into_iter().map(with).collect();
    (!told.is_empty()).then(|| format!("Not finished: {}.", told.join(", ")))
}

/// What "undecided" means, in a sentence.
pub fn undecided_in_words(seeds: usize) -> String {
    if seeds > 1 {
        format!(
            "Undecided: the 95% interval of the lead in weight over the seeds reaches 0, or fewer than {:.0}% of the seeds agree.",
            100.0 * CLEAR_MAJORITY
        )
    } else {
        format!(
            "Undecided: the lead in weight is below {LEAD_OF_ONE_SEED}, which is about what it differs by from seed to seed."
        )
    }
}
