//! The front of metric against time, and the fastest of those that are as good as the best, on records made by hand.

mod common;

use adact_evidence::front::front;
use adact_evidence::records::{
    Beside, Machine, MetricRecord, Metrics, Plan, Study, StudyResult, Timing, Timings,
};
use adact_evidence::table::{cost_in_words, markdown};
use adact_evidence::{figures, report};

/// What a variant reaches with a seed, and how long a training step with it takes beside the usual activation.
type Reached<'a> = (&'a str, [&'a str; 4], fn(f64) -> f64, f64);

const NOISE: f64 = 0.01;

/// A study of these variants, the seeds from 0 on.
fn study(of: &[Reached<'_>], seeds: u64, metric: &str, against: Option<&str>) -> StudyResult {
    let mut runs = Vec::new();
    let mut measured: Vec<Timing> = Vec::new();
    for (v, (variant, activations, reached, ratio)) in of.iter().enumerate() {
        for seed in 0..seeds {
            let (mut run, _) = common::run("fmnist", v as u64, variant, seed);
            let value = Metrics::from([(metric, reached(seed as f64))]);
            run.metric = MetricRecord::of(metric);
            (run.best.test, run.last.test) = (value.clone(), Some(value));
            run.activations = activations.map(String::from).to_vec();
            runs.push(run);
        }
        let time = |ratio| Beside { ratio, noise: NOISE };
        measured.push(Timing {
            activations: activations.map(String::from).to_vec(),
            mixing: None,
            step: time(*ratio),
            infer: time(1.0 + (ratio - 1.0) / 2.0),
        });
    }
    let names: Vec<&str> = of.iter().map(|(name, ..)| *name).collect();
    let plan = Plan { metric: MetricRecord::of(metric), ..common::plan("fmnist", &names, against) };
    let machine = Machine { processor: "A processor".into(), threads: 2, simd: "avx2".into() };
    let timings = Timings { batch: 64, machine, base: "relu".into(), step_ms: 20.0, infer_ms: 8.0, measured };
    common::of(plan, runs).timed(Some(timings))
}

/// Mish in all layers is the best, two with ReLU are as good and faster, a third is faster still and worse with every seed, and one is
/// slow.
fn accuracies(against: Option<&str>, seeds: u64) -> StudyResult {
    let of: [Reached<'_>; 5] = [
        ("mish", ["mish"; 4], |s| 0.9 + 0.001 * s, 1.2),
        (
            "relu+relu+mish+mish",
            ["relu", "relu", "mish", "mish"],
            |s| 0.8998 + 0.001 * s + 0.002 * (s % 2.0),
            1.1,
        ),
        (
            "relu+mish+mish+mish",
            ["relu", "mish", "mish", "mish"],
            |s| 0.8997 + 0.001 * s + 0.002 * (s % 2.0),
            1.15,
        ),
        ("relu", ["relu"; 4], |s| 0.88 + 0.001 * s, 1.0),
        ("silu", ["silu"; 4], |s| 0.89 + 0.001 * s, 1.3),
    ];
    study(&of, seeds, "accuracy", against)
}

#[test]
fn the_fastest_that_the_seeds_do_not_show_to_be_worse() {
    // 10 comparisons take 9 seeds or more; the two pairs that are as good have differences of both signs.
    for against in [None, Some("relu"), Some("mish")] {
        let study = accuracies(against, 10);
        let front = front(&study).unwrap();
        assert_eq!(front.points.len(), 5);
        assert_eq!(front.best().variant, "relu+relu+mish+mish");
        // It is the best by its mean and nothing as good is faster.
        assert_eq!(front.pick, front.best);
        let words = cost_in_words(&study).join(" ");
        assert!(words.contains("has the best mean, and no other variant that is as good"), "{words}");
    }
    let mut study = accuracies(None, 10);
    // A little better, by no more than its seeds differ.
    for run in study.runs.iter_mut().filter(|run| run.variant == "mish") {
        let value = 0.9012 + 0.001 * run.seed as f64;
        let value = Metrics::from([("accuracy", value)]);
        (run.best.test, run.last.test) = (value.clone(), Some(value));
    }
    let study = study.corrected_with(None);
    let front = front(&study).unwrap();
    assert_eq!(
        (front.best().variant.as_str(), front.pick().variant.as_str()),
        ("mish", "relu+relu+mish+mish")
    );
    let on_front: Vec<&str> = front.line().iter().map(|point| point.variant.as_str()).collect();
    assert_eq!(on_front, ["relu", "relu+relu+mish+mish", "mish"]);
    let words = cost_in_words(&study);
    assert!(words[0].contains("as accurate as Mish as far as 10 seeds can tell"), "{words:?}");
    assert!(words[0].contains("a training step takes 8.3% less time (±1.2%)"), "{words:?}");
    assert!(
        words[1].starts_with("ReLU in layers 1 and 2 instead of Mish costs nothing in accuracy"),
        "{words:?}"
    );
    assert!(words[1].ends_with("saves 8% of the time of a step."), "{words:?}");
    assert!(words[2].starts_with("No proof that they are equal"), "{words:?}");
    let text = markdown(&study);
    let page = report(&[Study { result: study, metrics: Vec::new() }]);
    for words in
        ["Accuracy against time", "20.00 ms", "24.00 ms", "best mean", "A processor, 2 threads, avx2"]
    {
        assert!(text.contains(words) && page.contains(words), "{words}\n{text}");
    }
}

#[test]
fn few_seeds_are_said_to_decide_little() {
    let study = accuracies(None, 2);
    let front = front(&study).unwrap();
    // Two seeds show no variant to be worse, so the fastest is told, and what that is worth.
    assert_eq!(front.pick().variant, "relu");
    let words = cost_in_words(&study).join(" ");
    assert!(words.contains("That says little: 2 seeds can't decide"), "{words}");
}

#[test]
fn losses_are_better_when_they_are_lower_and_noise_saves_nothing() {
    let of: [Reached<'_>; 3] = [
        ("mish", ["mish"; 4], |s| 1.5 + 0.01 * s, 1.01),
        ("relu", ["relu"; 4], |s| 1.5 + 0.01 * s + 0.001 * (s % 3.0), 1.0),
        ("elu", ["elu"; 4], |s| 1.9 + 0.01 * s, 0.5),
    ];
    let study = study(&of, 8, "loss", None);
    let front = front(&study).unwrap();
    // ReLU's step takes less time by no more than the noise, and ELU is worse with every seed.
    assert_eq!((front.best().variant.as_str(), front.pick().variant.as_str()), ("mish", "mish"));
    let on_front: Vec<&str> = front.line().iter().map(|point| point.variant.as_str()).collect();
    assert_eq!(on_front, ["elu", "relu", "mish"]);
    let drawn = figures::front(&study).unwrap();
    assert!(drawn.svg().contains("test loss: the lower, the better"));
    drawn.png().unwrap();
}

#[test]
fn how_often_the_time_changed_a_choice_is_told() {
    let mut study = accuracies(None, 3);
    assert!(!markdown(&study).contains("the faster one was taken"));
    for run in study.runs.iter_mut().filter(|run| run.variant.starts_with("relu+relu")) {
        run.without_costs = Some(vec!["mish".into(); 4]);
    }
    let words = "the faster one was taken: for ReLU + ReLU + Mish + Mish at 6 of 12 places, all seeds together \
                 (ReLU instead of Mish 6 times).";
    assert!(markdown(&study).contains(words));
    // What the rule named and what was taken in the end agree: nothing is told.
    for run in &mut study.runs {
        run.without_costs = Some(run.activations.clone());
    }
    assert!(!markdown(&study).contains("the faster one was taken"));
}

#[test]
fn without_times_nothing_is_said() {
    let study = accuracies(None, 2).timed(None);
    assert!(front(&study).is_none() && cost_in_words(&study).is_empty() && figures::front(&study).is_none());
    assert!(!markdown(&study).contains("Accuracy against time"));
    let written = serde_json::to_string(&study).unwrap();
    assert!(!written.contains("timings"));
    // What was written is read again, the times too.
    let timed = accuracies(Some("mish"), 2);
    let bytes = serde_json::to_vec(&timed).unwrap();
    assert_eq!(StudyResult::parse(std::path::Path::new("result.json"), &bytes).unwrap(), timed);
    let broken = serde_json::to_string(&timed).unwrap().replace("\"ratio\":1.2", "\"ratio\":-1.2");
    let error = StudyResult::parse(std::path::Path::new("result.json"), broken.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("timings: measured[0]"), "{error}");
}
