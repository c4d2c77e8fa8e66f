//! The answer: which activation for which place, and what it costs.

use maud::{Markup, html};

use super::sure::how_sure;
use super::table;
use crate::Rule;
use crate::agreement::{mixture_of, mixtures};
use crate::axes::number;
use crate::figures::mean_softmax;
use crate::names::{self, MANY_PLACES};
use crate::nearest::{ByCurve, DISTANCE_IN_WORDS, Near, by_curve};
use crate::records::{LayerChoice, Role, RuleChoice, RunResult, Study, StudyResult};
use crate::statistics::Comparison;
use crate::table::{
    TableRow, capital, count, direction_in_words, duration, mean_and_sd, shortcomings, thousands,
};

/// The box at the beginning of a study.
pub fn answer(study: &Study) -> Markup {
    let result = &study.result;
    let cost = cost(result);
    let curves: Vec<_> = result.choices.iter().map(|choice| by_curve(result, choice.layer - 1)).collect();
    html! {
        div.answer {
            p { (headline(result)) }
            @if !result.choices.is_empty() {
                ul.layers { @for (choice, curve) in result.choices.iter().zip(&curves) { (place(result, choice, curve.as_ref())) } }
            }
            dl {
                dt { "How sure" }
                dd { (how_sure(result)) }
                @if curves.iter().any(Option::is_some) {
                    dt { "Learned curves" }
                    dd { (DISTANCE_IN_WORDS) }
                }
                @if !cost.is_empty() {
                    dt { "What it costs" }
                    dd { (cost) }
                }
            }
        }
    }
}

/// What failed and what is lacking for it, before anything else is said.
pub fn failures(result: &StudyResult, several: bool) -> Markup {
    let told = shortcomings(result);
    let heading = match result.failures.len() {
        0 => "Not every training is finished.".to_string(),
        n => format!("{} of {} failed.", count(n, "training"), n + result.runs.len()),
    };
    html! {
        @if !told.is_empty() {
            div.failed {
                p { b { @if several { (result.subject()) ": " } (heading) } }
                ul { @for sentence in &told { li { (sentence) } } }
            }
        }
    }
}

/// One row a study, before the studies themselves.
pub fn overview(studies: &[Study]) -> Markup {
    let papers = studies.iter().all(|s| s.result.is_papers_network());
    let each = format!("Activation for each {}", if papers { "layer" } else { "place" });
    let against = |result: &StudyResult| baseline(result).is_some_and(|base| base != Role::RELU);
    let verdict = if studies.iter().any(|s| against(&s.result)) { "Verdict" } else { "Against ReLU" };
    let choices = |result: &StudyResult| match result.choices.len() {
        n if n > MANY_PLACES => many_choices(&result.choices),
        _ => result.choices.iter().map(LayerChoice::words).collect::<Vec<_>>().join("; "),
    };
    let compared = |result: &StudyResult| {
        let base = baseline(result)?;
        let of = |role| result.statistics.between(role, base);
        of(Role::Optimized).or_else(|| of(Role::Mixture)).map(Comparison::words)
    };
    let rows = html! {
        @for result in studies.iter().map(|study| &study.result) {
            tr {
                td { (result.subject()) }
                td { (choices(result)) }
                td.n { (result.seeds.len()) }
                td { (compared(result).unwrap_or_default()) }
            }
        }
    };
    table(&[("Data set", false), (&each, false), ("Seeds", true), (verdict, false)], rows)
}

fn headline(result: &StudyResult) -> Markup {
    let row = |role: Role| result.table.iter().find(|r| r.role() == role);
    let reached = |r: &TableRow| match &r.judged {
        Some(judged) => format!("{} {}", r.name(), mean_and_sd(judged)),
        None => r.name(),
    };
    let first = [Role::Optimized, Role::Mixture].into_iter().chain(baseline(result));
    let mut told: Vec<&TableRow> = first.filter_map(row).collect();
    let gain =
        |row: &&TableRow| row.judged.map_or(f64::NEG_INFINITY, |judged| result.primary().gain(judged.mean));
    let best = result.table.iter().rev().max_by(|a, b| gain(a).total_cmp(&gain(b)));
    // Of many ways to search the one with the best mean is told, too.
    let searched = |row: &&TableRow| matches!(row.role(), Role::Search(_) | Role::Searched(..));
    told.extend(best.filter(searched));
    let told: Vec<String> = told.into_iter().map(reached).collect();
    let told = if told.is_empty() { result.table.iter().map(reached).collect() } else { told };
    html! {
        (chosen(result)) " " (capital(&result.primary().on_test())) " " (result.judged_in_words()) ": " (told.join(", ")) "."
        (direction_in_words(result))
    }
}

/// "On CIFAR-10, AdAct chose ReLU, ReLU, Mish, Mish."
fn chosen(result: &StudyResult) -> Markup {
    let (subject, choices, word) = (result.subject(), &result.choices, result.place_word());
    let words: Vec<String> = choices.iter().map(LayerChoice::words).collect();
    if words.is_empty() {
        let any = |is: &dyn Fn(Role<'_>) -> bool| result.variants.iter().any(|v| is(Role::of(v)));
        let why = if any(&|role| role == Role::Mixture) {
            "no training of AdAct ended, so nothing was chosen."
        } else if any(&|role| role.is_mixture()) {
            "no training that searches ended, so nothing was chosen."
        } else {
            "no variant mixed activations, so none was chosen."
        };
        return html! { b { "On " (subject) } " " (why) };
    }
    let name = result.mixture_name();
    let all = if words.len() > MANY_PLACES {
        format!("{name} chose for {} places: {}", words.len(), many_choices(choices))
    } else if choices.iter().all(|c| c.undecided.is_empty()) {
        format!("{name} chose {}", words.join(", "))
    } else {
        format!("{name}’s choice, {word} by {word}: {}", words.join("; "))
    };
    let searches = result.variants.iter().filter(|variant| Role::of(variant).is_mixture()).count();
    let is_first_of_several = searches > 1 && mixture_of(&result.runs) != Role::Mixture;
    html! {
        b { "On " (subject) ", " (all) "." }
        @if is_first_of_several { " What each search chose is told under “How the activations were found”." }
    }
}

/// The choices for many places by how often each is there: "Mish (12), ReLU (4), undecided (3)".
fn many_choices(choices: &[LayerChoice]) -> String {
    let decided: Vec<&str> =
        choices.iter().filter(|c| c.undecided.is_empty()).map(|c| c.choice.as_str()).collect();
    let open = choices.len() - decided.len();
    let undecided = (open > 0).then(|| format!("undecided ({open})"));
    let tally = Some(names::tally(&decided)).filter(|tally| !tally.is_empty());
    tally.into_iter().chain(undecided).collect::<Vec<_>>().join(", ")
}

/// The variant that the others are held against: ReLU, or the one that the study names.
pub(super) fn baseline(result: &StudyResult) -> Option<Role<'_>> {
    let is_there = |role: &Role| result.table.iter().any(|row| row.role() == *role);
    let own = || result.against.as_deref().map(Role::of).filter(|against| !against.is_adacts());
    Some(Role::RELU).filter(is_there).or_else(own)
}

fn place(result: &StudyResult, choice: &LayerChoice, curve: Option<&ByCurve>) -> Markup {
    let mut weights = mean_softmax(result, choice.layer - 1);
    weights.sort_by(|a, b| b.1.total_cmp(&a.1));
    let second = weights.iter().find(|(name, _)| *name != choice.choice);
    let first = names::activation(&choice.choice);
    let (of, shown) = match choice.undecided.is_empty() {
        true => (String::new(), first.to_string()),
        false => (format!(" for {first}"), choice.undecided_in_short()),
    };
    let agree = match (choice.by_seed.len(), choice.votes()) {
        (1, _) => String::new(),
        (n, v) if n == v => format!("All {n} seeds{of}. "),
        (n, v) => format!("{v} of {n} seeds{of}. "),
    };
    let second = second.map_or(String::new(), |(name, weight)| {
        format!(", best other {} {weight:.3}", names::activation(name))
    });
    html! {
        li {
            span.layer { (names::place_title(&choice.path(), result.network.as_deref())) }
            span.choice { (shown) }
            span.sure {
                (agree) "Weight " (format!("{:.3}", choice.share)) (second)
                @if let Some(curve) = curve { ". " (curve_in_words(choice, curve)) }
                @if let Some(loss) = loss_in_words(result, choice) { ". " (loss) }
            }
        }
    }
}

/// What the learned function is like, however the weights are: "The learned curve is nearest to PReLU with slope −0.02 (0.147 away),
/// then ReLU (0.218); Mish is 0.396 away".
fn curve_in_words(choice: &LayerChoice, curve: &ByCurve) -> String {
    let name = |near: &Near| {
        let slope = near.slope.map_or(String::new(), |slope| format!(" with slope {}", number(slope, 2)));
        format!("{}{slope}", names::activation(&near.activation))
    };
    // The first is that of most seeds, even if another is nearer in the mean.
    let Some(first) = curve.of(&curve.choice) else { return String::new() };
    let second = curve.ranking.iter().find(|near| near.activation != curve.choice);
    let nearer = second.filter(|second| second.distance < first.distance);
    let mut words = match nearer {
        Some(nearer) => format!(
            "With most seeds the learned curve is nearest to {} ({:.3} away in the mean; {} {:.3})",
            name(first),
            first.distance,
            name(nearer),
            nearer.distance
        ),
        None => format!("The learned curve is nearest to {} ({:.3} away)", name(first), first.distance),
    };
    if let Some(second) = second.filter(|_| nearer.is_none()) {
        words += &format!(", then {} ({:.3})", name(second), second.distance);
    }
    match curve.of(&choice.choice) {
        Some(own) if ![Some(first), second].contains(&Some(own)) => {
            words + &format!("; {} is {:.3} away", name(own), own.distance)
        }
        _ => words,
    }
}

/// With which candidate the network loses least in the place of the mixture: "It loses least with SiLU (0.412; with Mish 0.431)". Means
/// over the seeds.
fn loss_in_words(result: &StudyResult, choice: &LayerChoice) -> Option<String> {
    let place = choice.layer - 1;
    let distil =
        |run: &RunResult| run.choices.iter().find(|choice| choice.rule == Rule::Distil.name()).cloned();
    let seeds: Vec<RuleChoice> = mixtures(&result.runs).map(distil).collect::<Option<_>>()?;
    let mean = |name: &str| {
        let losses = seeds.iter().map(|seed| seed.score(place, name)).collect::<Option<Vec<f64>>>()?;
        Some(losses.iter().sum::<f64>() / losses.len() as f64)
    };
    let names = seeds.first()?.scores.get(place)?.keys();
    let (least, name) =
        names.filter_map(|name| Some((mean(name)?, name))).min_by(|a, b| a.0.total_cmp(&b.0))?;
    let own = mean(&choice.choice).filter(|_| *name != choice.choice);
    let own =
        own.map_or(String::new(), |own| format!("; with {} {own:.3}", names::activation(&choice.choice)));
    Some(format!(
        "In its place alone the network loses least with {} ({least:.3}{own})",
        names::activation(name)
    ))
}

fn cost(result: &StudyResult) -> String {
    let numbers = |role: Role| {
        let row = result.table.iter().find(|r| r.role() == role)?;
        Some((row.parameters?, row.seconds?))
    };
    let Some(base) = baseline(result) else { return String::new() };
    let Some((parameters, seconds)) = numbers(base) else { return String::new() };
    let against = |role: Role| {
        let (all, time) = numbers(role)?;
        let more = all - parameters;
        let parameters = match more.round() as i64 {
            0 => "no more parameters".to_string(),
            1 => format!("1 more parameter ({:+.4}%)", 100.0 * more / parameters),
            n => format!("{n:+} parameters ({:+.4}%)", 100.0 * more / parameters),
        };
        let time = if seconds > 0.0 {
            format!(", {:.2} times its training time", time / seconds)
        } else {
            String::new()
        };
        Some(format!("{}: {parameters}{time}.", names::variant(role)))
    };
    let rows: Vec<String> =
        [Role::Mixture, Role::Optimized, Role::Frozen].into_iter().filter_map(against).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "Against {} ({} parameters, {} a training): {}",
        names::variant(base),
        thousands(parameters.round() as u64),
        duration(seconds),
        rows.join(" ")
    )
}
