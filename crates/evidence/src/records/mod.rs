//! The files of a run and of a study, as types.
//!
//! A run directory holds [`Manifest`] (`manifest.json`), one [`EpochRecord`] a line (`metrics.jsonl`) and
//! [`RunResult`] (`result.json`); a study's folder holds [`StudyResult`] (`result.json`) and its runs, and where the time counts
//! [`Costs`] (`places.json`) and [`Timings`] (`timings.json`). What is measured are [`Metrics`], numbers by name; where a record names none, it is about the accuracy of the paper's network.
//!
//! Reading takes files of older and newer programs: fields that may be absent are optional and unknown ones
//! are ignored. Everything else is checked, and an error names the file, the place and the reason.

mod chosen;
mod costs;
mod epoch;
mod failure;
mod manifest;
mod metrics;
mod plan;
mod read;
mod role;
mod run;
mod samples;
mod seen;
mod selection;
mod study;
mod told;

pub use chosen::{Discretised, RuleChoice};
pub use costs::{Beside, CandidateCosts, Costs, Machine, PLACES, PlaceCosts, TIMINGS, Timing, Timings};
pub use epoch::{EpochRecord, LayerWeights, PAPER_CANDIDATES};
pub use failure::Failure;
pub use manifest::{Build, DataFile, Manifest};
pub use metrics::{MetricRecord, Metrics};
pub use plan::Plan;
pub use role::Role;
pub use run::{Best, CurveConstants, Last, RunResult, Validation};
pub use samples::{Picture, PictureSample, Samples, TextSample};
pub use seen::{Confusion, InputHistogram};
pub use selection::{Selection, Unit};
pub use study::{LayerChoice, Study, StudyResult};

/// The task of a record that names none: images into classes.
pub const CLASSIFICATION: &str = "classification";
/// The task of language models.
pub const LANGUAGE: &str = "language";
/// The task of giving every pixel its class.
pub const SEGMENTATION: &str = "segmentation";

/// The task of a training program that is not ours, which alone knows what it learns.
pub const PROGRAM: &str = "program";

/// The name of a run's manifest.
pub const MANIFEST: &str = "manifest.json";
/// The name of a run's metrics.
pub const METRICS: &str = "metrics.jsonl";
/// The name of the result, of a run as of a study.
pub const RESULT: &str = "result.json";

/// The path of the place of the `i`th AdAct of a network: its own, or `act.0`, `act.1`, ... of the paper's network.
pub(crate) fn place_of_layer(layers: &[LayerWeights], i: usize) -> String {
    layers.get(i).and_then(|layer| layer.place.clone()).unwrap_or_else(|| format!("act.{i}"))
}

/// Where a study keeps one of its runs, relative to the study's folder: `runs/relu-seed0`.
///
/// Letters, digits, `-` and `_` of the variant stay; everything else becomes `-`.
pub fn run_directory(variant: &str, seed: u64) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    format!("runs/{}-seed{seed}", variant.chars().map(keep).collect::<String>())
}
