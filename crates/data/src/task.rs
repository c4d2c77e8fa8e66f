//! What can be learned from a data set.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::segmentation::{NUCLEI, is_segmentation};
use crate::text::{INPUT, SHAKESPEARE};

/// What is learned from a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The class of an image.
    Classification,
    /// What comes after each character of a text.
    Text,
    /// The class of each pixel of an image.
    Segmentation,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classification => "classification",
            Self::Text => "language",
            Self::Segmentation => "segmentation",
        })
    }
}

/// What can be learned from a set: by its name, or by what a path holds.
///
/// ```
/// use adact_data::{Task, task_of};
/// assert_eq!(task_of("shakespeare"), Task::Text);
/// assert_eq!(task_of("cifar10"), Task::Classification);
/// ```
pub fn task_of(name: &str) -> Task {
    let path = Path::new(name.strip_prefix("folder:").unwrap_or(name));
    let is_text = path.extension().is_some_and(|ending| ending == "txt") || path.join(INPUT).is_file();
    match name {
        SHAKESPEARE => Task::Text,
        NUCLEI => Task::Segmentation,
        _ if is_text => Task::Text,
        _ if is_segmentation(path) => Task::Segmentation,
        _ => Task::Classification,
    }
}

/// Expects a set to be of a task.
///
/// # Errors
/// If it is of another, with the network that can use it.
pub(crate) fn expect(name: &str, task: Task) -> Result<()> {
    let found = task_of(name);
    if found == task {
        return Ok(());
    }
    let (what, network) = match found {
        Task::Classification => ("images in classes", "convnet, resnet20 or vit"),
        Task::Text => ("a text", "gpt"),
        Task::Segmentation => ("images with masks", "unet"),
    };
    Err(Error::new(Kind::Unsupported, format!("{name}: is {what}: use it with --network {network}")))
}
