//! How far a training or a study is: bars on a terminal, plain lines elsewhere, JSON lines on request.

use std::collections::HashMap;
use std::env;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use adact_evidence::records::{EpochRecord, Metrics};
use adact_evidence::{names, table};
use adact_lab::data::Data;
use adact_lab::{Event, Observer, RunId};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::out;

/// Shows events on standard error, and with `json` on standard output, too.
pub struct Progress {
    bars: MultiProgress,
    /// Whether there is a terminal to draw bars on.
    drawn: bool,
    json: bool,
    runs: Mutex<HashMap<RunId, Run>>,
    /// The study as a whole.
    whole: Mutex<Option<ProgressBar>>,
    /// What is measured.
    measured: Mutex<Option<ProgressBar>>,
}

struct Run {
    bar: ProgressBar,
    /// None where a program decides.
    epochs: Option<usize>,
    steps: usize,
    epoch_began: Instant,
}

/// Where bars are drawn: nowhere unless there is a terminal that can move its cursor, and somebody who wants them.
pub fn target() -> ProgressDrawTarget {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").map_or(cfg!(unix), |term| term == "dumb");
    if plain || out::is_quiet() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(8)
    }
}

impl Progress {
    pub fn new(json: bool) -> Self {
        let target = target();
        let drawn = !target.is_hidden();
        Self {
            bars: MultiProgress::with_draw_target(target),
            drawn,
            json,
            runs: Mutex::new(HashMap::new()),
            whole: Mutex::new(None),
            measured: Mutex::new(None),
        }
    }

    /// A line above the bars.
    fn say(&self, text: &str) {
        if self.drawn {
            let _ = self.bars.println(text);
        } else {
            out::note(text);
        }
    }

    fn tell(&self, event: &str, run: Option<&RunId>, value: &impl Serialize) {
        if self.json {
            let run = run.map(|run| json!({"variant": run.variant, "seed": run.seed}));
            // The disk has it all; a closed pipe is no reason to stop.
            let _ = out::json(&json!({"event": event, "run": run, "value": value}));
        }
    }

    fn with<T>(&self, run: &RunId, work: impl FnOnce(&mut Run) -> T) -> Option<T> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).get_mut(run).map(work)
    }

    /// A bar for the study as a whole, below the others. It counts epochs, or trainings where a program decides how many
    /// epochs there are.
    fn plan(&self, runs: usize, finished: usize, epochs: Option<usize>) {
        if self.drawn {
            let each = epochs.unwrap_or(1);
            let bar = ProgressBar::new((runs * each) as u64).with_position((finished * each) as u64);
            let bar = self.bars.add(bar);
            let unit = if epochs.is_some() { "epochs" } else { "trainings" };
            bar.set_style(style(&format!(
                "{{prefix}} {{bar:24}} {{percent:>3}}%  {{pos}} of {{len}} {unit}"
            )));
            bar.set_prefix(format!("{:<35}", "study"));
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_secs(1));
            *self.whole.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
        }
    }

    fn began(&self, run: &RunId, epochs: Option<usize>, finished: usize, steps: usize) {
        match epochs {
            Some(epochs) if finished > 0 && finished < epochs => {
                self.say(&format!("{}: {finished} of {epochs} epochs are finished, going on", label(run)));
            }
            None if finished > 0 => {
                let done = table::count(finished, "epoch");
                self.say(&format!(
                    "{}: {done} logged before; the program decides where it goes on",
                    label(run)
                ));
            }
            _ => {}
        }
        let bar = if self.drawn {
            self.bars.insert(0, ProgressBar::new(steps as u64))
        } else {
            ProgressBar::hidden()
        };
        if epochs.is_some() {
            bar.set_style(style("{prefix} {bar:24} {percent:>3}%  {msg}  {eta} left"));
        } else {
            bar.set_style(style("{prefix} {spinner} {elapsed} {msg}"));
            bar.set_prefix(format!("{:<24}", label(run)));
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let state = Run { bar, epochs, steps, epoch_began: Instant::now() };
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone(), state);
        if let Some(whole) = &*self.whole.lock().unwrap_or_else(PoisonError::into_inner) {
            whole.inc(epochs.filter(|&epochs| finished < epochs).map_or(0, |_| finished as u64));
        }
    }

    fn epoch(&self, run: &RunId, record: &EpochRecord, best: bool) {
        let epochs = self.with(run, |r| {
            r.bar.reset();
            r.epoch_began = Instant::now();
            r.epochs
        });
        let Some(epochs) = epochs.unwrap_or(Some(record.epoch)) else {
            let took = table::duration(record.seconds);
            self.say(&format!("{:<24} epoch {:>2}   {}   {took}", label(run), record.epoch, all(record)));
            return;
        };
        self.say(&format!(
            "{:<24} epoch {:>2}/{epochs}   loss {:.4}   train {}   {}   {}{}",
            label(run),
            record.epoch,
            record.train.get("loss").unwrap_or(f64::NAN),
            share(&record.train),
            judged(record),
            table::duration(record.seconds),
            if best { "   best" } else { "" },
        ));
        if let Some(whole) = &*self.whole.lock().unwrap_or_else(PoisonError::into_inner) {
            // Before the first epoch nobody knows how long the others take.
            whole.set_style(style("{prefix} {bar:24} {percent:>3}%  {pos} of {len} epochs  {eta} left"));
            whole.inc(1);
        }
    }

    /// How far measurements are: a bar that is gone when they are done, or a line for each.
    fn measuring(&self, what: &str, done: usize, of: usize) {
        if !self.drawn && done < of {
            self.say(&format!("measuring times: {what} ({} of {of})", done + 1));
        }
        if !self.drawn {
            return;
        }
        let mut bar = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if done == of {
            bar.take().inspect(ProgressBar::finish_and_clear);
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let bar = self.bars.insert(0, ProgressBar::new(of as u64));
            bar.set_style(style("{prefix} {bar:24} {percent:>3}%  {msg}  {eta} left"));
            bar.set_prefix(format!("{:<35}", "measuring times"));
            bar
        });
        bar.set_message(what.to_owned());
        bar.set_position(done as u64);
    }

    /// What the user should know about the images before the training.
    pub fn remarks(&self, data: &Data) {
        data.remarks.iter().for_each(|remark| self.event(Event::Note(&format!("{}: {remark}", data.name))));
    }

    fn ended(&self, run: &RunId) {
        let ended = self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
        let Some(state) = ended else { return };
        state.bar.finish_and_clear();
        if let (None, Some(whole)) =
            (state.epochs, &*self.whole.lock().unwrap_or_else(PoisonError::into_inner))
        {
            whole.inc(1);
        }
    }

    /// Takes the bars off the terminal.
    pub fn close(&self) {
        let _ = self.bars.clear();
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Note(text) => {
                self.say(text);
                self.tell("note", None, &text);
            }
            Event::Planned { runs, finished, epochs } => {
                self.plan(runs, finished, epochs);
                if finished > 0 {
                    let others = if finished < runs { ", going on with the others" } else { "" };
                    self.say(&format!("{finished} of {runs} trainings are finished{others}"));
                }
                self.tell("planned", None, &json!({"runs": runs, "finished": finished}));
            }
            Event::Measuring { what, done, of } => self.measuring(what, done, of),
            Event::Started { run, epochs, finished, steps } => {
                self.began(run, epochs, finished, steps);
                self.tell("started", Some(run), &json!({"epochs": epochs, "finished": finished}));
            }
            Event::Step { run, epoch, step, images, loss, accuracy } => {
                if self.drawn {
                    self.with(run, |r| r.step(run, (epoch, step, images), loss, accuracy));
                }
            }
            Event::Evaluating { run, .. } => {
                self.with(run, |r| r.bar.set_message("evaluating"));
            }
            Event::Choosing { run, done, of } => {
                self.with(run, |r| r.choosing(run, done, of));
            }
            Event::Epoch { run, record, best } => {
                self.epoch(run, record, best);
                self.tell("epoch", Some(run), record);
            }
            Event::Finished { run, result, .. } => {
                self.ended(run);
                self.tell("finished", Some(run), result);
            }
            Event::Failed { run, error } => {
                self.ended(run);
                let text = format!("{}: failed: {error}", label(run));
                if self.drawn {
                    self.say(&text)
                } else {
                    out::error(&text)
                }
                self.tell("failed", Some(run), &error.to_string());
            }
        }
    }
}

impl Run {
    /// The epochs are done, and candidates are tried.
    fn choosing(&mut self, run: &RunId, done: usize, of: usize) {
        self.bar.set_prefix(format!("{:<24} choosing", label(run)));
        self.bar.set_message("the loss with each candidate in each place");
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }

    fn step(&mut self, run: &RunId, (epoch, step, images): (usize, usize, usize), loss: f64, accuracy: f64) {
        let speed = images as f64 / self.epoch_began.elapsed().as_secs_f64();
        let epochs = self.epochs.unwrap_or(epoch);
        self.bar.set_prefix(format!("{:<24} epoch {epoch:>2}/{epochs}", label(run)));
        self.bar.set_message(format!("loss {loss:.4}  accuracy {}  {speed:.0} images/s", percent(accuracy)));
        self.bar.set_length(self.steps as u64);
        self.bar.set_position(step as u64);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `AdAct, seed 0`.
fn label(run: &RunId) -> String {
    names::training(&run.variant, run.seed)
}

/// The share of right answers in training, under either of its names.
fn share(metrics: &Metrics) -> String {
    let share = metrics.get("accuracy").or(metrics.get("pixel_accuracy"));
    share.map_or(String::new(), percent)
}

/// Everything that a program measured: `accuracy 0.9120   train_loss 0.2514`.
fn all(record: &EpochRecord) -> String {
    let told = |part: &str, metrics: &Metrics| {
        metrics.iter().map(|(name, value)| format!("{part}{name} {value:.4}")).collect::<Vec<_>>()
    };
    let mut words = record.test.as_ref().map_or_else(Vec::new, |test| told("", test));
    words.extend(record.validation.as_ref().map_or_else(Vec::new, |v| told("validation_", v)));
    words.extend(told("train_", &record.train));
    words.join("   ")
}

/// What was measured on other data: the metric by which epochs are picked.
fn judged(record: &EpochRecord) -> String {
    let (part, metrics) = match (&record.test, &record.validation) {
        (Some(test), _) => ("test", test),
        (_, Some(validation)) => ("validation", validation),
        _ => return String::new(),
    };
    if let Some(iou) = metrics.get("mean_iou") {
        return format!("{part} mean IoU {iou:.4}");
    }
    // A text is judged by its loss.
    match (metrics.get("bits_per_character"), metrics.get("loss"), metrics.get("accuracy")) {
        (Some(_), Some(loss), _) => format!("{part} loss {loss:.4}"),
        (_, _, Some(accuracy)) => format!("{part} {}", percent(accuracy)),
        (_, Some(loss), None) => format!("{part} loss {loss:.4}"),
        _ => String::new(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.2}%", 100.0 * share)
}
