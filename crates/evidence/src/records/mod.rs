//! The files of a run and of a study, as types.
//!
//! A run directory holds [`Manifest`] (`manifest.json`), one [`EpochRecord`] a line (`metrics.jsonl`) and
//! [`RunResult`] (`result.json`); a study's folder holds [`StudyResult`] (`result.json`) and its runs.
//!
//! Reading takes files of older and newer programs: fields that may be absent are optional and unknown ones
//! are ignored. Everything else is checked, and an error names the file, the place and the reason.

mod epoch;
mod failure;
mod manifest;
mod read;
mod run;
mod study;

pub use epoch::{EpochRecord, LayerWeights, PAPER_CANDIDATES};
pub use failure::Failure;
pub use manifest::{Build, DataFile, Manifest};
pub use run::{Best, Confusion, CurveConstants, InputHistogram, Last, RunResult, Selection, Validation};
pub use study::{LayerChoice, Plan, Study, StudyResult};

/// The name of a run's manifest.
pub const MANIFEST: &str = "manifest.json";
/// The name of a run's metrics.
pub const METRICS: &str = "metrics.jsonl";
/// The name of the result, of a run as of a study.
pub const RESULT: &str = "result.json";

/// Where a study keeps one of its runs, relative to the study's folder: `runs/relu-seed0`.
///
/// Letters, digits, `-` and `_` of the variant stay; everything else becomes `-`.
pub fn run_directory(variant: &str, seed: u64) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    format!("runs/{}-seed{seed}", variant.chars().map(keep).collect::<String>())
}
