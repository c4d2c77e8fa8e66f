//! The colours of the figures.

/// A colour and the word that its classes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// `#rrggbb`.
    pub colour: &'static str,
    /// The class is `f-` (fill) or `s-` (stroke) and this word.
    pub word: &'static str,
}

const fn paint(colour: &'static str, word: &'static str) -> Paint {
    Paint { colour, word }
}

/// Text, axes and the most important line.
pub const INK: Paint = paint("#1a1a1a", "ink");
/// Less important text.
pub const MUTED: Paint = paint("#595959", "muted");
/// Grid lines and frames.
pub const GRID: Paint = paint("#d9d9d9", "grid");
/// Soft areas: histograms.
pub const SHADE: Paint = paint("#e3e6ea", "shade");
/// The ground.
pub const PAPER: Paint = paint("#ffffff", "paper");

/// The colours of Okabe and Ito (2008), "Color universal design", but for its yellow, which is too light
/// for lines on white paper.
pub const OKABE_ITO: [Paint; 7] = [
    INK,
    paint("#e69f00", "orange"),
    paint("#56b4e9", "sky"),
    paint("#009e73", "green"),
    paint("#cc79a7", "purple"),
    paint("#0072b2", "blue"),
    paint("#d55e00", "vermillion"),
];
