//! What can go wrong, in one sentence for the person who reads it.

use std::fmt;
use std::path::Path;

use adact_common::nearest;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The user's input can't be used: an option, a file, a folder.
    Input,
    /// Files of a data set are not there: input, too.
    Missing,
    /// Something failed on the way: a loss that is no number any more, a mistake of ours.
    Failure,
    /// The disk refused: it is full, or may not be written.
    Disk,
    /// The user asked to stop.
    Cancelled,
    /// Another process took the output folder; this one must not write to it any more.
    Taken,
    /// Another process works on it now.
    Busy,
    /// What is left of a study waits for other processes.
    Waiting,
}

/// An error of training and studies: one sentence that names the place and what to do.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    message: String,
    /// The epoch and the step, both from 1, where it is about one.
    step: Option<(usize, usize)>,
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The user's input can't be used.
    pub fn input(message: impl Into<String>) -> Self {
        Self { kind: Kind::Input, message: message.into(), step: None }
    }

    /// The same error, about an option.
    pub(crate) fn about(self, option: &str) -> Self {
        Self { message: format!("{option}: {}", self.message), ..self }
    }

    /// Something failed on the way.
    pub fn failure(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failure, message: message.into(), step: None }
    }

    /// The user asked to stop.
    pub fn cancelled(message: impl Into<String>) -> Self {
        Self { kind: Kind::Cancelled, message: message.into(), step: None }
    }

    /// Another process took the output folder.
    pub fn taken(message: impl Into<String>) -> Self {
        Self { kind: Kind::Taken, message: message.into(), step: None }
    }

    /// Another process works on it now.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self { kind: Kind::Busy, message: message.into(), step: None }
    }

    /// What is left of a study waits for other processes.
    pub(crate) fn waiting(message: impl Into<String>) -> Self {
        Self { kind: Kind::Waiting, message: message.into(), step: None }
    }

    /// The disk refused.
    pub(crate) fn disk(message: impl Into<String>) -> Self {
        Self { kind: Kind::Disk, message: message.into(), step: None }
    }

    /// A file or folder could not be read or written.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::disk(format!("{}: can't {doing}: {}", path.display(), plain(error)))
    }

    /// The same error, of a training at this epoch and step, both from 1; steps count through all epochs.
    pub fn at_step(mut self, epoch: usize, step: usize) -> Self {
        self.step = Some((epoch, step));
        self
    }

    /// The epoch and the step of a training at which it happened, where that is known.
    pub fn step(&self) -> Option<(usize, usize)> {
        self.step
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the user's input is the reason (exit code 2) and not a failure on the way (exit code 1).
    pub fn is_input(&self) -> bool {
        matches!(self.kind, Kind::Input | Kind::Missing)
    }

    /// The same sentence, blamed on the user's input: what fails before any work began.
    pub fn as_input(mut self) -> Self {
        self.kind = Kind::Input;
        self
    }
}

/// The system's words without the error number.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<adact_evidence::Error> for Error {
    fn from(e: adact_evidence::Error) -> Self {
        let kind = match e.kind() {
            adact_evidence::ErrorKind::Io => Kind::Disk,
            _ if e.is_input() => Kind::Input,
            _ => Kind::Failure,
        };
        Self { kind, message: e.to_string(), step: None }
    }
}

impl From<adact_data::Error> for Error {
    fn from(e: adact_data::Error) -> Self {
        let kind = match e.kind() {
            adact_data::Kind::Missing => Kind::Missing,
            _ if e.is_input() => Kind::Input,
            _ => Kind::Failure,
        };
        Self { kind, message: e.to_string(), step: None }
    }
}

/// The entry of `known` that `name` most likely means, as ` (did you mean ...?)`, or nothing.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}
