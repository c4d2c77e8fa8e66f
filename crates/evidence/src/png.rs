//! SVG to pixels, with the same font on every machine, and the machine's own fonts for what it can't write.

use std::sync::{Arc, LazyLock};

use resvg::usvg::{self, Node, fontdb};
use resvg::{render, tiny_skia};

use crate::svg::escape;
use crate::{Error, ErrorKind, Result};

/// Noto Sans (SIL Open Font License), regular and bold: where they suffice, a picture is the same on every machine.
static OWN: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
    fonts.load_font_data(notosans::BOLD_TTF.to_vec());
    fonts.set_sans_serif_family("Noto Sans");
    Arc::new(fonts)
});

/// The same and the machine's fonts, for scripts that Noto Sans doesn't have. They are looked for when first needed.
static ALL: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = (**OWN).clone();
    fonts.load_system_fonts();
    Arc::new(fonts)
});

/// Draws an SVG document as a PNG file, `scale` pixels for each of its own. Characters that no font here has are
/// written as their number: `U+7FD8`.
///
/// # Errors
/// If it is no SVG, or no picture of its size can be made.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let tree = match laid_out(svg, &OWN)? {
        tree if is_whole(tree.root()) => tree,
        _ => match laid_out(svg, &ALL)? {
            tree if is_whole(tree.root()) => tree,
            _ => laid_out(&spelled(svg), &ALL)?,
        },
    };
    let size = tree.size().to_int_size().scale_by(scale).ok_or_else(|| failed("it has no size"))?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| failed(&format!("{} x {} pixels are too many", size.width(), size.height())))?;
    render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| failed(&e.to_string()))
}

/// Whether the fonts of this machine can write a text in a picture.
pub fn can_write(text: &str) -> bool {
    if text.is_ascii() {
        return true;
    }
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><text y=\"9\">{}</text></svg>",
        escape(text)
    );
    [&OWN, &ALL].into_iter().any(|fonts| laid_out(&svg, fonts).is_ok_and(|tree| is_whole(tree.root())))
}

/// A text, or a whole document, with a number for each character that can't be written. Marks that join others are left out.
pub fn spelled(svg: &str) -> String {
    let mut known = std::collections::HashMap::new();
    let mut out = String::with_capacity(svg.len());
    for c in svg.chars() {
        if c.is_ascii() || *known.entry(c).or_insert_with(|| can_write(c.encode_utf8(&mut [0; 4]))) {
            out.push(c);
        } else if unicode_width::UnicodeWidthChar::width(c) != Some(0) {
            out += &format!("U+{:04X} ", c as u32);
        }
    }
    out
}

fn laid_out(svg: &str, fonts: &Arc<fontdb::Database>) -> Result<usvg::Tree> {
    let options =
        usvg::Options { font_family: "Noto Sans".into(), fontdb: fonts.clone(), ..usvg::Options::default() };
    usvg::Tree::from_str(svg, &options).map_err(|e| failed(&e.to_string()))
}

/// Whether every character has a picture: the first glyph of a font is the box for those that it lacks.
fn is_whole(group: &usvg::Group) -> bool {
    group.children().iter().all(|node| match node {
        Node::Group(group) => is_whole(group),
        Node::Text(text) => {
            let mut glyphs = text.layouted().iter().flat_map(|span| &span.positioned_glyphs);
            glyphs.all(|glyph| glyph.id.0 != 0)
        }
        Node::Path(_) | Node::Image(_) => true,
    })
}

fn failed(reason: &str) -> Error {
    Error::new(ErrorKind::Render, format!("cannot draw a figure: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"90\" height=\"30\"><text y=\"20\">{text}</text></svg>"
        )
    }

    #[test]
    fn text_is_drawn_and_what_is_no_svg_refused() {
        let (empty, text) =
            (png(&with(""), 2.0).unwrap(), png(&with("AdAct \u{2212} \u{00b1}"), 2.0).unwrap());
        assert!(text.starts_with(b"\x89PNG"));
        assert!(text.len() > empty.len() + 100, "no letters in {} bytes", text.len());
        assert_eq!(png("<svg", 1.0).unwrap_err().kind(), ErrorKind::Render);
    }

    #[test]
    fn what_no_font_has_is_spelled_and_never_a_box() {
        assert!(can_write("Größe \u{2212} Ελλάδα"));
        // A private character, which no font should have.
        assert!(!can_write("\u{10fffd}"));
        assert_eq!(spelled("a\u{10fffd}b"), "aU+10FFFD b");
        assert_eq!(png(&with("a\u{10fffd}b"), 1.0).unwrap(), png(&with("aU+10FFFD b"), 1.0).unwrap());
        assert_ne!(png(&with("a"), 1.0).unwrap(), png(&with("a\u{10fffd}"), 1.0).unwrap());
    }
}
