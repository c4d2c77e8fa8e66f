//! A data set as a picture: images in rows, masks over their images, the characters of a text and how it begins.

use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, RgbImage};

use crate::error::{Error, Kind, Result};

mod canvas;
mod images;
mod masks;
mod text;

pub use images::images;
pub use masks::masks;
pub use text::text;

/// Writes a picture that [`images`], [`masks`] or [`text`](text()) made. The file appears whole or not at all.
///
/// # Errors
/// If the file can't be written.
pub fn write(png: &[u8], path: &Path) -> Result<()> {
    adact_common::write(path, png).map_err(|e| Error::io(path, "write it", &e))
}

fn check_columns(columns: usize) -> Result<()> {
    if (1..=50).contains(&columns) {
        return Ok(());
    }
    let message = format!("a contact sheet of {columns} columns is not possible: it has 1 to 50");
    Err(Error::new(Kind::Unsupported, message))
}

/// The bytes of a PNG file.
fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let written = picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png);
    written.map_err(|e| Error::new(Kind::Io, format!("the picture cannot be made a PNG ({e})")))?;
    Ok(bytes)
}
