//! What activations cost: `places.json`, each candidate at each place, and `timings.json`, the activations of a study's trainings.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::RunResult;
use super::read::{self, Checked};
use crate::Result;

/// The name of the file with what each candidate costs at each place.
pub const PLACES: &str = "places.json";
/// The name of the file with how long a study's activations take.
pub const TIMINGS: &str = "timings.json";

/// A time beside another one, both measured in the same rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// How many times as long as the other it is.
    pub ratio: f64,
    /// How far the ratio may be off by what else the machine does: three standard errors, and at least as much as the same network
    /// differed from itself.
    pub noise: f64,
}

/// Where and how times were measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its processor.
    pub processor: String,
    /// Threads.
    pub threads: usize,
    /// The SIMD path.
    pub simd: String,
}

/// What each candidate costs at each place of a network, beside ReLU there; all other places have the network's usual activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// The network.
    pub network: String,
    /// The shape of what goes in.
    pub shape: String,
    /// Images (or sequences) a step, and an inference.
    pub batch: usize,
    /// The machine.
    #[serde(flatten)]
    pub machine: Machine,
    /// The activation of all places but one.
    pub base: String,
    /// The places, in the order of the network.
    pub places: Vec<PlaceCosts>,
}

/// What each candidate costs at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceCosts {
    /// The path of its module.
    pub place: String,
    /// What the place keeps for the backward pass: the numbers that go into it, whichever activation it has.
    pub kept_bytes: u64,
    /// How many rounds were measured.
    pub rounds: usize,
    /// A training step with ReLU there, in milliseconds (a median).
    pub step_ms: f64,
    /// The inference of a batch with ReLU there, likewise.
    pub infer_ms: f64,
    /// The candidates.
    pub candidates: Vec<CandidateCosts>,
}

/// What one candidate costs at one place, beside ReLU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateCosts {
    /// The candidate.
    pub activation: String,
    /// A training step with it.
    pub step: Beside,
    /// The inference of a batch with it.
    pub infer: Beside,
}

/// How long the activations of a study's trainings take, beside the network's usual activation at every place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Images (or sequences) a step, and an inference.
    pub batch: usize,
    /// The machine.
    #[serde(flatten)]
    pub machine: Machine,
    /// The activation at every place with which the others are compared.
    pub base: String,
    /// A training step with it, in milliseconds (a median).
    pub step_ms: f64,
    /// The inference of a batch with it, likewise.
    pub infer_ms: f64,
    /// The activations that were measured, each once.
    pub measured: Vec<Timing>,
}

/// How long one set of activations takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The activation of each place; `adact` where it is a mixture.
    pub activations: Vec<String>,
    /// How mixtures learn, where it isn't as in the paper: the method of a search, or `frozen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing: Option<String>,
    /// A training step.
    pub step: Beside,
    /// The inference of a batch.
    pub infer: Beside,
}

impl Beside {
    /// How much longer it takes, in percent.
    pub fn percent(&self) -> f64 {
        100.0 * (self.ratio - 1.0)
    }

    /// Whether the difference is no larger than the noise.
    pub fn is_noise(&self) -> bool {
        (self.ratio - 1.0).abs() <= self.noise
    }

    /// Whether it takes less time than another one that was measured beside the same, by more than the noise of both.
    pub fn is_faster_than(&self, other: &Self) -> bool {
        other.ratio - self.ratio > self.noise.hypot(other.noise)
    }

    fn check(&self) -> Result<(), String> {
        let fits = self.ratio.is_finite() && self.ratio > 0.0 && self.noise.is_finite() && self.noise >= 0.0;
        fits.then_some(())
            .ok_or_else(|| format!("a time {} ± {} times as long is none", self.ratio, self.noise))
    }
}

impl Costs {
    /// What a candidate costs at the place of this path.
    pub fn of(&self, place: &str, activation: &str) -> Option<&CandidateCosts> {
        let place = self.places.iter().find(|costs| costs.place == place)?;
        place.candidates.iter().find(|costs| costs.activation == activation)
    }

    /// Reads a file that [`write`](Self::write) wrote, or `adact bench places --json` printed.
    ///
    /// # Errors
    /// A missing or broken file, with the place.
    pub fn read(path: &Path) -> Result<Self> {
        read::json(path)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        read::write_json(path, self)
    }
}

impl Timing {
    /// That of the activations of a run.
    pub fn of(run: &RunResult, step: Beside, infer: Beside) -> Self {
        Self { activations: run.activations.clone(), mixing: run.mixing_told(), step, infer }
    }

    /// Whether two runs have the same activations, so that one timing is that of both.
    pub fn is_alike(a: &RunResult, b: &RunResult) -> bool {
        a.activations == b.activations && a.mixing_told() == b.mixing_told()
    }

    /// Whether these are the activations of a run.
    pub fn is_of(&self, run: &RunResult) -> bool {
        self.activations == run.activations && self.mixing == run.mixing_told()
    }
}

impl Timings {
    /// How long the activations of a run take.
    pub fn of(&self, run: &RunResult) -> Option<&Timing> {
        self.measured.iter().find(|timing| timing.is_of(run))
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A missing or broken file, with the place.
    pub fn read(path: &Path) -> Result<Self> {
        read::json(path)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        read::write_json(path, self)
    }
}

/// Expects a number of milliseconds.
fn check_ms(name: &str, ms: f64) -> Result<(), String> {
    (ms.is_finite() && ms > 0.0).then_some(()).ok_or_else(|| format!("{name} is {ms}, which is no time"))
}

impl Checked for Costs {
    fn check(&self) -> Result<(), String> {
        self.places.iter().enumerate().try_for_each(|(i, place)| {
            check_ms("step_ms", place.step_ms)
                .and(check_ms("infer_ms", place.infer_ms))
                .and(place.candidates.iter().try_for_each(|c| c.step.check().and(c.infer.check())))
                .map_err(|e| format!("places[{i}]: {e}"))
        })
    }
}

impl Checked for Timings {
    fn check(&self) -> Result<(), String> {
        check_ms("step_ms", self.step_ms)?;
        check_ms("infer_ms", self.infer_ms)?;
        self.measured.iter().enumerate().try_for_each(|(i, timing)| {
            timing.step.check().and(timing.infer.check()).map_err(|e| format!("measured[{i}]: {e}"))
        })
    }
}
