//! How the weights moved while the network learned.

use super::{Figure, activation_stroke, layer_title, seeds_in_words, weight_of};
use crate::axes::{Axes, range, spread, ticks};
use crate::names;
use crate::records::{LayerWeights, Study};
use crate::svg::{Panel, Stroke, TEXT};

/// One panel a layer: softmax(w) of each candidate over the epochs. Thick lines are means over the seeds,
/// thin ones the seeds. Absent with a single epoch.
pub fn weights_over_epochs(study: &Study) -> Option<Figure> {
    let seeds: Vec<Vec<&[LayerWeights]>> = study
        .runs_of("adact")
        .map(|(_, epochs)| epochs.iter().map_while(|e| e.layers.as_deref()).collect::<Vec<_>>())
        .filter(|epochs| epochs.len() > 1)
        .collect();
    let layers = seeds.iter().flatten().map(|l| l.len()).min().filter(|n| *n > 0)?;
    let all = seeds.iter().flatten().flat_map(|l| l.iter()).flat_map(|l| l.softmax.iter().map(|s| *s as f64));
    let y = range(all, 0.06)?;
    let thin =
        if seeds.len() > 1 { " Thick lines are means over the seeds, thin ones single seeds." } else { "" };
    Some(Figure {
        name: "weights_over_epochs",
        title: format!(
            "AdAct weights over the epochs on {} ({})",
            names::dataset(&study.result.dataset),
            seeds_in_words(seeds.len(), &study.result)
        ),
        caption: format!("softmax(w) of each candidate after each epoch.{thin}"),
        columns: 2,
        panels: (0..layers).map(|layer| panel(study, layer, &seeds, y)).collect(),
        png_panels: None,
    })
}

fn panel(study: &Study, layer: usize, seeds: &[Vec<&[LayerWeights]>], y: (f64, f64)) -> Panel {
    let title = layer_title(&study.result, layer);
    let candidates = seeds[0][0][layer].candidates();
    let mut panel = Panel::new(430.0, 280.0, format!("{title}: softmax weights over the epochs."));
    panel.text((4.0, 16.0), &title, TEXT.size(13.5).bold());
    let epochs = seeds.iter().map(Vec::len).max().unwrap_or(1);
    let axes = Axes::new(&panel, [48.0, 28.0, 66.0, 40.0], (1.0, epochs as f64), y);
    axes.grid_y(&mut panel, &ticks(y, 5));
    axes.grid_x(&mut panel, &whole_ticks(epochs));
    axes.name_x(&mut panel, "epoch");
    axes.lines(&mut panel);

    let mut ends = Vec::new();
    for name in &candidates {
        let stroke = activation_stroke(name);
        let weight = |l: &[LayerWeights]| weight_of(&l[layer], |l| &l.softmax, name);
        if seeds.len() > 1 {
            for seed in seeds {
                let line = seed.iter().enumerate().map(|(e, l)| axes.at(e as f64 + 1.0, weight(l)));
                let line: Vec<_> = line.collect();
                panel.polyline(&line, Stroke::solid(stroke.paint, 0.8).faint(0.35));
            }
        }
        let mean = |epoch: usize| {
            let there: Vec<f64> = seeds.iter().filter_map(|s| s.get(epoch)).map(|l| weight(l)).collect();
            there.iter().sum::<f64>() / there.len() as f64
        };
        let line = (0..epochs).map(|e| axes.at(e as f64 + 1.0, mean(e)));
        let line: Vec<_> = line.collect();
        panel.polyline(&line, stroke);
        ends.push(axes.y.at(mean(epochs - 1)));
    }
    let places = spread(&ends, 14.0, axes.top, axes.bottom);
    for ((name, place), end) in candidates.iter().zip(places).zip(ends) {
        let paint = activation_stroke(name).paint;
        panel.line((axes.right + 1.0, end), (axes.right + 9.0, place), Stroke::solid(paint, 1.0));
        panel.text((axes.right + 11.0, place + 4.0), names::activation(name), TEXT.size(11.5));
    }
    panel
}

/// Whole numbers from 1 to the number of epochs.
pub(super) fn whole_ticks(epochs: usize) -> Vec<f64> {
    let round =
        ticks((0.0, epochs as f64), epochs.min(5)).into_iter().filter(|t| t.fract() == 0.0 && *t > 1.0);
    std::iter::once(1.0).chain(round).collect()
}
