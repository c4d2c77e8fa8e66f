//! What lies in a folder: which names count, and which files are pictures.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::decode;
use crate::error::{Error, Kind, Result};
use crate::thousands;

/// What operating systems, archivers and storage devices leave behind (in lower case): never a class, never a picture.
const LEFT_BEHIND: [&str; 12] = [
    "__macosx",
    "__pycache__",
    "@eadir",
    "@recycle",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
];

/// The endings of pictures that are read. Which format it is, the content says.
const ENDINGS: [&str; 13] =
    ["png", "apng", "jpg", "jpeg", "jpe", "jfif", "jif", "webp", "gif", "bmp", "dib", "tif", "tiff"];

/// What a folder holds, each in the order of the names (which must not depend on the file system).
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) folders: Vec<String>,
    /// Files with a picture's ending, or without an ending and with a picture's content.
    pub(crate) pictures: Vec<String>,
    /// The other files.
    pub(super) others: Others,
}

impl Listing {
    /// Lists a folder. Hidden names, and those that systems leave behind, are passed over.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| Error::io(dir, "list it", &e);
        if dir.is_file() {
            let message = format!("{}: it is a file, but a folder of images is needed", dir.display());
            return Err(Error::new(Kind::Unsupported, message));
        }
        let mut listing = Self::default();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().into_string().map_err(|name| {
                Error::new(Kind::Unsupported, format!("{}: the name {name:?} is not UTF-8", dir.display()))
            })?;
            if name.starts_with('.') || LEFT_BEHIND.contains(&name.to_lowercase().as_str()) {
                continue;
            }
            let kind = entry.file_type().map_err(failed)?;
            let path = entry.path();
            if kind.is_dir() || kind.is_symlink() && path.is_dir() {
                listing.folders.push(name);
            } else if (kind.is_file() || kind.is_symlink()) && is_picture(&path, ending(&name)) {
                listing.pictures.push(name);
            } else {
                listing.others.add(&name);
            }
        }
        listing.folders.sort_unstable();
        listing.pictures.sort_unstable();
        Ok(listing)
    }
}

/// Files that are no pictures, by their endings.
#[derive(Debug, Default)]
pub(crate) struct Others(BTreeMap<String, usize>);

impl Others {
    fn add(&mut self, name: &str) {
        let ending =
            ending(name).map_or_else(|| "without an ending".into(), |e| format!(".{}", e.to_lowercase()));
        *self.0.entry(ending).or_default() += 1;
    }

    pub(super) fn merge(&mut self, others: &Self) {
        others.0.iter().for_each(|(ending, count)| *self.0.entry(ending.clone()).or_default() += count);
    }

    pub(super) fn count(&self) -> usize {
        self.0.values().sum()
    }

    /// The most frequent endings with their numbers: `50 .heic, 2 .txt`.
    pub(super) fn in_words(&self) -> String {
        let mut kinds: Vec<_> = self.0.iter().collect();
        kinds.sort_by_key(|&(_, &count)| std::cmp::Reverse(count));
        let words = |&(ending, &count): &(&String, &usize)| format!("{} {ending}", thousands(count));
        super::first(4, &kinds.iter().map(words).collect::<Vec<_>>())
    }
}

/// What follows the last point of a name.
fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending)
}

fn is_picture(path: &Path, ending: Option<&str>) -> bool {
    match ending {
        Some(ending) => ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)),
        None => {
            let mut start = Vec::new();
            let read = File::open(path).and_then(|file| file.take(512).read_to_end(&mut start));
            read.is_ok() && decode::format(&start).is_some()
        }
    }
}
