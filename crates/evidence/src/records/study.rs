//! `result.json` of a study.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::read::{self, Checked};
use super::{Manifest, RunResult, Selection};
use crate::Result;

/// What came out of a study: every variant trained with every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResult {
    /// The name of the data set.
    pub dataset: String,
    /// The variants, in the order in which they are told.
    pub variants: Vec<String>,
    /// The seeds, in order. Runs that share a seed share initial weights and batch order: they are a pair.
    pub seeds: Vec<u64>,
    /// The epochs of each training.
    pub epochs: usize,
    /// What picked the best epochs and the activations.
    #[serde(default)]
    pub selection: Selection,
    /// Every run that ended, variant by variant and seed by seed.
    pub runs: Vec<RunResult>,
    /// What AdAct chose for each layer; empty where no variant is `adact`.
    #[serde(default)]
    pub choices: Vec<LayerChoice>,
    /// Where it comes from.
    pub provenance: Manifest,
}

/// What AdAct chose for a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerChoice {
    /// The layer, from 1.
    pub layer: usize,
    /// The activation that most seeds chose; among equals the one with the larger mean weight.
    pub choice: String,
    /// What each seed chose, in the order of the seeds.
    pub by_seed: Vec<String>,
    /// How often two seeds chose the same, of all pairs of seeds; absent with a single seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// The mean softmax weight of `choice` over the seeds.
    pub share: f64,
}

impl StudyResult {
    /// Reads a study's `result.json`.
    ///
    /// # Errors
    /// A missing or broken file, with the place; a record that contradicts itself.
    pub fn read(path: &Path) -> Result<Self> {
        read::json(path)
    }

    /// Parses the contents of a study's `result.json`; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        read::parse(path, bytes)
    }

    /// Writes a study's `result.json`, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        read::write_json(path, self)
    }

    /// The run of a variant with a seed.
    pub fn run(&self, variant: &str, seed: u64) -> Option<&RunResult> {
        self.runs.iter().find(|r| r.variant == variant && r.seed == seed)
    }
}

impl Checked for StudyResult {
    fn check(&self) -> Result<(), String> {
        for (i, run) in self.runs.iter().enumerate() {
            run.check().map_err(|e| format!("runs[{i}]: {e}"))?;
            if !self.variants.contains(&run.variant) {
                return Err(format!("runs[{i}]: the variant {:?} is not among the study's", run.variant));
            }
            if !self.seeds.contains(&run.seed) {
                return Err(format!("runs[{i}]: the seed {} is not among the study's", run.seed));
            }
            if self.runs[..i].iter().any(|r| r.variant == run.variant && r.seed == run.seed) {
                return Err(format!("runs[{i}]: {} with seed {} is there twice", run.variant, run.seed));
            }
        }
        Ok(())
    }
}
