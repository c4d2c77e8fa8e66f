//! Images with masks: each image, and below it the same with its mask over it.

use image::{Rgb, RgbImage};

use super::canvas::{BACKGROUND, GAP, MARGIN, Style, Zoom, mixed, outline, pixel, shortened, write};
use super::{check_columns, png};
use crate::error::Result;
use crate::{Masked, SegmentationSet, thousands};

/// The colours of classes from 1 on, again and again (Okabe and Ito's, which all eyes tell apart).
const COLOURS: [[u8; 3]; 7] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [204, 121, 167],
    [0, 114, 178],
    [213, 94, 0],
];
/// How much of a class's colour lies over an image, of 255; its edges are the colour alone.
const STRENGTH: u8 = 110;

/// A list of more classes would be unreadable.
const MAX_CLASSES: usize = 64;
/// The height of a line of the list of classes.
const LINE: u32 = 26;
/// The side of a class's colour in it.
const SWATCH: u32 = 16;

/// The first images of a set to segment as a PNG file: `columns` (1 to 50) of those to train on, and of those to test on, each
/// above the same with its mask over it, and the classes with their colours and their shares of the training pixels.
///
/// # Errors
/// If that is another number of columns.
pub fn masks(set: &SegmentationSet, columns: usize) -> Result<Vec<u8>> {
    check_columns(columns)?;
    png(&sheet(set, columns))
}

fn sheet(set: &SegmentationSet, columns: usize) -> RgbImage {
    let zoom = Zoom::of(set.train.height, set.train.width);
    let (tile_width, tile_height) = zoom.size();
    let title = format!("{}: {}", set.name, summary(set));
    let columns = columns.min(set.train.len().max(set.test.len()));
    let pictures = columns as u32 * (tile_width + GAP);
    let width = MARGIN + pictures.max(Style::Title.width(&title)) + MARGIN;

    let (classes, colours) = (legend(set), colours(&set.classes));
    let cell = SWATCH + 10 + classes.iter().map(|name| Style::Body.width(name)).max().unwrap_or(0) + 24;
    let across = ((width - 2 * MARGIN) / cell).max(1);
    let list_height = (classes.len() as u32).div_ceil(across) * LINE;
    let part_height = 28 + 2 * (tile_height + GAP) + 16;
    let top = MARGIN + 36;

    // A single class may have a name wider than all the rest.
    let mut sheet = RgbImage::from_pixel(
        width.max(MARGIN + cell),
        top + list_height + 16 + 2 * part_height + MARGIN - 16,
        BACKGROUND,
    );
    write(&mut sheet, (MARGIN, MARGIN), &title, Style::Title);
    for (class, name) in classes.iter().enumerate() {
        let at = class as u32;
        let (x, y) = (MARGIN + at % across * cell, top + at / across * LINE);
        swatch(&mut sheet, (x, y), colours[class]);
        write(&mut sheet, (x + SWATCH + 10, y), name, Style::Body);
    }
    for (at, (name, part)) in [("training", &set.train), ("test", &set.test)].into_iter().enumerate() {
        let y = top + list_height + 16 + at as u32 * part_height;
        write(&mut sheet, (MARGIN, y), &format!("{name} images"), Style::Heading);
        for i in 0..columns.min(part.len()) {
            let place = (MARGIN + i as u32 * (tile_width + GAP), y + 28);
            draw(&mut sheet, place, (part, i), &colours, zoom);
        }
    }
    sheet
}

/// Numbers and size of the images, for the title.
fn summary(set: &SegmentationSet) -> String {
    let (train, test) = (thousands(set.train.len()), thousands(set.test.len()));
    let colour = if set.train.channels == 1 { "grey" } else { "colour" };
    format!("{train} training and {test} test images, {}x{} {colour}", set.train.width, set.train.height)
}

/// The classes with their shares of the pixels.
fn legend(set: &SegmentationSet) -> Vec<String> {
    let counts = set.train.class_counts(set.classes.len());
    let all = set.train.masks.len().max(1) as f64;
    let share = |count: usize| 100.0 * count as f64 / all;
    let names = set.classes.iter().zip(counts).take(MAX_CLASSES);
    names.map(|(name, count)| format!("{} {:.1}%", shortened(name), share(count))).collect()
}

/// The colours of the classes: none for class 0, which is left as it is, and for the others their own, where the masks have
/// colours, or one of the list.
fn colours(classes: &[String]) -> Vec<Option<Rgb<u8>>> {
    let own = |name: &str| {
        let digits = name.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Rgb([red, green, blue]))
    };
    let listed = |class: usize| Rgb(COLOURS[(class - 1) % COLOURS.len()]);
    let colour =
        |(class, name): (usize, &String)| (class > 0).then(|| own(name).unwrap_or_else(|| listed(class)));
    classes.iter().enumerate().map(colour).collect()
}

/// The colour of a class; an empty frame where it has none.
fn swatch(sheet: &mut RgbImage, place: (u32, u32), colour: Option<Rgb<u8>>) {
    let Some(colour) = colour else {
        return outline(sheet, place, (SWATCH, SWATCH), Rgb([112, 112, 120]));
    };
    for inset in 0..SWATCH / 2 {
        let side = SWATCH - 2 * inset;
        outline(sheet, (place.0 + inset, place.1 + inset), (side, side), colour);
    }
}

/// Draws image `i`, and below it the same under its mask.
fn draw(
    sheet: &mut RgbImage,
    (x, y): (u32, u32),
    (part, i): (&Masked, usize),
    colours: &[Option<Rgb<u8>>],
    zoom: Zoom,
) {
    let (image, mask) = (part.image(i), part.mask(i));
    let of = |row: usize, column: usize| pixel(image, part.channels, row * part.width + column);
    zoom.paste(sheet, (x, y), of);
    zoom.paste(sheet, (x, y + zoom.size().1 + GAP), |row, column| {
        let class = usize::from(mask[row * part.width + column]);
        let Some(colour) = colours.get(class).copied().flatten() else { return of(row, column) };
        let strength = if is_edge(mask, (row, column), (part.height, part.width)) { 255 } else { STRENGTH };
        mixed(of(row, column), colour, strength)
    });
}

/// Whether a pixel has a neighbour of another class.
fn is_edge(mask: &[u8], (row, column): (usize, usize), (height, width): (usize, usize)) -> bool {
    let class = |row: usize, column: usize| mask[row * width + column];
    let rows = row.saturating_sub(1)..=(row + 1).min(height - 1);
    let columns = column.saturating_sub(1)..=(column + 1).min(width - 1);
    rows.into_iter().any(|r| class(r, column) != class(row, column))
        || columns.into_iter().any(|c| class(row, c) != class(row, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_with_colours_keep_them() {
        let colours = |names: [&str; 3]| colours(&names.map(String::from));
        assert_eq!(
            colours(["#000000", "#0000ff", "#ff8001"]),
            [None, Some(Rgb([0, 0, 255])), Some(Rgb([255, 128, 1]))]
        );
        // Grey values, a name, and a colour of sixteen bits.
        for names in [["0", "1", "2"], ["#grass", "#ground", "#grünes"], ["a", "#0100000000ff", "b"]] {
            assert_eq!(colours(names), [None, Some(Rgb(COLOURS[0])), Some(Rgb(COLOURS[1]))]);
        }
    }

    #[test]
    fn edges_are_where_classes_meet() {
        let mask = [0, 0, 0, 0, 1, 1, 0, 1, 1];
        let edges: Vec<bool> = (0..9).map(|at| is_edge(&mask, (at / 3, at % 3), (3, 3))).collect();
        assert_eq!(edges, [false, true, true, true, true, true, true, true, false]);
    }
}
