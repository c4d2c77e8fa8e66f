//! The table of the variants.

use crate::records::StudyResult;
use crate::svg::escape;
use crate::table::{TableRow, capital, count, interval, mean_and_sd_or_nothing, selection_in_words};

/// The heading and the table of a study.
pub fn results(result: &StudyResult) -> String {
    let several = result.seeds.len() > 1;
    let seeds = match result.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds: mean ± standard deviation", seeds.len()),
    };
    let interval_head = if several { "<th class=\"n\">95% interval of the mean</th>" } else { "" };
    let picked = result.selection.picked_in_words();
    let picked_head =
        picked.map_or(String::new(), |picked| format!("<th class=\"n\">{}</th>", capital(picked)));
    let mut out = format!(
        "<h3>Results</h3>\n<p class=\"lead\">{}, {seeds}. {}</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Variant</th>\
         <th>Activations</th><th class=\"n\">Test accuracy {}</th>{interval_head}{picked_head}\
         <th class=\"n\">Parameters</th><th class=\"n\">Time</th></tr></thead>\n<tbody>\n",
        count(result.epochs, "epoch"),
        escape(&selection_in_words(result.selection)),
        result.selection.judged_in_words()
    );
    let mean = |r: &TableRow| r.judged.map_or(f64::NEG_INFINITY, |judged| judged.mean);
    let highest = result.table.iter().map(mean).fold(f64::NEG_INFINITY, f64::max);
    for row in &result.table {
        let best = if mean(row) == highest && result.table.len() > 1 { " best" } else { "" };
        let cell = |text: String| format!("<td class=\"n\">{text}</td>");
        let ends = row.judged.and_then(|judged| judged.ci95).map(interval).unwrap_or_default();
        let interval = if several { cell(ends) } else { String::new() };
        let picked = picked.map_or(String::new(), |_| cell(mean_and_sd_or_nothing(&row.accuracy)));
        out += &format!(
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"n{best}\">{}</td>{interval}{picked}<td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>\n",
            escape(&row.name()),
            escape(&row.activations_in_words()),
            mean_and_sd_or_nothing(&row.judged),
            row.parameters_in_words(),
            row.time_in_words()
        );
    }
    out + "</tbody></table></div>\n"
}
