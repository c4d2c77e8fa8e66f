//! The weights of many places on one heat map.

use super::{
    Figure, adact_layers, heat_cell, mean_softmax, portions_in_words, room, seeds_in_words, shorten,
};
use crate::axes::range;
use crate::names::{self, MANY_PLACES};
use crate::records::{LayerChoice, StudyResult};
use crate::svg::{Anchor, INK, MUTED, Panel, Stroke, TEXT};

const CELL: (f64, f64) = (50.0, 22.0);
const TOP: f64 = 34.0;

/// A row a place, a column a candidate: mean softmax weights over the seeds, with the choice framed. Absent where places
/// are few, each of which [`weights`](super::weights()) shows.
pub fn weights_by_place(result: &StudyResult) -> Option<Figure> {
    let choices = &result.choices;
    if choices.len() <= MANY_PLACES {
        return None;
    }
    let rows: Vec<Vec<(String, f64)>> = (0..choices.len()).map(|place| mean_softmax(result, place)).collect();
    let shown = range(rows.iter().flatten().map(|(_, share)| *share), 0.0)?;
    let seeds = adact_layers(result).len();
    let votes = if seeds > 1 { " At the right, how many seeds chose it." } else { "" };
    Some(Figure {
        name: "weights_by_place",
        title: format!(
            "{} weights by place on {} ({})",
            result.mixture_name(),
            result.subject(),
            seeds_in_words(seeds, result)
        ),
        caption: format!(
            "{} of each candidate (columns) in each place (rows, in the order of the network). The choice is framed; \
             thin frames are those between which a place is undecided.{votes}",
            portions_in_words(result)
        ),
        columns: 1,
        panels: vec![panel(result, &rows, shown)],
        png_panels: None,
    })
}

fn panel(result: &StudyResult, rows: &[Vec<(String, f64)>], (low, high): (f64, f64)) -> Panel {
    let names: Vec<String> = result.choices.iter().map(|c| shorten(&result.place_of(c), 34)).collect();
    let told: Vec<String> = result.choices.iter().map(in_short).collect();
    let candidates: Vec<&str> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
    let left = 18.0 + room(names.iter().map(String::as_str), 11.5);
    let right = left + CELL.0 * candidates.len() as f64;
    let width = right + 26.0 + room(told.iter().map(String::as_str), 11.5);
    let described: Vec<String> =
        names.iter().zip(&told).map(|(name, choice)| format!("{name}: {choice}")).collect();
    let mut panel =
        Panel::new(width, TOP + CELL.1 * rows.len() as f64 + 12.0, format!("{}.", described.join("; ")));
    for (i, name) in candidates.iter().enumerate() {
        let x = left + CELL.0 * (i as f64 + 0.5);
        panel.text((x, TOP - 9.0), names::activation(name), TEXT.size(11.5).anchor(Anchor::Middle));
    }
    for (row, (choice, weights)) in result.choices.iter().zip(rows).enumerate() {
        let y = TOP + CELL.1 * row as f64;
        panel.text((left - 8.0, y + 15.0), &names[row], TEXT.size(11.5).anchor(Anchor::End));
        panel.text((right + 10.0, y + 15.0), &told[row], TEXT.size(11.5).paint(MUTED));
        for (i, name) in candidates.iter().enumerate() {
            let share = weights.iter().find(|(n, _)| n == name).map_or(0.0, |(_, share)| *share);
            let at = (left + CELL.0 * i as f64, y);
            let shade = 0.05 + 0.95 * (share - low) / (high - low);
            heat_cell(&mut panel, at, CELL, shade, &format!("{share:.3}"), choice.may_be(name));
            if choice.may_be(name) {
                let thick = if choice.undecided.is_empty() { 2.0 } else { 0.8 };
                let frame = (at.0 + 0.5, at.1 + 0.5);
                panel.frame(frame, CELL.0 - 2.0, CELL.1 - 2.0, Stroke::solid(INK, thick));
            }
        }
    }
    panel
}

/// "Mish, 5 of 5", "undecided between 3".
fn in_short(choice: &LayerChoice) -> String {
    match choice.undecided.len() {
        0 if choice.by_seed.len() > 1 => {
            format!("{}, {} of {}", names::activation(&choice.choice), choice.votes(), choice.by_seed.len())
        }
        0 => names::activation(&choice.choice).into(),
        1..=2 => choice.undecided_in_short(),
        n => format!("undecided between {n}"),
    }
}
