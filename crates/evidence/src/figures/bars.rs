//! Bars of the raw weights and of their softmax, as the paper's Figures 1 to 4.

use super::{
    Figure, activation_stroke, adact_layers, columns, layer_title, mean_weights, portions_in_words, room,
    seeds_in_words,
};
use crate::axes::{Scale, labels, number, range, ticks};
use crate::names;
use crate::records::{LayerWeights, StudyResult};
use crate::svg::{Anchor, GRID, INK, MUTED, PAPER, Panel, Stroke, TEXT};

const ROW: f64 = 21.0;
const TOP: f64 = 44.0;
const WIDTH: f64 = 430.0;

/// One panel a place: raw `w` to the left, softmax(`w`) to the right, a row a candidate. Bars are means over
/// the seeds, dots are the seeds.
pub fn weights(result: &StudyResult) -> Option<Figure> {
    let runs = adact_layers(result);
    let layers = runs.iter().map(|(_, l)| l.len()).min().filter(|n| *n > 0)?;
    let of_layer = |i: usize| runs.iter().map(|(_, l)| &l[i]).collect::<Vec<_>>();
    let all = || runs.iter().flat_map(|(_, l)| l.iter());
    // Every panel has the same scales: layers are to be compared.
    let raw =
        range(all().flat_map(|l| l.candidates().into_iter().map(|name| l.raw_of(name))).chain([0.0]), 0.1)?;
    let top = all().flat_map(|l| l.softmax.iter().map(|s| *s as f64)).fold(0.0, f64::max);
    let panels = (0..layers).map(|i| panel(result, i, &of_layer(i), raw, top)).collect();
    let dots = if runs.len() > 1 { " Bars are means over the seeds, dots single seeds." } else { "" };
    Some(Figure {
        name: "weights",
        title: format!(
            "{} weights on {} ({})",
            result.mixture_name(),
            result.subject(),
            seeds_in_words(runs.len(), result)
        ),
        caption: format!(
            "Raw weights w and {} of each candidate in each {}, in the {} that was kept{}.{dots} \
             The dashed line is 1/{}, an equal share. In bold: the choice, or all between which it is undecided.",
            portions_in_words(result),
            result.place_word(),
            result.unit().word(),
            result.picked_in_words().map_or(String::new(), |picked| format!(" ({picked})")),
            all().next().map_or(7, |l| l.w.len()),
        ),
        columns: columns(layers),
        panels,
        png_panels: None,
    })
}

fn panel(result: &StudyResult, layer: usize, seeds: &[&LayerWeights], raw: (f64, f64), top: f64) -> Panel {
    let w = mean_weights(seeds, LayerWeights::raw_of);
    let softmax = mean_weights(seeds, LayerWeights::share_of);
    let title = layer_title(result, layer);
    let description =
        softmax.iter().map(|(n, s)| format!("{} {s:.3}", names::activation(n))).collect::<Vec<_>>();
    let bottom = TOP + ROW * w.len() as f64;
    let mut panel =
        Panel::new(WIDTH, bottom + 26.0, format!("{title}. Softmax weights: {}.", description.join(", ")));
    panel.text((4.0, 16.0), &title, TEXT.size(13.5).bold());

    let name_room = 8.0 + room(w.iter().map(|(n, _)| names::activation(n)), 12.5).max(44.0);
    let half = (WIDTH - name_room - 24.0) / 2.0;
    let left = Scale::new(raw, (name_room + 8.0, name_room + half));
    let right = Scale::new((0.0, top * 1.03), (name_room + half + 18.0, WIDTH - 46.0));
    let choice = result.choices.get(layer);

    for (scale, name, about) in [(&left, "raw w", 4), (&right, portions_in_words(result), 4)] {
        let at = ticks((scale.low, scale.high), about);
        for (tick, label) in at.iter().zip(labels(&at)) {
            let x = scale.at(*tick);
            panel.line((x, TOP), (x, bottom), Stroke::solid(GRID, 1.0));
            panel.text((x, bottom + 15.0), &label, TEXT.size(11.0).anchor(Anchor::Middle).paint(MUTED));
        }
        let middle = (scale.at(scale.low) + scale.at(scale.high)) / 2.0;
        panel.text((middle, TOP - 8.0), name, TEXT.size(11.5).anchor(Anchor::Middle).paint(MUTED));
    }
    for (row, ((name, w), (_, s))) in w.iter().zip(&softmax).enumerate() {
        let y = TOP + ROW * row as f64;
        let wins = choice.is_some_and(|c| c.may_be(name));
        let paint = activation_stroke(name).paint;
        let style = if wins { TEXT.bold() } else { TEXT };
        panel.text((name_room, y + 15.0), names::activation(name), style.anchor(Anchor::End));
        for (scale, value) in [(&left, *w), (&right, *s)] {
            let zero = scale.at(0.0);
            panel.rect(
                (zero, y + 3.0),
                scale.at(value) - zero,
                ROW - 6.0,
                paint,
                if wins { 1.0 } else { 0.72 },
            );
        }
        if seeds.len() > 1 {
            for seed in seeds {
                let x = left.at(seed.raw_of(name));
                panel.dot((x, y + ROW / 2.0), 2.6, PAPER, 1.0);
                panel.dot((x, y + ROW / 2.0), 1.8, INK, 1.0);
                let x = right.at(seed.share_of(name));
                panel.dot((x, y + ROW / 2.0), 2.6, PAPER, 1.0);
                panel.dot((x, y + ROW / 2.0), 1.8, INK, 1.0);
            }
        }
        panel.text((WIDTH - 6.0, y + 14.5), &number(*s, 3), style.size(11.0).anchor(Anchor::End));
    }
    let uniform = right.at(1.0 / w.len().max(1) as f64);
    panel.line((uniform, TOP), (uniform, bottom), Stroke::solid(INK, 1.0).dashed("4 3"));
    for scale in [&left, &right] {
        panel.line((scale.at(0.0), TOP), (scale.at(0.0), bottom), Stroke::solid(INK, 1.0));
    }
    panel
}
