//! What a study leaves on disk, and what can be said of it.
//!
//! - [`records`]: the files of a run and of a study, read strictly and written whole ([`atomic`]); [`metric`]: what is
//!   known of the numbers in them;
//! - [`statistics`], [`agreement`]: what several seeds show and what they don't; [`nearest`]: which activation is most like
//!   what a place learned; [`searches`]: ways to search, and rules to choose, side by side; [`front`]: what variants reach against the
//!   time that they take;
//! - [`table`], [`figures`], [`report()`]: the same for people, as Markdown, CSV, SVG, PNG and one HTML page;
//! - [`paper`], [`reproduction`]: the paper's numbers and claims, and ours beside them;
//! - [`tensorboard`]: event files of trainings.
//!
//! No network is trained here and no framework is known: programs fill the records, and everything else is a
//! pure function of them.
//!
//! ```no_run
//! use std::path::Path;
//! use adact_evidence::{atomic, figures, records::Study, report, table};
//!
//! # fn main() -> adact_evidence::Result<()> {
//! let folder = Path::new("runs/study-fmnist");
//! let study = Study::read(folder)?;
//! atomic::write(&folder.join("table.md"), table::markdown(&study.result).as_bytes())?;
//! for figure in figures::all(&study) {
//!     figure.write(&folder.join("figures"))?;
//! }
//! atomic::write(&folder.join("report.html"), report(&[study]).as_bytes())
//! # }
//! ```

pub mod agreement;
pub mod atomic;
mod axes;
mod error;
pub mod figures;
pub mod front;
mod function;
pub mod metric;
pub mod names;
pub mod nearest;
mod paint;
pub mod paper;
mod png;
pub mod records;
mod report;
pub mod reproduction;
mod rule;
pub mod searches;
pub mod statistics;
pub mod svg;
pub mod table;
pub mod tensorboard;

pub use error::{Error, ErrorKind, Result};
pub use function::curve;
pub use report::report;
pub use rule::Rule;
