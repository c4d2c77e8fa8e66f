//! The answer: which activation for which layer, how sure, and what it costs.

use adact_kernels::Activation;

use crate::axes::signed;
use crate::figures::mean_softmax;
use crate::names;
use crate::records::{LayerChoice, Study, StudyResult};
use crate::statistics::{Comparison, Verdict, wilson};
use crate::svg::escape;
use crate::table::{TableRow, count, duration, mean_and_sd, p_in_words, thousands};

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

/// One row a study, before the studies themselves.
pub fn overview(studies: &[Study]) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table>\n<thead><tr><th>Data set</th><th>Activation for each layer</th>\
         <th class=\"n\">Seeds</th><th>Against ReLU</th></tr></thead>\n<tbody>\n",
    );
    for study in studies {
        let result = &study.result;
        let choices: Vec<&str> = result.choices.iter().map(|c| names::activation(&c.choice)).collect();
        let verdict = ["optimized", "adact"].iter().find_map(|v| result.statistics.between(v, "relu"));
        out += &format!(
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            escape(names::dataset(&result.dataset)),
            escape(&choices.join(", ")),
            result.seeds.len(),
            verdict.map(|c| escape(&c.words())).unwrap_or_default()
        );
    }
    out + "</tbody></table></div>\n"
}

fn headline(result: &StudyResult) -> String {
    let dataset = escape(names::dataset(&result.dataset));
    let row = |variant: &str| result.table.iter().find(|r| r.variant == variant);
    let accuracy =
        |r: &TableRow| format!("{} {}", escape(&names::variant(&r.variant)), mean_and_sd(&r.accuracy));
    let told: Vec<String> =
        ["optimized", "adact", "relu"].iter().filter_map(|v| row(v)).map(accuracy).collect();
    let told = if told.is_empty() { result.table.iter().map(accuracy).collect() } else { told };
    let chose = if result.choices.is_empty() {
        format!("<b>On {dataset}</b> no variant mixed activations, so none was chosen.")
    } else {
        let names: Vec<String> =
            result.choices.iter().map(|c| escape(names::activation(&c.choice))).collect();
        format!("<b>On {dataset}, AdAct chose {}.</b>", names.join(", "))
    };
    format!("{chose} Test accuracy: {}.", told.join(", "))
}

fn layer(result: &StudyResult, choice: &LayerChoice) -> String {
    let mut weights = mean_softmax(result, choice.layer - 1);
    weights.sort_by(|a, b| b.1.total_cmp(&a.1));
    let second = weights.iter().find(|(name, _)| *name != choice.choice);
    let seeds = choice.by_seed.len();
    let votes = choice.by_seed.iter().filter(|c| **c == choice.choice).count();
    let agree = match (seeds, votes) {
        (1, _) => String::new(),
        (n, v) if n == v => format!("All {n} seeds. "),
        (n, v) => format!("{v} of {n} seeds. "),
    };
    let second = second.map_or(String::new(), |(name, weight)| {
        format!(", best other {} {weight:.3}", escape(names::activation(name)))
    });
    format!(
        "<li><span class=\"layer\">Layer {}</span><span class=\"choice\">{}</span>\
         <span class=\"sure\">{agree}Weight {:.3}{second}</span></li>\n",
        choice.layer,
        escape(names::activation(&choice.choice)),
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
                " At least {n} seeds can tell these variants apart (--seeds {n}).",
                n = c.seeds_to_reach_level
            )
        });
        out.push(format!(
            "One seed only: another seed may choose and score differently, and no difference between variants can be \
             called real.{enough}"
        ));
        if let Some(half) = sampling_error(result) {
            out.push(format!(
                "The size of the test set alone leaves an accuracy uncertain by about ±{half:.4}."
            ));
        }
    }
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
            let names = (names::variant(&c.a), names::variant(&c.b));
            format!("{} against {}: {} ({})", names.0, names.1, signed(c.difference.mean), interval(c))
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
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn interval(c: &Comparison) -> String {
    match c.difference.ci95 {
        Some([low, high]) => format!("95% interval {} to {}", signed(low), signed(high)),
        None => "one pair".into(),
    }
}

/// The choice against the best single activation, where several were trained.
fn best_single(result: &StudyResult) -> Option<String> {
    let single = |row: &&TableRow| row.variant.trim_start_matches("uniform:").parse::<Activation>().is_ok();
    let singles: Vec<&TableRow> = result.table.iter().filter(single).collect();
    let best = singles.iter().max_by(|a, b| a.accuracy.mean.total_cmp(&b.accuracy.mean))?;
    let comparison = result.statistics.between("optimized", &best.variant)?;
    let decided = comparison.verdict != Verdict::TooFewSeeds && best.variant != "relu";
    (singles.len() > 1).then(|| {
        format!(
            "Of {} single activations in all layers {} did best, {} (picked after the fact, which favours it).{}",
            singles.len(),
            names::variant(&best.variant),
            mean_and_sd(&best.accuracy),
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
    Some(format!(
        "Optimized against {} of an activation for each layer: {} in the mean{verdicts}.",
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

/// Half the 95% interval that the number of test images leaves.
fn sampling_error(result: &StudyResult) -> Option<f64> {
    let confusion = result.runs.iter().find_map(|r| r.confusion.as_ref())?;
    wilson(confusion.correct(), confusion.total()).map(|[low, high]| (high - low) / 2.0)
}

fn cost(result: &StudyResult) -> String {
    let row = |variant: &str| result.table.iter().find(|r| r.variant == variant);
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
