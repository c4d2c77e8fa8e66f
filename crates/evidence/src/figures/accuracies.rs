//! Accuracies, or what the metric is, as dots, their means with intervals as whiskers.

use super::{Figure, room, variant_stroke};
use crate::axes::{Axes, range, ticks};
use crate::paper;
use crate::records::{RunResult, StudyResult};
use crate::statistics::Summary;
use crate::svg::{Anchor, INK, MUTED, PAPER, Paint, Panel, Stroke, TEXT, text_width};
use crate::table::{TableRow, capital, mean_and_sd};

const ROW: f64 = 34.0;

/// One row a variant, of the test number that verdicts rest on: small rings are seeds, the dot is their mean, the whisker
/// its 95% interval. Where the test set picked epochs, an open diamond is the mean of the best epochs, beside a filled
/// one for what the paper reports for that data set, which is the same kind of number.
pub fn accuracies(result: &StudyResult) -> Option<Figure> {
    let rows: Vec<(&TableRow, Summary)> = result.table.iter().filter_map(|r| Some((r, r.judged?))).collect();
    let names: Vec<String> = rows.iter().map(|(r, _)| r.name()).collect();
    let of = |variant: &str| {
        let runs = result.runs.iter().filter(|r| r.variant == variant);
        runs.filter_map(RunResult::judged).collect::<Vec<_>>()
    };
    let metric = result.primary();
    let like_paper = result.is_papers_network() && metric.is_accuracy();
    let paper = |variant: &str| paper::accuracy(variant, &result.dataset).filter(|_| like_paper);
    let papers: Vec<Option<f64>> = rows.iter().map(|(r, _)| paper(&r.variant)).collect();
    let picked = result.picked_in_words();
    let best = |r: &TableRow| picked.and(r.kept()).map(|kept| kept.mean);
    let whiskers = rows.iter().filter_map(|(_, judged)| judged.ci95).flatten();
    let dots = rows.iter().flat_map(|(r, _)| of(&r.variant));
    let diamonds = papers.iter().copied().chain(rows.iter().map(|(r, _)| best(r))).flatten();
    let x = range(dots.chain(whiskers).chain(diamonds), 0.06)?;

    let several = result.seeds.len() > 1;
    let description: Vec<String> =
        rows.iter().zip(&names).map(|((_, judged), n)| format!("{n} {}", mean_and_sd(judged))).collect();
    let height = 86.0 + ROW * names.len() as f64;
    let mut panel =
        Panel::new(580.0, height, format!("{}: {}.", capital(&metric.on_test()), description.join(", ")));
    let value_room =
        room(rows.iter().map(|(_, j)| mean_and_sd(j)).collect::<Vec<_>>().iter().map(String::as_str), 12.0);
    let name_room = 18.0 + room(names.iter().map(String::as_str), 12.5);
    let axes = Axes::new(&panel, [name_room, 8.0, value_room + 24.0, 70.0], x, (0.0, 1.0));
    axes.grid_x(&mut panel, &ticks(x, 6));
    let judged_in_words = result.judged_in_words();
    let lower = if metric.higher_is_better { "" } else { " (lower is better)" };
    axes.name_x(&mut panel, &format!("{} {judged_in_words}{lower}", metric.on_test()));
    for (i, ((row, judged), name)) in rows.iter().zip(&names).enumerate() {
        let y = axes.top + ROW * (i as f64 + 0.5);
        let place = result.variants.iter().position(|v| *v == row.variant).unwrap_or(i);
        let paint = variant_stroke(place, &row.variant).paint;
        panel.text((name_room - 10.0, y + 4.5), name, TEXT.anchor(Anchor::End));
        if let Some([low, high]) = judged.ci95 {
            whisker(&mut panel, &axes, (low, high), y, Stroke::solid(paint, 2.0));
        }
        if several {
            for accuracy in of(&row.variant) {
                panel.ring((axes.x.at(accuracy), y - 9.0), 2.8, Stroke::solid(paint, 1.3));
            }
        }
        panel.dot((axes.x.at(judged.mean), y), 5.2, paint, 1.0);
        if let Some(best) = best(row) {
            open_diamond(&mut panel, (axes.x.at(best), y + 9.0), paint);
        }
        if let Some(paper) = papers[i] {
            panel.diamond((axes.x.at(paper), y + 9.0), 6.0, PAPER);
            panel.diamond((axes.x.at(paper), y + 9.0), 5.0, INK);
        }
        panel.text((axes.right + 14.0, y + 4.5), &mean_and_sd(judged), TEXT.size(12.0));
    }
    panel.line((axes.left, axes.bottom), (axes.right, axes.bottom), Stroke::solid(MUTED, 1.0));
    let best_mark = picked.map(|_| format!("mean of best {}s", result.unit().word()));
    legend(&mut panel, &axes, several, best_mark, papers.iter().any(Option::is_some));
    let mut caption = String::from(if several {
        "Rings are seeds, dots their means, whiskers the 95% intervals of the means (Student's t)."
    } else {
        "One seed: nothing can be said of how far another seed would fall."
    });
    if let Some(picked) = picked {
        caption += &format!(
            " Open diamonds: the {picked}, the mean of the {} {} of each run.",
            metric.superlative(),
            metric.plural
        );
    }
    if papers.iter().any(Option::is_some) {
        caption += " Filled diamonds: the paper's numbers, the best epoch of one run each.";
    }
    Some(Figure {
        name: if metric.is_accuracy() { "accuracies" } else { "results" },
        title: format!("{} {judged_in_words} on {}", capital(&metric.on_test()), result.subject()),
        caption,
        columns: 1,
        panels: vec![panel],
        png_panels: None,
    })
}

/// The marks and their meaning, in a line below.
fn legend(panel: &mut Panel, axes: &Axes, several: bool, picked: Option<String>, paper: bool) {
    let y = axes.bottom + 54.0;
    let mut x = 8.0;
    let mut entry = |panel: &mut Panel, width: f64, text: &str, mark: &dyn Fn(&mut Panel, f64)| {
        mark(panel, x);
        panel.text((x + width, y + 4.0), text, TEXT.size(11.5).paint(MUTED));
        x += width + text_width(text, 11.5) + 16.0;
    };
    if several {
        entry(panel, 10.0, "a seed", &|p, x| p.ring((x + 3.0, y), 2.8, Stroke::solid(MUTED, 1.3)));
        entry(panel, 40.0, "mean, 95% interval", &|p, x| {
            p.line((x + 4.0, y), (x + 32.0, y), Stroke::solid(MUTED, 2.0));
            p.line((x + 4.0, y - 4.0), (x + 4.0, y + 4.0), Stroke::solid(MUTED, 2.0));
            p.line((x + 32.0, y - 4.0), (x + 32.0, y + 4.0), Stroke::solid(MUTED, 2.0));
            p.dot((x + 18.0, y), 4.5, MUTED, 1.0);
        });
    } else {
        entry(panel, 14.0, "the one seed", &|p, x| p.dot((x + 5.0, y), 4.5, MUTED, 1.0));
    }
    if let Some(picked) = picked {
        entry(panel, 14.0, &picked, &|p, x| open_diamond(p, (x + 5.0, y), MUTED));
    }
    if paper {
        entry(panel, 14.0, "the paper (best epoch)", &|p, x| p.diamond((x + 5.0, y), 5.0, INK));
    }
}

/// A diamond whose inside is the ground's colour.
fn open_diamond(panel: &mut Panel, at: (f64, f64), paint: Paint) {
    panel.diamond(at, 5.5, paint);
    panel.diamond(at, 3.4, PAPER);
}

/// A horizontal line with ends; where it leaves the picture it has none.
pub(super) fn whisker(panel: &mut Panel, axes: &Axes, (low, high): (f64, f64), y: f64, stroke: Stroke) {
    panel.line((axes.x.at(low), y), (axes.x.at(high), y), stroke);
    for end in [low, high] {
        panel.line((axes.x.at(end), y - 5.0), (axes.x.at(end), y + 5.0), stroke);
    }
}
