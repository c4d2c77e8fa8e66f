//! How long the activations of a study's trainings take, beside the network's usual activation at every place.

use adact_evidence::records::{RunResult, Timing, Timings};

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

/// More networks than these are not in memory at once.
const MOST: usize = 16;

/// Begins the training of a run anew, or the one that has the usual activation at every place.
pub(crate) type Anew<'m, 'a> = &'m dyn Fn(Option<&RunResult>) -> Result<Box<dyn Contender + 'a>>;

/// Adds to what was measured earlier on this machine what is missing of it. None if there is no training.
pub(crate) fn timings<'a>(
    work: &Work<'_>,
    earlier: Option<Timings>,
    make: Anew<'_, 'a>,
    control: &Control<'_>,
) -> Result<Option<Timings>> {
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
    let groups: Vec<&[&RunResult]> = missing.chunks(MOST).collect();
    let mut timings = earlier;
    for (i, group) in groups.iter().enumerate() {
        control.tell(Event::Measuring { what: "the activations of trainings", done: i, of: groups.len() });
        let found = of_group(group, work.seconds / groups.len() as f64, make, control)?;
        let [step_ms, infer_ms] = found.first;
        let timings = timings.get_or_insert_with(|| Timings {
            batch: work.batch,
            machine: machine.clone(),
            base: work.base.into(),
            step_ms,
            infer_ms,
            measured: Vec::new(),
        });
        let others = group.iter().zip(&found.others[1..]);
        timings.measured.extend(others.map(|(run, &[step, infer])| Timing::of(run, step, infer)));
    }
    control.tell(Event::Measuring { what: "", done: groups.len(), of: groups.len() });
    Ok(timings)
}

/// Times some trainings in turns with the usual activation, which takes part twice: what it differs from itself is noise.
fn of_group<'a>(
    group: &[&RunResult],
    seconds: f64,
    make: Anew<'_, 'a>,
    control: &Control<'_>,
) -> Result<Measured> {
    let all = [None, None].into_iter().chain(group.iter().copied().map(Some));
    let mut contenders = all.map(make).collect::<Result<Vec<_>>>()?;
    measure(&mut contenders, seconds, &mut || control.check())
}
