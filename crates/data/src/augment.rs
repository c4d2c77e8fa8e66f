//! Images moved at random, so that a network sees each a little differently every epoch.

use std::fmt;
use std::str::FromStr;

use adact_kernels::random::{Purpose, Stream};

use crate::error::{Error, Kind, Result};
use crate::images::NORMALISED;
use crate::{Images, Masked};

/// What is done to the images of a training batch. The default is nothing.
///
/// As text it is `none`, or `crop-flip` (a padding of 4) or `crop-flip:PADDING`.
///
/// ```
/// use adact_data::Augment;
/// assert_eq!("crop-flip".parse::<Augment>()?, Augment::CropFlip { padding: 4 });
/// assert_eq!(Augment::CropFlip { padding: 8 }.to_string(), "crop-flip:8");
/// # Ok::<(), adact_data::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Augment {
    /// Nothing.
    #[default]
    None,
    /// The recipe of He et al. 2015 for small images (in torchvision `RandomCrop(side, padding)` and
    /// `RandomHorizontalFlip()`): black is added on all sides, a part of the former size cut out anywhere, and every
    /// second one mirrored. Images with masks are also turned upside down every second time, since they have no up.
    CropFlip {
        /// How many pixels are added on each side, so how far an image moves at most; up to [`MAX_PADDING`](Augment::MAX_PADDING).
        padding: usize,
    },
}

impl Augment {
    /// The padding of `crop-flip` without a number.
    pub const PADDING: usize = 4;
    /// The most padding that is read: the largest side of an image.
    pub const MAX_PADDING: usize = 1024;
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::CropFlip { padding: Self::PADDING } => f.write_str("crop-flip"),
            Self::CropFlip { padding } => write!(f, "crop-flip:{padding}"),
        }
    }
}

impl FromStr for Augment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let padding = match text.split_once(':') {
            None if text == "none" => return Ok(Self::None),
            None if text == "crop-flip" => Some(Self::PADDING),
            Some(("crop-flip", digits)) => {
                digits.parse().ok().filter(|&padding| padding <= Self::MAX_PADDING)
            }
            _ => None,
        };
        padding.map(|padding| Self::CropFlip { padding }).ok_or_else(|| {
            let message = format!(
                "{text:?} is no augmentation: there are `none`, `crop-flip`, and `crop-flip:PADDING` with a padding of up \
                 to {} pixels",
                Self::MAX_PADDING
            );
            Error::new(Kind::Unsupported, message)
        })
    }
}

/// How an image is moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Move {
    /// Where in the image the upper left pixel of the part lies: rows and columns, from `-padding` to `padding`.
    row: isize,
    column: isize,
    mirrored: bool,
    upside_down: bool,
}

impl Move {
    /// How the image `index` of a set is moved in an epoch. Three draws an image, whatever they are used for, so that
    /// the same image moves alike in a set with masks and in one without.
    fn of(augment: Augment, stream: Stream, index: u32) -> Self {
        let Augment::CropFlip { padding } = augment else { return Self::default() };
        let padding = padding.min(Augment::MAX_PADDING);
        let draw = 3 * u64::from(index);
        let shift = |i| stream.below(draw + i, 2 * padding as u64 + 1) as isize - padding as isize;
        let flips = stream.below(draw + 2, 4);
        Self { row: shift(0), column: shift(1), mirrored: flips & 2 != 0, upside_down: flips & 1 != 0 }
    }

    /// Appends the moved image to `out`: `value` of each byte, and that of 0 outside.
    fn apply<T: Copy>(
        self,
        image: &[u8],
        (height, width, channels): (usize, usize, usize),
        value: impl Fn(u8) -> T,
        out: &mut Vec<T>,
    ) {
        if self == Self::default() {
            return out.extend(image.iter().map(|&byte| value(byte)));
        }
        let source = |at: usize, size: usize, flipped: bool, shift: isize| {
            let at = if flipped { size - 1 - at } else { at };
            at.checked_add_signed(shift).filter(|&at| at < size)
        };
        for row in 0..height {
            let Some(row) = source(row, height, self.upside_down, self.row) else {
                out.extend(std::iter::repeat_n(value(0), width * channels));
                continue;
            };
            for column in 0..width {
                match source(column, width, self.mirrored, self.column) {
                    Some(column) => {
                        let at = (row * width + column) * channels;
                        out.extend(image[at..at + channels].iter().map(|&byte| value(byte)));
                    }
                    None => out.extend(std::iter::repeat_n(value(0), channels)),
                }
            }
        }
    }
}

/// The random numbers of an epoch.
fn stream(seed: u64, epoch: u64) -> Stream {
    Stream::new(seed, Purpose::Augment, epoch)
}

impl Images {
    /// [`batch`](Self::batch) with each image moved: a pure function of the seed, the epoch and the image's place in
    /// the set, whatever else is in the batch. With [`Augment::None`] it is `batch`.
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
        pixels.clear();
        pixels.reserve(indices.len() * self.image_len());
        labels.clear();
        labels.extend(indices.iter().map(|&i| i32::from(self.labels[i as usize])));
        let (stream, size) = (stream(seed, epoch), (self.height, self.width, self.channels));
        for &i in indices {
            // An image of a class is never upside down.
            let moved = Move { upside_down: false, ..Move::of(augment, stream, i) };
            moved.apply(self.image(i as usize), size, |byte| NORMALISED[byte as usize], pixels);
        }
    }
}

impl Masked {
    /// [`batch`](Self::batch) with each image and its mask moved alike: a pure function of the seed, the epoch and the
    /// image's place in the set. Outside of an image it is black, and of class 0. With [`Augment::None`] it is `batch`.
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
        targets: &mut Vec<i32>,
    ) {
        pixels.clear();
        targets.clear();
        let (height, width, channels) = (self.height, self.width, self.channels);
        pixels.reserve(indices.len() * height * width * channels);
        targets.reserve(indices.len() * height * width);
        let stream = stream(seed, epoch);
        for &i in indices {
            let moved = Move::of(augment, stream, i);
            let size = (height, width, channels);
            moved.apply(self.image(i as usize), size, |byte| NORMALISED[byte as usize], pixels);
            moved.apply(self.mask(i as usize), (height, width, 1), i32::from, targets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROP: Augment = Augment::CropFlip { padding: 2 };

    /// The image moved, with 0 outside.
    fn moved(moved: Move, image: &[u8], size: (usize, usize, usize)) -> Vec<u8> {
        let mut out = Vec::new();
        moved.apply(image, size, |byte| byte, &mut out);
        out
    }

    #[test]
    fn moves_are_what_their_names_say() {
        let image = [1, 2, 3, 4, 5, 6];
        let size = (2, 3, 1);
        let still = Move::default();
        assert_eq!(moved(still, &image, size), image);
        assert_eq!(moved(Move { row: 1, ..still }, &image, size), [4, 5, 6, 0, 0, 0]);
        assert_eq!(moved(Move { column: -1, ..still }, &image, size), [0, 1, 2, 0, 4, 5]);
        assert_eq!(moved(Move { mirrored: true, ..still }, &image, size), [3, 2, 1, 6, 5, 4]);
        assert_eq!(moved(Move { upside_down: true, ..still }, &image, size), [4, 5, 6, 1, 2, 3]);
        // First cut out, then mirrored.
        assert_eq!(moved(Move { column: 1, mirrored: true, ..still }, &image, size), [0, 3, 2, 0, 6, 5]);
        assert_eq!(moved(Move { row: -9, ..still }, &image, size), [0; 6]);
        // The channels of a pixel stay in their order.
        assert_eq!(moved(Move { mirrored: true, ..still }, &image, (1, 2, 3)), [4, 5, 6, 1, 2, 3]);
    }

    #[test]
    fn all_moves_happen_equally_often() {
        let stream = stream(3, 1);
        let moves: Vec<Move> = (0..10_000).map(|i| Move::of(CROP, stream, i)).collect();
        for shift in -2..=2 {
            for count in [
                moves.iter().filter(|m| m.row == shift).count(),
                moves.iter().filter(|m| m.column == shift).count(),
            ] {
                assert!((1850..2150).contains(&count), "{shift}: {count}");
            }
        }
        for count in
            [moves.iter().filter(|m| m.mirrored).count(), moves.iter().filter(|m| m.upside_down).count()]
        {
            assert!((4850..5150).contains(&count), "{count}");
        }
        let both = moves.iter().filter(|m| m.mirrored && m.upside_down).count();
        assert!((2350..2650).contains(&both), "{both}");
        assert!(moves.iter().all(|m| m.row.abs() <= 2 && m.column.abs() <= 2));
    }
}
