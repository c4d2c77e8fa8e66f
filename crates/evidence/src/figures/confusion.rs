//! What was taken for what.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Figure, heat_cell, room};
use crate::names;
use crate::png::{can_write, spelled};
use crate::records::{Confusion, Role, RunResult, SEGMENTATION, StudyResult};
use crate::svg::{Anchor, MUTED, Panel, TEXT};
use crate::table::thousands;

/// The height of a line of a legend.
const LINE: f64 = 16.0;
/// More classes than this are a picture without legible numbers.
const MOST_CLASSES: usize = 30;

/// The confusion matrix of the first variant that has one (AdAct, if it is among them), of its first seed.
pub fn confusion(result: &StudyResult) -> Option<Figure> {
    let has = |r: &&RunResult| r.confusion.as_ref().is_some_and(|c| c.classes.len() <= MOST_CLASSES);
    let with = || result.runs.iter().filter(has);
    let run = with().find(|r| r.role() == Role::Mixture).or_else(|| with().next())?;
    let matrix = run.confusion.as_ref()?;
    let (correct, total) = (matrix.correct(), matrix.total());
    let (counted, right) = match unit(result) {
        "pixels" => (
            "The pixels of the test images",
            format!("{} of {} pixels right", thousands(correct), thousands(total)),
        ),
        _ => ("Test images", format!("{correct} of {total} right")),
    };
    let names: Vec<String> = matrix.classes.iter().map(|c| shorten(c)).collect();
    Some(Figure {
        name: "confusion",
        title: format!(
            "{} on {}: what was taken for what (seed {})",
            names::variant(&run.variant),
            result.subject(),
            run.seed
        ),
        caption: format!(
            "{counted} by class (rows) and answer (columns), with the weights that were kept, of {}{}; {right}. \
             Darker is a larger share of the row.{}",
            run.best_in_words(),
            result.picked_in_words().map_or(String::new(), |picked| format!(" ({picked})")),
            if many(matrix) { " Numbers are shares of the row." } else { "" }
        ),
        columns: 1,
        panels: vec![panel(matrix, unit(result), &names, &[])],
        png_panels: numbered(&names)
            .map(|(labels, legend)| vec![panel(matrix, unit(result), &labels, &legend)]),
    })
}

/// What a study's matrices count.
fn unit(result: &StudyResult) -> &'static str {
    if result.task.as_deref() == Some(SEGMENTATION) { "pixels" } else { "images" }
}

/// Whether the counts have more digits than a cell has room for.
fn many(matrix: &Confusion) -> bool {
    matrix.counts.iter().flatten().any(|count| *count >= 1_000_000)
}

/// A share in percent; the smallest are "< 0.1%".
fn percent(share: f64) -> String {
    if share < 0.0005 { "< 0.1%".into() } else { format!("{:.1}%", 100.0 * share) }
}

/// The labels and a legend for a picture, where no font here can write some class: its number stands for it. The legend
/// spells those names as the picture does.
fn numbered(names: &[String]) -> Option<(Vec<String>, Vec<String>)> {
    let written: Vec<bool> = names.iter().map(|name| can_write(name)).collect();
    if written.iter().all(|w| *w) {
        return None;
    }
    let label = |(i, name): (usize, &String)| if written[i] { name.clone() } else { format!("#{i}") };
    let mut legend = vec!["No font here can write these classes (counted from 0):".to_string()];
    let unwritten = (0..names.len()).filter(|i| !written[*i]);
    legend.extend(unwritten.map(|i| format!("#{i}: {}", spelled(&names[i]))));
    Some((names.iter().enumerate().map(label).collect(), legend))
}

/// The matrix with a label for each class, and lines of a legend below.
fn panel(matrix: &Confusion, unit: &str, labels: &[String], legend: &[String]) -> Panel {
    let n = labels.len();
    let left = 34.0 + room(labels.iter().map(String::as_str), 11.5);
    let cell = (((640.0 - left) / n as f64).clamp(30.0, 52.0), 26.0);
    let slanted = labels.iter().any(|c| crate::svg::text_width(c, 11.5) > cell.0 - 2.0);
    let top = if slanted { 34.0 + room(labels.iter().map(String::as_str), 11.5) } else { 46.0 };
    let width = (left + cell.0 * n as f64).max(room(legend.iter().map(String::as_str), 11.5)) + 14.0;
    let bottom = top + cell.1 * n as f64 + 12.0;
    let (correct, total) = (matrix.correct(), matrix.total());
    let mut panel = Panel::new(
        width,
        bottom + LINE * legend.len() as f64,
        format!("Confusion matrix: {correct} of {total} {unit} right."),
    );
    let quiet = TEXT.size(11.5).paint(MUTED);
    panel.text((left + cell.0 * n as f64 / 2.0, 14.0), "answer", quiet.anchor(Anchor::Middle));
    panel.text_upwards((16.0, top + cell.1 * n as f64 / 2.0), "truth", quiet.anchor(Anchor::Middle));
    for (i, class) in labels.iter().enumerate() {
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
            let text = match count {
                0 => String::new(),
                count if many(matrix) => percent(count as f64 / images),
                count => count.to_string(),
            };
            heat_cell(&mut panel, at, cell, count as f64 / images, &text, i == j);
        }
    }
    for (i, line) in legend.iter().enumerate() {
        panel.text((8.0, bottom + LINE * i as f64 + 10.0), line, quiet);
    }
    panel
}

/// A name in 14 cells at most.
fn shorten(class: &str) -> String {
    if class.width() <= 14 {
        return class.into();
    }
    let mut short = String::new();
    for c in class.chars() {
        if short.width() + c.width().unwrap_or(0) > 13 {
            break;
        }
        short.push(c);
    }
    short + "\u{2026}"
}
