//! Sets to segment: images, and for each a mask with the class of every pixel.
//!
//! A folder has `train/images/x.png` (or another picture's ending) with `train/masks/x.png`, and the same in `test`. A folder
//! `val`, `valid` or `validation` is to choose by, or to test on where there is no `test`. Without either, or with `images`
//! and `masks` in the folder itself, the images are split by a seed.
//!
//! Each grey value or colour of the masks is a class; the classes are in the order of the values (of colours: red, then
//! green, then blue). A mask is a picture without loss (PNG), of its image's size.

use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::source::{self, FileRecord};
use crate::{LoadOptions, Task, embedded, folder, split};

mod layout;
mod masked;
mod palette;
mod read;

use layout::Part;
pub(crate) use layout::is_layout;
pub use masked::Masked;
pub(crate) use read::{Bytes, Reader};

/// A set to segment, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentationSet {
    /// The name it is known by: `nuclei-mini`, or the folder's name.
    pub name: String,
    /// The classes in the order of their numbers: the grey value (`255`) or the colour (`#ff0000`) in the masks.
    pub classes: Vec<String>,
    /// The images to train on.
    pub train: Masked,
    /// The images to test on.
    pub test: Masked,
    /// The images to choose by, where the folder comes with some.
    pub validation: Option<Masked>,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of results must know about the data.
    pub note: Option<String>,
    /// What a user should be told before a training.
    pub remarks: Vec<String>,
}

/// Loads a set to segment: `nuclei-mini`, which is part of the program, or a folder of images and masks as `folder:PATH`
/// or as a path (inside the data folder `dir`, see [`data_dir`](crate::data_dir), where it leads nowhere else).
///
/// Images are resized to [`LoadOptions::side`], and masks by their nearest pixels. Start from
/// [`LoadOptions::segmentation`]: its side is 128, which is that of `nuclei-mini`.
///
/// ```
/// use adact_data::{LoadOptions, load_segmentation};
/// let set = load_segmentation("nuclei-mini", None, &LoadOptions::segmentation())?;
/// assert_eq!((set.train.len(), set.test.len(), set.train.height), (48, 16, 128));
/// assert_eq!(set.classes, ["background", "nucleus"]);
/// # Ok::<(), adact_data::Error>(())
/// ```
///
/// # Errors
/// An image without a mask or a mask without an image, a mask of another size than its image, a value in a mask to test
/// or choose by that no mask to train on has, one class or more than 256, no image, a broken picture: one sentence that names the
/// file.
pub fn load_segmentation(
    name_or_path: &str,
    dir: Option<&Path>,
    options: &LoadOptions,
) -> Result<SegmentationSet> {
    Task::Segmentation.check(name_or_path)?;
    options.check_test_fraction()?;
    folder::check_side(options.side)?;
    if name_or_path == "nuclei-mini" {
        return embedded::nuclei(options);
    }
    load_folder(&source::locate(name_or_path, dir)?, options)
}

fn load_folder(root: &Path, options: &LoadOptions) -> Result<SegmentationSet> {
    let layout = layout::find(root)?;
    let mut reader = Reader::new(options);
    let train = reader.read_files(root, &layout.train)?;
    let mut part = |part: Option<Part>| part.map(|part| reader.read_files(root, &part)).transpose();
    let (test, validation) = (part(layout.test)?, part(layout.validation)?);
    let (classes, record) = reader.finish(root)?;
    let mut note = format!("resized to {0}x{0}", options.side);
    let (train, test) = match test {
        Some(test) => (train, test),
        None => {
            // All are of one class, as far as this split is concerned.
            let (rest, part) =
                split::stratified(&vec![0; train.len()], options.test_fraction, options.split_seed);
            if part.is_empty() {
                let share = options.test_fraction * 100.0;
                let reason = format!("too few images for a test set of {share:.0}% of them");
                return Err(Error::new(Kind::Corrupt, format!("{}: {reason}", root.display())));
            }
            let share = options.test_fraction * 100.0;
            note += &format!(", split {:.0}/{share:.0} with seed {}", 100.0 - share, options.split_seed);
            (train.select(&rest), train.select(&part))
        }
    };
    let name = root.file_name().map_or_else(|| "images".into(), |name| name.to_string_lossy().into_owned());
    let (files, remarks) = (vec![record], layout.remarks);
    Ok(SegmentationSet { name, classes, train, test, validation, files, note: Some(note), remarks })
}
