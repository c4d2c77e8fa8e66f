//! Studies of training programs that are not ours, in any language: a command is run once for each variant and seed, and
//! what it logs is recorded as for our own networks.
//!
//! `docs/program.md` is the protocol: what the program is told in environment variables, and what it leaves.

mod child;
mod log;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use adact_evidence::records::{
    self, Best, EpochRecord, Last, METRICS, MetricRecord, RESULT, RunResult, Selection, Study,
};
use adact_evidence::tensorboard::{EVENTS, EventFile};

use crate::build;
use crate::config::{Config, ProgramOptions};
use crate::control::{Control, Event, RunId};
use crate::error::{Error, Result};
use crate::extent;
use crate::folder::{Folder, Mode, PROGRAM};
use crate::machine;
use crate::study::{Subject, run_all};
use crate::train::{About, best, manifest};
use child::Child;
use log::{Log, Place};

/// The version of the protocol, `ADACT_PROTOCOL`.
pub const PROTOCOL: u32 = 1;
/// What the program logs, in its folder.
const LOG: &str = "log.jsonl";
/// What the program printed, in its folder.
const OUTPUT: &str = "output.txt";
/// How often the log is looked at.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a program may take to end after its log says that it is done, before whoever watches is told.
const LINGERS: Duration = Duration::from_secs(5);

/// Runs the study of the program in the section `[program]` of `config` in folder `out`, from where an earlier call
/// ended: as [`study`](crate::study::study), with a command instead of a network.
///
/// # Errors
/// As there, or if `config` has no such section.
pub fn study_program(config: &Config, out: &Path, mode: Mode, control: &Control<'_>) -> Result<Study> {
    about_program(config, &|config, subject| run_all(config, subject, out, mode, control))
}

/// Does something with the study of a training program.
pub(crate) fn about_program<T>(
    config: &Config,
    what: &dyn Fn(&Config, &Subject<'_>) -> Result<T>,
) -> Result<T> {
    config.check()?;
    let program = config.program.as_ref();
    let program = program.ok_or_else(|| Error::input("program: give the command that trains"))?;
    let about = About {
        dataset: config.data.dataset.clone(),
        note: None,
        files: Vec::new(),
        network: Some(program.name()),
        task: Some(records::PROGRAM.into()),
    };
    let subject = Subject {
        about: about.clone(),
        places: None,
        metric: program.record(),
        selection: Selection::Test,
        steps: None,
        shape: String::new(),
        timed: None,
        train: &|config, run, folder, control| {
            Training { program, about: &about, config, run, folder, control }.run()
        },
    };
    what(config, &subject)
}

/// One training by the program.
struct Training<'a> {
    program: &'a ProgramOptions,
    about: &'a About,
    config: &'a Config,
    run: &'a RunId,
    folder: &'a Folder,
    control: &'a Control<'a>,
}

impl Training<'_> {
    fn run(&self) -> Result<RunResult> {
        let (run, dir) = (self.run, self.folder.path());
        let manifest = manifest(self.about, Some(run), self.folder)?;
        if let Some(result) = extent::result(dir)? {
            self.control.tell(Event::Finished { run, result: &result, dir });
            return Ok(result);
        }
        let own = self.folder.join(PROGRAM);
        fs::create_dir_all(&own).map_err(|e| Error::io("create the folder", &own, &e))?;
        child::end_orphan(&own)?;
        let earlier = self.folder.join(METRICS);
        let known = if earlier.exists() { EpochRecord::read_all(&earlier)? } else { Vec::new() };
        let candidates: Vec<String> = self.config.model.candidates.iter().map(|a| a.name().into()).collect();
        let mut log = Log::open(&own.join(LOG), candidates, &self.program.metric, known)?;
        manifest.begin(self.folder)?;
        let finished = log.epochs().len();
        self.control.tell(Event::Started { run, epochs: None, finished, steps: 0 });

        self.train(&own, &mut log)?;
        let result = self.result(&log)?;
        self.folder.check()?;
        manifest.finish(self.folder, vec![build::current().clone()])?;
        result.write(&self.folder.join(RESULT))?; // last: a folder with a result is finished
        self.control.tell(Event::Finished { run, result: &result, dir });
        Ok(result)
    }

    /// Runs the command and records the epochs that it logs, until it ends.
    fn train(&self, own: &Path, log: &mut Log) -> Result<()> {
        let mut events = match self.config.output.tensorboard {
            true => {
                let epochs = log.epochs().len() as u64;
                Some(EventFile::open(&self.folder.join(EVENTS), epochs, machine::unix_time())?)
            }
            false => None,
        };
        let output = own.join(OUTPUT);
        let mut child = Child::start(&self.program.command, own, &output, &self.variables(own)?)?;
        let mut began = Instant::now();
        let (mut done, mut told) = (None, false);
        let ended = loop {
            let ended = child.wait(PAUSE)?;
            self.control.check()?; // the child is asked to end where it is dropped
            self.folder.recall()?;
            for record in log.read(began.elapsed())? {
                self.keep(&record, log, events.as_mut())?;
                began = Instant::now();
            }
            if let Some(ended) = ended {
                break ended;
            }
            if log.is_done() && !told && done.get_or_insert_with(Instant::now).elapsed() > LINGERS {
                let words = "its log says that it is done, but it has not ended; the study waits for it";
                self.control.tell(Event::Note(&format!("{}: {words}", self.run)));
                told = true;
            }
        };
        if !ended.success() {
            return Err(self.failed(&child::in_words(ended), &child::last_words(&output)));
        }
        if log.is_done() {
            return Ok(());
        }
        Err(self.failed("it ended without the line {\"done\": true} in its log", &child::last_words(&output)))
    }

    /// Puts an epoch on disk.
    fn keep(&self, record: &EpochRecord, log: &Log, events: Option<&mut EventFile>) -> Result<()> {
        self.folder.check()?;
        let metric = MetricRecord::metric(self.program.record().as_ref());
        let of = |record: &EpochRecord| record.test.as_ref().and_then(|test| test.finite(&metric.name));
        EpochRecord::write_all(&self.folder.join(METRICS), log.epochs())?;
        if let Some(events) = events {
            events.epoch(record, machine::unix_time())?;
        }
        let is_best = best(log.epochs(), &metric) + 1 == record.epoch && of(record).is_some();
        self.control.tell(Event::Epoch { run: self.run, record, best: is_best });
        Ok(())
    }

    /// What the program is told.
    fn variables(&self, own: &Path) -> Result<Vec<(&'static str, String)>> {
        let path = std::path::absolute(own).map_err(|e| Error::io("find", own, &e))?;
        let train = self.config.train.clone().unwrap_or_default();
        let model = &self.config.model;
        let threads = rayon::current_num_threads().to_string();
        let candidates = model.candidates.iter().map(|a| a.name()).collect::<Vec<_>>().join(",");
        let mut variables = vec![
            ("ADACT_PROTOCOL", PROTOCOL.to_string()),
            ("ADACT_VARIANT", self.run.variant.clone()),
            ("ADACT_ACTIVATION", train.activation),
            ("ADACT_SEED", train.seed.to_string()),
            ("ADACT_CANDIDATES", candidates),
            ("ADACT_GRANULARITY", model.granularity.to_string()),
            ("ADACT_METRIC", self.program.metric.clone()),
            ("ADACT_OUT", path.to_string_lossy().into_owned()),
            ("ADACT_THREADS", threads.clone()),
        ];
        // What numerical libraries ask for, unless the user says something else.
        let libraries = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"];
        let unset = libraries.into_iter().filter(|name| std::env::var_os(name).is_none());
        variables.extend(unset.map(|name| (name, threads.clone())));
        Ok(variables)
    }

    /// What came out.
    fn result(&self, log: &Log) -> Result<RunResult> {
        let metric = MetricRecord::metric(self.program.record().as_ref());
        let epochs = log.epochs();
        let Some(last) = epochs.last() else {
            return Err(self.failed("it ended without an epoch in its log", ""));
        };
        if last.test.as_ref().and_then(|test| test.finite(&metric.name)).is_none() {
            let why =
                format!("the last epoch, {}, has no {}; {}", last.epoch, metric.name, log::in_words(last));
            return Err(self.failed(&why, ""));
        }
        let kept = &epochs[best(epochs, &metric)];
        let (places, activations) = self.places(log)?;
        Ok(RunResult {
            dataset: self.about.dataset.clone(),
            variant: self.run.variant.clone(),
            network: self.about.network.clone(),
            task: self.about.task.clone(),
            metric: self.program.record(),
            places: Some(places),
            activations,
            seed: self.run.seed,
            epochs: epochs.len(),
            steps: None,
            best: Best { epoch: kept.epoch, test: kept.test.clone().unwrap_or_default() },
            last: Last { test: last.test.clone() },
            parameters: log.parameters(),
            seconds: epochs.iter().map(|e| e.seconds).sum(),
            layers: kept.layers.clone(),
            constants: self.config.model.constants(),
            selection: Selection::Test,
            precision: None,
            validation: None,
            confusion: None,
            inputs: None,
            test_images: log.test_examples(),
            samples: None,
            mixing: None,
            choices: Vec::new(),
            discretised: None,
            chosen_by: None,
            without_costs: None,
        })
    }

    /// The places and their activations: as the program tells them, or else as it was told.
    fn places(&self, log: &Log) -> Result<(Vec<String>, Vec<String>)> {
        let asked = self.config.train.clone().unwrap_or_default().activation;
        let asked: Vec<&str> = asked.split('+').collect();
        let told: &[Place] = log.places();
        if told.is_empty() {
            if asked == ["adact"] {
                let why = "its log has no \"places\" with the weights of the mixtures, which `adact` is trained for";
                return Err(self.failed(why, ""));
            }
            let paths = (1..=asked.len()).map(|i| format!("place {i}"));
            return Ok((paths.collect(), asked.iter().map(|a| a.to_string()).collect()));
        }
        let fits = match asked.as_slice() {
            [one] => told.iter().all(|place| place.activation() == *one),
            many => many.len() == told.len() && told.iter().zip(many).all(|(p, a)| p.activation() == *a),
        };
        if !fits {
            let found = told.iter().map(|p| format!("{}={}", p.place, p.activation())).collect::<Vec<_>>();
            let why = format!("it was to train {}, and its log tells {}", asked.join("+"), found.join(", "));
            return Err(self.failed(&why, ""));
        }
        Ok(told.iter().map(|p| (p.place.clone(), p.activation().to_owned())).unzip())
    }

    fn failed(&self, why: &str, output: &str) -> Error {
        let output =
            if output.is_empty() { String::new() } else { format!("; the last that it printed: {output}") };
        let own = self.folder.join(PROGRAM);
        Error::failure(format!("{why}{output} (see {})", own.display()))
    }
}
