//! What a study leaves for people: tables, figures and the report, made from its runs again and again.

use std::fs;
use std::path::Path;

use adact_evidence::records::{
    EpochRecord, MANIFEST, METRICS, Manifest, RESULT, RunResult, Study, StudyResult, run_directory,
};
use adact_evidence::{atomic, figures, report, table};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::folder::{CONFIG, RUNS};
use crate::variants;

/// The page.
pub const REPORT: &str = "report.html";
/// The table as Markdown.
pub const TABLE: &str = "table.md";

/// Writes everything that follows from a study's runs into its folder; `result.json` comes last.
///
/// # Errors
/// If metrics are broken, or the disk refuses.
pub fn write(folder: &Path, result: StudyResult) -> Result<Study> {
    let study = with_metrics(folder, result)?;
    atomic::write(&folder.join(TABLE), table::markdown(&study.result).as_bytes())?;
    atomic::write(&folder.join("table.csv"), table::csv(&study.result).as_bytes())?;
    let pictures = folder.join("figures");
    fs::create_dir_all(&pictures).map_err(|e| Error::io("create the folder", &pictures, &e))?;
    figures::all(&study).iter().try_for_each(|figure| figure.write(&pictures))?;
    atomic::write(&folder.join(REPORT), report(std::slice::from_ref(&study)).as_bytes())?;
    study.result.write(&folder.join(RESULT))?;
    Ok(study)
}

/// Reads what is finished of a study, or a single training as a study of one run.
///
/// # Errors
/// If the folder holds no run, none is finished, or a record is broken.
pub fn collect(folder: &Path) -> Result<StudyResult> {
    if !folder.join(CONFIG).exists() {
        return Err(Error::input(format!("{}: holds no training and no study", folder.display())));
    }
    let config = Config::read(&folder.join(CONFIG))?;
    let provenance = Manifest::read(&folder.join(MANIFEST))?;
    let (names, against, runs) = match &config.study {
        None => {
            let run = finished(folder)?;
            (run.iter().map(|r| r.variant.clone()).collect(), None, run.into_iter().collect())
        }
        Some(plan) => {
            let variants = variants::parse(&plan.variants, &config.model.candidates)?;
            let mut runs: Vec<RunResult> = Vec::new();
            for seed in plan.seeds.as_slice() {
                for variant in &variants {
                    runs.extend(finished(&folder.join(run_directory(&variant.name, *seed)))?);
                }
            }
            let against = plan.against(&variants)?;
            (variants.into_iter().map(|v| v.name).collect(), against, runs)
        }
    };
    if runs.is_empty() {
        let place = if config.study.is_some() { format!(" in {RUNS}") } else { String::new() };
        return Err(Error::input(format!("{}: no training{place} is finished", folder.display())));
    }
    Ok(StudyResult::new(names, against, runs, provenance)?)
}

/// The result of a run, if it is finished.
fn finished(folder: &Path) -> Result<Option<RunResult>> {
    let path = folder.join(RESULT);
    Ok(if path.exists() { Some(RunResult::read(&path)?) } else { None })
}

/// The result of a study's folder, or of a training's, with the metrics of its runs.
fn with_metrics(folder: &Path, result: StudyResult) -> Result<Study> {
    let metrics = |run: &RunResult| {
        let inside = folder.join(run_directory(&run.variant, run.seed)).join(METRICS);
        let path = if inside.exists() { inside } else { folder.join(METRICS) };
        if path.exists() { EpochRecord::read_all(&path) } else { Ok(Vec::new()) }
    };
    let metrics = result.runs.iter().map(metrics).collect::<std::result::Result<_, _>>()?;
    Ok(Study { result, metrics })
}

/// Makes the report of folders again. A single study's folder gets all its outputs anew, and the page as well
/// where `page` names another place; several folders get one page together at `page`.
///
/// # Errors
/// If a folder holds nothing finished, or the disk refuses.
pub fn report_again(folders: &[&Path], page: Option<&Path>) -> Result<Vec<Study>> {
    let results = folders.iter().map(|folder| collect(folder)).collect::<Result<Vec<_>>>()?;
    let is_study = |folder: &Path| folder.join(RUNS).exists();
    let mut studies = Vec::new();
    for (folder, result) in folders.iter().zip(results) {
        let anew = folders.len() == 1 && is_study(folder);
        studies.push(if anew { write(folder, result)? } else { with_metrics(folder, result)? });
    }
    if let Some(page) = page {
        atomic::write(page, report(&studies).as_bytes())?;
    }
    Ok(studies)
}
