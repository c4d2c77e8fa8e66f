//! The tasks of a study, worked off by one or more workers.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use adact_evidence::records::{Costs, RunResult};

use crate::control::{Control, Event, RunId};
use crate::error::{Error, Kind, Result};
use crate::panics::caught;
use crate::threads::pool;
use crate::variants::{Chosen, Source};

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
    Done(Box<RunResult>),
    Failed(Error),
}

pub(super) struct Tasks {
    tasks: Vec<Task>,
    /// What candidates cost, where choices weigh it.
    costs: Option<Costs>,
    states: Mutex<Vec<State>>,
    changed: Condvar,
}

/// A task that can begin, or why there is none.
enum Next {
    Run(usize, Result<Chosen>),
    Wait,
    Nothing,
}

impl Tasks {
    pub(super) fn new(tasks: Vec<Task>, costs: Option<Costs>) -> Self {
        let states = tasks.iter().map(|_| State::Waiting).collect();
        Self { tasks, costs, states: Mutex::new(states), changed: Condvar::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &RunId> {
        self.tasks.iter().map(|task| &task.id)
    }

    /// Works on the tasks with `jobs` workers that share `threads` threads, until none is left or the user stops.
    /// A task that panics has failed.
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
        loop {
            match self.next(&mut states) {
                Next::Nothing => return,
                Next::Wait => states = self.changed.wait(states).unwrap_or_else(PoisonError::into_inner),
                Next::Run(i, activations) => {
                    drop(states);
                    let id = &self.tasks[i].id;
                    let who = id.to_string();
                    let task = || control.check().and(activations).and_then(|a| work(&self.tasks[i], &a));
                    let outcome = caught(&who, task);
                    if let Err(error) = &outcome
                        && error.kind() != Kind::Cancelled
                    {
                        // A watcher that panics here must not keep the state of the task from the others.
                        let _ = caught(&who, || {
                            control.tell(Event::Failed { run: id, error });
                            Ok(())
                        });
                    }
                    states = self.lock();
                    states[i] = outcome.map_or_else(State::Failed, |result| State::Done(Box::new(result)));
                    self.changed.notify_all();
                }
            }
        }
    }

    /// The first task that can begin; it is marked as running.
    fn next(&self, states: &mut [State]) -> Next {
        if states.iter().any(|s| matches!(s, State::Failed(error) if error.kind() == Kind::Taken)) {
            return Next::Nothing;
        }
        for (i, task) in self.tasks.iter().enumerate() {
            if !matches!(states[i], State::Waiting) {
                continue;
            }
            let first = task.source.follows();
            let is_first = |t: &Task| Some(t.id.variant.as_str()) == first && t.id.seed == task.id.seed;
            let mixture = self.tasks.iter().position(is_first);
            let chosen = match mixture.map(|i| &states[i]) {
                Some(State::Done(result)) => Some(&**result),
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
        if states.iter().any(|s| matches!(s, State::Running)) { Next::Wait } else { Next::Nothing }
    }

    /// The results, and the tasks that failed with the reason. What ends the whole study comes first.
    pub(super) fn outcome(self) -> (Vec<RunResult>, Vec<(RunId, Error)>) {
        let (mut results, mut failures) = (Vec::new(), Vec::new());
        let states = self.states.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (task, state) in self.tasks.into_iter().zip(states) {
            match state {
                State::Done(result) => results.push(*result),
                State::Failed(error) => failures.push((task.id, error)),
                State::Waiting | State::Running => {}
            }
        }
        failures.sort_by_key(|(_, e)| !super::ends_all(e));
        (results, failures)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
