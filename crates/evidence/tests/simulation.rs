//! Thousands of trainings that were never run: how often is a difference claimed where there is none?
//!
//! Every variant has the same mean accuracy, but one fluctuates more from epoch to epoch. A verdict at the level 0.05
//! may call a difference "better" or "worse" in one study of twenty. The same studies judged by the highest of their
//! readings of the test set claim one nearly always: that is what this test would see if verdicts rested on it.

mod common;

use adact_evidence::records::*;
use adact_evidence::statistics::{LEVEL, Verdict};
use adact_kernels::random::{Purpose, Stream};

const EPOCHS: usize = 15;
const SEEDS: u64 = 7;
const STUDIES: u64 = 400;

/// The standard deviation of a variant's accuracy from epoch to epoch.
fn fluctuation(variant: &str) -> f64 {
    if variant == "adact" { 0.008 } else { 0.002 }
}

/// The test accuracies of a run, epoch by epoch, and what its validation images say. What a seed shares between
/// variants and what it doesn't are the same for both variants.
fn epochs(study: u64, variant: &str, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let stream = Stream::new(study, Purpose::Synthetic, 1000 + seed);
    let own = stream.child(if variant == "adact" { 1 } else { 2 });
    let level = 0.9 + 0.003 * stream.normal(0) + 0.002 * own.normal(0);
    let readings = |which: u64| {
        let noise = own.child(which);
        (0..EPOCHS as u64).map(|e| level + fluctuation(variant) * noise.normal(e)).collect()
    };
    (readings(1), readings(2))
}

/// The highest of some readings, and where it is.
fn highest(readings: &[f64]) -> (usize, f64) {
    let at = (0..readings.len()).max_by(|&a, &b| readings[a].total_cmp(&readings[b])).unwrap();
    (at, readings[at])
}

/// The lowest of some readings, and where it is.
fn lowest(readings: &[f64]) -> (usize, f64) {
    let at = (0..readings.len()).min_by(|&a, &b| readings[a].total_cmp(&readings[b])).unwrap();
    (at, readings[at])
}

/// What a language model's run of the study would leave on disk: the same readings are losses.
fn run_by_loss(template: &RunResult, study: u64, variant: &str, seed: u64) -> RunResult {
    let (test, _) = epochs(study, variant, seed);
    let (epoch, best) = lowest(&test);
    RunResult {
        variant: variant.into(),
        seed,
        metric: MetricRecord::of("loss"),
        best: Best { epoch: epoch + 1, test: [("loss", best)].into() },
        last: Last { test: Some([("loss", test[EPOCHS - 1])].into()) },
        ..template.clone()
    }
}

/// What a run of the study would leave on disk.
fn run(template: &RunResult, selection: Selection, study: u64, variant: &str, seed: u64) -> RunResult {
    let (test, validation) = epochs(study, variant, seed);
    let (epoch, test_accuracy) = match selection {
        Selection::Test => highest(&test),
        Selection::Validation(_) | Selection::ValidationSet => {
            (highest(&validation).0, test[highest(&validation).0])
        }
    };
    let last = matches!(selection, Selection::Test).then(|| test[EPOCHS - 1]);
    RunResult {
        variant: variant.into(),
        seed,
        best: Best { epoch: epoch + 1, test: [("accuracy", test_accuracy)].into() },
        last: Last { test: last.map(|last| [("accuracy", last)].into()) },
        selection,
        ..template.clone()
    }
}

/// The share of simulated studies that call a variant better or worse. `change` may spoil the runs first.
fn share_of_claims(selection: Selection, change: fn(&mut RunResult)) -> f64 {
    let (mut template, _) = common::run("fmnist", 0, "relu", 0);
    (template.layers, template.confusion, template.inputs) = (None, None, None);
    let claims = (0..STUDIES).filter(|&study| {
        let mut runs = Vec::new();
        for variant in ["adact", "relu"] {
            runs.extend((0..SEEDS).map(|seed| run(&template, selection, study, variant, seed)));
        }
        runs.iter_mut().for_each(change);
        let plan = Plan { selection, ..common::plan("fmnist", &["adact", "relu"], None) };
        let statistics = common::of(plan, runs).statistics;
        statistics.comparisons.iter().any(|c| matches!(c.verdict, Verdict::Better | Verdict::Worse))
    });
    claims.count() as f64 / STUDIES as f64
}

/// The level, and three standard errors of a share that was counted in [`STUDIES`] studies.
fn allowed() -> f64 {
    LEVEL + 3.0 * (LEVEL * (1.0 - LEVEL) / STUDIES as f64).sqrt()
}

#[test]
fn equal_means_are_seldom_called_different() {
    for selection in [Selection::Test, Selection::Validation(0.1)] {
        let share = share_of_claims(selection, |_| ());
        println!("{selection}: a difference is claimed in {share:.3} of the studies");
        assert!(share <= allowed(), "{selection}: {share} > {}", allowed());
        // A test that never claims anything would pass as well.
        assert!(share > 0.0, "{selection}");
    }
}

#[test]
fn judged_by_their_highest_epochs_they_nearly_always_would_be() {
    let share = share_of_claims(Selection::Test, |run| run.last.test = Some(run.best.test.clone()));
    println!("highest epochs: a difference is claimed in {share:.3} of the studies");
    assert!(share > 0.9, "{share}");
}

/// The verdicts of AdAct against ReLU in the simulated studies by loss, after a change of the runs.
fn verdicts_by_loss(change: fn(&mut RunResult)) -> Vec<Verdict> {
    let (mut template, _) = common::run("shakespeare", 0, "relu", 0);
    (template.layers, template.confusion, template.inputs) = (None, None, None);
    let verdict = |study| {
        let of = |variant: &'static str| (0..SEEDS).map(move |seed| (variant, seed));
        let runs = of("adact").chain(of("relu")).map(|(v, seed)| run_by_loss(&template, study, v, seed));
        let mut runs: Vec<RunResult> = runs.collect();
        runs.iter_mut().for_each(change);
        let plan = common::plan("shakespeare", &["adact", "relu"], None);
        let plan = Plan { metric: MetricRecord::of("loss"), ..plan };
        common::of(plan, runs).statistics.comparisons[0].verdict
    };
    (0..STUDIES).map(verdict).collect()
}

#[test]
fn a_loss_is_judged_as_seldom_wrongly_and_in_its_own_direction() {
    let share = |verdicts: &[Verdict], which: Verdict| {
        verdicts.iter().filter(|v| **v == which).count() as f64 / STUDIES as f64
    };
    let equal = verdicts_by_loss(|_| ());
    let claimed = share(&equal, Verdict::Better) + share(&equal, Verdict::Worse);
    println!("losses: a difference is claimed in {claimed:.3} of the studies");
    assert!(claimed > 0.0 && claimed <= allowed(), "{claimed}");

    // A loss that is truly lower is found to be better, and never worse.
    let lower = verdicts_by_loss(|run| {
        let loss = run.judged().unwrap() - if run.variant == "adact" { 0.02 } else { 0.0 };
        run.last.test = Some([("loss", loss)].into());
    });
    assert!(share(&lower, Verdict::Better) > 0.9, "{}", share(&lower, Verdict::Better));
    assert_eq!(share(&lower, Verdict::Worse), 0.0);

    // Judged by the lowest of its readings, the variant that fluctuates more nearly always would be better.
    let picked = verdicts_by_loss(|run| run.last.test = Some(run.best.test.clone()));
    assert!(share(&picked, Verdict::Better) > 0.9, "{}", share(&picked, Verdict::Better));
}
