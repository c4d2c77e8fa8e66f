//! How the networks learned: accuracy and loss over the epochs.

use super::{Figure, seeds_in_words, variant_stroke};
use crate::axes::{Axes, clip, range, spread, ticks};
use crate::names;
use crate::records::{EpochRecord, Selection, Study};
use crate::svg::{Panel, Stroke, TEXT, text_width};

type Value = fn(&EpochRecord) -> Option<f64>;

/// Panels: held-out accuracy, held-out loss and training loss of every variant. Held out is what picked the
/// epoch: the test set, or the validation part. Absent with a single epoch.
pub fn learning_curves(study: &Study) -> Option<Figure> {
    let (accuracy, loss, set): (Value, Value, _) = match study.result.selection {
        Selection::Test => (|e| e.test_accuracy, |e| e.test_loss, "Test"),
        Selection::Validation(_) | Selection::ValidationSet => {
            (|e| e.validation_accuracy, |e| e.validation_loss, "Validation")
        }
    };
    let panels: Vec<Panel> = [
        (format!("{set} accuracy"), accuracy),
        (format!("{set} loss"), loss),
        ("Training accuracy".into(), |e: &EpochRecord| Some(e.train_accuracy)),
        ("Training loss".into(), |e: &EpochRecord| Some(e.train_loss)),
    ]
    .into_iter()
    .filter_map(|(title, value)| panel(study, &title, value))
    .collect();
    let seeds = study.result.seeds.len();
    let thin = if seeds > 1 { "Thick lines are means over the seeds, thin ones single seeds. " } else { "" };
    (!panels.is_empty()).then(|| Figure {
        name: "learning_curves",
        title: format!(
            "Learning curves on {} ({})",
            names::dataset(&study.result.dataset),
            seeds_in_words(seeds, &study.result)
        ),
        caption: format!(
            "{thin}The first epochs may lie outside. Training numbers are means over the epoch's batches while the weights moved."
        ),
        columns: 2,
        panels,
        png_panels: None,
    })
}

fn panel(study: &Study, title: &str, value: Value) -> Option<Panel> {
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
    // The first epochs are far from the rest: with them in the picture the variants could not be told apart.
    let shown = |l: &Vec<f64>| l.iter().skip(epochs / 5).copied().collect::<Vec<_>>();
    let y = range(lines.iter().flat_map(|(_, _, l)| l.iter().flat_map(shown)), 0.05)?;

    let names: Vec<String> = lines.iter().map(|(_, v, _)| names::variant(v)).collect();
    let room = names.iter().map(|n| text_width(n, 11.5)).fold(0.0, f64::max);
    let mut panel = Panel::new(430.0, 280.0, format!("{title} of {} over the epochs.", names.join(", ")));
    panel.text((4.0, 16.0), title, TEXT.size(13.5).bold());
    let axes = Axes::new(&panel, [48.0, 28.0, 22.0 + room, 40.0], (1.0, epochs as f64), y);
    axes.grid_y(&mut panel, &ticks(y, 5));
    axes.grid_x(&mut panel, &super::epochs::whole_ticks(epochs));
    axes.name_x(&mut panel, "epoch");
    axes.lines(&mut panel);

    let mut ends = Vec::new();
    for (i, variant, seeds) in &lines {
        let stroke = variant_stroke(*i, variant);
        let points = |values: &[f64]| {
            let line: Vec<_> = values.iter().enumerate().map(|(e, v)| (e as f64 + 1.0, *v)).collect();
            clip(&line, y).into_iter().map(|(e, v)| axes.at(e, v)).collect::<Vec<_>>()
        };
        if seeds.len() > 1 {
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
    let places = spread(&ends, 14.0, axes.top, axes.bottom);
    for (((i, variant, _), name), (place, end)) in lines.iter().zip(&names).zip(places.into_iter().zip(ends))
    {
        let paint = variant_stroke(*i, variant).paint;
        panel.line((axes.right + 2.0, end), (axes.right + 11.0, place), Stroke::solid(paint, 1.2));
        panel.text((axes.right + 14.0, place + 4.0), name, TEXT.size(11.5));
    }
    Some(panel)
}
