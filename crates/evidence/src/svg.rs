//! Drawing with a few shapes: each figure is made of panels, each panel is a list of SVG elements.
//!
//! Colours are presentation attributes, and beside each stands a class (`f-ink`, `s-ink`, ...): on their own
//! the pictures are as printed, and a page may restyle them, for dark mode for instance. No element has an
//! `id`, so that any number of pictures fit in one page.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

pub use crate::paint::{GRID, INK, MUTED, OKABE_ITO, PAPER, Paint, SHADE};

/// Pictures wider than this have the class `wide` on a page: a phone should let them scroll, not shrink them.
const WIDE: f64 = 480.0;

/// The fonts of text, the first that there is.
const FONTS: &str = "'Noto Sans', 'Helvetica Neue', Helvetica, Arial, sans-serif";

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Stroke {
    /// Its colour.
    pub paint: Paint,
    /// Its width in pixels.
    pub width: f64,
    /// Its dashes, as SVG spells them; empty for a solid line.
    pub dash: &'static str,
    /// Its opacity.
    pub opacity: f64,
}

impl Stroke {
    /// A solid, opaque line.
    pub const fn solid(paint: Paint, width: f64) -> Self {
        Self { paint, width, dash: "", opacity: 1.0 }
    }

    /// The same line, dashed.
    pub const fn dashed(self, dash: &'static str) -> Self {
        Self { dash, ..self }
    }

    /// The same line, see-through.
    pub const fn faint(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Where the given point of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Its size in pixels.
    pub size: f64,
    /// Where its point is.
    pub anchor: Anchor,
    /// Whether it is bold.
    pub bold: bool,
    /// Its colour.
    pub paint: Paint,
}

/// Ordinary text.
pub const TEXT: Text = Text { size: 12.5, anchor: Anchor::Start, bold: false, paint: INK };

impl Text {
    /// The same, with its point elsewhere.
    pub const fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// The same, in another size.
    pub const fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    /// The same, in bold.
    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same, in another colour.
    pub const fn paint(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }
}

/// A picture of fixed size.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Pixels across.
    pub width: f64,
    /// Pixels down.
    pub height: f64,
    /// What it shows, for those who can't see it.
    pub description: String,
    body: String,
}

impl Panel {
    /// An empty picture.
    pub fn new(width: f64, height: f64, description: impl Into<String>) -> Self {
        Self { width, height, description: description.into(), body: String::new() }
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        let (x1, y1, x2, y2) = (n(from.0), n(from.1), n(to.0), n(to.1));
        self.push(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{}/>",
            stroke_attributes(stroke)
        ));
    }

    /// A line through points; those that are not finite break it.
    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let mut path = String::new();
        let mut pen_is_down = false;
        for &(x, y) in points {
            let finite = x.is_finite() && y.is_finite();
            if finite {
                let _ = write!(path, "{}{} {}", if pen_is_down { 'L' } else { 'M' }, n(x), n(y));
            }
            pen_is_down = finite;
        }
        if !path.is_empty() {
            let attributes = stroke_attributes(stroke);
            self.push(format_args!(
                "<path d=\"{path}\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\"{attributes}/>"
            ));
        }
    }

    /// A filled rectangle. A negative width or height counts to the left or upwards.
    pub fn rect(&mut self, (x, y): (f64, f64), width: f64, height: f64, fill: Paint, opacity: f64) {
        let (x, y) = (n(x + width.min(0.0)), n(y + height.min(0.0)));
        let (width, height) = (n(width.abs()), n(height.abs()));
        self.push(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{}/>",
            fill_attributes(fill, opacity)
        ));
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, (x, y): (f64, f64), width: f64, height: f64, stroke: Stroke) {
        let (x, y, width, height) = (n(x), n(y), n(width), n(height));
        self.push(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\"{}/>",
            stroke_attributes(stroke)
        ));
    }

    /// A dot.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: Paint, opacity: f64) {
        let (x, y, r) = (n(x), n(y), n(radius));
        self.push(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}/>",
            fill_attributes(fill, opacity)
        ));
    }

    /// A circle, its inside the ground's colour.
    pub fn ring(&mut self, (x, y): (f64, f64), radius: f64, stroke: Stroke) {
        let (x, y, r) = (n(x), n(y), n(radius));
        self.push(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}{}/>",
            fill_attributes(PAPER, 1.0).replace(" class=\"f-paper\"", ""),
            stroke_attributes(stroke).replace("class=\"", "class=\"f-paper ")
        ));
    }

    /// A square on its tip.
    pub fn diamond(&mut self, (x, y): (f64, f64), radius: f64, fill: Paint) {
        let r = radius;
        let path = format!(
            "M{} {}L{} {}L{} {}L{} {}Z",
            n(x),
            n(y - r),
            n(x + r),
            n(y),
            n(x),
            n(y + r),
            n(x - r),
            n(y)
        );
        self.push(format_args!("<path d=\"{path}\"{}/>", fill_attributes(fill, 1.0)));
    }

    /// A line of text; its point is on the base line.
    pub fn text(&mut self, at: (f64, f64), text: &str, style: Text) {
        self.text_with(at, text, style, "");
    }

    /// A line of text that runs upwards.
    pub fn text_upwards(&mut self, at: (f64, f64), text: &str, style: Text) {
        let turn = format!(" transform=\"rotate(-90 {} {})\"", n(at.0), n(at.1));
        self.text_with(at, text, style, &turn);
    }

    fn text_with(&mut self, (x, y): (f64, f64), text: &str, style: Text, extra: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
        let (x, y, size, fill) = (n(x), n(y), n(style.size), fill_attributes(style.paint, 1.0));
        self.push(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{weight}{fill}{extra}>{}</text>",
            escape(text)
        ));
    }

    /// Puts another picture into this one.
    pub fn place(&mut self, (x, y): (f64, f64), other: &Panel) {
        self.push(format_args!("<g transform=\"translate({} {})\">{}</g>", n(x), n(y), other.body));
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }

    /// The picture as an SVG document that stands alone, on white.
    pub fn to_svg(&self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
             font-family=\"{FONTS}\" role=\"img\">\n<title>{}</title>\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"{}\" class=\"f-paper\"/>\n{}</svg>\n",
            escape(&self.description),
            PAPER.colour,
            self.body,
            w = n(self.width),
            h = n(self.height),
        )
    }

    /// The picture as an element of a page: as wide as its place, no wider than drawn, on the page's ground.
    pub fn to_inline(&self) -> String {
        format!(
            "<svg viewBox=\"0 0 {w} {h}\" style=\"max-width:{w}px\"{class} role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
            escape(&self.description),
            self.body,
            class = if self.width > WIDE { " class=\"wide\"" } else { "" },
            w = n(self.width),
            h = n(self.height),
        )
    }
}

fn fill_attributes(fill: Paint, opacity: f64) -> String {
    let opacity = if opacity < 1.0 { format!(" fill-opacity=\"{}\"", n(opacity)) } else { String::new() };
    format!(" fill=\"{}\"{opacity} class=\"f-{}\"", fill.colour, fill.word)
}

fn stroke_attributes(stroke: Stroke) -> String {
    let mut out = format!(" stroke=\"{}\" stroke-width=\"{}\"", stroke.paint.colour, n(stroke.width));
    if !stroke.dash.is_empty() {
        let _ = write!(out, " stroke-dasharray=\"{}\"", stroke.dash);
    }
    if stroke.opacity < 1.0 {
        let _ = write!(out, " stroke-opacity=\"{}\"", n(stroke.opacity));
    }
    let _ = write!(out, " class=\"s-{}\"", stroke.paint.word);
    out
}

/// A coordinate: at most two decimals, and a number whatever happens.
fn n(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// Text as it may stand in HTML and XML, in an element as in a quoted attribute. Characters that XML forbids
/// become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Roughly how wide a text is, to leave room for it: the mean width of a letter of Noto Sans is 0.56 em, and that of
/// what takes two cells on a terminal twice as much.
pub fn text_width(text: &str, size: f64) -> f64 {
    0.56 * size * text.width() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_only_text() {
        let mut panel = Panel::new(10.0, 10.0, "<script>\"&'");
        panel.text((0.0, 0.0), "</text><script>alert(1)</script>\u{1}", TEXT);
        for svg in [panel.to_svg(), panel.to_inline()] {
            assert!(!svg.contains("<script"), "{svg}");
            assert!(svg.contains("&lt;script&gt;&quot;&amp;&#39;"), "{svg}");
        }
    }

    #[test]
    fn coordinates_are_numbers() {
        assert_eq!(n(1.0 / 3.0), "0.33");
        assert_eq!(n(-0.0001), "0");
        assert_eq!(n(100.0), "100");
        assert_eq!(n(f64::NAN), "0");
    }

    #[test]
    fn a_break_in_the_data_is_a_break_in_the_line() {
        let mut panel = Panel::new(10.0, 10.0, "");
        let stroke = Stroke::solid(INK, 1.0);
        panel.polyline(&[(0.0, 0.0), (1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 1.0)], stroke);
        assert!(panel.to_svg().contains("d=\"M0 0L1 1M3 1L4 1\""));
    }
}
