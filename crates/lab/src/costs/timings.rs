//! How long the activations of a study's trainings take, beside the network's usual activation at every place.

use adact_evidence::records::{Machine, RunResult, Timing, Timings};

use super::rounds::{Measured, measure};
use super::{Contender, machine};
use crate::control::{Control, Event};
use crate::error::Result;

/// What is timed.
pub(crate) struct Work<'a> {
    /// The trainings.
    pub runs: &'a [RunResult],
    /// The usual activation.
    pub base: &'a str,
    /// Examples a step.
    pub batch: usize,
    /// About how long.
    pub seconds: f64,
}

/// Adds to what was measured earlier on this machine what is missing of it. `make` begins the training of a run anew, or the one that
/// has the usual activation at every place.
pub(crate) fn timings<'a>(
    work: &Work<'_>,
    earlier: Option<Timings>,
    make: &dyn Fn(Option<&RunResult>) -> Result<Box<dyn Contender + 'a>>,
    control: &Control<'_>,
) -> Result<Timings> {
    let machine = machine();
    let same = |timings: &Timings| {
        timings.machine == machine && timings.batch == work.batch && timings.base == work.base
    };
    let earlier = earlier.filter(same);
    let mut missing: Vec<&RunResult> = Vec::new();
    for run in work.runs {
        let is_known = earlier.as_ref().is_some_and(|timings| timings.of(run).is_some());
        if !is_known && !missing.iter().any(|other| Timing::is_alike(other, run)) {
            missing.push(run);
        }
    }
    match earlier {
        Some(timings) if missing.is_empty() => Ok(timings),
        earlier => add(work, earlier, machine, &missing, make, control),
    }
}

fn add<'a>(
    work: &Work<'_>,
    earlier: Option<Timings>,
    machine: Machine,
    missing: &[&RunResult],
    make: &dyn Fn(Option<&RunResult>) -> Result<Box<dyn Contender + 'a>>,
    control: &Control<'_>,
) -> Result<Timings> {
    // The usual activation twice: what it differs from itself is noise.
    let all = [None, None].into_iter().chain(missing.iter().copied().map(Some));
    let mut contenders = all.map(make).collect::<Result<Vec<_>>>()?;
    control.tell(Event::Measuring { what: "the activations of all trainings", done: 0, of: 1 });
    let measured = measure(&mut contenders, work.seconds, &mut || control.check());
    control.tell(Event::Measuring { what: "", done: 1, of: 1 });
    let Measured { first: [step_ms, infer_ms], others, .. } = measured?;
    let mut timings = earlier.unwrap_or_else(|| Timings {
        batch: work.batch,
        machine,
        base: work.base.into(),
        step_ms,
        infer_ms,
        measured: Vec::new(),
    });
    let found = missing.iter().zip(&others[1..]).map(|(run, &[step, infer])| Timing::of(run, step, infer));
    timings.measured.extend(found);
    Ok(timings)
}
