//! The answer: which activation for which layer, how sure, and what it costs.

use adact_kernels::Activation;

use crate::axes::signed;
use crate::figures::mean_softmax;
use crate::names;
use crate::records::{LayerChoice, Study, StudyResult};
use crate::statistics::{Comparison, Verdict};
use crate::svg::escape;
use crate::table::{
    TableRow, capital, count, duration, mean_and_sd, mean_and_sd_or_nothing, p_in_words, shortcomings,
    signed_interval, thousands, undecided_in_words,
};

/// The box at the beginning of a study.
pub fn answer(study: &Study) -> String {
    let result = &study.result;
    let mut out = String::from("<div class=\"answer\">\n");
    out += &format!("<p>{}</p>\n", headline(result));
    if !result.choices.is_empty() {
        out += "<ul class=\"layers\">\n";
        for choice in &result.choices {
            out += &layer(result, choice);
        }
        out += "</ul>\n";
    }
    out += "<dl>\n";
    for (term, text) in [("How sure", how_sure(result)), ("What it costs", cost(result))] {
        if !text.is_empty() {
            out += &format!("<dt>{term}</dt><dd>{text}</dd>\n");
        }
    }
    out + "</dl>\n</div>\n"
}

/// What failed and what is lacking for it, before anything else is said.
pub fn failures(result: &StudyResult, several: bool) -> String {
    let told: Vec<String> =
        shortcomings(result).iter().map(|sentence| format!("<li>{}</li>\n", escape(sentence))).collect();
    if told.is_empty() {
        return String::new();
    }
    let heading = match result.failures.len() {
        0 => "Not every training is finished.".to_string(),
        n => format!("{} of {} failed.", count(n, "training"), n + result.runs.len()),
    };
    let on = if several { format!("{}: ", escape(names::dataset(&result.dataset))) } else { String::new() };
    format!("<div class=\"failed\">\n<p><b>{on}{heading}</b></p>\n<ul>\n{}</ul>\n</div>\n", told.concat())
}

/// One row a study, before the studies themselves.
pub fn overview(studies: &[Study]) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table>\n<thead><tr><th>Data set</th><th>Activation for each layer</th>\
         <th class=\"n\">Seeds</th><th>Against ReLU</th></tr></thead>\n<tbody>\n",
    );
    for study in studies {
        let result = &study.result;
        let choices: Vec<String> = result.choices.iter().map(LayerChoice::words).collect();
        let verdict = ["optimized", "adact"].iter().find_map(|v| result.statistics.between(v, "relu"));
        out += &format!(
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            escape(names::dataset(&result.dataset)),
            escape(&choices.join("; ")),
            result.seeds.len(),
            verdict.map(|c| escape(&c.words())).unwrap_or_default()
        );
    }
    out + "</tbody></table></div>\n"
}

fn headline(result: &StudyResult) -> String {
    let dataset = escape(names::dataset(&result.dataset));
    let row = |variant: &str| result.table.iter().find(|r| r.variant == variant);
    let accuracy = |r: &TableRow| match &r.judged {
        Some(judged) => format!("{} {}", escape(&r.name()), mean_and_sd(judged)),
        None => escape(&r.name()),
    };
    let told: Vec<String> =
        ["optimized", "adact", "relu"].iter().filter_map(|v| row(v)).map(accuracy).collect();
    let told = if told.is_empty() { result.table.iter().map(accuracy).collect() } else { told };
    let words: Vec<String> = result.choices.iter().map(|c| escape(&c.words())).collect();
    let chose = if words.is_empty() && result.variants.iter().any(|v| v == "adact") {
        format!("<b>On {dataset}</b> no training of AdAct ended, so nothing was chosen.")
    } else if words.is_empty() {
        format!("<b>On {dataset}</b> no variant mixed activations, so none was chosen.")
    } else if result.choices.iter().all(|c| c.undecided.is_empty()) {
        format!("<b>On {dataset}, AdAct chose {}.</b>", words.join(", "))
    } else {
        format!("<b>On {dataset}, AdAct’s choice, layer by layer: {}.</b>", words.join("; "))
    };
    format!("{chose} Test accuracy {}: {}.", result.selection.judged_in_words(), told.join(", "))
}

fn layer(result: &StudyResult, choice: &LayerChoice) -> String {
    let mut weights = mean_softmax(result, choice.layer - 1);
    weights.sort_by(|a, b| b.1.total_cmp(&a.1));
    let second = weights.iter().find(|(name, _)| *name != choice.choice);
    let first = escape(names::activation(&choice.choice));
    let of = if choice.undecided.is_empty() { String::new() } else { format!(" for {first}") };
    let agree = match (choice.by_seed.len(), choice.votes()) {
        (1, _) => String::new(),
        (n, v) if n == v => format!("All {n} seeds{of}. "),
        (n, v) => format!("{v} of {n} seeds{of}. "),
    };
    let second = second.map_or(String::new(), |(name, weight)| {
        format!(", best other {} {weight:.3}", escape(names::activation(name)))
    });
    format!(
        "<li><span class=\"layer\">Layer {}</span><span class=\"choice\">{}</span>\
         <span class=\"sure\">{agree}Weight {:.3}{second}</span></li>\n",
        choice.layer,
        if choice.undecided.is_empty() { first } else { escape(&choice.undecided_in_short()) },
        choice.share
    )
}

fn how_sure(result: &StudyResult) -> String {
    let mut out = Vec::new();
    if result.seeds.len() > 1 {
        let pairs = [("optimized", "relu"), ("adact", "relu"), ("optimized", "adact")];
        let told: Vec<&Comparison> =
            pairs.iter().filter_map(|(a, b)| result.statistics.between(a, b)).collect();
        out.extend(too_few(&told));
        out.extend(told.iter().filter(|c| c.verdict != Verdict::TooFewSeeds).map(|c| sentence(c)));
        out.extend(best_single(result));
        out.extend(random_choices(result));
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
    out.push(crate::table::selection_in_words(result.selection));
    out.iter().map(|sentence| format!("<p>{}</p>", escape(sentence))).collect()
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
        Verdict::Better | Verdict::Worse => {
            format!("{} by {:.4} ({}, {p})", c.words(), mean.abs(), interval(c))
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

/// The choice against the best single activation, where several were trained.
fn best_single(result: &StudyResult) -> Option<String> {
    let single = |row: &&TableRow| row.variant.trim_start_matches("uniform:").parse::<Activation>().is_ok();
    let singles: Vec<&TableRow> = result.table.iter().filter(single).collect();
    let mean = |row: &TableRow| row.judged.map_or(f64::NEG_INFINITY, |judged| judged.mean);
    let best = singles.iter().max_by(|a, b| mean(a).total_cmp(&mean(b)))?;
    let comparison = result.statistics.between("optimized", &best.variant)?;
    let decided = comparison.verdict != Verdict::TooFewSeeds && best.variant != "relu";
    (singles.len() > 1).then(|| {
        format!(
            "Of {} single activations in all layers {} did best, {} (picked after the fact, which favours it).{}",
            singles.len(),
            best.name(),
            mean_and_sd_or_nothing(&best.judged),
            if decided { format!(" {}", sentence(comparison)) } else { String::new() }
        )
    })
}

/// The choice against random ones, where any were trained.
fn random_choices(result: &StudyResult) -> Option<String> {
    let random = result.variants.iter().filter(|v| v.starts_with("random-"));
    let comparisons: Vec<&Comparison> =
        random.filter_map(|v| result.statistics.between("optimized", v)).collect();
    let seen: Vec<(f64, Verdict)> = comparisons.iter().map(|c| c.seen_from("optimized")).collect();
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
    let name = result.table.iter().find(|r| r.variant == "optimized")?.name();
    Some(format!(
        "{name} against {} of an activation for each layer: {} in the mean{verdicts}.",
        count(seen.len(), "random choice"),
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
    let layers: Vec<String> = agreement.iter().map(|a| format!("{:.0}%", a * 100.0)).collect();
    Some(format!(
        "Two seeds choose the same activation for a layer {:.0}% of the time (layer by layer {}; by chance {:.0}%).",
        mean * 100.0,
        layers.join(", "),
        100.0 / candidates as f64
    ))
}

fn cost(result: &StudyResult) -> String {
    let row = |variant: &str| result.table.iter().find(|r| r.variant == variant);
    let row = |variant: &str| row(variant).filter(|r| r.runs() > 0);
    let Some(relu) = row("relu") else { return String::new() };
    let against = |r: &TableRow| {
        let more = r.parameters - relu.parameters;
        let parameters = match more.round() as i64 {
            0 => "no more parameters".to_string(),
            1 => format!("1 more parameter ({:+.4}%)", 100.0 * more / relu.parameters),
            n => format!("{n:+} parameters ({:+.4}%)", 100.0 * more / relu.parameters),
        };
        let time = if relu.seconds > 0.0 {
            format!(", {:.2} times its training time", r.seconds / relu.seconds)
        } else {
            String::new()
        };
        format!("{}: {parameters}{time}.", escape(&names::variant(&r.variant)))
    };
    let rows: Vec<String> = ["adact", "optimized"].iter().filter_map(|v| row(v)).map(against).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "Against ReLU ({} parameters, {} a training): {}",
        thousands(relu.parameters.round() as u64),
        duration(relu.seconds),
        rows.join(" ")
    )
}
