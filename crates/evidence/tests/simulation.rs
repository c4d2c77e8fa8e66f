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
        best: Best { epoch: epoch + 1, test_accuracy, test_loss: None },
        last: Last { test_accuracy: last, test_loss: None },
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
    let share = share_of_claims(Selection::Test, |run| run.last.test_accuracy = Some(run.best.test_accuracy));
    println!("highest epochs: a difference is claimed in {share:.3} of the studies");
    assert!(share > 0.9, "{share}");
}
