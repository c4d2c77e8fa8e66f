//! The paper's protocol over its data sets, beside the paper's numbers.

use std::path::Path;

use adact_evidence::records::{RESULT, Study, StudyResult};
use adact_evidence::reproduction::Reproduction;
use adact_evidence::statistics::correct_together;
use adact_evidence::{atomic, paper, report};
use serde::Serialize;

use crate::config::Config;
use crate::control::{Control, Event};
use crate::data::Data;
use crate::error::{Error, Kind, Result};
use crate::folder::Mode;
use crate::outputs::{self, REPORT, TABLE};
use crate::study::{failed, study};

/// What came out of a reproduction.
#[derive(Debug)]
pub struct Reproduced {
    /// A study for each data set that is here.
    pub studies: Vec<Study>,
    /// The data sets that are not here, and why.
    pub missing: Vec<(String, Error)>,
    /// The studies beside the paper.
    pub beside: Reproduction,
}

/// `result.json` of a reproduction.
#[derive(Serialize)]
struct Record {
    studies: Vec<String>,
    missing: Vec<String>,
    /// How many comparisons the verdicts are corrected for.
    family: usize,
    numbers: Vec<Number>,
    claims: Vec<Claim>,
}

#[derive(Serialize)]
struct Number {
    dataset: String,
    variant: String,
    paper: f64,
    ours: f64,
    sd: Option<f64>,
    seeds: usize,
    failed: usize,
    verdict: String,
}

#[derive(Serialize)]
struct Claim {
    dataset: &'static str,
    place: &'static str,
    says: String,
    ours: String,
    verdict: &'static str,
}

/// Studies each of `datasets` (without any: the paper's four) in a folder of its own below `out`. Data sets that are
/// not here are named and skipped.
///
/// # Errors
/// If no data set is here, one is broken, or as [`study`].
pub fn reproduce(
    config: &Config,
    datasets: &[String],
    out: &Path,
    mode: Mode,
    control: &Control<'_>,
) -> Result<Reproduced> {
    let all = paper::DATASETS.map(String::from);
    let datasets = if datasets.is_empty() { &all[..] } else { datasets };
    let (mut studies, mut missing) = (Vec::new(), Vec::new());
    for name in datasets {
        let mut config = config.clone();
        config.data.dataset = name.clone();
        let data = match Data::load(&config) {
            Err(error) if error.kind() == Kind::Missing => {
                control.tell(Event::Note(&format!("{error}; it is skipped")));
                missing.push((name.clone(), error));
                continue;
            }
            other => other?,
        };
        studies.push(study(&config, &data, &out.join(&data.name), mode, control)?);
    }
    if studies.is_empty() {
        return Err(Error::input("none of the data sets is here: `adact data list` tells how to get them"));
    }
    if studies.len() > 1 {
        studies = corrected_together(studies, out)?;
    }
    let beside = Reproduction::of(studies.iter().map(|s| &s.result));
    let reproduced = Reproduced { studies, missing, beside };
    reproduced.write(out)?;
    Ok(reproduced)
}

/// Corrects the verdicts for the comparisons of all data sets, in the studies' own folders as well: no page tells a
/// verdict that another takes back.
fn corrected_together(studies: Vec<Study>, out: &Path) -> Result<Vec<Study>> {
    let mut results: Vec<StudyResult> = studies.into_iter().map(|study| study.result).collect();
    correct_together(&mut results);
    results.into_iter().map(|result| outputs::write(&out.join(&result.dataset), result)).collect()
}

impl Reproduced {
    /// The error to end with where trainings failed; what is finished is on disk all the same.
    pub fn failed(&self) -> Option<Error> {
        self.studies.iter().find_map(|study| failed(&study.result))
    }

    fn write(&self, out: &Path) -> Result<()> {
        atomic::write(&out.join(TABLE), self.beside.markdown().as_bytes())?;
        atomic::write(&out.join(REPORT), report(&self.studies).as_bytes())?;
        let record = Record {
            studies: self.studies.iter().map(|s| s.result.dataset.clone()).collect(),
            missing: self.missing.iter().map(|(name, _)| name.clone()).collect(),
            family: self.studies.iter().map(|s| s.result.statistics.family).max().unwrap_or(0),
            numbers: self
                .beside
                .numbers
                .iter()
                .map(|row| Number {
                    dataset: row.dataset.clone(),
                    variant: row.variant.clone(),
                    paper: row.paper,
                    ours: row.ours.mean,
                    sd: row.ours.sd,
                    seeds: row.ours.n,
                    failed: row.failed,
                    verdict: row.words(),
                })
                .collect(),
            claims: self
                .beside
                .claims
                .iter()
                .map(|row| Claim {
                    dataset: row.claim.dataset,
                    place: row.claim.place,
                    says: row.says.clone(),
                    ours: row.ours.clone(),
                    verdict: row.holds.words(),
                })
                .collect(),
        };
        let text = serde_json::to_string_pretty(&record)
            .map_err(|e| Error::failure(format!("the comparison can't be written: {e}")))?;
        Ok(atomic::write(&out.join(RESULT), (text + "\n").as_bytes())?)
    }
}
