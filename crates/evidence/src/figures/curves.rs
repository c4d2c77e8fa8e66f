//! What each place learned, as a function: the mixture against its strongest activation, over the inputs that
//! it really sees.

use super::{Figure, activation_stroke, adact_layers, columns, layer_title, place_title};
use crate::axes::{Axes, range, ticks};
use crate::function::{curve, mixture, slope};
use crate::names;
use crate::records::{InputHistogram, LANGUAGE, LayerWeights, RunResult, StudyResult};
use crate::svg::{Anchor, INK, MUTED, PAPER, Panel, SHADE, Stroke, TEXT};

/// The range of inputs where none are known.
const USUAL: (f64, f64) = (-4.0, 4.0);
const POINTS: usize = 161;

/// One panel a place, of the first seed: the mixture that AdAct learned, the activation that it chose, and how
/// often it sees which input.
pub fn functions(result: &StudyResult) -> Option<Figure> {
    let runs = adact_layers(result);
    let (run, layers) = *runs.first()?;
    let known = |l: &&LayerWeights| mixture(l, 1.0, None).is_some();
    if layers.is_empty() || !layers.iter().all(|l| known(&l)) {
        return None;
    }
    let data = if result.task.as_deref() == Some(LANGUAGE) {
        "part of the training text"
    } else {
        "first training images"
    };
    let seen = match run.inputs {
        Some(_) => format!(", over the inputs it sees for the {data} (shaded, not to scale)"),
        None => String::new(),
    };
    Some(Figure {
        name: "functions",
        title: format!(
            "What each {} learned on {} (seed {})",
            result.place_word(),
            result.subject(),
            run.seed
        ),
        caption: format!(
            "The mixture (solid) against the activation with the largest weight (dashed) and ReLU (dotted){seen}."
        ),
        columns: columns(layers.len()),
        panels: layers.iter().enumerate().map(|(i, layer)| panel(result, run, i, layer)).collect(),
        png_panels: None,
    })
}

fn panel(result: &StudyResult, run: &RunResult, i: usize, layer: &LayerWeights) -> Panel {
    let histogram = run.inputs_of_layer(i);
    let constants = run.constants.as_ref();
    let (low, high) = histogram.map_or(USUAL, shown);
    let xs: Vec<f64> = (0..POINTS).map(|k| low + (high - low) * k as f64 / (POINTS - 1) as f64).collect();
    let of =
        |name: &str| xs.iter().filter_map(|x| curve(name, *x, slope(layer), constants)).collect::<Vec<_>>();
    let learned: Vec<f64> = xs.iter().filter_map(|x| mixture(layer, *x, constants)).collect();
    let chosen = of(&layer.choice);

    let choice = names::activation(&layer.choice);
    let title = match result.seeds.len() {
        1 => layer_title(result, i),
        _ => format!("{}: {choice} with seed {}", place_title(result, i), run.seed),
    };
    let mut panel = Panel::new(430.0, 290.0, format!("{title}: the learned mixture against {choice}."));
    panel.text((4.0, 16.0), &title, TEXT.size(13.5).bold());
    let y = range(learned.iter().chain(&chosen).copied(), 0.06).unwrap_or((-1.0, 1.0));
    let axes = Axes::new(&panel, [40.0, 28.0, 14.0, 40.0], (low, high), y);
    if let Some(histogram) = histogram {
        draw_histogram(&mut panel, &axes, histogram);
    }
    axes.grid_y(&mut panel, &ticks(y, 5));
    axes.grid_x(&mut panel, &ticks((low, high), 6));
    axes.name_x(&mut panel, "input of the activation");
    axes.lines(&mut panel);
    for zero in [[axes.at(0.0, y.0), axes.at(0.0, y.1)], [axes.at(low, 0.0), axes.at(high, 0.0)]] {
        panel.line(zero[0], zero[1], Stroke::solid(MUTED, 0.8));
    }

    let line = |values: &[f64]| xs.iter().zip(values).map(|(x, y)| axes.at(*x, *y)).collect::<Vec<_>>();
    let strokes = [
        ("ReLU".to_string(), of("relu"), Stroke::solid(MUTED, 1.4).dashed("1.5 3")),
        ("AdAct (learned)".to_string(), learned, Stroke::solid(INK, 2.4)),
        (format!("{choice} (chosen)"), chosen, activation_stroke_dashed(&layer.choice)),
    ];
    let shown = strokes.iter().filter(|(name, _, _)| !(name == "ReLU" && layer.choice == "relu"));
    panel.rect((axes.left + 6.0, axes.top + 1.0), 142.0, 54.0, PAPER, 0.85);
    for (row, (name, values, stroke)) in shown.enumerate() {
        panel.polyline(&line(values), *stroke);
        let at = (axes.left + 12.0, axes.top + 14.0 + 17.0 * row as f64);
        panel.line((at.0, at.1 - 4.0), (at.0 + 28.0, at.1 - 4.0), *stroke);
        panel.text((at.0 + 34.0, at.1), name, TEXT.size(11.5));
    }
    panel
}

/// The choice in its own colour, dashed whatever its usual line: the mixture lies close to it.
fn activation_stroke_dashed(name: &str) -> Stroke {
    let stroke = activation_stroke(name);
    let paint = if stroke.paint == INK { crate::svg::OKABE_ITO[5] } else { stroke.paint };
    Stroke::solid(paint, 2.4).dashed("7 4")
}

/// The bins between the outermost that hold a thousandth of the inputs each side: tails only make the picture
/// smaller.
fn shown(h: &InputHistogram) -> (f64, f64) {
    let bin = (h.high - h.low) / h.counts.len() as f64;
    let least = h.total() as f64 / 1000.0;
    let (mut left, mut below) = (0, h.below as f64);
    while left + 1 < h.counts.len() && below + h.counts[left] as f64 <= least {
        below += h.counts[left] as f64;
        left += 1;
    }
    let (mut right, mut above) = (h.counts.len(), h.above as f64);
    while right > left + 1 && above + h.counts[right - 1] as f64 <= least {
        above += h.counts[right - 1] as f64;
        right -= 1;
    }
    let (low, high) = (h.low + bin * left as f64, h.low + bin * right as f64);
    // Both sides of zero belong in the picture, whatever the layer sees.
    (low.min(-1.0), high.max(1.0))
}

fn draw_histogram(panel: &mut Panel, axes: &Axes, h: &InputHistogram) {
    let highest = h.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bin = (h.high - h.low) / h.counts.len() as f64;
    let room = (axes.bottom - axes.top) * 0.55;
    for (i, &count) in h.counts.iter().enumerate() {
        let (from, to) = (h.low + bin * i as f64, h.low + bin * (i + 1) as f64);
        if to <= axes.x.low + 1e-9 || from >= axes.x.high - 1e-9 || count == 0 {
            continue;
        }
        let (x0, x1) = (axes.x.at(from.max(axes.x.low)), axes.x.at(to.min(axes.x.high)));
        panel.rect((x0, axes.bottom), x1 - x0 + 0.3, -room * count as f64 / highest, SHADE, 1.0);
    }
    let below_zero = |i: &usize| h.low + bin * (*i as f64 + 0.5) < 0.0;
    let negative = h.below + (0..h.counts.len()).filter(below_zero).map(|i| h.counts[i]).sum::<u64>();
    let share = negative as f64 / h.total().max(1) as f64;
    let label = format!("{:.0}% below 0", share * 100.0);
    panel.text(
        (axes.right - 6.0, axes.bottom - 8.0),
        &label,
        TEXT.size(11.0).anchor(Anchor::End).paint(MUTED),
    );
}
