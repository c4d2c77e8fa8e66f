//! Whether the files of a data set are the publisher's, and whether they can be read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use crate::catalogue::{data_dir, entry};
use crate::error::{Error, Result};
use crate::source::hex;
use crate::{Entry, FileRecord, LoadOptions, Task, load, load_segmentation, load_text, read_entry};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// The publisher's bytes: size and MD5 are the same.
    Publishers,
    /// Its contents are readable, but its bytes are not the publisher's: repacked, or a part, or changed.
    Readable,
    /// Its contents are readable, and no checksum is known for it: unpacked from the publisher's file, perhaps.
    Unlisted,
    /// A part of the program.
    Embedded,
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publishers => "the publisher's bytes",
            Self::Readable => "contents readable, not the publisher's bytes",
            Self::Unlisted => "contents readable, no checksum known for this file",
            Self::Embedded => "part of the program",
        })
    }
}

/// What [`verify`] found.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The folder with the files; none for the embedded sets.
    pub folder: Option<PathBuf>,
    /// Every file that was read, and what it is.
    pub files: Vec<(FileRecord, FileState)>,
    /// Training images, or characters of a text; all were read.
    pub train: usize,
    /// Test images, or characters to validate by; all were read.
    pub test: usize,
    /// What a reader of results must know about the data.
    pub note: Option<String>,
}

impl Verification {
    /// Whether every file is known to be the publisher's (or is embedded).
    pub fn is_publishers(&self) -> bool {
        self.files.iter().all(|&(_, state)| matches!(state, FileState::Publishers | FileState::Embedded))
    }
}

/// Reads a data set whole, and compares its files with what their publisher states.
///
/// # Errors
/// When a file is missing or cannot be read. Other bytes than the publisher's are no error: a repacked file, or a
/// subset, can serve as well; see [`Verification::is_publishers`].
pub fn verify(name: &str, dir: Option<&Path>) -> Result<Verification> {
    let entry = entry(name)?;
    if entry.files.is_empty() {
        return embedded(entry);
    }
    let folder = entry.locate(&data_dir(dir)?)?;
    let data = read_entry(entry, &folder, &LoadOptions::default())?;
    let mut files = Vec::new();
    for record in &data.files {
        let state = match entry.files.iter().find(|file| file.name == record.name) {
            None => FileState::Unlisted,
            Some(file) if md5_of(&folder.join(file.name))? == (file.bytes, file.md5.into()) => {
                FileState::Publishers
            }
            Some(_) => FileState::Readable,
        };
        files.push((record.clone(), state));
    }
    let (train, test) = (data.train.len(), data.test.len());
    Ok(Verification { folder: Some(folder), files, train, test, note: data.note })
}

/// Reads a set that is a part of the program.
fn embedded(entry: &Entry) -> Result<Verification> {
    let (train, test, note, records) = match entry.task {
        Task::Classification => {
            let data = load(entry.name, None, &LoadOptions::default())?;
            (data.train.len(), data.test.len(), data.note, data.files)
        }
        Task::Text => {
            let text = load_text(entry.name, None)?;
            (text.train.len(), text.validation.len(), text.note, text.files)
        }
        Task::Segmentation => {
            let set = load_segmentation(entry.name, None, &LoadOptions::segmentation())?;
            (set.train.len(), set.test.len(), set.note, set.files)
        }
    };
    let files = records.into_iter().map(|record| (record, FileState::Embedded)).collect();
    Ok(Verification { folder: None, files, train, test, note })
}

/// The size and the MD5 (in hexadecimal digits) of a file.
pub(crate) fn md5_of(path: &Path) -> Result<(u64, String)> {
    File::open(path).and_then(|mut file| md5_of_open(&mut file)).map_err(|e| Error::io(path, "read it", &e))
}

/// The size and the MD5 of an open file, from its beginning.
pub(crate) fn md5_of_open(file: &mut File) -> io::Result<(u64, String)> {
    file.rewind()?;
    let mut hash = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex(&hash.finalize()))),
            Ok(count) => {
                hash.update(&buffer[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
