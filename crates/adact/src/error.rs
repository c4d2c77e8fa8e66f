//! The one error of this crate.

use std::fmt;
use std::path::Path;

/// What went wrong, so that a program can react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name of an activation that does not exist.
    UnknownActivation,
    /// A configuration that cannot be built: no candidates, an image too small, bounds reversed.
    InvalidConfig,
    /// Data whose sizes don't fit the network, or a label out of range.
    InvalidData,
    /// A file that is not what its name says, or that is damaged.
    CorruptFile,
    /// A file of another network: tensors missing, unknown, or of other shapes or types.
    ModelMismatch,
    /// A file that doesn't say all of its network, where the caller doesn't either: see [`Hints`](crate::Hints).
    Undetermined,
    /// A file that does not exist.
    MissingFile,
    /// The loss is no finite number any more.
    Diverged,
    /// Reading failed on the way.
    Read,
    /// Writing failed on the way: a full disk, a folder without the right to write.
    Write,
}

/// An error with a message of one sentence: the file, the place and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        // Names come from files, and a message is one line.
        if message.contains(char::is_control) {
            message = message.chars().fold(String::new(), |mut text, c| {
                if c.is_control() {
                    text.extend(c.escape_default())
                } else {
                    text.push(c)
                }
                text
            });
        }
        Self { kind, message }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidConfig, message)
    }

    pub(crate) fn read(path: &Path, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::MissingFile,
            _ => ErrorKind::Read,
        };
        Self::new(kind, format!("cannot read {}: {error}", path.display()))
    }

    pub(crate) fn write(path: &Path, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Write, format!("cannot write {}: {error}", path.display()))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the input is at fault (a file, a name, an option) rather than something on the way.
    pub fn is_input(&self) -> bool {
        !matches!(self.kind, ErrorKind::Diverged | ErrorKind::Read | ErrorKind::Write)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
