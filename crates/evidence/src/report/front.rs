//! What each variant's activations cost beside what it reaches.

use maud::{Markup, html};

use super::{inline, table};
use crate::figures;
use crate::front::front;
use crate::records::StudyResult;
use crate::table::{cells, cost_in_words, heads, measured_in_words, title};

/// The heading, the sentences, the figure and the table; nothing where no activations were timed.
pub fn costs(result: &StudyResult) -> Markup {
    let Some(front) = front(result) else { return html! {} };
    let heads = heads(result);
    let of: Vec<(&str, bool)> = heads.iter().map(|(head, number)| (head.as_str(), *number)).collect();
    let rows = html! {
        @for i in 0..front.points.len() {
            tr {
                @for (at, (cell, (_, number))) in cells(result, &front, i).iter().zip(&of).enumerate() {
                    td.name[at == 0].n[*number].best[at > 0 && *number && i == front.pick] { (cell) }
                }
            }
        }
    };
    html! {
        h3 { (title(result)) }
        @for sentence in cost_in_words(result) { p { (sentence) } }
        @if let Some(figure) = figures::front(result) { (inline(&figure)) }
        p.lead { (measured_in_words(result)) }
        (table(&of, rows))
    }
}
