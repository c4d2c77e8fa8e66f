//! A folder of images of one's own.
//!
//! The classes lie in `train` and `test` (`val`, `valid` or `validation` is the validation set, or the test set where
//! there is none), in any case, or in the folder itself, which is then split. Every folder there is a class, and its
//! files with a picture's ending are its images: PNG, JPEG, WebP, GIF (the first frame), BMP and TIFF (the first page).
//! Folders that only wrap another one are walked through. Files of other kinds are passed over, and counted in a
//! remark; a broken picture is an error.

use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::{Dataset, LoadOptions, split};

pub(crate) mod decode;
pub(crate) mod files;
mod jpeg;
pub(crate) mod layout;
pub(crate) mod read;

pub use decode::{decode, read_image};

/// Sides that images are resized to.
const SIDES: std::ops::RangeInclusive<usize> = 1..=1024;

/// Whether images can be resized to this side.
pub(crate) fn check_side(side: usize) -> Result<()> {
    if !SIDES.contains(&side) {
        let message = format!("a side of {side} pixels is not possible: it must be 1 to 1024");
        return Err(Error::new(Kind::Unsupported, message));
    }
    Ok(())
}

/// Loads the data set in a folder.
pub(crate) fn load(root: &Path, options: &LoadOptions) -> Result<Dataset> {
    check_side(options.side)?;
    let layout = layout::find(root)?;
    let classes = layout.classes;
    let mut remarks = layout.remarks;
    let mut note = format!("resized to {0}x{0}", options.side);

    let mut reader = read::Reader::new(&classes, options);
    let train = reader.read(&layout.train)?;
    let test = layout.test.map(|part| reader.read(&part)).transpose()?;
    let validation = layout.validation.map(|part| reader.read(&part)).transpose()?;
    let files = vec![reader.finish(root)?];

    let (train, test) = match test {
        Some(test) => (train, test),
        None => {
            let (rest, part) = split::stratified(&train.labels, options.test_fraction, options.split_seed);
            note += &split::note(options);
            if part.is_empty() {
                let share = options.test_fraction * 100.0;
                let reason = format!("the classes have too few images for a test set of {share:.0}% of each");
                return Err(Error::new(Kind::Corrupt, format!("{}: {reason}", root.display())));
            }
            (train.select(&rest), train.select(&part))
        }
    };
    for (part, what) in [(Some(&test), "test"), (validation.as_ref(), "validation")] {
        let Some(part) = part else { continue };
        if part.is_empty() {
            return Err(Error::new(Kind::Corrupt, format!("{}: no {what} image", root.display())));
        }
        let counts = part.class_counts(classes.len());
        let without = classes.iter().zip(counts).filter(|&(_, count)| count == 0).map(|(class, _)| class);
        let without: Vec<_> = without.collect();
        if !without.is_empty() {
            remarks.push(format!("no {what} image of {}", first(10, &without)));
        }
    }
    let name = root.file_name().map_or_else(|| "images".into(), |name| name.to_string_lossy().into_owned());
    Ok(Dataset { name, classes, train, test, validation, files, note: Some(note), remarks, by_class: true })
}

/// The first `n` of some words, and how many more there are.
fn first(n: usize, words: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = words.iter().take(n).map(AsRef::as_ref).collect();
    match words.len().saturating_sub(n) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
