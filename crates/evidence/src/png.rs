//! SVG to pixels, with the same font on every machine.

use std::sync::{Arc, LazyLock};

use resvg::usvg::{self, fontdb};
use resvg::{render, tiny_skia};

use crate::{Error, ErrorKind, Result};

/// Noto Sans (SIL Open Font License), regular and bold: the fonts of the machine are not looked at.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
    fonts.load_font_data(notosans::BOLD_TTF.to_vec());
    fonts.set_sans_serif_family("Noto Sans");
    Arc::new(fonts)
});

/// Draws an SVG document as a PNG file, `scale` pixels for each of its own.
///
/// # Errors
/// If it is no SVG, or no picture of its size can be made.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::new(ErrorKind::Render, format!("cannot draw a figure: {reason}"));
    let options =
        usvg::Options { font_family: "Noto Sans".into(), fontdb: FONTS.clone(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| failed(e.to_string()))?;
    let size = tree.size().to_int_size().scale_by(scale).ok_or_else(|| failed("it has no size".into()))?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| failed(format!("{} x {} pixels are too many", size.width(), size.height())))?;
    render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_drawn_and_what_is_no_svg_refused() {
        let with = |text: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"90\" height=\"30\"><text y=\"20\">{text}</text></svg>"
            )
        };
        let (empty, text) =
            (png(&with(""), 2.0).unwrap(), png(&with("AdAct \u{2212} \u{00b1}"), 2.0).unwrap());
        assert!(text.starts_with(b"\x89PNG"));
        assert!(text.len() > empty.len() + 100, "no letters in {} bytes", text.len());
        assert_eq!(png("<svg", 1.0).unwrap_err().kind(), ErrorKind::Render);
    }
}
