//! One training: epochs of steps, an evaluation after each, the best weights kept, everything on disk.

mod finish;
mod manifest;

use std::path::Path;
use std::time::Instant;

use adact::ActivationConfig;
use adact_data::{Images, split};
use adact_evidence::records::{Build, EpochRecord, METRICS, RESULT, RunResult};
use adact_evidence::tensorboard::{EVENTS, EventFile};

use crate::build;
use crate::checkpoint::{self, LAST};
use crate::config::Config;
use crate::control::{Control, Event, RunId};
use crate::error::{Error, Result};
use crate::extent;
use crate::folder::{BEST, Folder, Mode};
use crate::images::Data;
use crate::learner::Learner;
use crate::machine;
use crate::network::network;
use crate::threads;
use crate::variants::LAYERS;

pub(crate) use manifest::manifest;

/// Trains the paper's network as the section `[train]` of `config` asks for, in the folder `out`.
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
    let layers = ActivationConfig::parse_layers(&options.activation, LAYERS)?;
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
    let manifest = manifest(config, data, Some(run), folder)?;
    if let Some(result) = extent::finished(folder.path(), config.protocol.epochs)? {
        control.tell(Event::Finished { run, result: &result, dir: folder.path() });
        return Ok(result);
    }
    let mut training = Training {
        learner,
        config,
        data,
        run,
        folder,
        control,
        epochs: Vec::new(),
        builds: Vec::new(),
        events: None,
    };
    training.restore()?;
    manifest.begin(folder)?;
    training.control.tell(Event::Started {
        run,
        epochs: config.protocol.epochs,
        finished: training.epochs.len(),
        steps: training.steps(),
    });
    while training.epochs.len() < config.protocol.epochs {
        training.epoch()?;
    }
    let result = training.finish()?;
    folder.check()?;
    manifest.finish(folder, training.builds)?;
    result.write(&folder.join(RESULT))?; // last: a folder with the result of all epochs is finished
    control.tell(Event::Finished { run, result: &result, dir: folder.path() });
    Ok(result)
}

struct Training<'a, L> {
    learner: L,
    config: &'a Config,
    data: &'a Data,
    run: &'a RunId,
    folder: &'a Folder,
    control: &'a Control<'a>,
    /// The finished epochs.
    epochs: Vec<EpochRecord>,
    /// The builds of the program that trained them.
    builds: Vec<Build>,
    /// TensorBoard's file, where it is wanted.
    events: Option<EventFile>,
}

impl<L: Learner> Training<'_, L> {
    /// Training steps an epoch; the last one may have fewer images.
    fn steps(&self) -> usize {
        self.data.train.len().div_ceil(self.config.protocol.batch)
    }

    /// Goes back to the end of the last finished epoch.
    fn restore(&mut self) -> Result<()> {
        if checkpoint::recover(self.folder.path())? {
            self.load_last()?;
        }
        if self.config.output.tensorboard {
            let path = self.folder.join(EVENTS);
            self.events = Some(EventFile::open(&path, self.epochs.len(), machine::unix_time())?);
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
        let (train_loss, train_accuracy) = self.steps_of(epoch)?;
        self.control.tell(Event::Evaluating { run: self.run, epoch });
        let score = self.evaluate(self.data.selection())?;
        if score.loss.is_nan() {
            // The last step's weights are no numbers any more: what they answer is no accuracy.
            return Err(self.diverged(score.loss, epoch * self.steps(), epoch));
        }
        let (loss, accuracy) = (Some(score.loss), Some(score.accuracy()));
        let mut record = EpochRecord {
            epoch,
            train_loss,
            train_accuracy,
            test_loss: None,
            test_accuracy: None,
            validation_loss: None,
            validation_accuracy: None,
            seconds: start.elapsed().as_secs_f64(),
            layers: self.learner.layers(),
        };
        if self.data.validation.is_some() {
            (record.validation_loss, record.validation_accuracy) = (loss, accuracy);
        } else {
            (record.test_loss, record.test_accuracy) = (loss, accuracy);
        }
        self.epochs.push(record);
        self.keep()
    }

    /// The training steps of an epoch; gives their mean loss and their share of right answers.
    fn steps_of(&mut self, epoch: usize) -> Result<(f64, f64)> {
        let seed = self.run.seed;
        let images = &self.data.train;
        let order = split::shuffled(images.len(), seed, epoch as u64);
        let (mut labels, mut seen, mut loss_sum, mut correct) = (Vec::new(), 0, 0.0, 0);
        for (i, indices) in order.chunks(self.config.protocol.batch).enumerate() {
            self.control.check()?;
            self.folder.recall()?;
            let mut pixels = Vec::new();
            images.batch(indices, &mut pixels, &mut labels);
            let step = (epoch - 1) * self.steps() + i + 1;
            let outcome = self.learner.step(pixels, &labels, step as u64)?;
            if !outcome.loss.is_finite() {
                return Err(self.diverged(outcome.loss, step, epoch));
            }
            seen += indices.len();
            loss_sum += outcome.loss * indices.len() as f64;
            correct += outcome.correct;
            self.control.tell(Event::Step {
                run: self.run,
                epoch,
                step: i + 1,
                images: seen,
                loss: loss_sum / seen as f64,
                accuracy: correct as f64 / seen as f64,
            });
        }
        Ok((loss_sum / seen as f64, correct as f64 / seen as f64))
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

    /// Puts the epoch that just ended on disk.
    fn keep(&mut self) -> Result<()> {
        self.folder.check()?;
        build::add(&mut self.builds, [build::current()]);
        let is_best = best(&self.epochs) + 1 == self.epochs.len();
        if is_best {
            self.learner.save(&self.folder.join(BEST))?;
        }
        // Before the epoch counts as finished: an epoch that is trained again replaces its events.
        if let (Some(events), Some(record)) = (&mut self.events, self.epochs.last()) {
            events.epoch(record, machine::unix_time())?;
        }
        let (learner, epochs, builds) = (&self.learner, &self.epochs, &self.builds);
        checkpoint::commit(self.folder.path(), |dir: &Path| {
            learner.save_state(dir)?;
            build::write(dir, builds)?;
            Ok(EpochRecord::write_all(&dir.join(checkpoint::MARKER), epochs)?)
        })?;
        EpochRecord::write_all(&self.folder.join(METRICS), &self.epochs)?;
        if let Some(record) = self.epochs.last() {
            self.control.tell(Event::Epoch { run: self.run, record, best: is_best });
        }
        Ok(())
    }

    /// Answers for images, in batches of the protocol's size.
    fn evaluate(&mut self, images: &Images) -> Result<Score> {
        let mut score = Score { loss: 0.0, correct: 0, answers: Vec::with_capacity(images.len()) };
        let all: Vec<u32> = (0..images.len() as u32).collect();
        let mut labels = Vec::new();
        for indices in all.chunks(self.config.protocol.test_batch) {
            self.control.check()?;
            let mut pixels = Vec::new();
            images.batch(indices, &mut pixels, &mut labels);
            let part = self.learner.evaluate(pixels, &labels)?;
            score.loss += part.loss_sum;
            score.answers.extend(part.answers);
        }
        score.loss /= images.len() as f64;
        score.correct = score.answers.iter().zip(&images.labels).filter(|(a, b)| a == b).count();
        Ok(score)
    }
}

/// What an evaluation says of a set of images.
struct Score {
    /// The mean loss.
    loss: f64,
    correct: usize,
    answers: Vec<u8>,
}

impl Score {
    fn accuracy(&self) -> f64 {
        self.correct as f64 / self.answers.len() as f64
    }
}

/// The index of the epoch with the highest accuracy on the selection's images; the first one of equals.
fn best(epochs: &[EpochRecord]) -> usize {
    let accuracy = |e: &EpochRecord| e.validation_accuracy.or(e.test_accuracy).unwrap_or(0.0);
    (0..epochs.len())
        .rev()
        .max_by(|&a, &b| accuracy(&epochs[a]).total_cmp(&accuracy(&epochs[b])))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
