//! What can go wrong, as sentences a user can act on.

use std::fmt;
use std::path::Path;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No data set has this name.
    Unknown,
    /// A file or folder is not there.
    Missing,
    /// A file is there that would be overwritten.
    Exists,
    /// A file does not hold what its format promises.
    Corrupt,
    /// A file is of a variant that is not read, or an option does not fit.
    Unsupported,
    /// A downloaded file is not the publisher's.
    Checksum,
    /// No server gave the file.
    Network,
    /// The system refused to read or write.
    Io,
}

/// An error: one sentence that names the file, the reason and, where there is one, the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// An error of the system about a path: a missing file is the user's, anything else happened on the way.
    pub(crate) fn io(path: &Path, doing: &str, error: &std::io::Error) -> Self {
        let path = path.display();
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                Self::new(Kind::Missing, format!("{path}: no such file or folder"))
            }
            _ => Self::new(Kind::Io, format!("{path}: cannot {doing}: {error}")),
        }
    }

    /// The error with some advice at its end.
    pub(crate) fn advise(self, advice: &str) -> Self {
        Self { message: format!("{}; {advice}", self.message), ..self }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the user's input is at fault (a program's exit code 2) rather than something that failed on the
    /// way (exit code 1).
    pub fn is_input(&self) -> bool {
        !matches!(self.kind, Kind::Checksum | Kind::Network | Kind::Io)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Why bytes are not of a format: what a parser of bytes returns, before anybody knows the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    kind: Kind,
    reason: String,
}

impl Fault {
    /// The bytes break the format's rules.
    pub(crate) fn corrupt(reason: impl Into<String>) -> Self {
        Self { kind: Kind::Corrupt, reason: reason.into() }
    }

    /// The bytes are of a variant that is not read.
    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self { kind: Kind::Unsupported, reason: reason.into() }
    }

    /// The fault as one of a part of the file.
    pub(crate) fn within(self, part: &str) -> Self {
        Self { reason: format!("{part}: {}", self.reason), ..self }
    }

    /// The fault as an error about a file.
    pub fn at(self, path: &Path) -> Error {
        Error::new(self.kind, format!("{}: {}", path.display(), self.reason))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}
