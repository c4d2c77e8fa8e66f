//! What was taken for what.

use super::{Figure, heat_cell, room};
use crate::names;
use crate::records::{RunResult, StudyResult};
use crate::svg::{Anchor, MUTED, Panel, TEXT};

/// More classes than this are a picture without legible numbers.
const MOST_CLASSES: usize = 30;

/// The confusion matrix of the first variant that has one (AdAct, if it is among them), of its first seed.
pub fn confusion(result: &StudyResult) -> Option<Figure> {
    let has = |r: &&RunResult| r.confusion.as_ref().is_some_and(|c| c.classes.len() <= MOST_CLASSES);
    let with = || result.runs.iter().filter(has);
    let run = with().find(|r| r.variant == "adact").or_else(|| with().next())?;
    let matrix = run.confusion.as_ref()?;
    let n = matrix.classes.len();

    let short: Vec<String> = matrix.classes.iter().map(|c| shorten(c)).collect();
    let left = 34.0 + room(short.iter().map(String::as_str), 11.5);
    let cell = (((640.0 - left) / n as f64).clamp(30.0, 52.0), 26.0);
    let slanted = short.iter().any(|c| crate::svg::text_width(c, 11.5) > cell.0 - 2.0);
    let top = if slanted { 34.0 + room(short.iter().map(String::as_str), 11.5) } else { 46.0 };
    let (width, height) = (left + cell.0 * n as f64 + 14.0, top + cell.1 * n as f64 + 12.0);
    let (correct, total) = (matrix.correct(), matrix.total());
    let mut panel =
        Panel::new(width, height, format!("Confusion matrix: {correct} of {total} images right."));
    let quiet = TEXT.size(11.5).paint(MUTED);
    panel.text((left + cell.0 * n as f64 / 2.0, 14.0), "answer", quiet.anchor(Anchor::Middle));
    panel.text_upwards((16.0, top + cell.1 * n as f64 / 2.0), "truth", quiet.anchor(Anchor::Middle));
    for (i, class) in short.iter().enumerate() {
        let x = left + cell.0 * (i as f64 + 0.5);
        if slanted {
            panel.text_upwards((x + 4.0, top - 8.0), class, TEXT.size(11.5));
        } else {
            panel.text((x, top - 8.0), class, TEXT.size(11.5).anchor(Anchor::Middle));
        }
        let y = top + cell.1 * (i as f64 + 0.5) + 4.0;
        panel.text((left - 8.0, y), class, TEXT.size(11.5).anchor(Anchor::End));
    }
    for (i, row) in matrix.counts.iter().enumerate() {
        let images = row.iter().sum::<u64>().max(1) as f64;
        for (j, &count) in row.iter().enumerate() {
            let at = (left + cell.0 * j as f64, top + cell.1 * i as f64);
            let text = if count == 0 { String::new() } else { count.to_string() };
            heat_cell(&mut panel, at, cell, count as f64 / images, &text, i == j);
        }
    }
    Some(Figure {
        name: "confusion",
        title: format!(
            "{} on {}: what was taken for what (seed {})",
            names::variant(&run.variant),
            names::dataset(&result.dataset),
            run.seed
        ),
        caption: format!(
            "Test images by class (rows) and answer (columns); {correct} of {total} right. Darker is a larger share of the row."
        ),
        columns: 1,
        panels: vec![panel],
    })
}

fn shorten(class: &str) -> String {
    if class.chars().count() <= 14 {
        class.into()
    } else {
        class.chars().take(13).chain(['\u{2026}']).collect()
    }
}
