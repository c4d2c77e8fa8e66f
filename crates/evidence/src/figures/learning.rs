//! How the networks learned: the primary metric and the loss over the epochs or steps.

use super::time::Times;
use super::{Figure, LABEL, seeds_in_words, variant_stroke};
use crate::axes::{Axes, clip, range, spread, ticks};
use crate::metric::Metric;
use crate::names;
use crate::records::{EpochRecord, Metrics, Selection, Study, Unit};
use crate::svg::{Panel, Stroke, TEXT, text_width};

/// Of more variants than these single seeds would hide the means.
const MANY_VARIANTS: usize = 12;

/// Panels: the primary metric and the loss on what was held out, and in training, of every variant. Held out is what
/// picked the epoch: the test set, or the validation part. Absent with a single epoch.
pub fn learning_curves(study: &Study) -> Option<Figure> {
    let set = match study.result.selection {
        Selection::Test => "Test",
        Selection::Validation(_) | Selection::ValidationSet => "Validation",
    };
    let (primary, loss) = (study.result.primary(), Metric::of("loss"));
    let metrics = if primary.name == loss.name { vec![loss] } else { vec![primary, loss] };
    let panels: Vec<Panel> =
        metrics
            .iter()
            .map(|metric| {
                panel(study, &format!("{set} {}", metric.words), |e| held_out(study, e)?.get(&metric.name))
            })
            .chain(metrics.iter().map(|metric| {
                panel(study, &format!("Training {}", metric.words), |e| e.train.get(&metric.name))
            }))
            .flatten()
            .collect();
    let seeds = study.result.seeds.len();
    let thin = match seeds > 1 {
        true if study.result.variants.len() > MANY_VARIANTS => "Lines are means over the seeds. ",
        true => "Thick lines are means over the seeds, thin ones single seeds. ",
        false => "",
    };
    let (each, batches) = match study.result.unit() {
        Unit::Epoch => ("epoch", "the epoch's batches"),
        Unit::Step => ("evaluation", "the batches since the evaluation before"),
    };
    (!panels.is_empty()).then(|| Figure {
        name: "learning_curves",
        title: format!(
            "Learning curves on {} ({})",
            study.result.subject(),
            seeds_in_words(seeds, &study.result)
        ),
        caption: format!(
            "{thin}The first {each}s may lie outside. Training numbers are means over {batches} while the weights moved."
        ),
        columns: 2,
        panels,
        png_panels: None,
    })
}

/// What was measured on the data that picks the epoch.
fn held_out<'a>(study: &Study, epoch: &'a EpochRecord) -> Option<&'a Metrics> {
    match study.result.selection {
        Selection::Test => epoch.test.as_ref(),
        Selection::Validation(_) | Selection::ValidationSet => epoch.validation.as_ref(),
    }
}

fn panel(study: &Study, title: &str, value: impl Fn(&EpochRecord) -> Option<f64>) -> Option<Panel> {
    let variants = &study.result.variants;
    let of = |variant| {
        let runs = study.runs_of(variant).filter(|(_, e)| !e.is_empty());
        runs.map(|(_, e)| e.iter().map(|e| value(e).unwrap_or(f64::NAN)).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let lines: Vec<(usize, &str, Vec<Vec<f64>>)> = variants
        .iter()
        .enumerate()
        .map(|(i, v)| (i, v.as_str(), of(v)))
        .filter(|(_, _, l)| !l.is_empty())
        .collect();
    let epochs = lines.iter().flat_map(|(_, _, l)| l.iter().map(Vec::len)).max().filter(|n| *n > 1)?;
    let times = Times::of(variants.iter().flat_map(|v| study.runs_of(v)).map(|(_, epochs)| epochs))?;
    // The first epochs are far from the rest: with them in the picture the variants could not be told apart.
    let shown = |l: &Vec<f64>| l.iter().skip(epochs / 5).copied().collect::<Vec<_>>();
    let y = range(lines.iter().flat_map(|(_, _, l)| l.iter().flat_map(shown)), 0.05)?;

    let names: Vec<String> = lines.iter().map(|(_, v, _)| names::variant(*v)).collect();
    // Every name needs its line.
    let height = (LABEL * lines.len() as f64 + 28.0 + 40.0).max(280.0);
    let room = names.iter().map(|n| text_width(n, 11.5)).fold(0.0, f64::max);
    let mut panel = Panel::new(
        430.0,
        height,
        format!("{title} of {} over the {}s.", names.join(", "), times.unit.word()),
    );
    panel.text((4.0, 16.0), title, TEXT.size(13.5).bold());
    let axes = Axes::new(&panel, [48.0, 28.0, 22.0 + room, 40.0], times.range(epochs), y);
    axes.grid_y(&mut panel, &ticks(y, 5));
    axes.grid_x(&mut panel, &times.ticks(epochs));
    axes.name_x(&mut panel, times.unit.word());
    axes.lines(&mut panel);

    let mut ends = Vec::new();
    for (i, variant, seeds) in &lines {
        let stroke = variant_stroke(*i, variant);
        let points = |values: &[f64]| {
            let line: Vec<_> = values.iter().enumerate().map(|(e, v)| (times.at(e), *v)).collect();
            clip(&line, y).into_iter().map(|(e, v)| axes.at(e, v)).collect::<Vec<_>>()
        };
        if seeds.len() > 1 && lines.len() <= MANY_VARIANTS {
            for seed in seeds {
                panel.polyline(&points(seed), Stroke::solid(stroke.paint, 0.8).faint(0.3));
            }
        }
        let mean: Vec<f64> = (0..epochs)
            .map(|e| {
                let there: Vec<f64> = seeds.iter().filter_map(|s| s.get(e)).copied().collect();
                there.iter().sum::<f64>() / there.len() as f64
            })
            .collect();
        panel.polyline(&points(&mean), stroke);
        ends.push(mean.iter().rev().find(|v| v.is_finite()).map_or(axes.bottom, |v| axes.y.at(*v)));
    }
    let places = spread(&ends, LABEL, axes.top, axes.bottom);
    for (((i, variant, _), name), (place, end)) in lines.iter().zip(&names).zip(places.into_iter().zip(ends))
    {
        let paint = variant_stroke(*i, variant).paint;
        panel.line((axes.right + 2.0, end), (axes.right + 11.0, place), Stroke::solid(paint, 1.2));
        panel.text((axes.right + 14.0, place + 4.0), name, TEXT.size(11.5));
    }
    Some(panel)
}
