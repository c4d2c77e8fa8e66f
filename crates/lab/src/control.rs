//! What a training tells whoever watches it, and how it is asked to stop. Nothing in this crate prints.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use adact_evidence::records::{EpochRecord, RunResult};

use crate::error::{Error, Result};

/// Which training of a study.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunId {
    /// The variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seed {}", self.variant, self.seed)
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Something worth a line.
    Note(&'a str),
    /// A study knows its trainings.
    Planned {
        /// The trainings of the study.
        runs: usize,
        /// Those that earlier calls finished.
        finished: usize,
        /// The epochs of each; none where a program decides.
        epochs: Option<usize>,
    },
    /// Times are measured, what they are of and how many are done.
    Measuring {
        /// What is measured now: a place, or a variant.
        what: &'a str,
        /// How many of them are done.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// A training begins or goes on.
    Started {
        /// Which training.
        run: &'a RunId,
        /// Its epochs; none where a program decides.
        epochs: Option<usize>,
        /// The epochs that were finished before.
        finished: usize,
        /// Training steps an epoch; 0 where only a program knows.
        steps: usize,
    },
    /// A training step is done.
    Step {
        /// Which training.
        run: &'a RunId,
        /// The epoch, from 1.
        epoch: usize,
        /// The step in the epoch, from 1.
        step: usize,
        /// The images that the epoch has seen.
        images: usize,
        /// The mean loss of the epoch so far.
        loss: f64,
        /// The share of right answers in the epoch so far.
        accuracy: f64,
    },
    /// The steps of an epoch are done; its evaluation begins.
    Evaluating {
        /// Which training.
        run: &'a RunId,
        /// The epoch, from 1.
        epoch: usize,
    },
    /// The epochs are done; each candidate is tried in each place, and how often this was done.
    Choosing {
        /// Which training.
        run: &'a RunId,
        /// How many were tried.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// An epoch is done and on disk.
    Epoch {
        /// Which training.
        run: &'a RunId,
        /// What was measured.
        record: &'a EpochRecord,
        /// Whether it is the best one so far.
        best: bool,
    },
    /// A training is done and on disk.
    Finished {
        /// Which training.
        run: &'a RunId,
        /// What came out.
        result: &'a RunResult,
        /// Its folder.
        dir: &'a Path,
    },
    /// A training of a study failed; the others go on.
    Failed {
        /// Which training.
        run: &'a RunId,
        /// Why.
        error: &'a Error,
    },
}

/// Whoever watches. Trainings side by side call it from several threads.
pub trait Observer: Sync {
    /// Called for everything that happens; it should return soon.
    fn event(&self, event: Event<'_>);
}

/// Watches nothing.
impl Observer for () {
    fn event(&self, _: Event<'_>) {}
}

/// Who watches a piece of work, and the flag that asks it to stop.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Who watches.
    pub observer: &'a dyn Observer,
    /// Set it, and the work ends at the next step with [`Kind::Cancelled`](crate::Kind::Cancelled).
    pub cancel: &'a AtomicBool,
}

impl<'a> Control<'a> {
    /// Watched, and never asked to stop.
    pub fn new(observer: &'a dyn Observer) -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Self { observer, cancel: &NEVER }
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        self.observer.event(event);
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            Err(Error::cancelled("interrupted: what was trained is on disk, `--resume` goes on from there"))
        } else {
            Ok(())
        }
    }
}
