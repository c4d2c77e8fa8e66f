//! Accuracies as dots, their means with intervals as whiskers.

use super::{Figure, room, variant_stroke};
use crate::axes::{Axes, range, ticks};
use crate::names;
use crate::paper;
use crate::records::StudyResult;
use crate::svg::{Anchor, INK, MUTED, PAPER, Panel, Stroke, TEXT, text_width};
use crate::table::mean_and_sd;

const ROW: f64 = 34.0;

/// One row a variant: small rings are seeds, the dot is their mean, the whisker its 95% interval; a diamond
/// is what the paper reports for that data set.
pub fn accuracies(result: &StudyResult) -> Option<Figure> {
    if result.table.is_empty() {
        return None;
    }
    let names: Vec<String> = result.table.iter().map(|r| names::variant(&r.variant)).collect();
    let of = |variant: &str| {
        let runs = result.runs.iter().filter(|r| r.variant == variant);
        runs.map(|r| r.best.test_accuracy).collect::<Vec<_>>()
    };
    let papers: Vec<Option<f64>> =
        result.table.iter().map(|r| paper::accuracy(&r.variant, &result.dataset)).collect();
    let whiskers = result.table.iter().filter_map(|r| r.accuracy.ci95).flatten();
    let dots = result.table.iter().flat_map(|r| of(&r.variant));
    let x = range(dots.chain(whiskers).chain(papers.iter().flatten().copied()), 0.06)?;

    let several = result.seeds.len() > 1;
    let description: Vec<String> =
        result.table.iter().zip(&names).map(|(r, n)| format!("{n} {}", mean_and_sd(&r.accuracy))).collect();
    let height = 86.0 + ROW * names.len() as f64;
    let mut panel = Panel::new(580.0, height, format!("Test accuracy: {}.", description.join(", ")));
    let value_room = room(
        result.table.iter().map(|r| mean_and_sd(&r.accuracy)).collect::<Vec<_>>().iter().map(String::as_str),
        12.0,
    );
    let name_room = 18.0 + room(names.iter().map(String::as_str), 12.5);
    let axes = Axes::new(&panel, [name_room, 8.0, value_room + 24.0, 70.0], x, (0.0, 1.0));
    axes.grid_x(&mut panel, &ticks(x, 6));
    axes.name_x(&mut panel, "test accuracy");
    for (i, (row, name)) in result.table.iter().zip(&names).enumerate() {
        let y = axes.top + ROW * (i as f64 + 0.5);
        let place = result.variants.iter().position(|v| *v == row.variant).unwrap_or(i);
        let paint = variant_stroke(place, &row.variant).paint;
        panel.text((name_room - 10.0, y + 4.5), name, TEXT.anchor(Anchor::End));
        if let Some([low, high]) = row.accuracy.ci95 {
            whisker(&mut panel, &axes, (low, high), y, Stroke::solid(paint, 2.0));
        }
        if several {
            for accuracy in of(&row.variant) {
                panel.ring((axes.x.at(accuracy), y - 9.0), 2.8, Stroke::solid(paint, 1.3));
            }
        }
        panel.dot((axes.x.at(row.accuracy.mean), y), 5.2, paint, 1.0);
        if let Some(paper) = papers[i] {
            panel.diamond((axes.x.at(paper), y + 9.0), 6.0, PAPER);
            panel.diamond((axes.x.at(paper), y + 9.0), 5.0, INK);
        }
        panel.text((axes.right + 14.0, y + 4.5), &mean_and_sd(&row.accuracy), TEXT.size(12.0));
    }
    panel.line((axes.left, axes.bottom), (axes.right, axes.bottom), Stroke::solid(MUTED, 1.0));
    legend(&mut panel, &axes, several, papers.iter().any(Option::is_some));
    let mut caption = String::from(if several {
        "Rings are seeds, dots their means, whiskers the 95% intervals of the means (Student's t)."
    } else {
        "One seed: nothing can be said of how far another seed would fall."
    });
    if papers.iter().any(Option::is_some) {
        caption += " Diamonds: the paper's numbers, one run each.";
    }
    Some(Figure {
        name: "accuracies",
        title: format!("Test accuracy on {}", names::dataset(&result.dataset)),
        caption,
        columns: 1,
        panels: vec![panel],
    })
}

/// The marks and their meaning, in a line below.
fn legend(panel: &mut Panel, axes: &Axes, several: bool, paper: bool) {
    let y = axes.bottom + 54.0;
    let mut x = axes.left;
    let mut entry = |panel: &mut Panel, width: f64, text: &str, mark: &dyn Fn(&mut Panel, f64)| {
        mark(panel, x);
        panel.text((x + width, y + 4.0), text, TEXT.size(11.5).paint(MUTED));
        x += width + text_width(text, 11.5) + 16.0;
    };
    if several {
        entry(panel, 10.0, "a seed", &|p, x| p.ring((x + 3.0, y), 2.8, Stroke::solid(MUTED, 1.3)));
        entry(panel, 40.0, "mean and its 95% interval", &|p, x| {
            p.line((x + 4.0, y), (x + 32.0, y), Stroke::solid(MUTED, 2.0));
            p.line((x + 4.0, y - 4.0), (x + 4.0, y + 4.0), Stroke::solid(MUTED, 2.0));
            p.line((x + 32.0, y - 4.0), (x + 32.0, y + 4.0), Stroke::solid(MUTED, 2.0));
            p.dot((x + 18.0, y), 4.5, MUTED, 1.0);
        });
    } else {
        entry(panel, 14.0, "the one seed", &|p, x| p.dot((x + 5.0, y), 4.5, MUTED, 1.0));
    }
    if paper {
        entry(panel, 14.0, "the paper (one run)", &|p, x| p.diamond((x + 5.0, y), 5.0, INK));
    }
}

/// A horizontal line with ends; where it leaves the picture it has none.
pub(super) fn whisker(panel: &mut Panel, axes: &Axes, (low, high): (f64, f64), y: f64, stroke: Stroke) {
    panel.line((axes.x.at(low), y), (axes.x.at(high), y), stroke);
    for end in [low, high] {
        panel.line((axes.x.at(end), y - 5.0), (axes.x.at(end), y + 5.0), stroke);
    }
}
