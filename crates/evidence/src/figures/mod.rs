//! The figures of a study, each a pure function of its records.
//!
//! A figure is made of panels (one a place, for instance). As a file they stand in one picture; on a page each
//! is a picture of its own, so that they wrap on a narrow screen.

mod accuracies;
mod bars;
mod confusion;
mod curves;
mod differences;
mod epochs;
mod front;
mod learning;
mod places;
mod seeds;
mod time;

use std::path::Path;

pub use accuracies::accuracies;
pub use bars::weights;
pub use confusion::confusion;
pub use curves::functions;
pub use differences::differences;
pub use epochs::weights_over_epochs;
pub use front::front_of as front;
pub use learning::learning_curves;
pub use places::weights_by_place;
pub use seeds::weights_by_seed;

use crate::agreement::mixtures;
use crate::names;
use crate::png::png;
use crate::records::{LayerWeights, Role, RunResult, Study, StudyResult};
use crate::svg::{Anchor, OKABE_ITO, PAPER, Paint, Panel, Stroke, TEXT, text_width};
use crate::{Result, atomic};

/// PNG pixels for each pixel of the SVG: 190 dots an inch where the SVG is drawn at 96.
const PNG_SCALE: f32 = 2.0;

/// A figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its files, without the ending.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// What is to be seen in it, and how to read it.
    pub caption: String,
    /// How many panels stand side by side.
    pub columns: usize,
    /// Its panels, all of the same size.
    pub panels: Vec<Panel>,
    /// The panels of its PNG file where they are others, because no font here can write a name; a page and an SVG file
    /// leave that to the browser.
    pub png_panels: Option<Vec<Panel>>,
}

impl Figure {
    /// The whole figure as one SVG document.
    pub fn svg(&self) -> String {
        self.svg_of(&self.panels)
    }

    fn svg_of(&self, panels: &[Panel]) -> String {
        const MARGIN: f64 = 10.0;
        const TITLE: f64 = 34.0;
        let columns = self.columns.clamp(1, panels.len().max(1));
        let size = |f: fn(&Panel) -> f64| panels.iter().map(f).fold(0.0, f64::max);
        let (width, height) = (size(|p| p.width), size(|p| p.height));
        let rows = panels.len().div_ceil(columns);
        let inner = (width * columns as f64).max(text_width(&self.title, 16.0));
        let mut whole = Panel::new(
            inner + 2.0 * MARGIN,
            height * rows as f64 + TITLE + MARGIN,
            format!("{}. {}", self.title, self.caption),
        );
        whole.text((MARGIN + 4.0, 24.0), &self.title, TEXT.size(15.0).bold());
        for (i, panel) in panels.iter().enumerate() {
            let at = (MARGIN + (i % columns) as f64 * width, TITLE + (i / columns) as f64 * height);
            whole.place(at, panel);
        }
        whole.to_svg()
    }

    /// The whole figure as a PNG file.
    ///
    /// # Errors
    /// If it can't be drawn.
    pub fn png(&self) -> Result<Vec<u8>> {
        png(&self.svg_of(self.png_panels.as_ref().unwrap_or(&self.panels)), PNG_SCALE)
    }

    /// Writes `NAME.svg` and `NAME.png` into a folder that exists.
    ///
    /// # Errors
    /// If it can't be drawn, or the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<()> {
        atomic::write(&folder.join(format!("{}.svg", self.name)), self.svg().as_bytes())?;
        atomic::write(&folder.join(format!("{}.png", self.name)), &self.png()?)
    }
}

/// All figures that a study's records allow.
pub fn all(study: &Study) -> Vec<Figure> {
    let result = &study.result;
    let figures = [
        accuracies(result),
        differences(result),
        front(result),
        weights_by_place(result),
        weights(result),
        weights_by_seed(result),
        weights_over_epochs(study),
        functions(result),
        learning_curves(study),
        confusion(result),
    ];
    figures.into_iter().flatten().collect()
}

/// The distance of the names beside curves.
const LABEL: f64 = 14.0;

/// Activations that are told apart by a colour and a dash together.
const FURTHER: [&str; 18] = [
    "squared_relu",
    "sigmoid",
    "softplus",
    "selu",
    "sine",
    "gelu_tanh",
    "relu6",
    "star_relu",
    "hardsigmoid",
    "logsigmoid",
    "celu",
    "snake",
    "tanhshrink",
    "hardtanh",
    "softsign",
    "softshrink",
    "gaussian",
    "hardshrink",
];

/// How the line or bar of an activation is drawn: no two of the paper's share a colour.
fn activation_stroke(name: &str) -> Stroke {
    let [ink, orange, sky, green, purple, blue, vermillion] = OKABE_ITO;
    let (paint, dash) = match name {
        "relu" => (ink, ""),
        "elu" => (orange, ""),
        "leaky_relu" => (sky, "6 2"),
        "prelu" => (green, "2 3"),
        "rrelu" => (purple, "8 3 2 3"),
        "silu" => (blue, ""),
        "mish" => (vermillion, ""),
        "gelu" => (green, "10 4"),
        "hardswish" => (blue, "3 3"),
        "tanh" => (orange, "3 3"),
        other => match FURTHER.iter().position(|name| *name == other) {
            Some(i) => (OKABE_ITO[i % 7], ["12 3", "1 3", "6 2 1 2"][i / 7]),
            None => (ink, "1 4"),
        },
    };
    Stroke::solid(paint, 2.0).dashed(dash)
}

/// How the `i`th variant of a study is drawn.
fn variant_stroke(i: usize, name: &str) -> Stroke {
    let [ink, orange, sky, green, purple, blue, vermillion] = OKABE_ITO;
    let (paint, dash) = match Role::of(name) {
        Role::Mixture => (vermillion, ""),
        Role::Optimized => (blue, "7 3"),
        Role::Nearest => (sky, "9 3"),
        Role::Frozen => (purple, "5 2 1 2"),
        Role::RELU => (ink, "2 3"),
        _ => ([green, orange, purple, sky][i % 4], ["9 3 2 3", "4 2", "1 3", ""][(i / 4 + i) % 4]),
    };
    Stroke::solid(paint, 2.0).dashed(dash)
}

/// The weights of a study's mixture, a list of layers for each seed.
pub(crate) fn adact_layers(result: &StudyResult) -> Vec<(&RunResult, &[LayerWeights])> {
    mixtures(&result.runs).filter_map(|r| r.layers.as_deref().map(|l| (r, l))).collect()
}

/// The mean of a value over the seeds for each candidate of a layer; the candidates are the first seed's.
fn mean_weights(layers: &[&LayerWeights], of: fn(&LayerWeights, &str) -> f64) -> Vec<(String, f64)> {
    let Some(first) = layers.first() else { return Vec::new() };
    let mean = |name: &str| layers.iter().map(|l| of(l, name)).sum::<f64>() / layers.len() as f64;
    first.candidates().into_iter().map(|name| (name.to_string(), mean(name))).collect()
}

/// The weights of a layer (from 0) seed by seed.
pub(crate) fn layers_of(result: &StudyResult, layer: usize) -> Vec<&LayerWeights> {
    adact_layers(result).iter().filter_map(|(_, l)| l.get(layer)).collect()
}

/// The mean softmax weight of each candidate of a layer (from 0) over the seeds of its mixture.
pub(crate) fn mean_softmax(result: &StudyResult, layer: usize) -> Vec<(String, f64)> {
    mean_weights(&layers_of(result, layer), LayerWeights::share_of)
}

/// What is drawn of the weights of a study's mixture: their softmax, or where they are no softmax's how much of all each one is.
fn portions_in_words(result: &StudyResult) -> &'static str {
    let mixing = mixtures(&result.runs).next().and_then(|run| run.mixing.as_deref());
    match mixing.unwrap_or_default().split('-').next() {
        Some("sigmoid") => "sigmoid(w) / sum",
        Some("linear") => "|w| / sum",
        _ => "softmax(w)",
    }
}

/// "seed 3" or "mean of 5 seeds".
fn seeds_in_words(n: usize, result: &StudyResult) -> String {
    match (n, result.seeds.as_slice()) {
        (1, [seed]) => format!("seed {seed}"),
        (1, _) => "one seed".into(),
        _ => format!("mean of {n} seeds"),
    }
}

/// A number in a cell of a heat map, and the cell: the more, the darker; dark cells have light text.
fn heat_cell(
    panel: &mut Panel,
    at: (f64, f64),
    (width, height): (f64, f64),
    share: f64,
    text: &str,
    bold: bool,
) {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    panel.rect(at, width - 1.0, height - 1.0, HEAT, 0.04 + 0.96 * share);
    let paint: Paint = if share > 0.85 { PAPER_TEXT } else { TEXT.paint };
    let style = TEXT.size(11.0).anchor(Anchor::Middle).paint(paint);
    let style = if bold { style.bold() } else { style };
    panel.text((at.0 + width / 2.0 - 0.5, at.1 + height / 2.0 + 3.5), text, style);
}

/// Okabe and Ito's blue, which stays as it is on a page in dark mode.
const HEAT: Paint = Paint { colour: OKABE_ITO[5].colour, word: "heat" };

/// White that stays white on a page in dark mode.
const PAPER_TEXT: Paint = Paint { colour: PAPER.colour, word: "white" };

/// The longest name's room.
fn room<'a>(names: impl Iterator<Item = &'a str>, size: f64) -> f64 {
    names.map(|n| text_width(n, size)).fold(0.0, f64::max)
}

/// How many panels, one a place, stand side by side.
fn columns(places: usize) -> usize {
    if places > 30 {
        5
    } else if places > names::MANY_PLACES {
        3
    } else {
        2
    }
}

/// How wide the title of a panel may be.
const TITLE_ROOM: f64 = 400.0;

/// The name of a place (from 0): "Layer 2", `layer1.0.act2`. Of a long path the end is told, which tells places apart.
fn place_title(result: &StudyResult, place: usize) -> String {
    shorten(&result.place_title(place), 30)
}

/// The end of a long path, in so many characters.
fn shorten(path: &str, most: usize) -> String {
    match path.char_indices().rev().nth(most.saturating_sub(1)) {
        Some((at, _)) if at > 0 => format!("\u{2026}{}", &path[at..]),
        _ => path.into(),
    }
}

/// "Layer 2: Mish", "Layer 2: undecided between Mish and PReLU".
fn layer_title(result: &StudyResult, layer: usize) -> String {
    let place = place_title(result, layer);
    let Some(choice) = result.choices.get(layer) else { return place };
    let whole = format!("{place}: {}", choice.words());
    let number = |n: usize| format!("{place}: undecided between {n} candidates");
    // A panel has room for some names; those of the paper's layers are short.
    let fits = |title: &str| result.is_papers_network() || text_width(title, 13.5) <= TITLE_ROOM;
    match choice.undecided.len() {
        0 => whole,
        1..=3 if fits(&whole) => whole,
        n if fits(&number(n)) => number(n),
        n => format!("{place}: undecided ({n})"),
    }
}
