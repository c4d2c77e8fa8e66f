//! What a study was to train, and what became of it.

use super::read::Checked;
use super::study::sorted;
use super::{CLASSIFICATION, Failure, Manifest, MetricRecord, PROGRAM, RunResult, Selection, StudyResult};
use crate::statistics::Statistics;
use crate::{Error, ErrorKind, Result, names};

/// What a study was to train.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The name of the data set.
    pub dataset: String,
    /// The variants, in the order in which they are told.
    pub variants: Vec<String>,
    /// The variant with which all others are compared; without it every two are.
    pub against: Option<String>,
    /// The epochs of each training; of programs, which decide that themselves, the most.
    pub epochs: usize,
    /// What picks the best epochs and the activations.
    pub selection: Selection,
    /// The network; absent means the paper's.
    pub network: Option<String>,
    /// The task; absent means the classification of images.
    pub task: Option<String>,
    /// The metric by which variants are compared; absent means the accuracy.
    pub metric: Option<MetricRecord>,
    /// The steps of each training, where an epoch is no pass over the data.
    pub steps: Option<u64>,
    /// The seeds; absent means those that have a run or a failure.
    pub seeds: Option<Vec<u64>>,
}

impl StudyResult {
    /// Collects what became of a plan, and says what can be said of it: choices, table and statistics.
    ///
    /// Runs and failures are put in the order of variants and seeds; the seeds are those that have either. No run
    /// need have ended: a study whose every training failed is a result, too.
    ///
    /// # Errors
    /// Neither run nor failure, a run of another data set, network, task, metric, selection or number of epochs, two of one
    /// variant and seed, `against` not among the variants, or a run whose record contradicts itself.
    pub fn new(
        plan: Plan,
        mut runs: Vec<RunResult>,
        mut failures: Vec<Failure>,
        provenance: Manifest,
    ) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::Invalid, message);
        let Plan {
            dataset,
            variants,
            against,
            epochs,
            selection,
            network,
            task,
            metric,
            steps,
            seeds: planned,
        } = plan;
        if runs.is_empty() && failures.is_empty() {
            return Err(invalid("a study without a finished run has no result".into()));
        }
        for run in &runs {
            if run.dataset != dataset {
                return Err(invalid(format!("a study has one data set, not {dataset} and {}", run.dataset)));
            }
            if run.selection != selection {
                let two = format!("{selection} and {}", run.selection);
                return Err(invalid(format!("a study selects in one way, not by {two}")));
            }
            // A program decides itself when it has trained enough.
            let is_program = task.as_deref() == Some(PROGRAM);
            if run.epochs != epochs && !(is_program && run.epochs < epochs) {
                let two = format!("{epochs} and {}", run.epochs);
                return Err(invalid(format!("a study trains for one number of epochs, not {two}")));
            }
            if run.steps != steps {
                let words =
                    |steps: Option<u64>| steps.map_or("passes over the data".into(), |n| n.to_string());
                let two = format!("{} and {}", words(steps), words(run.steps));
                return Err(invalid(format!("a study trains for one number of steps, not {two}")));
            }
            let of = |name: &Option<String>, usual: &str| name.clone().unwrap_or_else(|| usual.into());
            let primary = |record: &Option<MetricRecord>| MetricRecord::metric(record.as_ref()).name;
            for (what, ours, theirs) in [
                ("network", of(&network, names::PAPERS_NETWORK), of(&run.network, names::PAPERS_NETWORK)),
                ("task", of(&task, CLASSIFICATION), of(&run.task, CLASSIFICATION)),
                ("metric", primary(&metric), primary(&run.metric)),
            ] {
                if ours != theirs {
                    return Err(invalid(format!("a study has one {what}, not {ours} and {theirs}")));
                }
            }
        }
        let seeds = sorted(runs.iter().map(|r| r.seed).chain(failures.iter().map(|f| f.seed)).collect());
        let place = |variant: &str, seed| (variants.iter().position(|v| v == variant), seed);
        runs.sort_by_key(|r| place(&r.variant, r.seed));
        failures.sort_by_key(|f| place(&f.variant, f.seed));
        let study = Self {
            dataset,
            network,
            task,
            metric,
            places: None,
            variants,
            against,
            planned_seeds: planned.map(sorted).filter(|planned| planned.iter().any(|s| !seeds.contains(s))),
            seeds,
            epochs,
            steps,
            selection,
            runs,
            failures,
            together: None,
            choices: Vec::new(),
            table: Vec::new(),
            statistics: Statistics::default(),
            timings: None,
            provenance,
        };
        study.check().map_err(invalid)?;
        Ok(study.concluded())
    }
}
