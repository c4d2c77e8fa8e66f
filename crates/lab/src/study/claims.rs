//! `adact bench claims`: what it costs that many workers share a study's folder.
//!
//! Trainings that only wait are worked off by threads that know of each other no more than processes do: each has a plan of its own,
//! and all that they share is the folder. So what is measured is what `adact work` does between two trainings, on the file
//! system in question.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use adact_evidence::records::{RESULT, RunResult};
use adact_kernels::Activation;
use serde::Serialize;

use super::work::{Plan, Work, work_on};
use super::{Planned, Subject, manifest, network, of_network, training};
use crate::config::{Config, Seeds, StudyOptions};
use crate::control::{Control, Event, RunId};
use crate::data::Data;
use crate::error::{Error, Kind, Result};
use crate::extent;
use crate::folder::{Folder, Mode, RUNS};
use crate::threads;
use crate::variants::Chosen;

/// What the simulation has to do.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The trainings; a multiple of 10.
    pub trainings: usize,
    /// Those who work on them at once.
    pub workers: usize,
    /// How long a training takes.
    pub seconds: f64,
}

/// What was measured. Times in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Claims {
    /// The trainings.
    pub trainings: usize,
    /// The workers.
    pub workers: usize,
    /// How long a training took.
    pub training: f64,
    /// How long it took until all were trained.
    pub elapsed: f64,
    /// How long it would have taken if nothing were between the trainings.
    pub least: f64,
    /// From the end of a worker's training until the begin of its next.
    pub between: Spread,
    /// From the end of the last training until a worker knew that none is left.
    pub ending: Spread,
    /// Trainings that were done more than once.
    pub repeated: usize,
    /// What the folder of the trainings holds.
    pub entries: usize,
}

/// Times in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    /// Half of them are shorter.
    pub median: f64,
    /// One of a hundred is longer.
    pub p99: f64,
    /// The longest.
    pub longest: f64,
}

thread_local! {
    /// When this worker's last training ended.
    static ENDED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Has workers share a study of trainings that only wait, in the new folder `dir`, which is removed afterwards.
///
/// # Errors
/// If the folder is there already or can't be written, or the user stops.
pub fn claims(dir: &Path, load: Load, control: &Control<'_>) -> Result<Claims> {
    let Load { trainings, workers, seconds } = load;
    if dir.exists() {
        return Err(Error::input(format!("{}: is there already; name a new folder", dir.display())));
    }
    if !trainings.is_multiple_of(10) || !(10..=10_000).contains(&trainings) {
        return Err(Error::input("--trainings: give a multiple of 10, at most 10000"));
    }
    if !(1..=1000).contains(&workers) || !(0.0..=3600.0).contains(&seconds) {
        return Err(Error::input("--workers and --seconds: give 1 to 1000 and at most 3600"));
    }
    let config = config(trainings / 10);
    let data = Data::load(&config)?;
    let measured = of_network(&config, &data, &network, &|config, subject| {
        simulate(config, subject, dir, load, control)
    });
    // A part of it may be there, whatever happened.
    let removed = fs::remove_dir_all(dir);
    let measured = measured?;
    removed.map_err(|e| Error::io("remove", dir, &e))?;
    Ok(measured)
}

/// A study of ten variants, one of which waits for another.
fn config(seeds: usize) -> Config {
    let single = Activation::ALL.iter().take(8).map(|activation| activation.name().to_owned());
    let variants = ["adact".into(), "optimized".into()].into_iter().chain(single).collect();
    let mut config = Config::default();
    config.protocol.epochs = 1;
    config.output.threads = Some(1);
    (config.data.limit_train, config.data.limit_test) = (Some(64), Some(20));
    config.study = Some(StudyOptions { seeds: Seeds::first(seeds), variants, against: None });
    config
}

fn simulate(
    config: &Config,
    subject: &Subject<'_>,
    dir: &Path,
    load: Load,
    control: &Control<'_>,
) -> Result<Claims> {
    let (plan, model) = prepared(config, subject, dir, control)?;
    let begun = AtomicUsize::new(0);
    // How long was between trainings, and when the last one ended.
    let seen = Mutex::new((Vec::new(), Instant::now()));
    let seen = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let waits = |_: &Config, run: &RunId, folder: &Folder, quiet: &Control<'_>| {
        // As a real training: another worker may have finished it at this moment.
        if let Some(result) = extent::finished(folder.path(), config.epochs())? {
            return Ok(result);
        }
        if let Some(ended) = ENDED.get() {
            seen().0.push(ended.elapsed().as_secs_f64());
        }
        let done = begun.fetch_add(1, Ordering::Relaxed);
        if done.is_multiple_of(load.trainings.div_ceil(50)) {
            control.tell(Event::Measuring { what: "claims", done, of: load.trainings });
        }
        std::thread::sleep(Duration::from_secs_f64(load.seconds));
        quiet.check()?;
        let result = RunResult { variant: run.variant.clone(), seed: run.seed, ..model.clone() };
        result.write(&folder.join(RESULT))?;
        let now = Instant::now();
        ENDED.set(Some(now));
        seen().1 = now;
        Ok(result)
    };
    let subject = Subject {
        about: subject.about.clone(),
        metric: subject.metric.clone(),
        shape: subject.shape.clone(),
        timed: None,
        train: &waits,
        ..*subject
    };
    // Only the simulation tells of its trainings.
    let quiet = Control { observer: &(), ..*control };
    let begin = Instant::now();
    let worker = || {
        let worked = work_on(config, &subject, (dir, &plan), &Work::default(), &quiet);
        let ended = Instant::now();
        match worked {
            Err(error) if error.kind() != Kind::Waiting => Err(error),
            _ => Ok(ended),
        }
    };
    let ends = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..load.workers).map(|_| scope.spawn(worker)).collect();
        let ended = |worker: ScopedJoinHandle<'_, Result<Instant>>| {
            worker.join().unwrap_or_else(|_| Err(Error::failure("a worker of the simulation failed")))
        };
        workers.into_iter().map(ended).collect::<Result<Vec<Instant>>>()
    })?;
    let (between, last) = std::mem::replace(&mut *seen(), (Vec::new(), begin));
    let ending = ends.iter().map(|end| (*end - last).as_secs_f64()).collect();
    Ok(Claims {
        trainings: load.trainings,
        workers: load.workers,
        training: load.seconds,
        elapsed: (last - begin).as_secs_f64(),
        least: load.seconds * load.trainings.div_ceil(load.workers) as f64,
        between: Spread::of(between),
        ending: Spread::of(ending),
        repeated: begun.into_inner().saturating_sub(load.trainings),
        entries: fs::read_dir(dir.join(RUNS)).map_or(0, Iterator::count),
    })
}

/// A plan in the folder `dir`, and what a training of it leaves: that of a real one.
fn prepared(
    config: &Config,
    subject: &Subject<'_>,
    dir: &Path,
    control: &Control<'_>,
) -> Result<(Plan, RunResult)> {
    let planned = Planned::new(config, subject)?;
    let folder = Folder::open(dir, &planned.config, Mode::New, control)?;
    manifest(&subject.about, None, &folder)?.begin(&folder)?;
    let plan = Plan::keep(&folder, &planned.config)?;
    let tasks = planned.tasks();
    let chosen = tasks[0].source.activations(None, None).unwrap_or_else(|| Ok(Chosen::default()))?;
    let config = training(&planned.config, &tasks[0], &chosen)?;
    let inside = folder.open_inside("model", &config, Mode::New)?;
    let quiet = Control { observer: &(), ..*control };
    let model =
        threads::install(1, "the simulation", || (subject.train)(&config, &tasks[0].id, &inside, &quiet))?;
    Ok((plan, model))
}

impl Spread {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = ((times.len() as f64 - 1.0) * share).round() as usize;
            times.get(place).copied().unwrap_or(0.0)
        };
        Self { median: at(0.5), p99: at(0.99), longest: at(1.0) }
    }
}
