//! `result.json` of a study.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::read::{self, Checked};
use super::{
    EpochRecord, Failure, METRICS, Manifest, MetricRecord, RESULT, Role, RunResult, Selection, Timings,
    run_directory,
};
use crate::statistics::{Statistics, Together};
use crate::table::TableRow;
use crate::{Result, agreement, names};

/// What came out of a study: every variant trained with every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResult {
    /// The name of the data set.
    pub dataset: String,
    /// The network: `resnet20`, `gpt`; absent means the paper's, `convnet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The task, such as [`LANGUAGE`](super::LANGUAGE); absent means [`CLASSIFICATION`](super::CLASSIFICATION).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The metric by which variants are compared; absent means the accuracy, higher is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricRecord>,
    /// The paths of the modules where an activation is, in order, as the runs have them; absent means those of the paper's
    /// network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<String>>,
    /// The variants, in the order in which they are told.
    pub variants: Vec<String>,
    /// The variant with which all others are compared; without it every two are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The seeds, in order. Runs that share a seed share initial weights and batch order: they are a pair.
    pub seeds: Vec<u64>,
    /// The seeds that were planned, where some of them have neither a run nor a failure yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_seeds: Option<Vec<u64>>,
    /// The epochs of each training; of programs, which decide that themselves, the most.
    pub epochs: usize,
    /// The steps of each training, where an epoch is no pass over the data but what lies between two evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// What picked the best epochs and the activations.
    #[serde(default)]
    pub selection: Selection,
    /// Every run that ended with a result, variant by variant and seed by seed.
    pub runs: Vec<RunResult>,
    /// The runs that failed, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// Other studies whose comparisons are corrected together with this one's; absent where it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<Together>,
    /// What AdAct chose for each layer, by the weights of the epoch that was kept; empty where no variant is `adact`.
    #[serde(default)]
    pub choices: Vec<LayerChoice>,
    /// The table, one row a variant.
    #[serde(default)]
    pub table: Vec<TableRow>,
    /// The comparisons of the variants.
    #[serde(default)]
    pub statistics: Statistics,
    /// How long the activations of its trainings take; absent where they were not timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// Where it comes from.
    pub provenance: Manifest,
}

/// What AdAct chose for a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerChoice {
    /// Which AdAct of the network it is, from 1; the layer, where all layers have one.
    pub layer: usize,
    /// The path of its module; absent where it is the paper's network, whose layers are `act.0`, `act.1`, ... in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The activation that most seeds chose; among equals the one with the larger mean weight.
    pub choice: String,
    /// What each seed chose, in the order of the seeds.
    pub by_seed: Vec<String>,
    /// How often two seeds chose the same, of all pairs of seeds; absent with a single seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// The mean softmax weight of `choice` over the seeds.
    pub share: f64,
    /// The activations between which the layer is undecided, `choice` first; empty where it is decided. See
    /// [`agreement::choices`](crate::agreement::choices) for the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
}

/// More candidates than these are not all named in a sentence.
const MANY_CANDIDATES: usize = 8;

impl LayerChoice {
    /// The path of its module.
    pub fn path(&self) -> String {
        self.place.clone().unwrap_or_else(|| format!("act.{}", self.layer.saturating_sub(1)))
    }

    /// The choice in words: "Mish", or "undecided between Mish and PReLU"; of many the first are named.
    pub fn words(&self) -> String {
        match self.undecided.as_slice() {
            [] => names::activation(&self.choice).into(),
            many if many.len() > MANY_CANDIDATES => {
                let (first, others) = many.split_at(MANY_CANDIDATES / 2);
                let first: Vec<&str> = first.iter().map(|name| names::activation(name)).collect();
                format!("undecided between {} and {} others", first.join(", "), others.len())
            }
            all => format!("undecided between {}", names::activations(all)),
        }
    }

    /// The activations between which the layer is undecided: "Mish or PReLU?"; of many their number.
    pub fn undecided_in_short(&self) -> String {
        if self.undecided.len() > MANY_CANDIDATES {
            return format!("one of {}?", self.undecided.len());
        }
        let names: Vec<&str> = self.undecided.iter().map(|name| names::activation(name)).collect();
        format!("{}?", names.join(" or "))
    }

    /// Whether `name` is the choice, or one of those between which the layer is undecided.
    pub fn may_be(&self, name: &str) -> bool {
        self.choice == name || self.undecided.iter().any(|u| u == name)
    }

    /// How many seeds chose `choice`.
    pub fn votes(&self) -> usize {
        self.by_seed.iter().filter(|c| **c == self.choice).count()
    }
}

impl StudyResult {
    pub(super) fn concluded(mut self) -> Self {
        self.places = self.runs.iter().find_map(|run| run.places.clone());
        self.choices = agreement::choices(&self.runs);
        self.table = TableRow::of(&self);
        self.statistics = Statistics::of(&self);
        self
    }

    /// The same study, its comparisons corrected together with those of other studies.
    pub fn corrected_with(self, together: Option<Together>) -> Self {
        Self { together, ..self }.concluded()
    }

    /// The same study, with how long the activations of its trainings take.
    pub fn timed(self, timings: Option<Timings>) -> Self {
        Self { timings, ..self }
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

    /// All seeds: those with a run or a failure, and those that were planned.
    pub fn all_seeds(&self) -> Vec<u64> {
        sorted(self.seeds.iter().chain(self.planned_seeds.iter().flatten()).copied().collect())
    }

    /// The trainings that have neither a result nor a failure: each variant that lacks some, and with which seeds.
    pub fn missing(&self) -> Vec<(&str, Vec<u64>)> {
        let lacks =
            |variant: &str, seed: u64| self.run(variant, seed).is_none() && !self.failed(variant, seed);
        let seeds = self.all_seeds();
        let of =
            |variant: &str| seeds.iter().copied().filter(|seed| lacks(variant, *seed)).collect::<Vec<_>>();
        let all = self.variants.iter().map(|variant| (variant.as_str(), of(variant)));
        all.filter(|(_, seeds)| !seeds.is_empty()).collect()
    }

    /// Whether a variant failed with a seed.
    pub fn failed(&self, variant: &str, seed: u64) -> bool {
        self.failures.iter().any(|f| f.variant == variant && f.seed == seed)
    }

    /// The run of a variant with a seed.
    pub fn run(&self, variant: &str, seed: u64) -> Option<&RunResult> {
        self.runs.iter().find(|r| r.variant == variant && r.seed == seed)
    }
}

/// Seeds in order, each once.
pub(super) fn sorted(mut seeds: Vec<u64>) -> Vec<u64> {
    seeds.sort_unstable();
    seeds.dedup();
    seeds
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
        variant: impl Into<Role<'a>>,
    ) -> impl Iterator<Item = (&'a RunResult, &'a [EpochRecord])> {
        let role = variant.into();
        let metrics = self.metrics.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
        self.result.runs.iter().zip(metrics).filter(move |(run, _)| run.role() == role)
    }
}

impl Checked for StudyResult {
    fn check(&self) -> Result<(), String> {
        if let Some(against) = self.against.as_ref().filter(|v| !self.variants.contains(v)) {
            return Err(format!("against: {against:?} is not among the variants"));
        }
        for (i, run) in self.runs.iter().enumerate() {
            if run.primary() != self.primary() {
                let (ours, theirs) = (self.primary().name, run.primary().name);
                return Err(format!("runs[{i}]: its metric is {theirs}, the study's {ours}"));
            }
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
        for (i, failure) in self.failures.iter().enumerate() {
            let Failure { variant, seed, .. } = failure;
            if !self.variants.contains(variant) || !self.seeds.contains(seed) {
                return Err(format!("failures[{i}]: {variant} with seed {seed} is not of this study"));
            }
            let again = self.failures[..i].iter().any(|f| f.variant == *variant && f.seed == *seed);
            if again || self.run(variant, *seed).is_some() {
                return Err(format!("failures[{i}]: {variant} with seed {seed} is there twice"));
            }
        }
        self.timings.iter().try_for_each(|timings| timings.check().map_err(|e| format!("timings: {e}")))?;
        self.together.as_ref().map_or(Ok(()), Together::check)
    }
}
