//! What the searches found, by each rule, and what came of it.

use maud::{Markup, html};

use super::table;
use crate::names;
use crate::records::StudyResult;
use crate::searches::{IN_WORDS, Search, kept_in_words, searches};
use crate::table::{mean_and_sd, mean_and_sd_or_nothing};

/// The heading and the table; nothing where records don't tell.
pub fn searched(result: &StudyResult) -> Markup {
    let searches = searches(result);
    if searches.is_empty() {
        return html! {};
    }
    let each = format!("Activation for each {}, of most seeds", result.place_word());
    let heads = [
        ("Search", false),
        ("Mixture", true),
        ("At once", true),
        ("Rule", false),
        (each.as_str(), false),
        ("Seeds agree", true),
        ("Trained anew", true),
    ];
    let rows = html! { @for search in &searches { (rows(search)) } };
    html! {
        h3 { "How the activations were found" }
        p.lead {
            (IN_WORDS) " " (kept_in_words(result))
        }
        (table(&heads, rows))
    }
}

fn rows(search: &Search) -> Markup {
    html! {
        @for (i, chosen) in search.rules.iter().enumerate() {
            tr {
                @if i == 0 {
                    td.name { (names::variant(&search.variant)) }
                    td.n { (mean_and_sd_or_nothing(&search.mixture)) }
                    td.n { (mean_and_sd_or_nothing(&search.discretised)) }
                } @else {
                    td {} td {} td {}
                }
                td { (chosen.rule) }
                td { (chosen.words()) }
                td.n { (chosen.agreement_in_words()) }
                td.n { @if let Some((_, reached)) = &chosen.trained { (mean_and_sd(reached)) } }
            }
        }
    }
}
