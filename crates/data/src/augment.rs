//! Variations of training images: a random crop of the padded image, and flips.

use std::fmt;
use std::str::FromStr;

use adact_kernels::random::{Purpose, Stream};

use crate::Images;
use crate::error::{Error, Kind, Result};
use crate::images::NORMALISED;

/// How training images are varied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Augment {
    /// Not at all.
    #[default]
    None,
    /// A crop of the image's size out of the image with black around it, and a horizontal flip of every second image (He et
    /// al. 2015). Images with masks are flipped vertically, too.
    CropFlip {
        /// Black pixels on each side. `crop-flip` means 4.
        padding: usize,
    },
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::CropFlip { padding: 4 } => f.write_str("crop-flip"),
            Self::CropFlip { padding } => write!(f, "crop-flip:{padding}"),
        }
    }
}

impl FromStr for Augment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let padding = text.strip_prefix("crop-flip:").and_then(|n| n.parse().ok());
        match text {
            "none" => Ok(Self::None),
            "crop-flip" => Ok(Self::CropFlip { padding: 4 }),
            _ => match padding {
                Some(padding) if padding <= 64 => Ok(Self::CropFlip { padding }),
                _ => Err(Error::new(
                    Kind::Unsupported,
                    format!("{text:?} varies nothing: write `none`, `crop-flip`, or `crop-flip:PIXELS`"),
                )),
            },
        }
    }
}

/// What happens to one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    /// How far up and left the image moves.
    up: isize,
    left: isize,
    mirrored: bool,
    upside_down: bool,
}

impl Augment {
    /// What happens to image `index` of a set in an epoch; none where nothing does.
    pub(crate) fn movement(self, seed: u64, epoch: u64, index: u32, vertical: bool) -> Option<Move> {
        let Self::CropFlip { padding } = self else { return None };
        // A stream of its own: the order of the images is another child's.
        let stream = Stream::new(seed, Purpose::Shuffle, epoch).child(1 + u64::from(index));
        let shift = |i| stream.below(i, 2 * padding as u64 + 1) as isize - padding as isize;
        Some(Move {
            up: shift(0),
            left: shift(1),
            mirrored: stream.below(2, 2) == 1,
            upside_down: vertical && stream.below(3, 2) == 1,
        })
    }
}

impl Move {
    /// Where the pixel at a place comes from; none where it comes from outside.
    pub(crate) fn source(
        &self,
        (row, column): (usize, usize),
        (height, width): (usize, usize),
    ) -> Option<usize> {
        let column = if self.mirrored { width - 1 - column } else { column };
        let row = if self.upside_down { height - 1 - row } else { row };
        let row = row.checked_add_signed(self.up).filter(|&row| row < height)?;
        let column = column.checked_add_signed(self.left).filter(|&column| column < width)?;
        Some(row * width + column)
    }

    /// Adds the moved image, normalised; black comes from outside.
    pub(crate) fn push(&self, image: &[u8], (height, width): (usize, usize), pixels: &mut Vec<f32>) {
        let channels = image.len() / (height * width);
        for row in 0..height {
            for column in 0..width {
                match self.source((row, column), (height, width)) {
                    Some(at) => {
                        let pixel = &image[at * channels..(at + 1) * channels];
                        pixels.extend(pixel.iter().map(|&x| NORMALISED[x as usize]));
                    }
                    None => pixels.extend(std::iter::repeat_n(NORMALISED[0], channels)),
                }
            }
        }
    }
}

impl Images {
    /// As [`batch`](Self::batch), each image varied as a function of the seed, the epoch and its index.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn batch_augmented(
        &self,
        indices: &[u32],
        augment: Augment,
        seed: u64,
        epoch: u64,
        pixels: &mut Vec<f32>,
        labels: &mut Vec<i32>,
    ) {
        if augment == Augment::None {
            return self.batch(indices, pixels, labels);
        }
        pixels.clear();
        pixels.reserve(indices.len() * self.image_len());
        labels.clear();
        for &i in indices {
            if let Some(movement) = augment.movement(seed, epoch, i, false) {
                movement.push(self.image(i as usize), (self.height, self.width), pixels);
            }
            labels.push(i32::from(self.labels[i as usize]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in ["none", "crop-flip", "crop-flip:2"] {
            assert_eq!(text.parse::<Augment>().unwrap().to_string(), text);
        }
        assert!("flip".parse::<Augment>().unwrap_err().to_string().contains("crop-flip"));
    }

    #[test]
    fn images_move_and_flip_and_repeat() {
        let images = Images::new((3, 3, 1), (1..=9).collect(), vec![5]).unwrap();
        let augment = Augment::CropFlip { padding: 1 };
        let draw = |seed, epoch| {
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            images.batch_augmented(&[0], augment, seed, epoch, &mut pixels, &mut labels);
            assert_eq!((pixels.len(), labels), (9, vec![5]));
            pixels
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        let mut all: Vec<Vec<u32>> =
            (0..500).map(|epoch| draw(1, epoch).iter().map(|p| p.to_bits()).collect()).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 18, "9 shifts by 2 flips");
        let (mut plain, mut labels) = (Vec::new(), Vec::new());
        images.batch(&[0], &mut plain, &mut labels);
        let plain: Vec<u32> = plain.iter().map(|p| p.to_bits()).collect();
        assert!(all.contains(&plain), "the image itself is one of them");
    }
}
