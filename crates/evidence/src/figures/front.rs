//! What each variant reaches against the time of its training step.

use super::{Figure, variant_stroke};
use crate::axes::{Axes, range, spread, ticks};
use crate::front::{Front, Point, front};
use crate::records::StudyResult;
use crate::svg::{Anchor, INK, MUTED, Paint, Panel, Stroke, TEXT, text_width};
use crate::table::{capital, mean_and_sd};

const SIZE: (f64, f64) = (640.0, 400.0);

/// A dot a variant, with the 95% interval of its mean upwards and downwards and the noise of the time to the sides. The line is the
/// front; a ring is around the fastest that is as good as the best as far as the seeds can tell. Absent where no activations were
/// timed, or those of one variant alone.
pub fn front_of(result: &StudyResult) -> Option<Figure> {
    let front = front(result).filter(|front| front.points.len() > 1)?;
    let metric = result.primary();
    let low_to_high = |p: &Point| [(p.step_ms - p.noise_ms).max(0.0), p.step_ms + p.noise_ms];
    let x = range(front.points.iter().flat_map(low_to_high), 0.05)?;
    let ends = |p: &Point| p.judged.ci95.unwrap_or([p.judged.mean; 2]);
    let y = range(front.points.iter().flat_map(ends), 0.08)?;
    let told = |p: &Point| format!("{} {}, {:.2} ms", p.name, mean_and_sd(&p.judged), p.step_ms);
    let description = front.points.iter().map(told).collect::<Vec<_>>().join("; ");
    let mut panel = Panel::new(SIZE.0, SIZE.1, format!("{description}."));
    let names = front.points.iter().map(|p| text_width(&p.name, 12.0)).fold(0.0, f64::max);
    let axes = Axes::new(&panel, [66.0, 22.0, names.min(220.0) + 30.0, 76.0], x, y);
    axes.grid_x(&mut panel, &ticks(x, 6));
    axes.grid_y(&mut panel, &ticks(y, 6));
    axes.name_x(&mut panel, "a training step, in milliseconds: the more to the left, the faster");
    let better = if metric.higher_is_better { "the higher, the better" } else { "the lower, the better" };
    let name_y = format!("{}: {better}", metric.on_test());
    panel.text((axes.left - 56.0, 12.0), &name_y, TEXT.size(11.5).paint(MUTED));
    axes.lines(&mut panel);
    line(&mut panel, &axes, &front);
    for (i, point) in front.points.iter().enumerate() {
        let paint = paint(result, i, point);
        let at = axes.at(point.step_ms, point.judged.mean);
        let thin = Stroke::solid(paint, 1.4);
        let [low, high] = low_to_high(point).map(|ms| axes.x.at(ms));
        panel.line((low, at.1), (high, at.1), thin);
        let [low, high] = ends(point).map(|value| axes.y.at(value));
        panel.line((at.0, low), (at.0, high), thin);
        for end in [low, high].into_iter().filter(|_| point.judged.ci95.is_some()) {
            panel.line((at.0 - 4.0, end), (at.0 + 4.0, end), thin);
        }
        if i == front.pick {
            panel.ring(at, 10.0, Stroke::solid(INK, 1.8));
        }
        panel.dot(at, 5.2, paint, 1.0);
    }
    labels(&mut panel, &axes, result, &front);
    legend(&mut panel, &axes, result.seeds.len() > 1);
    Some(Figure {
        name: "front",
        title: format!(
            "{} against the time of a training step on {}",
            capital(&metric.on_test()),
            result.subject()
        ),
        caption: format!(
            "Dots are means over the seeds ({}); up and down their 95% intervals (Student's t), to the sides the noise of the times. The line is \
             the front: nothing is both as good and as fast. The ring is around the fastest of those that are as good as the best, as \
             far as the seeds can tell.",
            result.judged_in_words()
        ),
        columns: 1,
        panels: vec![panel],
        png_panels: None,
    })
}

/// The colour of a variant, the one that it has in the other figures.
fn paint(result: &StudyResult, i: usize, point: &Point) -> Paint {
    let place = result.variants.iter().position(|v| *v == point.variant).unwrap_or(i);
    variant_stroke(place, &point.variant).paint
}

/// The front as stairs: up to a step's time one gets what the point before it reaches.
fn line(panel: &mut Panel, axes: &Axes, front: &Front) {
    let mut stairs: Vec<(f64, f64)> = Vec::new();
    for point in front.line() {
        let at = axes.at(point.step_ms, point.judged.mean);
        if let Some(last) = stairs.last().copied() {
            stairs.push((at.0, last.1));
        }
        stairs.push(at);
    }
    if let Some(last) = stairs.last().copied() {
        stairs.push((axes.right, last.1));
    }
    panel.polyline(&stairs, Stroke::solid(MUTED, 1.6).dashed("5 3"));
}

/// The names at the right edge, in the order of their heights, each with a line to its dot.
fn labels(panel: &mut Panel, axes: &Axes, result: &StudyResult, front: &Front) {
    let wished: Vec<f64> = front.points.iter().map(|p| axes.y.at(p.judged.mean)).collect();
    let places = spread(&wished, 15.0, axes.top + 4.0, axes.bottom - 4.0);
    for (i, (point, y)) in front.points.iter().zip(places).enumerate() {
        let paint = paint(result, i, point);
        let at = axes.at(point.step_ms, point.judged.mean);
        panel.line((at.0 + 7.0, at.1), (axes.right + 8.0, y), Stroke::solid(paint, 0.8).faint(0.6));
        let style = TEXT.size(12.0).anchor(Anchor::Start);
        panel.text(
            (axes.right + 12.0, y + 4.0),
            &point.name,
            if i == front.pick { style.bold() } else { style },
        );
    }
}

/// The marks and their meaning, in a line below.
fn legend(panel: &mut Panel, axes: &Axes, several: bool) {
    let y = axes.bottom + 58.0;
    let style = TEXT.size(11.5).paint(MUTED);
    panel.ring((20.0, y), 8.0, Stroke::solid(INK, 1.6));
    panel.dot((20.0, y), 4.0, MUTED, 1.0);
    let words = "fastest that is as good as the best, as far as seeds can tell";
    panel.text((34.0, y + 4.0), words, style);
    let x = 34.0 + text_width(words, 11.5) + 14.0;
    panel.line((x, y), (x + 26.0, y), Stroke::solid(MUTED, 1.6).dashed("5 3"));
    panel.text((x + 32.0, y + 4.0), if several { "front of the means" } else { "front" }, style);
}
