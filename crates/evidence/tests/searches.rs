//! Ways to search and rules to choose: what the records tell of them, and what tables and pages say.

mod common;

use adact_evidence::records::{Discretised, Metrics, Role, RuleChoice, RunResult, Study, StudyResult};
use adact_evidence::searches::searches;
use adact_evidence::{Rule, nearest, report, table};

const VARIANTS: [&str; 6] =
    ["adact", "optimized", "search:softmax/distil", "search:gumbel", "search:gumbel/nearest", "relu"];

/// A study of which two variants searched, with what programs record of them.
fn study(seeds: u64) -> StudyResult {
    let mut runs = common::study("fmnist", &VARIANTS, seeds).result.runs;
    for run in &mut runs {
        let Some(layers) = run.layers.clone() else { continue };
        let weight: Vec<String> = layers.iter().map(|layer| layer.choice.clone()).collect();
        // Each seed loses least with another candidate in the first layer.
        let loss = |layer: usize, name: &str| match (layer, name) {
            (0, "elu") => 0.1 + 0.1 * (run.seed % 2) as f64,
            (0, "silu") => 0.15,
            (0, "mish") => 0.145,
            (_, "mish") => 0.125,
            _ => f64::NAN,
        };
        let losses = layers.iter().enumerate().map(|(i, layer)| {
            layer.candidates().into_iter().map(|name| (name.to_string(), loss(i, name))).collect()
        });
        let weight =
            RuleChoice { rule: "weight".into(), activations: weight, scores: Vec::new(), errors: Vec::new() };
        let distil = RuleChoice::of_scores(Rule::Distil, losses.collect());
        run.choices = vec![weight, nearest::choice(run).unwrap(), distil];
        run.discretised = Some(Discretised { test: Metrics::from([("accuracy", 0.5)]) });
        run.mixing = (run.role() == Role::Search("gumbel")).then(|| "gumbel".to_string());
    }
    common::of(common::plan("fmnist", &VARIANTS, None), runs)
}

#[test]
fn each_search_has_its_rules_and_what_was_trained_with_them() {
    let study = study(4);
    let found = searches(&study);
    assert_eq!(found.iter().map(|s| s.variant.as_str()).collect::<Vec<_>>(), ["adact", "search:gumbel"]);
    assert_eq!(found[1].method, "gumbel");
    assert_eq!(found[0].discretised.unwrap().mean, 0.5);
    let reached = |variant: &str| study.table.iter().find(|row| row.variant == variant).unwrap().kept();
    let trained = |search: usize| -> Vec<Option<&str>> {
        let rules = found[search].rules.iter();
        rules.map(|rule| rule.trained.as_ref().map(|(variant, _)| variant.as_str())).collect()
    };
    assert_eq!(trained(0), [Some("optimized"), None, Some("search:softmax/distil")]);
    assert_eq!(trained(1), [None, Some("search:gumbel/nearest"), None]);
    assert_eq!(found[1].rules[1].trained.as_ref().map(|(_, s)| *s), reached("search:gumbel/nearest"));
    let distil = &found[0].rules[2];
    let most = |name: Option<&str>| name.map(String::from);
    assert_eq!(distil.activations, [None, Some("mish"), Some("mish"), Some("mish")].map(most));
    assert_eq!(distil.words(), "differ, Mish, Mish, Mish");
    // The seeds halve in the first layer: two of six pairs agree there, all elsewhere.
    assert!((distil.agreement.unwrap() - (1.0 / 3.0 + 3.0) / 4.0).abs() < 1e-12);
    assert_eq!(distil.different, (2, 4));
    assert_eq!(distil.agreement_in_words(), "83%, 2 different of 4");
}

#[test]
fn tables_and_pages_tell_them_and_records_keep_them() {
    let result = study(3);
    let markdown = table::markdown(&result);
    assert!(markdown.contains("| AdAct (gumbel) | 0."), "{markdown}");
    assert!(markdown.contains("| Optimized (gumbel, nearest) |"), "{markdown}");
    assert!(markdown.contains("| distil | ELU, Mish, Mish, Mish | 83%, 2 different of 3 |"), "{markdown}");
    let study = Study { metrics: vec![Vec::new(); result.runs.len()], result };
    let html = report(std::slice::from_ref(&study));
    assert!(html.contains("How the activations were found") && html.contains("83%, 2 different of 3"));
    // Seeds 0 and 2 lose 0.1 with ELU, and seed 1 loses 0.2.
    assert!(html.contains("In its place alone the network loses least with ELU (0.133"), "{html}");
    let without: Vec<&str> = VARIANTS[3..].to_vec();
    let runs = study.result.runs.iter().filter(|run| without.contains(&run.variant.as_str())).cloned();
    let result = common::of(common::plan("fmnist", &without, None), runs.collect());
    let study = Study { metrics: vec![Vec::new(); result.runs.len()], result };
    let html = report(std::slice::from_ref(&study));
    assert!(
        html.contains("On Fashion-MNIST, AdAct (gumbel)’s choice")
            && html.contains("AdAct (gumbel) weights on"),
        "{html}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    study.result.write(&path).unwrap();
    let read = StudyResult::read(&path).unwrap();
    assert_eq!(read.runs, study.result.runs);
    // A loss that is no number is none.
    assert_eq!(read.runs[0].choices[2].score(0, "relu"), None);
    assert_eq!(read.runs[0].choices[2].score(0, "silu"), Some(0.15));
}

#[test]
fn records_of_older_programs_choose_by_what_they_tell() {
    let study = common::study("fmnist", &["adact"], 1);
    let run = &study.result.runs[0];
    assert!(searches(&study.result).is_empty());
    let layers = run.layers.as_ref().unwrap();
    let weight: Vec<String> = layers.iter().map(|layer| layer.choice.clone()).collect();
    assert_eq!(run.choice_by(Rule::Weight), Some(weight));
    assert_eq!(run.choice_by(Rule::Nearest).map(|choice| choice.len()), Some(4));
    assert_eq!(run.choice_by(Rule::Distil), None);
    let blind = RunResult { inputs: None, ..run.clone() };
    assert_eq!(blind.choice_by(Rule::Nearest), None);
}

#[test]
fn choices_that_do_not_fit_the_places_are_refused() {
    let mut run = study(1).runs[0].clone();
    run.choices[0].activations.pop();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    run.write(&path).unwrap();
    let error = RunResult::read(&path).unwrap_err().to_string();
    assert!(error.contains("the rule \"weight\" chooses for 3 places of 4"), "{error}");
    run.choices.clear();
    run.write(&path).unwrap();
    RunResult::read(&path).unwrap();
}
