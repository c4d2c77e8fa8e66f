//! The table of the variants.

use maud::{Markup, html};

use super::table;
use crate::records::StudyResult;
use crate::table::{
    TableRow, capital, direction_in_words, interval, mean_and_sd_or_nothing, search_in_words,
    selection_in_words,
};

/// The heading and the table of a study.
pub fn results(result: &StudyResult) -> Markup {
    let several = result.seeds.len() > 1;
    let seeds = match result.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds: mean ± standard deviation", seeds.len()),
    };
    let (metric, picked) = (result.primary(), result.picked_in_words().map(capital));
    let judged = format!("{} {}", capital(&metric.on_test()), result.judged_in_words());
    let mut heads = vec![("Variant", false), ("Activations", false), (judged.as_str(), true)];
    heads.extend(several.then_some(("95% interval of the mean", true)));
    heads.extend(picked.as_deref().map(|picked| (picked, true)));
    heads.extend([("Parameters", true), ("Time", true)]);

    let gain = |r: &TableRow| r.judged.map_or(f64::NEG_INFINITY, |judged| metric.gain(judged.mean));
    let most = result.table.iter().map(gain).fold(f64::NEG_INFINITY, f64::max);
    let is_best = |row: &TableRow| gain(row) == most && result.table.len() > 1;
    let ends = |row: &TableRow| row.judged.and_then(|judged| judged.ci95).map(interval).unwrap_or_default();
    let rows = html! {
        @for row in &result.table {
            tr {
                td.name { (row.name()) }
                td { (row.activations_in_words()) }
                td.n.best[is_best(row)] { (mean_and_sd_or_nothing(&row.judged)) }
                @if several { td.n { (ends(row)) } }
                @if picked.is_some() { td.n { (mean_and_sd_or_nothing(&row.kept())) } }
                td.n { (row.parameters_in_words()) }
                td.n { (row.time_in_words()) }
            }
        }
    };
    html! {
        h3 { "Results" }
        p.lead {
            (result.length_in_words()) ", " (seeds) ". " (selection_in_words(result)) (direction_in_words(result)) (search_in_words(result))
        }
        (table(&heads, rows))
    }
}
