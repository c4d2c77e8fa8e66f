//! `result.json` of a study.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::read::{self, Checked};
use super::{EpochRecord, METRICS, Manifest, RESULT, RunResult, Selection, run_directory};
use crate::statistics::Statistics;
use crate::table::TableRow;
use crate::{Error, ErrorKind, Result, agreement};

/// What came out of a study: every variant trained with every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResult {
    /// The name of the data set.
    pub dataset: String,
    /// The variants, in the order in which they are told.
    pub variants: Vec<String>,
    /// The variant with which all others are compared; without it every two are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
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
    /// The table, one row a variant.
    #[serde(default)]
    pub table: Vec<TableRow>,
    /// The comparisons of the variants.
    #[serde(default)]
    pub statistics: Statistics,
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
    /// Collects runs, and says what can be said of them: choices, table and statistics.
    ///
    /// `variants` gives the order in which they are told, `against` the one with which all others are compared (every
    /// two without it). The runs are put in the order of variants and seeds.
    ///
    /// # Errors
    /// No runs, runs of several data sets or with several selections, two runs of one variant and seed, `against` not
    /// among the variants, or a run whose record contradicts itself.
    pub fn new(
        variants: Vec<String>,
        against: Option<String>,
        mut runs: Vec<RunResult>,
        provenance: Manifest,
    ) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::Invalid, message);
        let first =
            runs.first().ok_or_else(|| invalid("a study without a finished run has no result".into()))?;
        let (dataset, epochs, selection) = (first.dataset.clone(), first.epochs, first.selection);
        if let Some(other) = runs.iter().find(|r| r.dataset != dataset) {
            return Err(invalid(format!("a study has one data set, not {dataset} and {}", other.dataset)));
        }
        if let Some(other) = runs.iter().find(|r| r.selection != selection) {
            return Err(invalid(format!(
                "a study selects in one way, not by {selection} and {}",
                other.selection
            )));
        }
        let mut seeds: Vec<u64> = runs.iter().map(|r| r.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let place = |r: &RunResult| (variants.iter().position(|v| *v == r.variant), r.seed);
        runs.sort_by_key(place);
        let study = Self {
            dataset,
            variants,
            against,
            seeds,
            epochs,
            selection,
            runs,
            choices: Vec::new(),
            table: Vec::new(),
            statistics: Statistics::default(),
            provenance,
        };
        study.check().map_err(invalid)?;
        Ok(study.concluded())
    }

    fn concluded(mut self) -> Self {
        self.choices = agreement::choices(&self.runs);
        self.table = TableRow::of(&self.variants, &self.runs);
        self.statistics = Statistics::of(&self.variants, &self.runs, self.against.as_deref());
        self
    }

    /// Reads a study's `result.json`. Choices, table and statistics are worked out again from the runs; those in
    /// the file are for other programs.
    ///
    /// # Errors
    /// A missing or broken file, with the place; a record that contradicts itself.
    pub fn read(path: &Path) -> Result<Self> {
        read::json(path).map(Self::concluded)
    }

    /// Parses the contents of a study's `result.json`; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        read::parse(path, bytes).map(Self::concluded)
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

/// A study with the metrics of its runs: all that figures and reports need.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The result.
    pub result: StudyResult,
    /// The epochs of each run, in the order of `result.runs`; empty where they are not known.
    pub metrics: Vec<Vec<EpochRecord>>,
}

impl Study {
    /// Reads a study's folder: `result.json`, and `metrics.jsonl` of each run that is there
    /// (see [`run_directory`]).
    ///
    /// # Errors
    /// A missing or broken result, broken metrics.
    pub fn read(folder: &Path) -> Result<Self> {
        let result = StudyResult::read(&folder.join(RESULT))?;
        let metrics = |run: &RunResult| {
            let path = folder.join(run_directory(&run.variant, run.seed)).join(METRICS);
            if path.exists() { EpochRecord::read_all(&path) } else { Ok(Vec::new()) }
        };
        let metrics = result.runs.iter().map(metrics).collect::<Result<_>>()?;
        Ok(Self { result, metrics })
    }

    /// The runs of a variant, each with its epochs, in the order of the seeds.
    pub fn runs_of<'a>(
        &'a self,
        variant: &'a str,
    ) -> impl Iterator<Item = (&'a RunResult, &'a [EpochRecord])> {
        let metrics = self.metrics.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
        self.result.runs.iter().zip(metrics).filter(move |(run, _)| run.variant == variant)
    }
}

impl Checked for StudyResult {
    fn check(&self) -> Result<(), String> {
        if let Some(against) = self.against.as_ref().filter(|v| !self.variants.contains(v)) {
            return Err(format!("against: {against:?} is not among the variants"));
        }
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
