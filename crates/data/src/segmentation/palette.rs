//! The values of masks, and the classes that they stand for.

use std::collections::BTreeSet;

use image::DynamicImage;

use crate::error::Fault;

/// The most classes: a class is a byte.
pub(super) const MAX_CLASSES: usize = 256;

/// A pixel of a mask: red, green and blue as the file has them (8 or 16 bits); a grey value is three equal ones.
pub(super) type Colour = [u16; 3];

/// A mask by the values that it has itself.
pub(super) struct Mask {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The values of all its pixels, sorted; before it was resized.
    pub(super) colours: Vec<Colour>,
    /// Side x side; the place of each pixel's value in `colours`.
    pub(super) indices: Vec<u8>,
}

impl Mask {
    /// Reads the values of a picture, and takes the pixels nearest to those of a picture of `side` x `side`.
    pub(super) fn of(image: DynamicImage, side: usize) -> Result<Self, Fault> {
        let size = (image.width() as usize, image.height() as usize);
        match image {
            DynamicImage::ImageLuma8(image) => {
                let values = image.into_raw();
                Self::from_values(size, side, |at| [values[at].into(); 3])
            }
            // Sixteen bits must not be cut to eight: small numbers of classes would all become 0.
            DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgb16(_)
            | DynamicImage::ImageRgba16(_) => {
                let values = image.into_rgb16().into_raw();
                Self::from_values(size, side, |at| [0, 1, 2].map(|colour| values[3 * at + colour]))
            }
            DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => {
                Err(Fault::unsupported("the mask has fractions as values: save it with 8 or 16 bits"))
            }
            _ => {
                let values = image.into_rgb8().into_raw();
                Self::from_values(size, side, |at| [0, 1, 2].map(|colour| values[3 * at + colour].into()))
            }
        }
    }

    /// Makes a mask of the values of its pixels, row by row.
    fn from_values(
        (width, height): (usize, usize),
        side: usize,
        value: impl Fn(usize) -> Colour,
    ) -> Result<Self, Fault> {
        let mut colours = BTreeSet::new();
        let mut last = None;
        for at in 0..width * height {
            let colour = value(at);
            // Neighbours are mostly equal.
            if last.replace(colour) != Some(colour) && colours.insert(colour) && colours.len() > MAX_CLASSES {
                return Err(Fault::unsupported(format!(
                    "the mask has more than {MAX_CLASSES} values: it must have one for each class"
                )));
            }
        }
        let colours: Vec<Colour> = colours.into_iter().collect();
        let mut indices = Vec::with_capacity(side * side);
        for row in 0..side {
            let row = nearest(row, side, height) * width;
            for column in 0..side {
                let colour = value(row + nearest(column, side, width));
                indices.push(colours.partition_point(|other| *other < colour) as u8);
            }
        }
        Ok(Self { width, height, colours, indices })
    }
}

/// The pixel of `size` whose middle is nearest to that of pixel `at` of `side`.
fn nearest(at: usize, side: usize, size: usize) -> usize {
    (2 * at + 1) * size / (2 * side)
}

/// What the classes are called: all by their grey values, or all by their colours as in HTML where one is no grey.
pub(super) fn names(colours: &[Colour]) -> Vec<String> {
    let digits = if colours.iter().flatten().all(|&value| value < 256) { 2 } else { 4 };
    let name = |[red, green, blue]: &Colour| match colours.iter().all(is_grey) {
        true => red.to_string(),
        false => format!("#{red:0digits$x}{green:0digits$x}{blue:0digits$x}"),
    };
    colours.iter().map(name).collect()
}

/// What a value is called by itself.
pub(super) fn name(colour: &Colour) -> String {
    names(std::slice::from_ref(colour)).concat()
}

fn is_grey([red, green, blue]: &Colour) -> bool {
    red == green && green == blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_pixels_are_spread_evenly() {
        let all = |side, size| (0..side).map(|at| nearest(at, side, size)).collect::<Vec<_>>();
        assert_eq!(all(4, 4), [0, 1, 2, 3]);
        assert_eq!(all(4, 2), [0, 0, 1, 1]);
        assert_eq!(all(2, 4), [1, 3]);
        assert_eq!(all(1, 9), [4]);
        assert_eq!(all(3, 2), [0, 1, 1]);
    }

    #[test]
    fn classes_have_names() {
        assert_eq!(name(&[7; 3]), "7");
        assert_eq!(name(&[255, 0, 16]), "#ff0010");
        assert_eq!(name(&[256, 0, 1]), "#010000000001");
        assert_eq!(names(&[[0; 3], [9; 3]]), ["0", "9"]);
        assert_eq!(names(&[[0; 3], [0, 0, 255], [255; 3]]), ["#000000", "#0000ff", "#ffffff"]);
    }
}
