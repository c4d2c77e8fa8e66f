//! How the weights moved while the network learned.

use super::time::Times;
use super::{Figure, LABEL, activation_stroke, columns, layer_title, portions_in_words, seeds_in_words};
use crate::agreement::mixture_of;
use crate::axes::{Axes, range, spread, ticks};
use crate::names;
use crate::records::{LayerWeights, Study};
use crate::svg::{Panel, Stroke, TEXT, text_width};

/// One panel a place: softmax(w) of each candidate over the epochs. Thick lines are means over the seeds,
/// thin ones the seeds. Absent with a single epoch.
pub fn weights_over_epochs(study: &Study) -> Option<Figure> {
    let mixture = mixture_of(&study.result.runs);
    let seeds: Vec<Vec<&[LayerWeights]>> = study
        .runs_of(mixture)
        .map(|(_, epochs)| epochs.iter().map_while(|e| e.layers.as_deref()).collect::<Vec<_>>())
        .filter(|epochs| epochs.len() > 1)
        .collect();
    let layers = seeds.iter().flatten().map(|l| l.len()).min().filter(|n| *n > 0)?;
    let all = seeds.iter().flatten().flat_map(|l| l.iter()).flat_map(|l| l.softmax.iter().map(|s| *s as f64));
    let y = range(all, 0.06)?;
    let times = Times::of(study.runs_of(mixture).map(|(_, epochs)| epochs))?;
    let thin =
        if seeds.len() > 1 { " Thick lines are means over the seeds, thin ones single seeds." } else { "" };
    Some(Figure {
        name: "weights_over_epochs",
        title: format!(
            "{} weights over the {}s on {} ({})",
            study.result.mixture_name(),
            times.unit.word(),
            study.result.subject(),
            seeds_in_words(seeds.len(), &study.result)
        ),
        caption: format!(
            "{} of each candidate after each {}.{thin}",
            portions_in_words(&study.result),
            times.each()
        ),
        columns: columns(layers),
        panels: (0..layers).map(|layer| panel(study, layer, &seeds, &times, y)).collect(),
        png_panels: None,
    })
}

fn panel(study: &Study, layer: usize, seeds: &[Vec<&[LayerWeights]>], times: &Times, y: (f64, f64)) -> Panel {
    let title = layer_title(&study.result, layer);
    let candidates = seeds[0][0][layer].candidates();
    // As high as its labels are one above the other, and as wide to the right as the longest.
    let height = f64::max(280.0, 68.0 + LABEL * candidates.len() as f64);
    let names = candidates.iter().map(|name| text_width(names::activation(name), 11.5));
    let right = names.fold(66.0, |widest: f64, name| widest.max(name + 16.0));
    let mut panel =
        Panel::new(430.0, height, format!("{title}: softmax weights over the {}s.", times.unit.word()));
    panel.text((4.0, 16.0), &title, TEXT.size(13.5).bold());
    let epochs = seeds.iter().map(Vec::len).max().unwrap_or(1);
    let axes = Axes::new(&panel, [48.0, 28.0, right, 40.0], times.range(epochs), y);
    axes.grid_y(&mut panel, &ticks(y, 5));
    axes.grid_x(&mut panel, &times.ticks(epochs));
    axes.name_x(&mut panel, times.unit.word());
    axes.lines(&mut panel);

    let mut ends = Vec::new();
    for name in &candidates {
        let stroke = activation_stroke(name);
        let weight = |l: &[LayerWeights]| l[layer].share_of(name);
        if seeds.len() > 1 {
            for seed in seeds {
                let line = seed.iter().enumerate().map(|(e, l)| axes.at(times.at(e), weight(l)));
                let line: Vec<_> = line.collect();
                panel.polyline(&line, Stroke::solid(stroke.paint, 0.8).faint(0.35));
            }
        }
        let mean = |epoch: usize| {
            let there: Vec<f64> = seeds.iter().filter_map(|s| s.get(epoch)).map(|l| weight(l)).collect();
            there.iter().sum::<f64>() / there.len() as f64
        };
        let line = (0..epochs).map(|e| axes.at(times.at(e), mean(e)));
        let line: Vec<_> = line.collect();
        panel.polyline(&line, stroke);
        ends.push(axes.y.at(mean(epochs - 1)));
    }
    let places = spread(&ends, LABEL, axes.top, axes.bottom);
    for ((name, place), end) in candidates.iter().zip(places).zip(ends) {
        let paint = activation_stroke(name).paint;
        panel.line((axes.right + 1.0, end), (axes.right + 9.0, place), Stroke::solid(paint, 1.0));
        panel.text((axes.right + 11.0, place + 4.0), names::activation(name), TEXT.size(11.5));
    }
    panel
}
