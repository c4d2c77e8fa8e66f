//! From numbers to places: scales, round ticks, frames with labels.

use crate::svg::{Anchor, GRID, INK, MUTED, Panel, Stroke, TEXT};

/// A straight scale between two numbers and two places.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The number at `from`.
    pub low: f64,
    /// The number at `to`.
    pub high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale from `low` at `from` to `high` at `to`.
    pub fn new((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self { low, high, from, to }
    }

    /// The place of a number.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }
}

/// The finite numbers' range, widened by a share on both sides; `None` if there are none.
///
/// A range without extent is widened to one.
pub fn range(values: impl IntoIterator<Item = f64>, widen: f64) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|v| v.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return None;
    }
    let extent = if high > low { high - low } else { low.abs().max(1e-3) * 0.1 };
    Some((low - widen * extent, high + widen * extent))
}

/// Round numbers within a range, about `about` of them: multiples of 1, 2 or 5 times a power of ten.
pub fn ticks((low, high): (f64, f64), about: usize) -> Vec<f64> {
    let rough = (high - low) / about.max(1) as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return vec![low];
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= rough * 0.999).unwrap_or(10.0) * power;
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Ticks as text, all with as many decimals as their distance needs.
pub fn labels(ticks: &[f64]) -> Vec<String> {
    let step = if let [a, b, ..] = ticks { (b - a).abs() } else { 1.0 };
    let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 8.0) as usize;
    ticks.iter().map(|t| number(*t, decimals)).collect()
}

/// A number with a true minus sign, and no negative zero.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
    if is_zero { text.trim_start_matches('-').into() } else { text.replace('-', "\u{2212}") }
}

/// A difference, with its sign whatever it is, in four decimals.
pub fn signed(value: f64) -> String {
    let text = number(value, 4);
    if value > 0.0 && !text.starts_with('\u{2212}') && !text.trim_matches(['0', '.']).is_empty() {
        format!("+{text}")
    } else {
        text
    }
}

/// A rectangle with two scales.
#[derive(Clone, Copy, Debug)]
pub struct Axes {
    /// Left end.
    pub left: f64,
    /// Upper end.
    pub top: f64,
    /// Right end.
    pub right: f64,
    /// Lower end.
    pub bottom: f64,
    /// The horizontal scale.
    pub x: Scale,
    /// The vertical scale.
    pub y: Scale,
}

impl Axes {
    /// Axes between the margins (left, top, right, bottom) of a panel.
    pub fn new(panel: &Panel, margins: [f64; 4], x: (f64, f64), y: (f64, f64)) -> Self {
        let [left, top, right, bottom] = margins;
        let (right, bottom) = (panel.width - right, panel.height - bottom);
        Self { left, top, right, bottom, x: Scale::new(x, (left, right)), y: Scale::new(y, (bottom, top)) }
    }

    /// The place of a point.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    /// Vertical grid lines with numbers below.
    pub fn grid_x(&self, panel: &mut Panel, ticks: &[f64]) {
        for (tick, label) in ticks.iter().zip(labels(ticks)) {
            let x = self.x.at(*tick);
            panel.line((x, self.top), (x, self.bottom), Stroke::solid(GRID, 1.0));
            panel.text((x, self.bottom + 15.0), &label, TEXT.size(11.0).anchor(Anchor::Middle).paint(MUTED));
        }
    }

    /// Horizontal grid lines with numbers to the left.
    pub fn grid_y(&self, panel: &mut Panel, ticks: &[f64]) {
        for (tick, label) in ticks.iter().zip(labels(ticks)) {
            let y = self.y.at(*tick);
            panel.line((self.left, y), (self.right, y), Stroke::solid(GRID, 1.0));
            panel.text((self.left - 6.0, y + 4.0), &label, TEXT.size(11.0).anchor(Anchor::End).paint(MUTED));
        }
    }

    /// The name of the horizontal axis, below its numbers.
    pub fn name_x(&self, panel: &mut Panel, name: &str) {
        let middle = (self.left + self.right) / 2.0;
        panel.text((middle, self.bottom + 32.0), name, TEXT.size(11.5).anchor(Anchor::Middle).paint(MUTED));
    }

    /// The axes' own lines: left and below.
    pub fn lines(&self, panel: &mut Panel) {
        let stroke = Stroke::solid(INK, 1.0);
        panel.line((self.left, self.bottom), (self.right, self.bottom), stroke);
        panel.line((self.left, self.top), (self.left, self.bottom), stroke);
    }
}

/// Cuts a line where it leaves a range upwards or downwards; parts are separated by a point that is not finite.
pub fn clip(line: &[(f64, f64)], (low, high): (f64, f64)) -> Vec<(f64, f64)> {
    const BREAK: (f64, f64) = (f64::NAN, f64::NAN);
    let inside = |y: f64| y.clamp(low, high);
    let mut out = Vec::with_capacity(line.len());
    for pair in line.windows(2) {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        let (from, to) = (inside(y0), inside(y1));
        if !(y0.is_finite() && y1.is_finite()) || (from == to && from != y0) {
            out.push(BREAK);
            continue;
        }
        let x_at = |y: f64| if y1 == y0 { x0 } else { x0 + (y - y0) / (y1 - y0) * (x1 - x0) };
        let start = if from == y0 { (x0, y0) } else { (x_at(from), from) };
        if out.last() != Some(&start) {
            out.extend([BREAK, start]);
        }
        out.push(if to == y1 { (x1, y1) } else { (x_at(to), to) });
    }
    out
}

/// Moves labels apart until each has `distance` to the next, within `low` and `high`, with little movement.
///
/// Takes the wished places in any order and returns the places in the same order.
pub fn spread(wished: &[f64], distance: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wished.len()).collect();
    order.sort_by(|&a, &b| wished[a].total_cmp(&wished[b]));
    let mut places = wished.to_vec();
    for _ in 0..10_000 {
        let mut moved = false;
        for pair in order.windows(2) {
            let overlap = distance - (places[pair[1]] - places[pair[0]]);
            if overlap > 1e-6 {
                places[pair[0]] -= overlap / 2.0;
                places[pair[1]] += overlap / 2.0;
                moved = true;
            }
        }
        for place in &mut places {
            *place = place.clamp(low, high.max(low));
        }
        if !moved {
            break;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks((0.0, 1.0), 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(labels(&ticks((0.905, 0.921), 4)), ["0.905", "0.910", "0.915", "0.920"]);
        assert_eq!(labels(&ticks((-4.0, 4.0), 4)), ["\u{2212}4", "\u{2212}2", "0", "2", "4"]);
        assert_eq!(ticks((1.0, 1.0), 4), [1.0]);
        assert_eq!(ticks((f64::NAN, 1.0), 4).len(), 1);
    }

    #[test]
    fn ranges_hold_what_they_should() {
        assert_eq!(range([1.0, f64::NAN, 3.0], 0.5), Some((0.0, 4.0)));
        assert_eq!(range([f64::NAN], 0.1), None);
        let (low, high) = range([0.0], 0.1).unwrap();
        assert!(low < 0.0 && high > 0.0);
    }

    #[test]
    fn a_line_ends_where_it_leaves_the_picture() {
        let line = [(0.0, 0.0), (1.0, 2.0), (2.0, 2.0), (3.0, 6.0), (4.0, 7.0)];
        let inside: Vec<_> = clip(&line, (1.0, 4.0)).into_iter().filter(|p| p.0.is_finite()).collect();
        assert_eq!(inside, [(0.5, 1.0), (1.0, 2.0), (2.0, 2.0), (2.5, 4.0)]);
        assert!(clip(&line, (10.0, 11.0)).iter().all(|p| p.0.is_nan()));
    }

    #[test]
    fn labels_do_not_overlap() {
        let places = spread(&[10.0, 10.0, 11.0, 50.0], 12.0, 0.0, 100.0);
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|p| p[1] - p[0] > 11.9), "{places:?}");
        assert_eq!(places[3], 50.0);
    }
}
