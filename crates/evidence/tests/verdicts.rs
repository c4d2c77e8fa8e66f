//! What is concluded from runs, and what isn't.

mod common;

use adact_evidence::paper;
use adact_evidence::records::*;
use adact_evidence::reproduction::{Holds, Reproduction};
use adact_evidence::statistics::*;

/// A study of two or more variants with the given accuracies, seed by seed.
fn study(dataset: &str, variants: &[(&str, &[f64])]) -> StudyResult {
    study_against(dataset, variants, None)
}

/// The same, where all are compared with one variant.
fn study_against(dataset: &str, variants: &[(&str, &[f64])], against: Option<&str>) -> StudyResult {
    let mut runs = Vec::new();
    for (variant, accuracies) in variants {
        for (seed, accuracy) in accuracies.iter().enumerate() {
            let (run, _) = common::run(dataset, 0, variant, seed as u64);
            runs.push(RunResult { best: Best { test_accuracy: *accuracy, ..run.best }, ..run });
        }
    }
    let names = variants.iter().map(|(v, _)| v.to_string()).collect();
    StudyResult::new(names, against.map(String::from), runs, common::manifest(dataset)).unwrap()
}

const LOW: [f64; 7] = [0.900, 0.902, 0.901, 0.903, 0.899, 0.900, 0.904];
const HIGH: [f64; 7] = [0.910, 0.911, 0.913, 0.912, 0.908, 0.911, 0.913];

#[test]
fn seven_seeds_that_agree_are_a_verdict() {
    let result = study("fmnist", &[("adact", &HIGH), ("relu", &LOW)]);
    let [c] = result.statistics.comparisons.as_slice() else { panic!("one pair") };
    assert_eq!(c.verdict, Verdict::Better);
    assert_eq!(c.permutation.p, 2.0 / 128.0);
    assert_eq!(c.permutation_holm, c.permutation.p);
    // One comparison: 2/2^6 = 0.03125 is the first below 0.05.
    assert_eq!(c.seeds_to_reach_level, 6);
    // Differences 10, 9, 12, 9, 9, 11, 9 thousandths: mean 69/7, sum of squares about it 8.857, so
    // t = 9.857 / (1.215 / sqrt 7) = 21.46 with 6 degrees of freedom.
    let t = c.difference.mean / (c.difference.sd.unwrap() / 7f64.sqrt());
    assert!((t - 21.46).abs() < 0.01, "{t}");
    assert!(c.t_test.unwrap() < 1e-6);
    assert_eq!(c.words(), "AdAct is better than ReLU");

    let turned = study("fmnist", &[("relu", &LOW), ("adact", &HIGH)]);
    assert_eq!(turned.statistics.comparisons[0].verdict, Verdict::Worse);
    assert_eq!(turned.statistics.comparisons[0].words(), "ReLU is worse than AdAct");
}

#[test]
fn five_seeds_can_not_decide_however_clear_they_are() {
    let result = study("fmnist", &[("adact", &HIGH[..5]), ("relu", &LOW[..5])]);
    let c = &result.statistics.comparisons[0];
    assert_eq!((c.permutation.p, c.permutation.smallest), (1.0 / 16.0, 1.0 / 16.0));
    assert_eq!(c.verdict, Verdict::TooFewSeeds);
    assert!(c.t_test.unwrap() < 0.001);
    assert_eq!(c.seeds_needed, Some(6));
}

#[test]
fn more_comparisons_need_more_seeds() {
    // Three comparisons: 3 * 2/2^6 is above 0.05, 3 * 2/2^7 is not.
    let third: Vec<f64> = LOW.iter().map(|a| a + 0.0001).collect();
    let result = study("fmnist", &[("adact", &HIGH), ("optimized", &third), ("relu", &LOW)]);
    let all = &result.statistics.comparisons;
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|c| c.seeds_to_reach_level == 7));
    assert!((all[0].permutation_holm - 3.0 * 2.0 / 128.0).abs() < 1e-15);
    // A difference that is the same for every seed has no spread that a t-test could use.
    assert_eq!(all[2].t_test, None);
    assert_eq!(all[2].verdict, Verdict::Better);
}

#[test]
fn one_baseline_takes_fewer_seeds_than_all_pairs() {
    let variants =
        [("adact", &HIGH[..]), ("optimized", &HIGH), ("relu", &LOW), ("mish", &HIGH), ("elu", &LOW)];
    let all = study("fmnist", &variants);
    assert_eq!(all.statistics.comparisons.len(), 10);
    // 10 * 2/2^n: 9 is the first n below 0.05. With a baseline 4 * 2/2^n: 8.
    assert_eq!(all.statistics.comparisons[0].seeds_to_reach_level, 9);
    let planned = study_against("fmnist", &variants, Some("optimized"));
    let pairs: Vec<_> = planned.statistics.comparisons.iter().map(|c| (c.a.as_str(), c.b.as_str())).collect();
    let expected = ["adact", "relu", "mish", "elu"].map(|a| (a, "optimized"));
    assert_eq!(pairs, expected);
    assert_eq!(planned.statistics.comparisons[0].seeds_to_reach_level, 8);
    assert_eq!(
        planned.statistics.too_few_seeds().unwrap(),
        "7 seeds can't decide, whatever the accuracies: 4 comparisons take at least 8 seeds."
    );
    let read = serde_json::to_vec(&planned).unwrap();
    assert_eq!(StudyResult::parse(std::path::Path::new("x"), &read).unwrap(), planned);
    assert_eq!(study("fmnist", &variants[..2]).statistics.too_few_seeds(), None);
    let one = study("fmnist", &[("adact", &HIGH[..1]), ("relu", &LOW[..1])]).statistics;
    assert_eq!(
        one.too_few_seeds().unwrap(),
        "1 seed can't decide, whatever the accuracies: 1 comparison takes at least 6 seeds."
    );
}

#[test]
fn a_page_of_comparisons_begins_with_adacts() {
    let names = ["relu", "elu", "mish", "silu", "adact", "prelu", "optimized"];
    let variants: Vec<(&str, &[f64])> = names.iter().map(|n| (*n, &LOW[..])).collect();
    let statistics = study("fmnist", &variants).statistics;
    let (first, others) = statistics.by_interest();
    assert_eq!((first.len(), others.len()), (11, 10));
    assert!(first.iter().all(|c| [&c.a, &c.b].iter().any(|v| *v == "adact" || *v == "optimized")));
    let few = study("fmnist", &variants[..5]).statistics;
    assert_eq!(few.by_interest().0.len(), 10);
}

#[test]
fn thousands_of_comparisons_come_to_an_end() {
    assert_eq!(seeds_to_reach_level(3), 7);
    assert_eq!(seeds_to_reach_level(1_000_000), MOST_PAIRS);
}

#[test]
fn noise_is_no_verdict_and_tells_how_many_seeds_it_would_take() {
    let mixed = [0.901, 0.900, 0.903, 0.902, 0.900, 0.899, 0.905];
    let result = study("fmnist", &[("adact", &mixed), ("relu", &LOW)]);
    let c = &result.statistics.comparisons[0];
    assert_eq!(c.verdict, Verdict::NoDifferenceShown);
    assert!(c.permutation.p > 0.5);
    let needed = c.seeds_needed.unwrap();
    assert!(needed > 20, "{needed}");
    let effect = c.difference.mean / c.difference.sd.unwrap();
    assert!(power_of_paired_t(effect, needed, LEVEL) >= POWER);
    assert!(power_of_paired_t(effect, needed - 1, LEVEL) < POWER);
}

#[test]
fn only_seeds_that_both_have_are_pairs() {
    let result = study("fmnist", &[("adact", &HIGH), ("relu", &LOW[..3])]);
    assert_eq!(result.statistics.comparisons[0].differences.len(), 3);
    let single = study("fmnist", &[("adact", &HIGH[..1]), ("relu", &LOW[..1])]);
    let c = &single.statistics.comparisons[0];
    assert_eq!((c.verdict, c.t_test, c.seeds_needed), (Verdict::TooFewSeeds, None, None));
    assert_eq!(c.permutation.p, 1.0);
}

#[test]
fn the_choice_is_that_of_most_seeds() {
    let result = common::study("fmnist", &common::THREE, 5).result;
    for choice in &result.choices {
        let votes = |name: &str| choice.by_seed.iter().filter(|c| *c == name).count();
        assert!(choice.by_seed.iter().all(|other| votes(other) <= votes(&choice.choice)), "{choice:?}");
        assert_eq!(choice.by_seed.len(), 5);
        let pairs = (0..5).flat_map(|i| (0..i).map(move |j| (i, j)));
        let same = pairs.filter(|(i, j)| choice.by_seed[*i] == choice.by_seed[*j]).count();
        assert_eq!(choice.agreement, Some(same as f64 / 10.0));
    }
}

#[test]
fn the_papers_claims_are_held_against_our_runs() {
    // As Table 1 of the paper: each variant's number, for each data set.
    assert_eq!(paper::accuracy("optimized", "fer2013"), Some(0.565));
    assert_eq!(paper::accuracy("relu", "svhn"), Some(0.913));
    assert_eq!(paper::accuracy("uniform:mish", "svhn"), None);
    assert_eq!(paper::accuracy("relu", "fmnist-mini"), None);

    let result = study("cifar10", &[("adact", &HIGH), ("optimized", &LOW), ("relu", &LOW)]);
    let beside = Reproduction::of([&result]);
    assert_eq!(beside.numbers.len(), 3);
    let of = |says: &str| beside.claims.iter().find(|c| c.says == says).unwrap_or_else(|| panic!("{says}"));
    assert_eq!(of("AdAct is better than ReLU").holds, Holds::Yes);
    assert_eq!(of("Optimized is better than ReLU").holds, Holds::NotShown);
    // The pair was compared the other way round.
    assert_eq!(of("Optimized is on par with AdAct or better").holds, Holds::No);
    assert!(of("Optimized is on par with AdAct or better").ours.contains('\u{2212}'));
    let layer = of("ELU leads layer 3");
    let expected = if result.choices[2].choice == "elu" { Holds::Yes } else { Holds::No };
    assert_eq!(layer.holds, expected);
    // The paper's 0.766 is far from 0.9.
    assert!(beside.numbers[0].words().contains("more than seeds explain"));
    assert!(
        beside.markdown().contains("| CIFAR-10 | AdAct | 0.766 | 0.9111 ± 0.0018 |"),
        "{}",
        beside.markdown()
    );

    assert!(Reproduction::of([&study("svhn-of-mine", &[("relu", &LOW)])]).is_empty());
}
