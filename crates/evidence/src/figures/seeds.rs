//! The weights of every place and seed, as numbers on a heat map.

use super::{Figure, adact_layers, columns, heat_cell, layer_title, portions_in_words};
use crate::axes::range;
use crate::names;
use crate::records::{LayerWeights, RunResult, StudyResult};
use crate::svg::{Anchor, INK, MUTED, Panel, Stroke, TEXT, text_width};

/// The size of a cell, whose width may be more for long names.
const CELL: (f64, f64) = (50.0, 22.0);

/// More candidates than these take the whole width.
const WIDE: usize = 12;

/// One panel a place: a row a seed, a column a candidate, softmax weights; each seed's choice is framed. Absent
/// with a single seed, whose weights [`weights`](super::weights()) tells.
pub fn weights_by_seed(result: &StudyResult) -> Option<Figure> {
    let runs = adact_layers(result);
    let layers = runs.iter().map(|(_, l)| l.len()).min().filter(|n| *n > 0)?;
    if runs.len() < 2 {
        return None;
    }
    let shares = runs.iter().flat_map(|(_, l)| l.iter()).flat_map(|l| l.softmax.iter().map(|s| *s as f64));
    let shown = range(shares, 0.0)?;
    Some(Figure {
        name: "weights_by_seed",
        title: match portions_in_words(result) {
            "softmax(w)" => {
                format!("Softmax weights by {} and seed on {}", result.place_word(), result.subject())
            }
            portions => format!("{portions} by {} and seed on {}", result.place_word(), result.subject()),
        },
        caption: "Each seed's choice is framed. Rows with frames in one column agree.".into(),
        columns: if runs[0].1[0].candidates().len() > WIDE { 1 } else { columns(layers) },
        panels: (0..layers).map(|layer| panel(result, layer, &runs, shown)).collect(),
        png_panels: None,
    })
}

fn panel(
    result: &StudyResult,
    layer: usize,
    runs: &[(&RunResult, &[LayerWeights])],
    (low, high): (f64, f64),
) -> Panel {
    let candidates = runs[0].1[layer].candidates();
    let (left, top) = (66.0, 46.0);
    let longest = candidates.iter().map(|name| text_width(names::activation(name), 11.5));
    let cell = (longest.fold(CELL.0, |widest, name| widest.max(name + 6.0)), CELL.1);
    let title = layer_title(result, layer);
    let width = f64::max(left + cell.0 * candidates.len() as f64 + 10.0, text_width(&title, 13.5) + 24.0);
    let height = top + cell.1 * runs.len() as f64 + 12.0;
    let chosen: Vec<String> = runs
        .iter()
        .map(|(r, l)| format!("seed {} chose {}", r.seed, names::activation(&l[layer].choice)))
        .collect();
    let mut panel = Panel::new(width, height, format!("{title}: {}.", chosen.join(", ")));
    panel.text((4.0, 16.0), &title, TEXT.size(13.5).bold());
    for (i, name) in candidates.iter().enumerate() {
        let x = left + cell.0 * (i as f64 + 0.5);
        panel.text((x, top - 7.0), names::activation(name), TEXT.size(11.5).anchor(Anchor::Middle));
    }
    for (row, (run, layers)) in runs.iter().enumerate() {
        let weights = &layers[layer];
        let y = top + cell.1 * row as f64;
        let label = format!("seed {}", run.seed);
        panel.text((left - 8.0, y + 15.0), &label, TEXT.size(11.5).anchor(Anchor::End).paint(MUTED));
        for (i, name) in candidates.iter().enumerate() {
            let share = weights.share_of(name);
            let at = (left + cell.0 * i as f64, y);
            // The whole range of colours for the range of weights that there is.
            heat_cell(
                &mut panel,
                at,
                cell,
                0.05 + 0.95 * (share - low) / (high - low),
                &format!("{share:.3}"),
                weights.choice == *name,
            );
        }
        if let Some(i) = candidates.iter().position(|c| *c == weights.choice) {
            let at = (left + cell.0 * i as f64 + 0.5, y + 0.5);
            panel.frame(at, cell.0 - 2.0, cell.1 - 2.0, Stroke::solid(INK, 2.0));
        }
    }
    panel
}
