//! The table of the variants.

use crate::names;
use crate::records::StudyResult;
use crate::svg::escape;
use crate::table::{count, duration, mean_and_sd, selection_in_words, thousands};

/// The heading and the table of a study.
pub fn results(result: &StudyResult) -> String {
    let several = result.seeds.len() > 1;
    let seeds = match result.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds: mean ± standard deviation", seeds.len()),
    };
    let interval = if several { "<th class=\"n\">95% interval of the mean</th>" } else { "" };
    let mut out = format!(
        "<h3>Results</h3>\n<p class=\"lead\">{}, {seeds}. {}</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Variant</th>\
         <th>Activations</th><th class=\"n\">Test accuracy</th>{interval}<th class=\"n\">Last epoch</th>\
         <th class=\"n\">Parameters</th><th class=\"n\">Time</th></tr></thead>\n<tbody>\n",
        count(result.epochs, "epoch"),
        escape(&selection_in_words(result.selection))
    );
    let highest = result.table.iter().map(|r| r.accuracy.mean).fold(f64::NEG_INFINITY, f64::max);
    for row in &result.table {
        let best = if row.accuracy.mean == highest && result.table.len() > 1 { " best" } else { "" };
        let interval =
            row.accuracy.ci95.map(|[low, high]| format!("{low:.4} to {high:.4}")).unwrap_or_default();
        let interval = if several { format!("<td class=\"n\">{interval}</td>") } else { String::new() };
        out += &format!(
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"n{best}\">{}</td>{interval}<td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>\n",
            escape(&names::variant(&row.variant)),
            escape(&row.activations_in_words()),
            mean_and_sd(&row.accuracy),
            row.last.as_ref().map(mean_and_sd).unwrap_or_default(),
            thousands(row.parameters.round() as u64),
            duration(row.seconds)
        );
    }
    out + "</tbody></table></div>\n"
}
