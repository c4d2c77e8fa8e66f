//! A labelled contact sheet: the first images of every class, as a PNG.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::error::{Error, Kind, Result};
use crate::{Dataset, Images, thousands};

const BACKGROUND: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([32, 32, 36]);
const PALE: Rgb<u8> = Rgb([112, 112, 120]);

const MARGIN: u32 = 20;
const GAP: u32 = 4;
/// The side that a picture has at least; smaller images are enlarged by a whole factor, so that their pixels stay sharp.
const TILE: usize = 64;
/// The side that a picture has at most; of larger images every second, third, ... pixel is shown.
const MAX_TILE: usize = 128;
/// Longer names of classes are cut.
const MAX_NAME: usize = 24;
/// A sheet of more classes would be unreadable.
const MAX_CLASSES: usize = 64;

/// Writes the contact sheet of a data set's training images: a row per class, with its name, its number of images and
/// its first `columns` images (1 to 50). The file appears whole or not at all.
pub fn write(data: &Dataset, columns: usize, path: &Path) -> Result<()> {
    let bytes = png(data, columns)?;
    let beside = path.with_added_extension("part");
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|e| {
        // There may be nothing to remove; the error worth telling is the first one.
        let _ = fs::remove_file(&beside);
        Error::io(path, "write it", &e)
    })
}

/// The contact sheet as the bytes of a PNG file; see [`write()`].
pub fn png(data: &Dataset, columns: usize) -> Result<Vec<u8>> {
    if !(1..=50).contains(&columns) {
        let message = format!("a contact sheet of {columns} columns is not possible: it has 1 to 50");
        return Err(Error::new(Kind::Unsupported, message));
    }
    let mut bytes = Vec::new();
    let written = sheet(data, columns).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png);
    written.map_err(|e| Error::new(Kind::Io, format!("the contact sheet cannot be made a PNG ({e})")))?;
    Ok(bytes)
}

fn sheet(data: &Dataset, columns: usize) -> RgbImage {
    let images = &data.train;
    let classes = &data.classes[..data.classes.len().min(MAX_CLASSES)];
    let counts = images.class_counts(classes.len());
    let names: Vec<String> = classes.iter().map(|name| shortened(name)).collect();
    let count_texts: Vec<String> = counts.iter().map(|&count| thousands(count)).collect();

    let zoom = Zoom::of(images);
    let (tile_width, tile_height) = (zoom.tile(images.width), zoom.tile(images.height));
    let row_height = tile_height.max(44) + GAP;
    let longest = names.iter().chain(&count_texts).map(|text| text.chars().count()).max().unwrap_or(0) as u32;
    let left = MARGIN + longest * letter_width(RasterHeight::Size20) + 16;
    let title = format!("{}: {}", data.name, summary(data));
    let title_width = title.chars().count() as u32 * letter_width(RasterHeight::Size20);
    let top = MARGIN + 36;
    let width = (left + columns as u32 * (tile_width + GAP)).max(MARGIN + title_width) + MARGIN;
    let height = top + classes.len() as u32 * row_height + MARGIN;

    let mut sheet = RgbImage::from_pixel(width, height, BACKGROUND);
    text(&mut sheet, (MARGIN, MARGIN), &title, RasterHeight::Size20, FontWeight::Bold, INK);
    for (class, (name, count)) in names.iter().zip(&count_texts).enumerate() {
        let y = top + class as u32 * row_height;
        let middle = y + tile_height / 2;
        text(
            &mut sheet,
            (MARGIN, middle.saturating_sub(20)),
            name,
            RasterHeight::Size20,
            FontWeight::Regular,
            INK,
        );
        text(&mut sheet, (MARGIN, middle), count, RasterHeight::Size16, FontWeight::Regular, PALE);
        let members = (0..images.len()).filter(|&i| usize::from(images.labels[i]) == class).take(columns);
        for (column, i) in members.enumerate() {
            paste(&mut sheet, (left + column as u32 * (tile_width + GAP), y), images, i, zoom);
        }
    }
    sheet
}

/// Numbers and size of the images, for the title.
fn summary(data: &Dataset) -> String {
    let (train, test) = (thousands(data.train.len()), thousands(data.test.len()));
    let colour = if data.train.channels == 1 { "grey" } else { "colour" };
    format!("{train} training and {test} test images, {}x{} {colour}", data.train.width, data.train.height)
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= MAX_NAME {
        return name.into();
    }
    name.chars().take(MAX_NAME - 2).chain("..".chars()).collect()
}

fn letter_width(height: RasterHeight) -> u32 {
    get_raster_width(FontWeight::Regular, height) as u32
}

/// Draws a line of text with its upper left corner at `(x, y)`; what is not in the font becomes a question mark.
fn text(
    sheet: &mut RgbImage,
    (x, y): (u32, u32),
    line: &str,
    height: RasterHeight,
    weight: FontWeight,
    ink: Rgb<u8>,
) {
    for (i, letter) in line.chars().enumerate() {
        let Some(glyph) = get_raster(letter, weight, height).or_else(|| get_raster('?', weight, height))
        else {
            continue;
        };
        let x = x + i as u32 * letter_width(height);
        for (dy, row) in glyph.rows().enumerate() {
            for (dx, &strength) in row.iter().enumerate() {
                if let Some(pixel) = sheet.get_pixel_mut_checked(x + dx as u32, y + dy as u32) {
                    for (value, &ink) in pixel.0.iter_mut().zip(&ink.0) {
                        let mixed = u16::from(*value) * (255 - u16::from(strength))
                            + u16::from(ink) * u16::from(strength);
                        *value = (mixed / 255) as u8;
                    }
                }
            }
        }
    }
}

/// How images are shown: every pixel `scale` times, or every `stride`-th pixel; one of the two is 1.
#[derive(Clone, Copy)]
struct Zoom {
    scale: usize,
    stride: usize,
}

impl Zoom {
    fn of(images: &Images) -> Self {
        let side = images.height.max(images.width).max(1);
        Self { scale: TILE.div_ceil(side), stride: side.div_ceil(MAX_TILE) }
    }

    /// The side of a picture for a side of an image.
    fn tile(self, side: usize) -> u32 {
        (side * self.scale).div_ceil(self.stride) as u32
    }

    /// The image's row or column that is shown at a picture's.
    fn source(self, at: u32) -> usize {
        at as usize / self.scale * self.stride
    }
}

/// Draws image `i` with its upper left corner at `(x, y)`.
fn paste(sheet: &mut RgbImage, (x, y): (u32, u32), images: &Images, i: usize, zoom: Zoom) {
    let (pixels, channels) = (images.image(i), images.channels);
    for row in 0..zoom.tile(images.height) {
        for column in 0..zoom.tile(images.width) {
            let at = (zoom.source(row) * images.width + zoom.source(column)) * channels;
            let colour =
                if channels == 3 { [pixels[at], pixels[at + 1], pixels[at + 2]] } else { [pixels[at]; 3] };
            sheet.put_pixel(x + column, y + row, Rgb(colour));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_images_are_enlarged_and_large_ones_thinned() {
        let images = |side| Images { channels: 1, height: side, width: side, pixels: vec![], labels: vec![] };
        for (side, tile) in
            [(28, 84), (32, 64), (48, 96), (64, 64), (100, 100), (128, 128), (130, 65), (1024, 128)]
        {
            let zoom = Zoom::of(&images(side));
            assert_eq!(zoom.tile(side), tile, "{side}");
            assert!(zoom.source(tile - 1) < side, "{side}");
        }
    }
}
