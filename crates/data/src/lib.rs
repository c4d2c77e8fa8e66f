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

mod embedded;
mod error;
pub mod idx;
mod images;
mod source;
pub mod split;

pub use embedded::LICENCE as FMNIST_LICENCE;
pub use error::{Error, Fault, Kind, Result};
pub use images::Images;
pub use source::FileRecord;

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
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of results must know about the data, such as that it is a subset.
    pub note: Option<String>,
}

/// How a data set is read, where there is a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadOptions {
    /// Seeds the split of sets that come unsplit: FER2013, and a folder with classes only. Default 0.
    pub split_seed: u64,
    /// The part of such a set that becomes the test set. Default 0.2.
    pub test_fraction: f64,
    /// The side that images of a folder are resized to, in pixels. Default 32.
    pub side: usize,
    /// Whether images of a folder are read as grey instead of colour. Default false.
    pub grey: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { split_seed: 0, test_fraction: 0.2, side: 32, grey: false }
    }
}

const FASHION: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

/// Loads a data set by name, or a folder of images by path.
pub fn load(name: &str, _dir: Option<&Path>, _options: &LoadOptions) -> Result<Dataset> {
    match name {
        "fmnist-mini" => embedded::load(FASHION.map(String::from).to_vec()),
        _ => Err(Error::new(Kind::Unknown, format!("there is no data set {name:?}"))),
    }
}
