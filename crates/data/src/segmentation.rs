//! Images and the class of each of their pixels.

use std::collections::BTreeMap;
use std::path::Path;

use crate::augment::Augment;
use crate::error::{Error, Kind, Result};
use crate::images::NORMALISED;
use crate::source::FileRecord;
use crate::task::{self, Task, task_of};

mod embedded;
mod folder;

pub(crate) use embedded::NUCLEI;
pub(crate) use folder::is_segmentation;

/// A set of images with masks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentationSet {
    /// The name it is known by.
    pub name: String,
    /// The names of the classes, by number.
    pub classes: Vec<String>,
    /// The images to learn from.
    pub train: Masked,
    /// The images to judge by.
    pub test: Masked,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of results must know about the data.
    pub note: Option<String>,
    /// What a user should be told before a training.
    pub remarks: Vec<String>,
}

/// Images of one size, and a class for each pixel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Count x height x width x channels, channels last.
    pub pixels: Vec<u8>,
    /// Count x height x width.
    pub masks: Vec<u8>,
}

/// Loads images with masks: `nuclei-mini`, which is in the program, or a folder.
///
/// A folder has `images` with pictures and `masks` with a picture of the same name for each (PNG, say); both lie in `train`
/// and `test`, or in the folder itself, which is then split. The grey values or colours that occur in the masks are the
/// classes, in sorted order. Images are resized to `options.side`, masks too, without mixing classes.
///
/// ```
/// let set = adact_data::load_segmentation("nuclei-mini", None, &Default::default())?;
/// assert_eq!((set.train.len(), set.test.len(), set.classes.len()), (48, 16, 2));
/// # Ok::<(), adact_data::Error>(())
/// ```
///
/// # Errors
/// If there is no such set, an image or a mask is missing, broken or of another size than its image, or the classes are
/// more than 256.
pub fn load_segmentation(
    name: &str,
    dir: Option<&Path>,
    options: &crate::LoadOptions,
) -> Result<SegmentationSet> {
    let _ = dir; // there is no set to download yet
    if name == NUCLEI {
        return embedded::load();
    }
    if task_of(name) == Task::Text || crate::catalogue().iter().any(|entry| entry.name == name) {
        task::expect(name, Task::Segmentation)?;
    }
    let path = Path::new(name.strip_prefix("folder:").unwrap_or(name));
    if !path.is_dir() {
        let message =
            format!("{}: there is no such folder of images and masks; give one, or {NUCLEI}", path.display());
        return Err(Error::new(Kind::Missing, message));
    }
    folder::load(path, options)
}

impl Masked {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.masks.len().checked_div(self.area()).unwrap_or(0)
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// Pixels of an image.
    fn area(&self) -> usize {
        self.height * self.width
    }

    /// The pixels and the classes of image `i`.
    ///
    /// # Panics
    /// If there is no image `i`.
    pub fn image(&self, i: usize) -> (&[u8], &[u8]) {
        let (area, size) = (self.area(), self.area() * self.channels);
        (&self.pixels[i * size..(i + 1) * size], &self.masks[i * area..(i + 1) * area])
    }

    /// Keeps the first `n` images; does nothing where there are fewer.
    pub fn take(&mut self, n: usize) {
        let n = n.min(self.len());
        self.masks.truncate(n * self.area());
        self.pixels.truncate(n * self.area() * self.channels);
    }

    /// The images at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn select(&self, indices: &[u32]) -> Self {
        let mut selected = Self { pixels: Vec::new(), masks: Vec::new(), ..*self };
        for &i in indices {
            let (pixels, mask) = self.image(i as usize);
            selected.pixels.extend_from_slice(pixels);
            selected.masks.extend_from_slice(mask);
        }
        selected
    }

    /// Fills `pixels` with the images at `indices`, normalised as [`Images::batch`](crate::Images::batch) does, and `targets`
    /// with the classes of their pixels, row by row.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn batch(&self, indices: &[u32], pixels: &mut Vec<f32>, targets: &mut Vec<i32>) {
        self.batch_augmented(indices, Augment::None, 0, 0, pixels, targets);
    }

    /// As [`batch`](Self::batch), each image varied with its mask as a function of the seed, the epoch and its index: class 0
    /// comes from outside.
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
        let size = (self.height, self.width);
        for &i in indices {
            let (image, mask) = self.image(i as usize);
            match augment.movement(seed, epoch, i, true) {
                None => {
                    pixels.extend(image.iter().map(|&x| NORMALISED[x as usize]));
                    targets.extend(mask.iter().map(|&class| i32::from(class)));
                }
                Some(movement) => {
                    movement.push(image, size, pixels);
                    let places =
                        (0..self.height).flat_map(|row| (0..self.width).map(move |column| (row, column)));
                    targets.extend(
                        places.map(|place| movement.source(place, size).map_or(0, |at| i32::from(mask[at]))),
                    );
                }
            }
        }
    }
}

/// The classes of masks: what occurs in them, in sorted order.
#[derive(Debug, Default)]
struct Classes(BTreeMap<[u8; 3], u8>);

impl Classes {
    /// Those of all colours.
    fn of(colours: impl Iterator<Item = [u8; 3]>) -> Result<Self, usize> {
        let colours: std::collections::BTreeSet<_> = colours.collect();
        if colours.len() > 256 {
            return Err(colours.len());
        }
        Ok(Self(colours.into_iter().zip(0..=u8::MAX).collect()))
    }

    fn class(&self, colour: [u8; 3]) -> Option<u8> {
        self.0.get(&colour).copied()
    }

    /// `background` and `foreground` for two, else the grey values or colours.
    fn names(&self) -> Vec<String> {
        if self.0.len() == 2 {
            return ["background", "foreground"].map(String::from).to_vec();
        }
        let name = |&[r, g, b]: &[u8; 3]| match r == g && g == b {
            true => r.to_string(),
            false => format!("#{r:02x}{g:02x}{b:02x}"),
        };
        self.0.keys().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_masks_move_together() {
        let values: Vec<u8> = (0..9).collect();
        let set = Masked { channels: 1, height: 3, width: 3, pixels: values.clone(), masks: values };
        for epoch in 0..50 {
            let (mut pixels, mut targets) = (Vec::new(), Vec::new());
            set.batch_augmented(&[0], Augment::CropFlip { padding: 1 }, 7, epoch, &mut pixels, &mut targets);
            for (pixel, target) in pixels.iter().zip(&targets) {
                assert_eq!(*pixel, NORMALISED[*target as usize]);
            }
        }
        let (mut pixels, mut targets) = (Vec::new(), Vec::new());
        set.batch(&[0, 0], &mut pixels, &mut targets);
        assert_eq!((pixels.len(), &targets[9..12]), (18, &[0, 1, 2][..]));
        assert_eq!(set.select(&[0, 0, 0]).len(), 3);
    }
}
