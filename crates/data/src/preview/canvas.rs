//! Drawing: letters, and images enlarged or thinned.

use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

pub(super) const BACKGROUND: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([32, 32, 36]);
const PALE: Rgb<u8> = Rgb([112, 112, 120]);

pub(super) const MARGIN: u32 = 20;
pub(super) const GAP: u32 = 4;

/// The side that a picture has at least; smaller images are enlarged by a whole factor, so that their pixels stay sharp.
const TILE: usize = 64;
/// The side that a picture has at most; of larger images every second, third, ... pixel is shown.
const MAX_TILE: usize = 128;
/// Longer names of classes are cut.
const MAX_NAME: usize = 24;

/// How letters look.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Title,
    Name,
    Heading,
    Body,
    Small,
}

impl Style {
    fn font(self) -> (RasterHeight, FontWeight, Rgb<u8>) {
        match self {
            Self::Title => (RasterHeight::Size20, FontWeight::Bold, INK),
            Self::Name => (RasterHeight::Size20, FontWeight::Regular, INK),
            Self::Heading => (RasterHeight::Size16, FontWeight::Bold, INK),
            Self::Body => (RasterHeight::Size16, FontWeight::Regular, INK),
            Self::Small => (RasterHeight::Size16, FontWeight::Regular, PALE),
        }
    }

    /// The width of a line of text.
    pub(super) fn width(self, line: &str) -> u32 {
        line.chars().count() as u32 * self.letter_width()
    }

    /// The width of a letter; all have the same.
    pub(super) fn letter_width(self) -> u32 {
        let (height, weight, _) = self.font();
        get_raster_width(weight, height) as u32
    }
}

/// Whether the font has a letter.
pub(super) fn is_drawn(letter: char) -> bool {
    get_raster(letter, FontWeight::Regular, RasterHeight::Size16).is_some()
}

/// Draws a line of text with its upper left corner at `(x, y)`; what is not in the font becomes a box.
pub(super) fn write(sheet: &mut RgbImage, (x, y): (u32, u32), line: &str, style: Style) {
    let (height, weight, ink) = style.font();
    for (i, letter) in line.chars().enumerate() {
        let x = x + i as u32 * style.letter_width();
        let Some(glyph) = get_raster(letter, weight, height) else {
            outline(sheet, (x + 1, y + 3), (style.letter_width() - 2, height as u32 - 6), PALE);
            continue;
        };
        for (dy, row) in glyph.rows().enumerate() {
            for (dx, &strength) in row.iter().enumerate() {
                if let Some(pixel) = sheet.get_pixel_mut_checked(x + dx as u32, y + dy as u32) {
                    *pixel = mixed(*pixel, ink, strength);
                }
            }
        }
    }
}

/// Draws the edges of a rectangle.
pub(super) fn outline(
    sheet: &mut RgbImage,
    (x, y): (u32, u32),
    (width, height): (u32, u32),
    colour: Rgb<u8>,
) {
    for dy in 0..height {
        for dx in 0..width {
            let edge = dx == 0 || dy == 0 || dx + 1 == width || dy + 1 == height;
            if let Some(pixel) = sheet.get_pixel_mut_checked(x + dx, y + dy).filter(|_| edge) {
                *pixel = colour;
            }
        }
    }
}

/// So much (of 255) of a colour over another.
pub(super) fn mixed(below: Rgb<u8>, above: Rgb<u8>, strength: u8) -> Rgb<u8> {
    let strength = u16::from(strength);
    let mix =
        |below: u8, above: u8| (u16::from(below) * (255 - strength) + u16::from(above) * strength) / 255;
    Rgb([0, 1, 2].map(|i| mix(below.0[i], above.0[i]) as u8))
}

/// A name of a class, cut where it is long.
pub(super) fn shortened(name: &str) -> String {
    if name.chars().count() <= MAX_NAME {
        return name.into();
    }
    name.chars().take(MAX_NAME - 2).chain("..".chars()).collect()
}

/// How images are shown: every pixel `scale` times, or every `stride`-th pixel; one of the two is 1.
#[derive(Clone, Copy)]
pub(super) struct Zoom {
    height: usize,
    width: usize,
    scale: usize,
    stride: usize,
}

impl Zoom {
    pub(super) fn of(height: usize, width: usize) -> Self {
        let side = height.max(width).max(1);
        Self { height, width, scale: TILE.div_ceil(side), stride: side.div_ceil(MAX_TILE) }
    }

    /// Columns and rows of a picture.
    pub(super) fn size(self) -> (u32, u32) {
        let tile = |side: usize| (side * self.scale).div_ceil(self.stride) as u32;
        (tile(self.width), tile(self.height))
    }

    /// The image's row or column that is shown at a picture's.
    fn source(self, at: u32) -> usize {
        at as usize / self.scale * self.stride
    }

    /// Draws an image with its upper left corner at `(x, y)`: the colour of a row and a column of it.
    pub(super) fn paste(
        self,
        sheet: &mut RgbImage,
        (x, y): (u32, u32),
        colour: impl Fn(usize, usize) -> Rgb<u8>,
    ) {
        let (width, height) = self.size();
        for row in 0..height {
            for column in 0..width {
                sheet.put_pixel(x + column, y + row, colour(self.source(row), self.source(column)));
            }
        }
    }
}

/// Pixel `at` of an image with one channel or three.
pub(super) fn pixel(image: &[u8], channels: usize, at: usize) -> Rgb<u8> {
    let pixel = &image[at * channels..(at + 1) * channels];
    Rgb(if let [red, green, blue] = *pixel { [red, green, blue] } else { [pixel[0]; 3] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_images_are_enlarged_and_large_ones_thinned() {
        for (side, tile) in
            [(28, 84), (32, 64), (48, 96), (64, 64), (100, 100), (128, 128), (130, 65), (1024, 128)]
        {
            let zoom = Zoom::of(side, side);
            assert_eq!(zoom.size(), (tile, tile), "{side}");
            assert!(zoom.source(tile - 1) < side, "{side}");
        }
    }

    #[test]
    fn letters_that_the_font_lacks_become_boxes() {
        assert!(is_drawn('e') && is_drawn('é') && !is_drawn('漢') && !is_drawn('\u{7}'));
        let mut sheet = RgbImage::from_pixel(20, 20, BACKGROUND);
        write(&mut sheet, (0, 0), "漢", Style::Body);
        assert_eq!((*sheet.get_pixel(1, 3), *sheet.get_pixel(3, 8)), (PALE, BACKGROUND));
        // What lies beyond the sheet is left out.
        write(&mut sheet, (15, 15), "漢e", Style::Title);
    }
}
