//! What is learned from a data set, and so which networks it is for.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Kind};
use crate::{catalogue, segmentation, source, text};

/// What is learned from a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// The class of an image; see [`load`](crate::load).
    Classification,
    /// The next character of a text; see [`load_text`](crate::load_text).
    Text,
    /// The class of every pixel of an image; see [`load_segmentation`](crate::load_segmentation).
    Segmentation,
}

/// The task of a data set, known by its name or seen in the files: a path that ends with `.txt`, and a folder with
/// `input.txt`, is a text; a folder with `images` and `masks` (in it or in its `train`) is a set to segment. Everything
/// else, also what does not exist, counts as images to classify.
///
/// ```
/// use adact_data::{Task, task_of};
/// assert_eq!(task_of("shakespeare"), Task::Text);
/// assert_eq!(task_of("poems.txt"), Task::Text);
/// assert_eq!(task_of("nuclei-mini"), Task::Segmentation);
/// assert_eq!(task_of("cifar10").to_string(), "classification");
/// ```
pub fn task_of(name_or_path: &str) -> Task {
    if let Some(entry) = catalogue().iter().find(|entry| entry.name == name_or_path) {
        return entry.task;
    }
    let ending = Path::new(name_or_path).extension();
    let is_txt = ending.is_some_and(|ending| ending.eq_ignore_ascii_case("txt"));
    match source::locate(name_or_path, None) {
        Ok(path) if path.is_dir() && path.join(text::INPUT).is_file() => Task::Text,
        Ok(path) if path.is_dir() && segmentation::is_layout(&path) => Task::Segmentation,
        Ok(path) if path.is_dir() => Task::Classification,
        _ if is_txt => Task::Text,
        _ => Task::Classification,
    }
}

impl Task {
    /// The error for a data set of this task that is asked for as one of another.
    pub(crate) fn mismatch(self, name: &str) -> Error {
        let message = match self {
            Self::Classification => {
                "a set of images with classes: it needs a network for classification, such as --network convnet"
            }
            Self::Text => "a text: it needs a language model, --network gpt",
            Self::Segmentation => {
                "a set of images with masks: it needs a network for segmentation, --network unet"
            }
        };
        Error::new(Kind::Unsupported, format!("{name} is {message}"))
    }

    /// Fails where a name of the catalogue, or a folder, is of another task.
    pub(crate) fn check(self, name_or_path: &str) -> Result<(), Error> {
        match task_of(name_or_path) {
            task if task == self => Ok(()),
            // What is not known to be another task's is left to the reader, which says more.
            Self::Classification if !is_named(name_or_path) => Ok(()),
            task => Err(task.mismatch(name_or_path)),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classification => "classification",
            Self::Text => "text",
            Self::Segmentation => "segmentation",
        })
    }
}

fn is_named(name: &str) -> bool {
    catalogue().iter().any(|entry| entry.name == name)
}
