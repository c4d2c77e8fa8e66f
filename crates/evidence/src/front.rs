//! What a study's variants reach, against the time that their activations take: which are on the front, and which is the fastest of
//! those that are as good as the best as far as the seeds can tell.

use crate::records::{Beside, StudyResult, Timings};
use crate::statistics::{Comparison, Statistics, Summary, Verdict};
use crate::table::TableRow;

/// The variants of a study whose activations were timed, in the order in which they are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Front {
    /// The variants.
    pub points: Vec<Point>,
    /// Which of them has the best mean; the first of equals.
    pub best: usize,
    /// Which is the fastest of the best and those that the seeds don't show to be worse. It is another one than the best only where
    /// its training step takes less time by more than the noise of the measurement.
    pub pick: usize,
}

/// A variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The variant.
    pub variant: String,
    /// How it is named.
    pub name: String,
    /// The activation of each place; empty where they differ from seed to seed.
    pub activations: Vec<String>,
    /// The test number that verdicts rest on.
    pub judged: Summary,
    /// A training step, in milliseconds: the mean over its seeds.
    pub step_ms: f64,
    /// How far that may be off by the noise of the measurement, likewise.
    pub noise_ms: f64,
    /// The inference of a batch, likewise.
    pub infer_ms: f64,
    /// A training step beside that of the best variant.
    pub step: Beside,
    /// The inference of a batch beside that of the best variant.
    pub infer: Beside,
    /// Whether no other variant is better and as fast, or faster and as good, by the means.
    pub on_front: bool,
    /// How it compares with the best variant; none for that itself, and where no seed has both.
    pub against_best: Option<Comparison>,
}

impl Point {
    /// Whether the seeds show that it is worse than the best.
    fn is_worse(&self) -> bool {
        self.against_best.as_ref().is_none_or(|c| c.seen_from(&self.variant).1 == Verdict::Worse)
    }
}

impl Front {
    /// The variant with the best mean.
    pub fn best(&self) -> &Point {
        &self.points[self.best]
    }

    /// The fastest that is as good, as far as the seeds can tell.
    pub fn pick(&self) -> &Point {
        &self.points[self.pick]
    }

    /// The points of the front, the fastest first.
    pub fn line(&self) -> Vec<&Point> {
        let mut line: Vec<&Point> = self.points.iter().filter(|point| point.on_front).collect();
        line.sort_by(|a, b| a.step_ms.total_cmp(&b.step_ms));
        line
    }
}

/// The front of a study; none where no activations were timed.
pub fn front(study: &StudyResult) -> Option<Front> {
    let timings = study.timings.as_ref()?;
    let metric = study.primary();
    let timed = study.table.iter().filter_map(|row| Some((row, row.judged?, times(study, timings, row)?)));
    let timed: Vec<(&TableRow, Summary, [Beside; 2])> = timed.collect();
    let gain = |i: usize| metric.gain(timed[i].1.mean);
    let best = (0..timed.len()).rev().max_by(|&a, &b| gain(a).total_cmp(&gain(b)))?;
    // A step's time, and whether another one has less of it and reaches more, or one of both and as much of the other.
    let step = |i: usize| timed[i].2[0].ratio;
    let dominates = |a: usize, b: usize| {
        gain(a) >= gain(b) && step(a) <= step(b) && (gain(a) > gain(b) || step(a) < step(b))
    };
    let best_times = timed[best].2;
    let versus = Versus::new(study, &timed[best].0.variant);
    let point = |(i, (row, judged, times)): (usize, &(&TableRow, Summary, [Beside; 2]))| {
        let same = row.activations == timed[best].0.activations
            && !row.activations.is_empty()
            && times[0] == best_times[0];
        let beside = |what: usize| beside(times[what], best_times[what], same);
        Point {
            variant: row.variant.clone(),
            name: row.name(),
            activations: row.activations.clone(),
            judged: *judged,
            step_ms: times[0].ratio * timings.step_ms,
            noise_ms: times[0].noise * timings.step_ms,
            infer_ms: times[1].ratio * timings.infer_ms,
            step: beside(0),
            infer: beside(1),
            on_front: !(0..timed.len()).any(|other| dominates(other, i)),
            against_best: if i == best { None } else { versus.of(&row.variant) },
        }
    };
    let points: Vec<Point> = timed.iter().enumerate().map(point).collect();
    let as_good = (0..points.len()).filter(|&i| i != best && !points[i].is_worse());
    let faster = as_good.filter(|&i| points[i].step.ratio < 1.0 && !points[i].step.is_noise());
    let pick = faster.min_by(|&a, &b| points[a].step.ratio.total_cmp(&points[b].step.ratio)).unwrap_or(best);
    Some(Front { points, best, pick })
}

/// The times of a variant beside those of the usual activation: means over its seeds, each of which was timed.
fn times(study: &StudyResult, timings: &Timings, row: &TableRow) -> Option<[Beside; 2]> {
    let runs = study.runs.iter().filter(|run| run.variant == row.variant);
    let of = runs.map(|run| timings.of(run).map(|timing| [timing.step, timing.infer]));
    let of = of.collect::<Option<Vec<_>>>().filter(|of| !of.is_empty())?;
    let mean = |f: &dyn Fn(&[Beside; 2]) -> f64| of.iter().map(f).sum::<f64>() / of.len() as f64;
    Some([0, 1].map(|what| Beside { ratio: mean(&|t| t[what].ratio), noise: mean(&|t| t[what].noise) }))
}

/// A time beside another one, where both are beside a third.
fn beside(time: Beside, other: Beside, same: bool) -> Beside {
    if same {
        // The very same measurement.
        return Beside { ratio: 1.0, noise: 0.0 };
    }
    Beside { ratio: time.ratio / other.ratio, noise: time.noise.hypot(other.noise) / other.ratio }
}

/// The comparisons of a study with one of its variants: those that verdicts are told of, and where a study compares with another
/// variant alone, as many as there would be with this one.
struct Versus<'a> {
    told: &'a Statistics,
    others: Option<Statistics>,
    variant: &'a str,
}

impl<'a> Versus<'a> {
    fn new(study: &'a StudyResult, variant: &'a str) -> Self {
        let others = study.against.as_deref().is_some_and(|against| against != variant).then(|| {
            let with = StudyResult { against: Some(variant.into()), ..study.clone() };
            Statistics::of(&with)
        });
        Self { told: &study.statistics, others, variant }
    }

    fn of(&self, other: &str) -> Option<Comparison> {
        let others = || self.others.as_ref()?.between(self.variant, other);
        self.told.between(self.variant, other).or_else(others).cloned()
    }
}
