//! One error for the whole crate: what happened, to which file, at which place in it.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or a folder is not there.
    NotFound,
    /// Reading or writing failed on the way: a full disk, a missing permission.
    Io,
    /// A file is not what it should be: broken JSON, a missing field, a value of another type.
    Malformed,
    /// A record that can be read contradicts itself, or a value is out of its range.
    Invalid,
    /// A file is larger than any file of its kind can be.
    TooLarge,
    /// A picture could not be made.
    Render,
}

/// What went wrong, in one sentence that names the file, the place and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{}{message}", self.place())]
pub struct Error {
    kind: ErrorKind,
    path: Option<PathBuf>,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, path: None, message: message.into(), source: None }
    }

    /// An error about the contents of `path`.
    pub(crate) fn of_file(kind: ErrorKind, path: &Path, message: impl Into<String>) -> Self {
        Self { kind, path: Some(path.to_owned()), message: message.into(), source: None }
    }

    /// An operating system's error while doing `what` (a verb: "read", "write") to `path`.
    pub(crate) fn io(path: &Path, what: &str, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        Self {
            kind,
            path: Some(path.to_owned()),
            message: format!("cannot {what}: {source}"),
            source: Some(source.into()),
        }
    }

    /// The same error, with what it came from.
    pub(crate) fn caused_by(self, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The file and a colon, if it is about one.
    fn place(&self) -> String {
        self.path.as_ref().map_or(String::new(), |path| format!("{}: ", path.display()))
    }

    /// The same error, at a line of the file.
    pub(crate) fn at_line(mut self, line: usize) -> Self {
        self.message = format!("line {line}: {}", self.message);
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file concerned, if it is about one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the input is to blame (a broken or missing file), rather than a failure on the way.
    pub fn is_input(&self) -> bool {
        !matches!(self.kind, ErrorKind::Io | ErrorKind::Render)
    }
}
