//! How sure the answer is: what the seeds decide, and what they leave open.

use adact_kernels::Activation;
use maud::{Markup, html};

use super::answer::baseline;
use crate::axes::signed;
use crate::figures::mean_softmax;
use crate::names::MANY_PLACES;
use crate::records::{Role, StudyResult};
use crate::statistics::{Comparison, Verdict};
use crate::table::{
    TableRow, capital, count, mean_and_sd_or_nothing, p_in_words, selection_in_words, signed_interval,
    thousands, undecided_in_words,
};

/// So many verdicts between other variants are told before the table of them all.
const MOST_OTHERS: usize = 4;

/// How sure the answer is, in paragraphs.
pub fn how_sure(result: &StudyResult) -> Markup {
    let mut out = Vec::new();
    if result.seeds.len() > 1 {
        let base = baseline(result).unwrap_or(Role::RELU);
        let pairs = [(Role::Optimized, base), (Role::Mixture, base), (Role::Optimized, Role::Mixture)];
        let told: Vec<&Comparison> =
            pairs.iter().filter_map(|(a, b)| result.statistics.between(*a, *b)).collect();
        let best = best_single(result);
        out.extend(too_few(&told));
        out.extend(told.iter().filter(|c| c.verdict != Verdict::TooFewSeeds).map(|c| sentence(c)));
        let told = told.into_iter().chain(best.as_ref().and_then(|(_, comparison)| *comparison));
        let others = others_decided(result, &told.collect::<Vec<_>>());
        out.extend(best.map(|(words, _)| words));
        out.extend(random_choices(result));
        out.extend(others);
        out.extend(agreement(result));
    } else {
        let enough = result.statistics.comparisons.first().map_or(String::new(), |c| {
            format!(
                " It takes at least {n} seeds to tell these variants apart (--seeds {n}).",
                n = c.seeds_to_reach_level
            )
        });
        out.push(format!(
            "One seed only: another seed may choose and score differently, and no difference between variants can be \
             called real.{enough}"
        ));
    }
    if result.choices.iter().any(|c| !c.undecided.is_empty()) {
        out.push(undecided_in_words(result.seeds.len()));
    }
    out.extend(result.statistics.test_set.map(|test_set| test_set.words(&result.dataset)));
    out.push(selection_in_words(result));
    html! { @for sentence in &out { p { (sentence) } } }
}

/// Comparisons that so few seeds can't decide, in one sentence.
fn too_few(comparisons: &[&Comparison]) -> Option<String> {
    let open: Vec<_> = comparisons.iter().filter(|c| c.verdict == Verdict::TooFewSeeds).collect();
    let first = open.first()?;
    let differences: Vec<String> = open
        .iter()
        .map(|c| {
            format!("{} against {}: {} ({})", c.name_a(), c.name_b(), signed(c.difference.mean), interval(c))
        })
        .collect();
    Some(format!(
        "{} seeds can't decide, whatever they say: it takes at least {}. Mean differences so far: {}.",
        first.difference.n,
        first.seeds_to_reach_level,
        differences.join("; ")
    ))
}

/// "Optimized is better than ReLU by 0.0072 (95% interval +0.0049 to +0.0095, p = 0.012)."
fn sentence(c: &Comparison) -> String {
    let p = p_in_words(c.permutation_holm);
    let mean = c.difference.mean;
    let text = match c.verdict {
        Verdict::Better | Verdict::Worse if c.primary().is_accuracy() => {
            format!("{} by {:.4} ({}, {p})", c.words(), mean.abs(), interval(c))
        }
        Verdict::Better | Verdict::Worse => {
            let (metric, way) = (c.primary(), if mean > 0.0 { "higher" } else { "lower" });
            format!("{}: {way} {} by {:.4} ({}, {p})", c.words(), metric.words, mean.abs(), interval(c))
        }
        Verdict::NoDifferenceShown | Verdict::TooFewSeeds => {
            let needed = c.seeds_needed.map_or(String::new(), |_| {
                format!("; to show a difference of this size would take {} seeds", c.seeds_needed_in_words())
            });
            format!("{} (mean {}, {}, {p}){needed}", c.words(), signed(mean), interval(c))
        }
    };
    format!("{}.", capital(&text))
}

fn interval(c: &Comparison) -> String {
    match c.difference.ci95 {
        Some(ends) => format!("95% interval {}", signed_interval(ends)),
        None => "one pair".into(),
    }
}

/// Verdicts between other variants, as far as they are decided.
fn others_decided(result: &StudyResult, told: &[&Comparison]) -> Option<String> {
    let is_random = |c: &Comparison| {
        use Role::{Optimized, Random};
        matches!(c.roles(), [Optimized, Random(_)] | [Random(_), Optimized])
    };
    let (first, others) = result.statistics.by_interest();
    let decided = |c: &&Comparison| matches!(c.verdict, Verdict::Better | Verdict::Worse);
    let open = |c: &&Comparison| !is_random(c) && !told.iter().any(|t| (&t.a, &t.b) == (&c.a, &c.b));
    let all: Vec<&Comparison> = first.into_iter().chain(others).filter(decided).filter(open).collect();
    let (shown, rest) = all.split_at(all.len().min(MOST_OTHERS));
    let more = match rest.len() {
        0 => String::new(),
        n => format!(" {} more are decided, see below.", thousands(n as u64)),
    };
    let sentences: Vec<String> = shown.iter().map(|c| sentence(c)).collect();
    (!all.is_empty()).then(|| sentences.join(" ") + &more)
}

/// The choice against the best single activation, where several were trained; and their comparison, where it is told.
fn best_single(result: &StudyResult) -> Option<(String, Option<&Comparison>)> {
    let single = |row: &&TableRow| row.variant.trim_start_matches("uniform:").parse::<Activation>().is_ok();
    let singles: Vec<&TableRow> = result.table.iter().filter(single).collect();
    let metric = result.primary();
    let gain = |row: &TableRow| row.judged.map_or(f64::NEG_INFINITY, |judged| metric.gain(judged.mean));
    let best = singles.iter().max_by(|a, b| gain(a).total_cmp(&gain(b)))?;
    let comparison = result.statistics.between(Role::Optimized, best.role())?;
    let decided = comparison.verdict != Verdict::TooFewSeeds && Some(best.role()) != baseline(result);
    let comparison = Some(comparison).filter(|_| decided);
    (singles.len() > 1).then(|| {
        let words = format!(
            "Of {} single activations in all {}s {} did best, {} (picked after the fact, which favours it).{}",
            singles.len(),
            result.place_word(),
            best.name(),
            mean_and_sd_or_nothing(&best.judged),
            comparison.map_or(String::new(), |c| format!(" {}", sentence(c)))
        );
        (words, comparison)
    })
}

/// The choice against random ones, where any were trained.
fn random_choices(result: &StudyResult) -> Option<String> {
    let random = result.variants.iter().map(Role::from).filter(|role| matches!(role, Role::Random(_)));
    let comparisons: Vec<&Comparison> =
        random.filter_map(|role| result.statistics.between(Role::Optimized, role)).collect();
    let seen: Vec<(f64, Verdict)> = comparisons.iter().map(|c| c.seen_from(Role::Optimized)).collect();
    let mean = seen.iter().map(|(mean, _)| mean).sum::<f64>() / seen.len() as f64;
    let shown = |verdict| seen.iter().filter(|(_, v)| *v == verdict).count();
    let undecided = comparisons.first()?.verdict == Verdict::TooFewSeeds;
    let verdicts = if undecided {
        String::new()
    } else {
        let words = |n: usize| if n == 0 { "none".to_string() } else { n.to_string() };
        format!(
            "; shown to be better than {} of them and worse than {}",
            words(shown(Verdict::Better)),
            words(shown(Verdict::Worse))
        )
    };
    let name = result.table.iter().find(|r| r.role() == Role::Optimized)?.name();
    Some(format!(
        "{name} against {} of an activation for each {}: {} in the mean{verdicts}.",
        count(seen.len(), "random choice"),
        result.place_word(),
        signed(mean)
    ))
}

/// How often two seeds agree, of all layers.
fn agreement(result: &StudyResult) -> Option<String> {
    let agreement: Vec<f64> = result.choices.iter().filter_map(|c| c.agreement).collect();
    if agreement.is_empty() {
        return None;
    }
    let mean = agreement.iter().sum::<f64>() / agreement.len() as f64;
    let candidates = mean_softmax(result, 0).len().max(1);
    let percent = |share: &f64| format!("{:.0}%", share * 100.0);
    let places = if agreement.len() > MANY_PLACES {
        let (low, high) = agreement.iter().fold((1.0, 0.0), |(l, h), a| (a.min(l), a.max(h)));
        format!("from {} to {}", percent(&low), percent(&high))
    } else {
        agreement.iter().map(percent).collect::<Vec<_>>().join(", ")
    };
    let word = result.place_word();
    Some(format!(
        "Two seeds choose the same activation for a {word} {:.0}% of the time ({word} by {word} {places}; by chance {:.0}%).",
        mean * 100.0,
        100.0 / candidates as f64
    ))
}
