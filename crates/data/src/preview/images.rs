//! Images with classes: a row for each class.

use image::RgbImage;

use super::canvas::{BACKGROUND, GAP, MARGIN, Style, Zoom, pixel, shortened, write};
use super::{check_columns, png};
use crate::error::Result;
use crate::{Dataset, thousands};

/// A sheet of more classes would be unreadable.
const MAX_CLASSES: usize = 64;

/// The training images of a data set as a PNG file: a row per class, with its name, its number of images and its first
/// `columns` images (1 to 50).
///
/// # Errors
/// If that is another number of columns.
pub fn images(data: &Dataset, columns: usize) -> Result<Vec<u8>> {
    check_columns(columns)?;
    png(&sheet(data, columns))
}

fn sheet(data: &Dataset, columns: usize) -> RgbImage {
    let images = &data.train;
    let classes = &data.classes[..data.classes.len().min(MAX_CLASSES)];
    let counts = images.class_counts(classes.len());
    let names: Vec<String> = classes.iter().map(|name| shortened(name)).collect();
    let count_texts: Vec<String> = counts.iter().map(|&count| thousands(count)).collect();

    let zoom = Zoom::of(images.height, images.width);
    let (tile_width, tile_height) = zoom.size();
    let row_height = tile_height.max(44) + GAP;
    let longest = names.iter().chain(&count_texts).map(|text| Style::Name.width(text)).max().unwrap_or(0);
    let left = MARGIN + longest + 16;
    let title = format!("{}: {}", data.name, summary(data));
    let top = MARGIN + 36;
    let width =
        (left + columns as u32 * (tile_width + GAP)).max(MARGIN + Style::Title.width(&title)) + MARGIN;
    let height = top + classes.len() as u32 * row_height + MARGIN;

    let mut sheet = RgbImage::from_pixel(width, height, BACKGROUND);
    write(&mut sheet, (MARGIN, MARGIN), &title, Style::Title);
    for (class, (name, count)) in names.iter().zip(&count_texts).enumerate() {
        let y = top + class as u32 * row_height;
        let middle = y + tile_height / 2;
        write(&mut sheet, (MARGIN, middle.saturating_sub(20)), name, Style::Name);
        write(&mut sheet, (MARGIN, middle), count, Style::Small);
        let members = (0..images.len()).filter(|&i| usize::from(images.labels[i]) == class).take(columns);
        for (column, i) in members.enumerate() {
            let place = (left + column as u32 * (tile_width + GAP), y);
            let image = images.image(i);
            zoom.paste(&mut sheet, place, |row, column| {
                pixel(image, images.channels, row * images.width + column)
            });
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
