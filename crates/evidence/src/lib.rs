//! What a study leaves on disk, and what can be said of it.
//!
//! - [`records`]: the files of a run and of a study, read strictly and written whole ([`atomic`]);
//! - no network is trained here and no framework is known: programs fill the records, and everything else
//!   (statistics, tables, figures, reports) is a pure function of them.

pub mod agreement;
pub mod atomic;
mod axes;
mod error;
pub mod figures;
pub mod names;
mod paint;
pub mod paper;
mod png;
pub mod records;
mod report;
pub mod reproduction;
pub mod statistics;
pub mod svg;
pub mod table;
pub mod tensorboard;

pub use error::{Error, ErrorKind, Result};
pub use report::report;
