//! One training: epochs of steps, an evaluation after each, the best weights kept, everything on disk.

mod begun;
mod choose;
mod finish;
mod manifest;

use std::path::Path;
use std::time::Instant;

use adact::ActivationConfig;
use adact_evidence::metric::Metric;
use adact_evidence::records::{Build, EpochRecord, METRICS, MetricRecord, Metrics, RESULT, RunResult};
use adact_evidence::tensorboard::{EVENTS, EventFile};

use crate::build;
use crate::checkpoint::{self, LAST};
use crate::config::Config;
use crate::control::{Control, Event, RunId};
use crate::data::Data;
use crate::error::{Error, Kind, Result};
use crate::extent;
use crate::folder::{BEST, Folder, Mode};
use crate::learner::Learner;
use crate::machine;
use crate::network::{activations, network};
use crate::parts::{Part, Passes};
use crate::score::{self, Score};
use crate::threads;

use begun::Begun;
pub(crate) use manifest::{About, manifest};

/// Trains the network as the section `[train]` of `config` asks for, in the folder `out`.
///
/// # Errors
/// If the options can't be used (nothing is written then), or as [`train`].
pub fn train_network(
    config: &Config,
    data: &Data,
    out: &Path,
    mode: Mode,
    control: &Control<'_>,
) -> Result<RunResult> {
    let options = config.train.clone().unwrap_or_default();
    let config = Config { train: Some(options.clone()), study: None, ..config.clone() };
    let data = &*data.divided(&config)?;
    let config = config.resolved(data);
    config.search(data)?; // before anything is written
    let layers = activations(&options.activation, &config.network.places()?, &config.model)?;
    let run = RunId { variant: ActivationConfig::format_layers(&layers), seed: options.seed };
    threads::install(config.output.threads(), &run.to_string(), || {
        let learner = network(&config, data)?;
        let folder = Folder::open(out, &config, mode, control)?;
        train(learner, &config, data, &run, &folder, control)
    })
}

/// Trains `learner` in `folder`, from where the folder's last epoch ended, and says what came out.
///
/// `config` has its section `[train]`; `run` names the training in records and events. A folder whose training
/// is finished is only read; one that is finished with fewer epochs goes on.
///
/// # Errors
/// If the folder belongs to other data or to another process by now, the disk refuses, the loss is no number any more,
/// or the user stops.
pub fn train<L: Learner>(
    learner: L,
    config: &Config,
    data: &Data,
    run: &RunId,
    folder: &Folder,
    control: &Control<'_>,
) -> Result<RunResult> {
    let about = About::of(config, data);
    let manifest = manifest(&about, Some(run), folder)?;
    if let Some(result) = extent::finished(folder.path(), config.epochs())? {
        control.tell(Event::Finished { run, result: &result, dir: folder.path() });
        return Ok(result);
    }
    let first = if learner.layers().is_some() { config.search.warm_epochs } else { 0 };
    let mut training = Training {
        first,
        learner,
        config,
        data,
        about,
        run,
        folder,
        control,
        epochs: Vec::new(),
        begun: Begun::default(),
        builds: Vec::new(),
        events: None,
    };
    training.restore()?;
    manifest.begin(folder)?;
    training.control.tell(Event::Started {
        run,
        epochs: config.epochs(),
        finished: training.epochs.len(),
        steps: training.steps(),
    });
    while training.epochs.len() < config.protocol.epochs {
        if let Err(error) = training.epoch() {
            if error.kind() == Kind::Cancelled {
                training.put_aside();
            }
            return Err(error);
        }
    }
    let result = training.finish()?;
    folder.check()?;
    // Once more: who lost this training while it wrote may have left fewer.
    EpochRecord::write_all(&folder.join(METRICS), &training.epochs)?;
    manifest.finish(folder, training.builds)?;
    result.write(&folder.join(RESULT))?; // last: a folder with the result of all epochs is finished
    control.tell(Event::Finished { run, result: &result, dir: folder.path() });
    Ok(result)
}

struct Training<'a, L> {
    learner: L,
    config: &'a Config,
    data: &'a Data,
    about: About,
    run: &'a RunId,
    folder: &'a Folder,
    control: &'a Control<'a>,
    /// The epochs at the beginning that are not kept: in these a mixture has not searched yet.
    first: usize,
    /// The finished epochs.
    epochs: Vec<EpochRecord>,
    /// The steps after them.
    begun: Begun,
    /// The builds of the program that trained them.
    builds: Vec<Build>,
    /// TensorBoard's file, where it is wanted.
    events: Option<EventFile>,
}

impl<L: Learner> Training<'_, L> {
    /// Training steps of an epoch; the last step may have fewer images.
    fn steps(&self) -> usize {
        self.config.protocol.epoch_steps(&self.data.train)
    }

    /// The metric by which epochs are picked.
    fn metric(&self) -> Metric {
        MetricRecord::metric(score::primary(self.data.task).as_ref())
    }

    /// The epoch that is kept, by its place in the list.
    fn best(&self) -> usize {
        self.first + best(&self.epochs[self.first.min(self.epochs.len())..], &self.metric())
    }

    /// Goes back to the end of the last finished epoch, or into the one that was interrupted.
    fn restore(&mut self) -> Result<()> {
        if checkpoint::recover(self.folder.path())? {
            self.load_last()?;
        }
        if self.config.output.tensorboard {
            let path = self.folder.join(EVENTS);
            let number = |record: &EpochRecord| record.step.unwrap_or(record.epoch as u64);
            let finished = self.epochs.last().map_or(0, number);
            self.events = Some(EventFile::open(&path, finished, machine::unix_time())?);
        }
        Ok(())
    }

    fn load_last(&mut self) -> Result<()> {
        let last = self.folder.join(LAST);
        self.epochs = EpochRecord::read_all(&last.join(METRICS))?;
        if self.epochs.len() > self.config.protocol.epochs {
            return Err(Error::input(format!(
                "{}: {} epochs are finished, more than the {} asked for",
                last.display(),
                self.epochs.len(),
                self.config.protocol.epochs
            )));
        }
        self.learner.load_state(&last)?;
        self.begun = Begun::read(&last)?;
        self.builds = build::read(&last)?;
        self.compare_builds();
        // The metrics may be one epoch behind or ahead, wherever the last process died.
        Ok(EpochRecord::write_all(&self.folder.join(METRICS), &self.epochs)?)
    }

    /// Says whether other builds of the program trained what is continued.
    fn compare_builds(&self) {
        let this = build::current();
        let others: Vec<String> = self.builds.iter().filter(|b| *b != this).map(Build::to_string).collect();
        if !others.is_empty() {
            self.control.tell(Event::Note(&format!(
                "{}: was begun by {}, and this is {this}; the records will say so",
                self.run,
                others.join(" and ")
            )));
        }
    }

    /// Trains an epoch, evaluates it, and puts it on disk.
    fn epoch(&mut self) -> Result<()> {
        let start = Instant::now();
        let epoch = self.epochs.len() + 1;
        let found = self.steps_and_score(epoch);
        self.begun.seconds += start.elapsed().as_secs_f64();
        let (train, last, score) = found?;
        if score.loss().is_nan() {
            // The last step's weights are no numbers any more: what they answer is no accuracy.
            return Err(self.diverged(score.loss(), last, epoch));
        }
        let found = Some(score.metrics());
        let (test, validation) = if self.data.validation.is_some() { (None, found) } else { (found, None) };
        let record = EpochRecord {
            epoch,
            step: self.data.train.steps(1).is_none().then_some(last as u64),
            train,
            test,
            validation,
            seconds: self.begun.seconds,
            layers: self.learner.layers(),
        };
        self.epochs.push(record);
        self.begun = Begun::default();
        self.keep()
    }

    /// The steps of an epoch as [`steps_of`](Self::steps_of), and how good the network is after them.
    fn steps_and_score(&mut self, epoch: usize) -> Result<(Metrics, usize, Score)> {
        let (train, last) = self.steps_of(epoch)?;
        self.control.tell(Event::Evaluating { run: self.run, epoch });
        Ok((train, last, self.evaluate(self.data.selection(), None)?))
    }

    /// The training steps of an epoch that are not done yet; gives the metrics of all and the number of the last one.
    fn steps_of(&mut self, epoch: usize) -> Result<(Metrics, usize)> {
        let protocol = &self.config.protocol;
        let all = protocol.all_steps(&self.data.train);
        let first = (epoch - 1) * self.steps();
        let steps = self.steps().min(all.saturating_sub(first));
        let source = self.data.train.epoch(protocol.batch, protocol.augment, self.run.seed, epoch as u64);
        let held_out = self.data.search.as_ref();
        let mut held_out =
            held_out.map(|part| Passes::new(part, protocol.batch, protocol.augment, self.run.seed));
        for i in self.begun.steps..steps {
            self.control.check()?;
            self.folder.recall()?;
            let (inputs, targets) = source.batch(i, first + i);
            let step = first + i + 1;
            let outcome = match held_out.as_mut() {
                Some(held_out) => {
                    let (others, answers) = held_out.batch(first + i);
                    self.learner.step_bilevel((inputs, &targets), (others, &answers), step as u64)?
                }
                None => self.learner.step(inputs, &targets, step as u64)?,
            };
            if !outcome.loss.is_finite() {
                return Err(self.diverged(outcome.loss, step, epoch));
            }
            let begun = &mut self.begun;
            begun.steps = i + 1;
            begun.images += source.size(i);
            begun.rows += targets.len();
            begun.loss_sum += outcome.loss * targets.len() as f64;
            begun.correct += outcome.correct;
            self.control.tell(Event::Step {
                run: self.run,
                epoch,
                step: i + 1,
                images: begun.images,
                loss: begun.loss(),
                accuracy: begun.accuracy(),
            });
        }
        let (loss, share) = (self.begun.loss(), self.begun.accuracy());
        Ok((score::of_training(self.data.task, loss, share), first + steps))
    }

    fn diverged(&self, loss: f64, step: usize, epoch: usize) -> Error {
        let kept = match self.epochs.len() {
            0 => "no epoch was finished".to_owned(),
            n => format!("what epochs 1 to {n} gave is kept"),
        };
        let loss = if loss.is_nan() { "NaN" } else { "infinite" };
        Error::failure(format!(
            "{}: the loss became {loss} at step {step} (epoch {epoch}) with {}; {kept}; try a smaller --lr",
            self.folder.path().display(),
            self.run
        ))
        .at_step(epoch, step)
    }

    /// Keeps the steps of an epoch that is interrupted. Where that can't be done, the epoch begins anew.
    fn put_aside(&mut self) {
        if self.begun.steps == 0 {
            return;
        }
        build::add(&mut self.builds, [build::current()]);
        if let Err(error) = self.folder.check().and_then(|()| self.commit()) {
            let run = self.run;
            self.control.tell(Event::Note(&format!("{run}: the epoch in progress can't be kept: {error}")));
        }
    }

    /// Makes this moment the one from which the training goes on.
    fn commit(&self) -> Result<()> {
        checkpoint::commit(self.folder.path(), |dir: &Path| {
            self.learner.save_state(dir)?;
            build::write(dir, &self.builds)?;
            if self.begun.steps > 0 {
                self.begun.write(dir)?;
            }
            Ok(EpochRecord::write_all(&dir.join(checkpoint::MARKER), &self.epochs)?)
        })
    }

    /// Puts the epoch that just ended on disk.
    fn keep(&mut self) -> Result<()> {
        self.folder.check()?;
        build::add(&mut self.builds, [build::current()]);
        let is_best = self.best() + 1 == self.epochs.len();
        if is_best {
            self.learner.save(&self.folder.join(BEST))?;
        }
        // Each time anew: this process may have been stopped in between, and another one have gone on.
        self.folder.check()?;
        // Before the epoch counts as finished: an epoch that is trained again replaces its events.
        if let (Some(events), Some(record)) = (&mut self.events, self.epochs.last()) {
            events.epoch(record, machine::unix_time())?;
        }
        self.commit()?;
        self.folder.check()?;
        EpochRecord::write_all(&self.folder.join(METRICS), &self.epochs)?;
        if let Some(record) = self.epochs.last() {
            self.control.tell(Event::Epoch { run: self.run, record, best: is_best });
        }
        Ok(())
    }

    /// Evaluates a part of the data, in batches of the protocol's size: the network, or one whose mixtures are replaced by
    /// candidates.
    fn evaluate(&mut self, part: &Part, choices: Option<&[Option<String>]>) -> Result<Score> {
        let mut score = Score::new(self.data.task, self.data.classes.len());
        for (inputs, targets) in part.batches(self.config.protocol.test_batch) {
            self.control.check()?;
            let found = match choices {
                Some(choices) => self.learner.evaluate_with(choices, inputs, &targets)?,
                None => self.learner.evaluate(inputs, &targets)?,
            };
            score.add(&found, &targets);
        }
        Ok(score)
    }
}

/// The index of the epoch with the best metric on what selects; the first one of equals.
pub(crate) fn best(epochs: &[EpochRecord], metric: &Metric) -> usize {
    let of = |epoch: &EpochRecord| {
        let measured = epoch.validation.as_ref().or(epoch.test.as_ref());
        measured
            .and_then(|metrics| metrics.finite(&metric.name))
            .map_or(f64::NEG_INFINITY, |m| metric.gain(m))
    };
    (0..epochs.len()).rev().max_by(|&a, &b| of(&epochs[a]).total_cmp(&of(&epochs[b]))).unwrap_or(0)
}

#[cfg(test)]
mod tests;
