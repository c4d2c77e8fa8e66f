//! The differences of variants in pairs, and the verdicts.

use super::accuracies::whisker;
use super::{Figure, room};
use crate::axes::{Axes, number, range, ticks};
use crate::records::StudyResult;
use crate::statistics::{Comparison, Verdict};
use crate::svg::{Anchor, INK, MUTED, OKABE_ITO, Paint, Panel, Stroke, TEXT};
use crate::table::{correction_in_words, direction_in_words};

const ROW: f64 = 34.0;

/// One row a comparison: rings are seeds, the dot the mean difference, the whisker its 95% interval. Of many comparisons
/// only AdAct's are drawn. Absent with a single seed.
pub fn differences(result: &StudyResult) -> Option<Figure> {
    let (first, others) = result.statistics.by_interest();
    let comparisons: Vec<&Comparison> = first.into_iter().filter(|c| c.difference.n > 1).collect();
    let dots = comparisons.iter().flat_map(|c| c.differences.iter().copied());
    let whiskers = comparisons.iter().filter_map(|c| c.difference.ci95).flatten();
    let x = range(dots.chain(whiskers).chain([0.0]), 0.06).filter(|_| !comparisons.is_empty())?;

    let name = |c: &Comparison| format!("{} \u{2212} {}", c.name_a(), c.name_b());
    let names: Vec<String> = comparisons.iter().map(|c| name(c)).collect();
    let description: Vec<String> = comparisons.iter().map(|c| c.words()).collect();
    let mut panel =
        Panel::new(640.0, 62.0 + ROW * names.len() as f64, format!("{}.", description.join("; ")));
    let name_room = 18.0 + room(names.iter().map(String::as_str), 12.5);
    let verdicts: Vec<String> = comparisons.iter().map(|c| short(c)).collect();
    let verdict_room = 24.0 + room(verdicts.iter().map(String::as_str), 12.0);
    let axes = Axes::new(&panel, [name_room, 8.0, verdict_room, 46.0], x, (0.0, 1.0));
    axes.grid_x(&mut panel, &ticks(x, 6));
    let (metric, judged) = (result.primary(), result.judged_in_words());
    let (test, lower) = (metric.on_test(), if metric.higher_is_better { "" } else { " (lower is better)" });
    axes.name_x(&mut panel, &format!("difference in {test} {judged}, by seed{lower}"));
    panel.line((axes.x.at(0.0), axes.top), (axes.x.at(0.0), axes.bottom), Stroke::solid(INK, 1.4));
    for (i, ((c, name), verdict)) in comparisons.iter().zip(&names).zip(&verdicts).enumerate() {
        let y = axes.top + ROW * (i as f64 + 0.5);
        let paint = paint(c.verdict);
        panel.text((name_room - 10.0, y + 4.5), name, TEXT.anchor(Anchor::End));
        if let Some([low, high]) = c.difference.ci95 {
            whisker(&mut panel, &axes, (low, high), y, Stroke::solid(paint, 2.0));
        }
        for d in &c.differences {
            panel.ring((axes.x.at(*d), y - 9.0), 2.8, Stroke::solid(paint, 1.3));
        }
        panel.dot((axes.x.at(c.difference.mean), y), 5.2, paint, 1.0);
        panel.text((axes.right + 14.0, y + 4.5), verdict, TEXT.size(12.0));
    }
    panel.line((axes.left, axes.bottom), (axes.right, axes.bottom), Stroke::solid(MUTED, 1.0));
    Some(Figure {
        name: "differences",
        title: format!("Paired differences in {test} on {}", result.subject()),
        caption: format!(
            "Of the {test} {judged}.{} Rings are seeds, dots mean differences, whiskers their 95% intervals (Student's t, not corrected). Verdicts at the {} \
             level by permutation tests, {}{}.",
            direction_in_words(result),
            number(result.statistics.level, 2),
            correction_in_words(result),
            if others.is_empty() { "" } else { ", of which those of AdAct and Optimized are drawn" }
        ),
        columns: 1,
        panels: vec![panel],
        png_panels: None,
    })
}

fn short(c: &Comparison) -> String {
    match c.verdict {
        Verdict::Better | Verdict::Worse | Verdict::NoDifferenceShown => c.short().into(),
        Verdict::TooFewSeeds => format!("needs {} seeds", c.seeds_to_reach_level),
    }
}

fn paint(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Better => OKABE_ITO[5],
        Verdict::Worse => OKABE_ITO[6],
        Verdict::NoDifferenceShown | Verdict::TooFewSeeds => MUTED,
    }
}
