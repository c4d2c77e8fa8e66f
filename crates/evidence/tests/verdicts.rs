//! What is concluded from runs, and what isn't.

mod common;

use adact_evidence::paper;
use adact_evidence::records::*;
use adact_evidence::reproduction::{Holds, Reproduction};
use adact_evidence::statistics::*;
use adact_evidence::{figures, report, table};

/// A study of two or more variants with the given accuracies after the last epoch, seed by seed.
fn study(dataset: &str, variants: &[(&str, &[f64])]) -> StudyResult {
    study_against(dataset, variants, None)
}

/// The same, where all are compared with one variant.
fn study_against(dataset: &str, variants: &[(&str, &[f64])], against: Option<&str>) -> StudyResult {
    let names: Vec<&str> = variants.iter().map(|(v, _)| *v).collect();
    common::of(common::plan(dataset, &names, against), runs(dataset, variants))
}

/// Runs with the given accuracies after the last epoch; the best epochs are all alike.
fn runs(dataset: &str, variants: &[(&str, &[f64])]) -> Vec<RunResult> {
    let mut runs = Vec::new();
    for (variant, accuracies) in variants {
        for (seed, accuracy) in accuracies.iter().enumerate() {
            let (run, _) = common::run(dataset, 0, variant, seed as u64);
            let last = Last { test: Some(run.last.test.clone().unwrap().with("accuracy", *accuracy)) };
            let best = Best { test: run.best.test.clone().with("accuracy", 0.95), ..run.best };
            runs.push(RunResult { best, last, ..run });
        }
    }
    runs
}

/// A study of AdAct and ReLU, of which AdAct failed with the last seeds.
fn with_failures(seeds: usize, failed: usize) -> StudyResult {
    let runs = runs("cifar10", &[("adact", &HIGH[..seeds - failed]), ("relu", &LOW[..seeds])]);
    let failure = |seed: usize| Failure {
        variant: "adact".into(),
        seed: seed as u64,
        epoch: Some(2),
        step: Some(812),
        why: "the loss became NaN".into(),
    };
    let failures = (seeds - failed..seeds).map(failure).collect();
    let plan = common::plan("cifar10", &["adact", "relu"], None);
    StudyResult::new(plan, runs, failures, common::manifest("cifar10")).unwrap()
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
fn only_seeds_that_both_have_are_pairs_and_the_others_are_told() {
    let result = study("fmnist", &[("adact", &HIGH), ("relu", &LOW[..3])]);
    let c = &result.statistics.comparisons[0];
    assert_eq!((c.differences.len(), c.seeds, c.lacks.len()), (3, 7, 4));
    let words = c.lacks_in_words().unwrap();
    assert_eq!(words, "3 of 7 pairs (ReLU isn't finished with seeds 3, 4, 5 and 6)");
    assert_eq!(result.table[1].name(), "ReLU (4 of 7 seeds not finished)");
    let single = study("fmnist", &[("adact", &HIGH[..1]), ("relu", &LOW[..1])]);
    let c = &single.statistics.comparisons[0];
    assert_eq!((c.verdict, c.t_test, c.seeds_needed), (Verdict::TooFewSeeds, None, None));
    assert_eq!((c.permutation.p, c.lacks_in_words()), (1.0, None));
}

#[test]
fn a_verdict_rests_on_a_number_that_was_not_picked_on_the_test_set() {
    // The best epochs say the opposite of the last ones.
    let mut runs = runs("fmnist", &[("adact", &HIGH), ("relu", &LOW)]);
    for run in &mut runs {
        let best = if run.variant == "adact" { 0.93 } else { 0.94 + 0.001 * run.seed as f64 };
        run.best.test.set("accuracy", best);
    }
    let plan = common::plan("fmnist", &["adact", "relu"], None);
    let result = common::of(plan.clone(), runs.clone());
    assert_eq!(result.statistics.comparisons[0].verdict, Verdict::Better);
    assert!((result.table[0].judged.unwrap().mean - HIGH.iter().sum::<f64>() / 7.0).abs() < 1e-12);
    assert!((result.table[0].accuracy.unwrap().mean - 0.93).abs() < 1e-12);
    assert_eq!(result.table[0].last, result.table[0].judged);

    // Where validation picked the epoch, its test accuracy was not picked on the test set, and there is no other.
    let selection = Selection::Validation(0.1);
    for run in &mut runs {
        (run.selection, run.last) = (selection, Last::default());
    }
    let result = common::of(Plan { selection, ..plan.clone() }, runs.clone());
    assert_eq!(result.statistics.comparisons[0].verdict, Verdict::Worse);
    assert_eq!(result.table[0].judged, result.table[0].accuracy);

    // A record without the last epoch's accuracy is not judged by another number.
    for run in &mut runs {
        run.selection = Selection::Test;
    }
    let result = common::of(plan, runs);
    assert!(result.statistics.comparisons.is_empty() && result.table[0].judged.is_none());
    let words = result.statistics.unpaired[0].words();
    assert!(words.contains("AdAct has no accuracy after the last epoch with seeds 0, 1"), "{words}");
}

#[test]
fn a_variant_that_failed_is_never_called_better_without_that_word() {
    let result = with_failures(7, 1);
    let c = &result.statistics.comparisons[0];
    assert_eq!(c.verdict, Verdict::Better);
    assert_eq!(c.words(), "AdAct (failed with 1 of 7 seeds) is better than ReLU");
    assert_eq!(c.lacks_in_words().unwrap(), "6 of 7 pairs (AdAct failed with seed 6)");
    let beside = Reproduction::of([&result]);
    let claim = beside.claims.iter().find(|c| c.says == "AdAct is better than ReLU").unwrap();
    assert!(claim.holds == Holds::Yes && claim.ours.contains("AdAct failed with seed 6"), "{claim:?}");
    assert!(beside.numbers[0].words().contains("failed with 1 of 7 seeds"), "{:?}", beside.numbers[0]);

    let study = Study { metrics: Vec::new(), result };
    let page = report(std::slice::from_ref(&study));
    let told = "AdAct, seed 6, failed at step 812 (epoch 2): the loss became NaN";
    assert!(page.find(told).unwrap() < page.find("AdAct mixes").unwrap(), "failures come first");
    let csv = table::csv(&study.result);
    let failed: Vec<&str> = csv.lines().skip(1).map(|l| l.rsplit(',').nth(1).unwrap()).collect();
    assert_eq!(failed, ["1", "0"]);
    let svgs: Vec<String> = figures::all(&study).iter().map(|f| f.svg()).collect();
    let markdown = table::markdown(&study.result);
    assert!(
        markdown.contains(told) && markdown.contains("6 of 7 pairs (AdAct failed with seed 6)"),
        "{markdown}"
    );
    for text in svgs.iter().chain([&page, &markdown, &beside.markdown()]) {
        for line in text.lines().filter(|line| line.contains("better") && line.contains("AdAct")) {
            assert!(line.contains("failed with"), "{line}");
        }
    }
}

#[test]
fn comparisons_without_a_pair_are_told_and_corrected_for() {
    let result = with_failures(2, 2);
    let statistics = &result.statistics;
    assert_eq!((statistics.comparisons.len(), statistics.unpaired.len(), statistics.family), (0, 1, 1));
    let words = "AdAct and ReLU can't be compared: no pairs (AdAct failed with seeds 0 and 1)";
    assert_eq!(statistics.unpaired[0].words(), words);
    let markdown = table::markdown(&result);
    assert!(
        markdown.contains(words) && markdown.contains("| AdAct (failed with 2 of 2 seeds) |  |  |"),
        "{markdown}"
    );
    let read = StudyResult::parse(std::path::Path::new("x"), &serde_json::to_vec(&result).unwrap()).unwrap();
    assert_eq!(read, result);
}

#[test]
fn studies_that_are_told_together_are_corrected_together() {
    let one = || study("fmnist", &[("adact", &HIGH), ("relu", &LOW)]);
    let mut both = [one(), study("cifar10", &[("adact", &HIGH), ("optimized", &LOW), ("relu", &LOW)])];
    assert_eq!(both[0].statistics.comparisons[0].permutation_holm, 2.0 / 128.0);
    correct_together(&mut both);
    // Four comparisons, of which the smallest p-values are 2/128 three times; 4 * 2/128 is above the level.
    let c = &both[0].statistics.comparisons[0];
    assert_eq!((both[0].statistics.family, c.permutation_holm, c.seeds_to_reach_level), (4, 8.0 / 128.0, 8));
    assert_eq!(c.verdict, Verdict::TooFewSeeds);
    assert!(both.iter().all(|s| s.statistics.comparisons.iter().all(|c| c.permutation_holm >= 8.0 / 128.0)));
    let words = "corrected for 4 comparisons of 2 data sets together (this one and CIFAR-10) (Holm)";
    assert!(table::markdown(&both[0]).contains(words), "{}", table::markdown(&both[0]));

    // What is written comes back, and a study that is read keeps what it was corrected with.
    let read = StudyResult::parse(std::path::Path::new("x"), &serde_json::to_vec(&both[0]).unwrap()).unwrap();
    assert_eq!(read, both[0]);
    let mut alone = [read];
    correct_together(&mut alone);
    assert_eq!(alone[0], one());
}

#[test]
fn the_size_of_the_test_set_is_told_for_every_study() {
    for seeds in [1, 7] {
        let result = study("fmnist", &[("adact", &HIGH[..seeds]), ("relu", &LOW[..seeds])]);
        let test_set = result.statistics.test_set.unwrap();
        // Of 10,000 images 9,000 right: 1.96 * sqrt(0.9 * 0.1 / 10,000) is 0.0059, and 0.0082 for two.
        assert_eq!(test_set.images, 10_000);
        assert!((test_set.accuracy - 0.0059).abs() < 1e-4, "{test_set:?}");
        assert!((test_set.difference.unwrap() - 0.0081).abs() < 2e-4, "{test_set:?}");
        let words = test_set.words("fmnist");
        assert!(words.starts_with("The test set of Fashion-MNIST has 10,000 examples"), "{words}");
        assert!(table::markdown(&result).contains(&words));
        assert!(report(&[Study { metrics: Vec::new(), result }]).contains(&words));
    }
    // Older records tell the number by their confusion matrices, or not at all.
    let mut older = study("fmnist", &[("adact", &HIGH)]);
    older.runs.iter_mut().for_each(|run| run.test_images = None);
    assert_eq!(older.clone().corrected_with(None).statistics.test_set.unwrap().images, 1000);
    older.runs.iter_mut().for_each(|run| run.confusion = None);
    assert_eq!(older.corrected_with(None).statistics.test_set, None);
}

#[test]
fn an_undecided_layer_is_undecided_everywhere() {
    // Two seeds that prefer different activations, and a claim of the paper about the layer.
    let mut runs = runs("cifar10", &[("adact", &HIGH[..2]), ("relu", &LOW[..2])]);
    let layer = |first: usize, lead: f32| {
        let mut softmax = vec![(1.0 - lead) / 7.0; 7];
        softmax[first] += lead;
        let (w, choice) = (softmax.iter().map(|s| s.ln()).collect(), PAPER_CANDIDATES[first].into());
        LayerWeights { place: None, candidates: None, w, softmax, shares: None, prelu_slope: None, choice }
    };
    for (run, first) in runs.iter_mut().zip([6, 3]) {
        run.layers = Some(vec![layer(first, 0.2), layer(6, 0.3), layer(0, 0.0), layer(6, 0.3)]);
    }
    let result = common::of(common::plan("cifar10", &["adact", "relu"], None), runs);
    assert_eq!(result.choices[1].words(), "Mish");
    assert_eq!(result.choices[2].undecided.len(), 7);
    let words = result.choices[0].words();
    assert!(
        words.starts_with("undecided between ") && words.contains("PReLU") && words.contains("Mish"),
        "{words}"
    );
    let claims = Reproduction::of([&result]).claims;
    let of = |says: &str| claims.iter().find(|c| c.says == says).unwrap().holds;
    assert_eq!(of("Mish leads layer 1"), Holds::NotShown);
    assert_eq!(of("Mish leads layer 2"), Holds::Yes);
    assert_eq!(of("SiLU leads layer 4"), Holds::No);
    let study = Study { metrics: Vec::new(), result };
    let svg: String = figures::all(&study).iter().map(|f| f.svg()).collect();
    for text in [table::markdown(&study.result), report(&[study]), svg] {
        assert!(text.contains("undecided between"), "{text}");
    }
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
    let expected = match (result.choices[2].words().as_str(), result.choices[2].may_be("elu")) {
        ("ELU", _) => Holds::Yes,
        (_, true) => Holds::NotShown,
        _ => Holds::No,
    };
    assert_eq!(layer.holds, expected);
    // The paper's 0.766 is far from 0.9.
    assert!(beside.numbers[0].words().contains("more than seeds explain"));
    // Ours beside it is of the paper's kind: the best epoch on the test set.
    assert!(
        beside.markdown().contains("| CIFAR-10 | AdAct | 0.766 | 0.9500 ± 0.0000 |"),
        "{}",
        beside.markdown()
    );

    assert!(Reproduction::of([&study("svhn-of-mine", &[("relu", &LOW)])]).is_empty());
}

/// A language model's study with the given losses after the last step.
fn by_loss(variants: &[(&str, &[f64])]) -> StudyResult {
    let kind = common::gpt();
    let names: Vec<&str> = variants.iter().map(|(v, _)| *v).collect();
    let seeds = variants[0].1.len() as u64;
    let study = common::study_of(&kind, &names, seeds).result;
    let mut runs = study.runs.clone();
    for run in &mut runs {
        let (_, losses) = variants.iter().find(|(v, _)| *v == run.variant).unwrap();
        run.last.test.as_mut().unwrap().set("loss", losses[run.seed as usize]);
    }
    let plan = Plan {
        network: study.network.clone(),
        task: study.task.clone(),
        metric: study.metric.clone(),
        steps: study.steps,
        ..common::plan(kind.dataset, &names, None)
    };
    common::of(plan, runs)
}

#[test]
fn a_lower_loss_is_better() {
    let result = by_loss(&[("adact", &LOW), ("relu", &HIGH)]);
    let c = &result.statistics.comparisons[0];
    assert_eq!((c.verdict, c.words().as_str()), (Verdict::Better, "AdAct is better than ReLU"));
    // Differences have the loss's own sign.
    assert!(c.difference.mean < 0.0 && c.differences.iter().all(|d| *d < 0.0));
    assert_eq!(c.seen_from("relu"), (-c.difference.mean, Verdict::Worse));
    assert_eq!(
        by_loss(&[("adact", &HIGH), ("relu", &LOW)]).statistics.comparisons[0].verdict,
        Verdict::Worse
    );
    // The number of test texts bounds no accuracy, and the paper has no such study.
    assert_eq!(result.statistics.test_set, None);
    assert!(Reproduction::of([&result]).is_empty());

    let markdown = table::markdown(&result);
    for words in [
        "Test loss on shakespeare with GPT, 3,750 steps, 7 seeds",
        "| Test loss after the last step | 95% interval of the mean | Best step on the test set |",
        "Verdicts rest on the test loss after the last step.",
        "is the lowest of many readings",
        "Lower is better.",
        "| AdAct − ReLU | −0.0099 |",
        "| blocks.3.mlp.act | ",
    ] {
        assert!(markdown.contains(words), "{words}: {markdown}");
    }
    let page = report(&[Study { metrics: Vec::new(), result }]);
    for words in [
        "AdAct is better than ReLU: lower loss by 0.0099 (95% interval ",
        "Test loss after the last step: AdAct 0.9013 ± 0.0018, ReLU 0.9111 ± 0.0018. Lower is better.",
        // The lowest mean is the best one.
        "<td class=\"n best\">0.9013 ± 0.0018</td>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("accurac"), "{:?}", page.find("accurac").map(|at| &page[at - 80..at + 20]));
    let few = by_loss(&[("adact", &LOW[..3]), ("relu", &HIGH[..3])]);
    assert!(
        few.statistics.too_few_seeds().unwrap().starts_with("3 seeds can't decide, whatever the losses:")
    );
}

#[test]
fn another_network_is_not_held_against_the_paper() {
    let result = common::study_of(&common::resnet(), &common::THREE, 3).result;
    assert_eq!(result.dataset, "cifar10");
    assert!(Reproduction::of([&result]).is_empty());
    assert!(!figures::accuracies(&result).unwrap().caption.contains("paper"));
    assert!(result.statistics.test_set.is_some());
}

#[test]
fn verdicts_between_other_variants_are_told_in_the_answer() {
    let (mid, random) = (HIGH.map(|a| a - 0.004), HIGH.map(|a| a - 0.02));
    let variants: [(&str, &[f64]); 4] =
        [("optimized", &HIGH), ("relu", &LOW), ("mish", &mid), ("random-1", &random)];
    // Four variants in pairs take eight seeds, against one of them seven.
    let result = study_against("fmnist", &variants, Some("relu"));
    let page = report(&[Study { metrics: Vec::new(), result }]);
    let answer = page.split("<h3>Results").next().unwrap();
    for words in
        ["Optimized is better than ReLU by", "Mish is better than ReLU by", "Random 1 is worse than ReLU by"]
    {
        assert_eq!(answer.matches(words).count(), 1, "{words}: {answer}");
    }
    // What was told of the best single activation and of random choices is not told again.
    let result = study_against("fmnist", &variants, Some("optimized"));
    let page = report(&[Study { metrics: Vec::new(), result }]);
    let answer = page.split("<h3>Results").next().unwrap();
    assert_eq!(answer.matches("Mish is worse than Optimized by").count(), 1, "{answer}");
    assert!(!answer.contains("Random 1 is worse"), "{answer}");
}
