//! What a study leaves for people: tables, figures and the report, made from its runs again and again.

use std::fs;
use std::path::Path;

use adact_evidence::names::is_papers_network;
use adact_evidence::records::{
    Build, EpochRecord, Failure, LANGUAGE, MANIFEST, METRICS, Manifest, PROGRAM, Plan, RESULT, RunResult,
    Study, StudyResult, TIMINGS, Timings, run_directory,
};
use adact_evidence::statistics::correct_together;
use adact_evidence::table::count;
use adact_evidence::{atomic, figures, report, table};

use crate::build;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::extent;
use crate::folder::{CONFIG, RUNS};
use crate::score;
use crate::study::work::failed_in;
use crate::variants::{self, Variant};

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
    if study.result.timings.is_none() {
        // Where the time counts no more, as --resume may say, its figure is of another study.
        for kind in ["svg", "png"] {
            let _ = fs::remove_file(pictures.join(format!("front.{kind}")));
        }
    }
    figures::all(&study).iter().try_for_each(|figure| figure.write(&pictures))?;
    atomic::write(&folder.join(REPORT), report(std::slice::from_ref(&study)).as_bytes())?;
    study.result.write(&folder.join(RESULT))?;
    Ok(study)
}

/// Reads what is finished of a study, or a single training as a study of one run. A folder that holds a study's
/// `result.json` alone, as it is published, is read from that.
///
/// # Errors
/// If the folder holds no run, none is finished and none failed, or a record is broken.
pub fn collect(folder: &Path) -> Result<StudyResult> {
    if !folder.join(CONFIG).exists() {
        if folder.join(RESULT).exists() {
            return Ok(StudyResult::read(&folder.join(RESULT))?);
        }
        return Err(Error::input(format!("{}: holds no training and no study", folder.display())));
    }
    let config = Config::read(&folder.join(CONFIG))?;
    let mut provenance = Manifest::read(&folder.join(MANIFEST))?;
    let Some(study) = &config.study else {
        let run = extent::result(folder)?
            .ok_or_else(|| Error::input(format!("{}: no training is finished", folder.display())))?;
        let plan = Plan {
            dataset: run.dataset.clone(),
            variants: vec![run.variant.clone()],
            against: None,
            epochs: run.epochs,
            selection: run.selection,
            network: run.network.clone(),
            task: run.task.clone(),
            metric: run.metric.clone(),
            steps: run.steps,
            seeds: None,
        };
        return Ok(StudyResult::new(plan, vec![run], Vec::new(), provenance)?);
    };
    let variants = variants_of(&config)?;
    let (mut runs, mut failed) = (Vec::<RunResult>::new(), Vec::new());
    for seed in study.seeds.as_slice() {
        for variant in &variants {
            let run = folder.join(run_directory(&variant.name, *seed));
            match extent::finished(&run, config.epochs()) {
                Ok(found) => {
                    runs.extend(found);
                    failed.extend(failed_in(&run)?);
                }
                // One that is damaged is no reason to leave out the others.
                Err(error) if error.is_input() => {
                    let (variant, seed, why) = (variant.name.clone(), *seed, error.to_string());
                    failed.push(Failure { variant, seed, epoch: None, step: None, why });
                }
                Err(error) => return Err(error),
            }
        }
    }
    // What runs' folders don't tell: earlier failures, and the studies that this one is corrected together with.
    let before = folder.join(RESULT);
    let before = if before.exists() { Some(StudyResult::read(&before)?) } else { None };
    // The runs know better than the options: a validation set of the data's own may have picked the epochs.
    let selection = runs.first().map(|run| run.selection).or(before.as_ref().map(|study| study.selection));
    let (task, metric) = match (runs.first(), &config.program) {
        (Some(run), _) => (run.task.clone(), run.metric.clone()),
        (None, Some(program)) => (Some(PROGRAM.into()), program.record()),
        (None, None) => {
            let task = config.network.task()?;
            (score::recorded(task), score::primary(task))
        }
    };
    let is_text = task.as_deref() == Some(LANGUAGE);
    let steps =
        config.protocol.steps.or(is_text.then_some(config.protocol.epochs * config.protocol.eval_every));
    let (mut failures, together) = before.map(|b| (b.failures, b.together)).unwrap_or_default();
    // Those of other processes are in the folders of their trainings.
    let is_known =
        |f: &Failure| failed.iter().any(|other| (&other.variant, other.seed) == (&f.variant, f.seed));
    failures.retain(|f| !is_known(f));
    failures.append(&mut failed);
    failures.retain(|f| {
        let planned =
            study.seeds.as_slice().contains(&f.seed) && variants.iter().any(|v| v.name == f.variant);
        planned && !runs.iter().any(|r| r.variant == f.variant && r.seed == f.seed)
    });
    if runs.is_empty() && failures.is_empty() {
        let which = config
            .epochs()
            .map_or(String::new(), |epochs| format!(" with the {} of the study", count(epochs, "epoch")));
        return Err(Error::input(format!(
            "{}: no training in {RUNS} is finished{which}; go on with `adact study --resume` or `adact work`",
            folder.display()
        )));
    }
    provenance.builds = builds(folder, &runs)?;
    let hosts = hosts(folder, &runs)?;
    provenance.hosts = if hosts.len() > 1 { hosts } else { Vec::new() };
    let plan = Plan {
        dataset: provenance.dataset.clone(),
        against: study.against(&variants)?,
        variants: variants.into_iter().map(|v| v.name).collect(),
        epochs: config.epochs().unwrap_or_else(|| most_epochs(&runs)),
        selection: selection.unwrap_or(config.protocol.select),
        network: provenance.network.clone().filter(|name| !is_papers_network(Some(name))),
        task,
        metric,
        steps: steps.filter(|_| is_text).map(|steps| steps as u64),
        seeds: Some(study.seeds.as_slice().to_vec()),
    };
    let timings = folder.join(TIMINGS);
    let timings =
        if config.search.weighs_time() && timings.exists() { Some(Timings::read(&timings)?) } else { None };
    Ok(StudyResult::new(plan, runs, failures, provenance)?.timed(timings).corrected_with(together))
}

/// The variants of the study that options describe.
fn variants_of(config: &Config) -> Result<Vec<Variant>> {
    let places = match &config.program {
        Some(_) => None,
        None => Some(config.network.places()?.len()),
    };
    let named = config.study.as_ref().map(|study| study.variants.clone()).unwrap_or_default();
    variants::parse(&named, config, places)
}

/// The options of the study in a folder, and its variants.
///
/// # Errors
/// If the folder holds no study, or its options can't be read.
pub(crate) fn planned(folder: &Path) -> Result<(Config, Vec<Variant>)> {
    if !folder.join(CONFIG).exists() {
        return Err(Error::input(format!("{}: holds no study", folder.display())));
    }
    let config = Config::read(&folder.join(CONFIG))?;
    if config.study.is_none() {
        return Err(Error::input(format!("{}: holds a training and no study", folder.display())));
    }
    let variants = variants_of(&config)?;
    Ok((config, variants))
}

/// The most epochs that one of them took; 1 where there is none.
pub(crate) fn most_epochs(runs: &[RunResult]) -> usize {
    runs.iter().map(|run| run.epochs).max().unwrap_or(1)
}

/// The builds of the program that trained the runs of a study.
pub(crate) fn builds(folder: &Path, runs: &[RunResult]) -> Result<Vec<Build>> {
    let mut builds = Vec::new();
    for run in runs {
        let path = folder.join(run_directory(&run.variant, run.seed)).join(MANIFEST);
        let known = if path.exists() { Manifest::read(&path)?.builds } else { Vec::new() };
        let unknown = [Build::default()];
        build::add(&mut builds, if known.is_empty() { &unknown } else { &known[..] });
    }
    Ok(builds)
}

/// The machines that trained the runs of a study, where that is recorded.
fn hosts(folder: &Path, runs: &[RunResult]) -> Result<Vec<String>> {
    let mut hosts = Vec::new();
    for run in runs {
        let path = folder.join(run_directory(&run.variant, run.seed)).join(MANIFEST);
        let known = if path.exists() { Manifest::read(&path)?.hosts } else { Vec::new() };
        known.into_iter().for_each(|host| {
            if !hosts.contains(&host) {
                hosts.push(host)
            }
        });
    }
    Ok(hosts)
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
/// where `page` names another place; several folders get one page together at `page`, with verdicts that are corrected for
/// the comparisons of them all.
///
/// # Errors
/// If a folder holds nothing finished, or the disk refuses.
pub fn report_again(folders: &[&Path], page: Option<&Path>) -> Result<Vec<Study>> {
    let mut results = folders.iter().map(|folder| collect(folder)).collect::<Result<Vec<_>>>()?;
    if results.len() > 1 {
        correct_together(&mut results);
    }
    let is_study = |folder: &Path| folder.join(RUNS).exists() || !folder.join(CONFIG).exists();
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
