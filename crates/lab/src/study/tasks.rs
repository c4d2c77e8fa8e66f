//! The tasks of a study, worked off by one or more workers, here and in other processes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use adact_evidence::records::{Costs, RunResult};
use adact_evidence::table::count;

use crate::control::{Control, Event, RunId};
use crate::error::{Error, Kind, Result};
use crate::lock::patience;
use crate::machine;
use crate::panics::caught;
use crate::threads::pool;
use crate::variants::{Chosen, Source};

/// How often workers without work look again at what other processes do.
const PAUSE: Duration = Duration::from_secs(1);

/// One training.
pub(super) struct Task {
    /// Which one.
    pub id: RunId,
    /// Where its activations come from.
    pub source: Source,
}

enum State {
    Waiting,
    Running,
    /// Another process works on it.
    Elsewhere,
    /// With its result, where others had no part in the work.
    Done(Option<Box<RunResult>>),
    Failed(Error),
}

/// What other processes make of the same tasks.
pub(super) trait Others: Sync {
    /// Whether a task is finished; an error if it failed.
    fn finished(&self, task: &Task) -> Result<bool>;
    /// The result of one that is.
    fn result(&self, task: &Task) -> Result<RunResult>;
    /// The tasks of which was told, since the last call, that they are finished.
    fn news(&self) -> Vec<usize>;
    /// Tells that a task is finished.
    fn tell(&self, task: usize);
}

/// How a process takes part in the work.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'a> {
    /// The only task that it works on; none means all.
    pub only: Option<usize>,
    /// The other processes that work on them; none where a task's own training finds out what they have done.
    pub others: Option<&'a dyn Others>,
    /// Whether it leaves when all that is left waits for other processes, instead of waiting for them.
    pub leaves: bool,
}

pub(super) struct Tasks<'a> {
    tasks: Vec<Task>,
    /// What candidates cost, where choices weigh it.
    costs: Option<Costs>,
    part: Part<'a>,
    /// The task at which it begins to look for work.
    first: AtomicUsize,
    states: Mutex<Vec<State>>,
    changed: Condvar,
}

/// What became of all tasks.
pub(super) struct Outcome {
    /// How many are finished.
    pub finished: usize,
    /// Their results, where others had no part in the work.
    pub results: Vec<RunResult>,
    /// The tasks that failed with the reason. What ends the whole study comes first.
    pub failures: Vec<(RunId, Error)>,
    /// Those that nobody has finished, or that another process works on.
    pub left: Vec<RunId>,
}

/// A task that can begin, or why there is none.
enum Next {
    Run(usize, Result<Chosen>),
    /// Trainings of this process have to end first.
    Wait,
    /// Only other processes can go on.
    Others,
    Nothing,
}

impl<'a> Tasks<'a> {
    pub(super) fn new(tasks: Vec<Task>, costs: Option<Costs>, part: Part<'a>) -> Self {
        let states = tasks.iter().map(|_| State::Waiting).collect();
        let first = AtomicUsize::new(0);
        let tasks = Self { tasks, costs, part, first, states: Mutex::new(states), changed: Condvar::new() };
        tasks.look_elsewhere();
        tasks
    }

    /// Begins to look for work at another seed, so that many processes don't all ask for the same tasks.
    fn look_elsewhere(&self) {
        if self.part.others.is_some() && !self.tasks.is_empty() {
            let task = machine::random() as usize % self.len();
            let seed = self.tasks[task].id.seed;
            let first = self.tasks.iter().position(|task| task.id.seed == seed).unwrap_or(0);
            self.first.store(first, Ordering::Relaxed);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &RunId> {
        self.tasks.iter().map(|task| &task.id)
    }

    /// Works on the tasks with `jobs` workers that share `threads` threads, until none is left, only other processes can go on, or
    /// the user stops. A task that panics has failed.
    pub(super) fn run(
        &self,
        jobs: usize,
        threads: usize,
        control: &Control<'_>,
        work: &(dyn Fn(&Task, &Chosen) -> Result<RunResult> + Sync),
    ) -> Result<()> {
        let jobs = jobs.clamp(1, self.len().max(1));
        let pools = (0..jobs).map(|_| pool(threads / jobs)).collect::<Result<Vec<_>>>()?;
        std::thread::scope(|scope| {
            for pool in &pools {
                scope.spawn(move || pool.install(|| self.worker(control, work)));
            }
        });
        Ok(())
    }

    fn worker(&self, control: &Control<'_>, work: &(dyn Fn(&Task, &Chosen) -> Result<RunResult> + Sync)) {
        let mut states = self.lock();
        // Since when this worker has only watched others.
        let mut idle: Option<Instant> = None;
        loop {
            match self.next(&mut states) {
                Next::Nothing => return,
                Next::Wait => {
                    idle = None;
                    states =
                        self.changed.wait_timeout(states, PAUSE).map_or_else(|e| e.into_inner().0, |r| r.0);
                    again(&mut states);
                }
                Next::Others => {
                    // Who was not seen alive for so long would have been found dead.
                    if idle.is_none() {
                        let ours = |i: usize| self.part.only.is_none_or(|only| only == i);
                        let open = |(i, state): &(usize, &State)| ours(*i) && is_open(state);
                        let left = states.iter().enumerate().filter(open).count();
                        let words =
                            "left that other processes work on, or that follow one that isn't finished";
                        control.tell(Event::Note(&format!("{} {words}: waiting", count(left, "training"))));
                    }
                    let since = *idle.get_or_insert_with(Instant::now);
                    let enough = self.part.leaves && since.elapsed() > patience() + 2 * PAUSE;
                    if enough || control.check().is_err() {
                        return;
                    }
                    states =
                        self.changed.wait_timeout(states, PAUSE).map_or_else(|e| e.into_inner().0, |r| r.0);
                    again(&mut states);
                }
                Next::Run(i, activations) => {
                    drop(states);
                    let id = &self.tasks[i].id;
                    let who = id.to_string();
                    let task = || control.check().and(activations).and_then(|a| work(&self.tasks[i], &a));
                    let outcome = caught(&who, task);
                    if let Err(error) = &outcome
                        && !matches!(error.kind(), Kind::Cancelled | Kind::Busy)
                    {
                        // A watcher that panics here must not keep the state of the task from the others.
                        let _ = caught(&who, || {
                            control.tell(Event::Failed { run: id, error });
                            Ok(())
                        });
                    }
                    let is_busy = matches!(&outcome, Err(error) if error.kind() == Kind::Busy);
                    if is_busy {
                        // Another one works its way through these.
                        self.look_elsewhere();
                    } else {
                        idle = None;
                    }
                    let done = match self.part.others {
                        Some(others) if outcome.is_ok() => {
                            others.tell(i);
                            outcome.map(|_| None)
                        }
                        _ => outcome.map(|result| Some(Box::new(result))),
                    };
                    states = self.lock();
                    states[i] = match done {
                        _ if is_busy => State::Elsewhere,
                        Ok(result) => State::Done(result),
                        Err(error) => State::Failed(error),
                    };
                    self.changed.notify_all();
                }
            }
        }
    }

    /// The first task that can begin; it is marked as running.
    fn next(&self, states: &mut [State]) -> Next {
        // Where others go on, a disk that refuses ends this process's part: no other training would fare better.
        let ends = |error: &Error| match error.kind() {
            Kind::Taken => true,
            Kind::Disk => self.part.others.is_some(),
            _ => false,
        };
        if states.iter().any(|s| matches!(s, State::Failed(error) if ends(error))) {
            return Next::Nothing;
        }
        for i in self.part.others.map(Others::news).unwrap_or_default() {
            if let Some(state) = states.get_mut(i).filter(|state| is_open(state)) {
                *state = State::Done(None);
            }
        }
        let all = self.tasks.len();
        let first = self.first.load(Ordering::Relaxed);
        for i in (0..all).map(|i| (first + i) % all) {
            if !matches!(states[i], State::Waiting) || self.part.only.is_some_and(|only| only != i) {
                continue;
            }
            let task = &self.tasks[i];
            self.look(states, i);
            if !matches!(states[i], State::Waiting) {
                continue;
            }
            let first = task.source.follows();
            let is_first = |t: &Task| Some(t.id.variant.as_str()) == first && t.id.seed == task.id.seed;
            let mixture = self.tasks.iter().position(is_first);
            if let Some(mixture) = mixture.filter(|&mixture| is_open(&states[mixture])) {
                self.look(states, mixture);
            }
            let read = match (mixture, self.part.others) {
                (Some(i), Some(others)) if matches!(states[i], State::Done(None)) => {
                    Some(others.result(&self.tasks[i]))
                }
                _ => None,
            };
            let chosen = match mixture.map(|i| &states[i]) {
                Some(State::Done(None)) => match &read {
                    Some(Ok(result)) => Some(result),
                    Some(Err(error)) => {
                        states[i] = State::Failed(error.clone());
                        continue;
                    }
                    None => None,
                },
                Some(State::Done(Some(result))) => Some(&**result),
                Some(State::Failed(error)) => {
                    let first = first.unwrap_or_default();
                    let message = format!("{}: can't be trained, because {first} failed", task.id);
                    let skipped =
                        if error.kind() == Kind::Cancelled { error.clone() } else { Error::failure(message) };
                    states[i] = State::Failed(skipped);
                    continue;
                }
                _ => None,
            };
            if let Some(activations) = task.source.activations(chosen, self.costs.as_ref()) {
                states[i] = State::Running;
                return Next::Run(i, activations);
            }
        }
        let ours = |i: &usize| self.part.only.is_none_or(|only| only == *i);
        match states {
            _ if states.iter().any(|s| matches!(s, State::Running)) => Next::Wait,
            _ if (0..all).filter(ours).any(|i| is_open(&states[i])) => Next::Others,
            _ => Next::Nothing,
        }
    }

    /// Takes over what another process has made of an open task.
    fn look(&self, states: &mut [State], i: usize) {
        match self.part.others.map_or(Ok(false), |others| others.finished(&self.tasks[i])) {
            Ok(true) => states[i] = State::Done(None),
            Err(error) => states[i] = State::Failed(error),
            Ok(false) => {}
        }
    }

    /// What became of all tasks.
    pub(super) fn outcome(self) -> Outcome {
        let mut outcome =
            Outcome { finished: 0, results: Vec::new(), failures: Vec::new(), left: Vec::new() };
        let states = self.states.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (task, state) in self.tasks.into_iter().zip(states) {
            match state {
                State::Done(result) => {
                    outcome.finished += 1;
                    outcome.results.extend(result.map(|result| *result));
                }
                State::Failed(error) => outcome.failures.push((task.id, error)),
                State::Waiting | State::Running | State::Elsewhere => outcome.left.push(task.id),
            }
        }
        outcome.failures.sort_by_key(|(_, e)| !super::ends_all(e));
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this process has neither begun a task nor knows what became of it.
fn is_open(state: &State) -> bool {
    matches!(state, State::Waiting | State::Elsewhere)
}

/// Lets what other processes had be asked for again.
fn again(states: &mut [State]) {
    states
        .iter_mut()
        .filter(|state| matches!(state, State::Elsewhere))
        .for_each(|state| *state = State::Waiting);
}
