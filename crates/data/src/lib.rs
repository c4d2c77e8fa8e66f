//! Data sets for AdAct studies: readers of the publishers' own files, downloads and their verification, splits and
//! batches. This crate prints nothing and knows no terminal.
//!
//! ```
//! use adact_data::{LoadOptions, load};
//! let data = load("fmnist-mini", None, &LoadOptions::default())?;
//! assert_eq!((data.train.len(), data.test.len(), data.classes.len()), (6_000, 1_000, 10));
//! # Ok::<(), adact_data::Error>(())
//! ```

use std::path::Path;

mod augment;
mod catalogue;
pub mod cifar;
pub mod download;
mod embedded;
mod error;
pub mod fer;
pub mod folder;
mod https;
pub mod idx;
mod images;
pub mod mat;
mod pickle;
pub mod preview;
mod rows;
pub mod segmentation;
mod sniff;
mod source;
pub mod split;
pub mod svhn;
mod task;
pub mod text;
mod verify;

pub use augment::Augment;
pub use catalogue::{Entry, RemoteFile, catalogue, data_dir, entry};
pub use embedded::{LICENCE as FMNIST_LICENCE, NUCLEI_NOTICE, SHAKESPEARE_NOTICE};
pub use error::{Error, Fault, Kind, Result};
pub use images::Images;
pub use rows::Rows;
pub use segmentation::{Masked, SegmentationSet, load_segmentation};
pub use source::FileRecord;
pub use task::{Task, task_of};
pub use text::{TextSet, load_text};
pub use verify::{FileState, Verification, verify};

/// A data set in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The name it is known by, such as `cifar10`.
    pub name: String,
    /// The names of the classes, by label.
    pub classes: Vec<String>,
    /// The images to train on.
    pub train: Images,
    /// The images to test on.
    pub test: Images,
    /// The images to choose by, where the data set comes with a set for that: a folder's `val`.
    pub validation: Option<Images>,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of results must know about the data, such as that it is a subset.
    pub note: Option<String>,
    /// What a user should be told before a training: how a folder was understood, and what in it was passed over.
    pub remarks: Vec<String>,
    /// Whether the images lie class by class, as a folder's do, so that the first of them are all of one class: see
    /// [`split::spread`].
    pub by_class: bool,
}

/// How a data set is read, where there is a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadOptions {
    /// Seeds the split of sets that come unsplit: FER2013, and a folder with classes only. Default 0.
    pub split_seed: u64,
    /// The part of such a set that becomes the test set. Default 0.2.
    pub test_fraction: f64,
    /// The side that images of a folder, and of sets to segment, are resized to, in pixels. Default 32.
    pub side: usize,
    /// Whether images of a folder are read as grey instead of colour. Default false.
    pub grey: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { split_seed: 0, test_fraction: 0.2, side: 32, grey: false }
    }
}

impl LoadOptions {
    /// The defaults for sets to segment: images of 128 x 128 pixels, the rest as [`default`](Self::default).
    pub fn segmentation() -> Self {
        Self { side: 128, ..Self::default() }
    }

    fn check_test_fraction(&self) -> Result<()> {
        if self.test_fraction > 0.0 && self.test_fraction < 1.0 {
            return Ok(());
        }
        let message = format!("a test fraction of {} is not between 0 and 1", self.test_fraction);
        Err(Error::new(Kind::Unsupported, message))
    }
}

/// Loads images to classify: one of the [`catalogue`] by its name, or a folder of images as `folder:PATH` or as a path.
/// Texts and sets to segment ([`task_of`] tells) have [`load_text`] and [`load_segmentation`].
///
/// `dir` is the data folder, see [`data_dir`]; the embedded set and folders of images need none. Neither a checksum
/// nor the publisher's number of images is demanded (a note tells of a subset); [`verify`] compares them.
///
/// # Errors
/// An unknown name, a set for another task, a missing or corrupt file, or options that do not fit: one sentence that names the file.
pub fn load(name: &str, dir: Option<&Path>, options: &LoadOptions) -> Result<Dataset> {
    options.check_test_fraction()?;
    Task::Classification.check(name)?;
    if let Some(path) = folder_path(name) {
        return folder::load(path, options);
    }
    let entry = entry(name)?;
    if entry.files.is_empty() {
        return embedded::load(entry);
    }
    read_entry(entry, &entry.locate(&data_dir(dir)?)?, options)
}

/// The path that a name stands for: `folder:PATH`, or what looks like a path and is no known name.
fn folder_path(name: &str) -> Option<&Path> {
    let looks_like_path = || name.contains(['/', '\\']) || name.starts_with('.');
    let unknown = || catalogue().iter().all(|entry| entry.name != name);
    match name.strip_prefix("folder:") {
        Some(path) => Some(Path::new(path)),
        None if looks_like_path() || (unknown() && Path::new(name).is_dir()) => Some(Path::new(name)),
        None => None,
    }
}

/// Reads a set of the catalogue from the folder with its files.
fn read_entry(entry: &Entry, folder: &Path, options: &LoadOptions) -> Result<Dataset> {
    read_files(entry, folder, options).map_err(|error| match error.kind() {
        Kind::Corrupt => {
            let advice =
                format!("for the publisher's file move it away and run `adact data get {}`", entry.name);
            error.advise(&advice)
        }
        _ => error,
    })
}

fn read_files(entry: &Entry, folder: &Path, options: &LoadOptions) -> Result<Dataset> {
    let mut note = String::new();
    let (train, test, files) = match entry.name {
        "fmnist" => idx::load(folder)?,
        "cifar10" => cifar::load(folder)?,
        "svhn" => svhn::load(folder)?,
        "fer2013" => {
            let (all, files) = fer::load(folder)?;
            let (train, test) = split::stratified(&all.labels, options.test_fraction, options.split_seed);
            note = format!("the Training rows{}", split::note(options));
            (all.select(&train), all.select(&test), files)
        }
        other => return Err(Error::new(Kind::Unknown, format!("no reader for {other:?}"))),
    };
    for part in [&train, &test] {
        if (part.height, part.width, part.channels) != (entry.side, entry.side, entry.channels) {
            let message = format!(
                "{}: images of {}x{} pixels, but those of {} have {}x{}",
                folder.display(),
                part.height,
                part.width,
                entry.name,
                entry.side,
                entry.side
            );
            return Err(Error::new(Kind::Corrupt, message));
        }
        part.check_labels(entry.classes.len()).map_err(|fault| fault.at(folder))?;
    }
    if let Some(subset) = subset(entry, train.len(), test.len()) {
        note = if note.is_empty() { subset } else { format!("{subset}; {note}") };
    }
    let classes = entry.classes.iter().map(|&class| class.into()).collect();
    let note = (!note.is_empty()).then_some(note);
    let name = entry.name.into();
    let (validation, remarks) = (None, Vec::new());
    Ok(Dataset { name, classes, train, test, validation, files, note, remarks, by_class: false })
}

/// What to say where the numbers of images are not the publisher's.
fn subset(entry: &Entry, train: usize, test: usize) -> Option<String> {
    let of =
        |n: usize, all: usize, what: &str| format!("{} of {} {what} images", thousands(n), thousands(all));
    if entry.test == 0 {
        return (train + test != entry.train).then(|| of(train + test, entry.train, "training"));
    }
    ((train, test) != (entry.train, entry.test)).then(|| {
        let (train, test) = (of(train, entry.train, "training"), of(test, entry.test, "test"));
        format!("not the publisher's full set: {train}, {test}")
    })
}

/// A number with a comma before each group of three digits.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}
