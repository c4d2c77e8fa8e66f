//! When something was measured: after which epochs or steps.

use crate::axes::ticks;
use crate::records::{EpochRecord, Unit};

/// The horizontal axis of curves over a training.
pub(super) struct Times {
    /// What it counts.
    pub unit: Unit,
    at: Vec<f64>,
}

impl Times {
    /// The times of several trainings of one plan: those of the longest. `None` where nothing was measured twice.
    pub fn of<'a>(trainings: impl Iterator<Item = &'a [EpochRecord]>) -> Option<Self> {
        // Of equals the first.
        let longest = trainings.reduce(|a, b| if b.len() > a.len() { b } else { a })?;
        let steps: Option<Vec<f64>> = longest.iter().map(|e| e.step.map(|step| step as f64)).collect();
        let (unit, at) = match steps {
            Some(steps) if steps.is_sorted_by(|a, b| a < b) => (Unit::Step, steps),
            _ => (Unit::Epoch, (1..=longest.len()).map(|epoch| epoch as f64).collect()),
        };
        (at.len() > 1).then_some(Self { unit, at })
    }

    /// The time of the `i`th measurement, from 0.
    pub fn at(&self, i: usize) -> f64 {
        self.at.get(i).or(self.at.last()).copied().unwrap_or(1.0)
    }

    /// From the first of `n` measurements to the last.
    pub fn range(&self, n: usize) -> (f64, f64) {
        (self.at(0), self.at(n.saturating_sub(1)))
    }

    /// Round numbers among the times of `n` measurements; the first epoch is one of them.
    pub fn ticks(&self, n: usize) -> Vec<f64> {
        let (first, last) = self.range(n);
        match self.unit {
            Unit::Epoch => {
                let round = ticks((0.0, last), n.min(5)).into_iter();
                std::iter::once(1.0).chain(round.filter(|t| t.fract() == 0.0 && *t > 1.0)).collect()
            }
            Unit::Step => ticks((first, last), 5),
        }
    }

    /// What lies between two measurements: "epoch", or "evaluation" where they are counted in steps.
    pub fn each(&self) -> &'static str {
        match self.unit {
            Unit::Epoch => "epoch",
            Unit::Step => "evaluation",
        }
    }
}
