//! Studies with networks that are only numbers.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use adact_evidence::Rule;
use adact_evidence::records::{MANIFEST, Manifest, RESULT};

use super::*;
use crate::build;
use crate::config::{Seeds, StudyOptions};
use crate::control::Observer;
use crate::folder::BEST;
use crate::testing::{self, Number, StopAfter};

fn config(seeds: usize) -> Config {
    let mut config = testing::config();
    config.protocol.epochs = 3;
    config.study = Some(StudyOptions { seeds: Seeds::first(seeds), ..StudyOptions::default() });
    config.output.threads = Some(2);
    config
}

/// A number that starts from the seed, as all variants do; the activations decide what it becomes.
fn make(config: &Config, _: &Data) -> Result<Number> {
    let train = config.train.clone().unwrap_or_default();
    let text =
        train.activation.bytes().fold(train.seed, |s, b| s.wrapping_mul(31).wrapping_add(u64::from(b)));
    Ok(Number { state: text, mixture: train.activation == "adact", ..Number::default() })
}

fn run(out: &Path, config: &Config, mode: Mode, stop: Option<usize>) -> Result<StudyResult> {
    let observer = StopAfter::new(stop);
    Ok(study_with(config, &testing::data(), out, mode, &observer.control(), &make)?.result)
}

/// All weights by path, and the result without its times.
fn remains(out: &Path) -> (BTreeMap<PathBuf, Vec<u8>>, Vec<RunResult>) {
    let mut weights = BTreeMap::new();
    for entry in fs::read_dir(out.join("runs")).unwrap() {
        let path = entry.unwrap().path().join(BEST);
        weights.insert(path.strip_prefix(out).unwrap().to_owned(), fs::read(&path).unwrap());
    }
    let mut runs = StudyResult::read(&out.join(RESULT)).unwrap().runs;
    runs.iter_mut().for_each(|run| run.seconds = 0.0);
    (weights, runs)
}

#[test]
fn optimized_takes_what_adact_chose_with_its_seed() {
    let dir = tempfile::tempdir().unwrap();
    let result = run(dir.path(), &config(2), Mode::New, None).unwrap();
    assert_eq!(result.runs.len(), 6);
    for seed in [0, 1] {
        let chosen = variants::choices(result.run("adact", seed).unwrap(), Rule::Weight).unwrap();
        let folder = dir.path().join(run_directory("optimized", seed));
        let config = Config::read(&folder.join("config.toml")).unwrap();
        assert_eq!(config.train.unwrap().activation, chosen);
    }
}

#[test]
fn nearest_takes_what_is_nearest_to_the_learned_functions() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(1);
    config.study.get_or_insert_default().variants = ["adact", "nearest"].map(String::from).to_vec();
    let result = run(dir.path(), &config, Mode::New, None).unwrap();
    let adact = result.run("adact", 0).unwrap();
    let nearest = |(i, layer)| {
        let seen = adact.inputs_of_layer(i).unwrap();
        adact_evidence::nearest::nearest(layer, seen, adact.constants.as_ref()).remove(0).activation
    };
    let expected: Vec<String> = adact.layers.as_ref().unwrap().iter().enumerate().map(nearest).collect();
    let config = Config::read(&dir.path().join(run_directory("nearest", 0)).join("config.toml")).unwrap();
    assert_eq!(config.train.unwrap().activation, expected.join("+"));
}

#[test]
fn side_by_side_and_interrupted_studies_give_the_same() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), &config(2), Mode::New, None).unwrap();
    let expected = remains(whole.path());

    let mut side_by_side = config(2);
    side_by_side.output.jobs = 3;
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &side_by_side, Mode::New, None).unwrap();
    assert_eq!(remains(dir.path()), expected);

    for stop in [1, 9, 40, 77, 100, 150] {
        let dir = tempfile::tempdir().unwrap();
        let stopped = run(dir.path(), &config(2), Mode::New, Some(stop)).unwrap_err();
        assert_eq!(stopped.kind(), Kind::Cancelled);
        assert!(!dir.path().join(RESULT).exists());
        run(dir.path(), &config(2), Mode::Resume, None).unwrap();
        assert_eq!(remains(dir.path()), expected, "stopped after {stop} events");
    }
}

/// More epochs, more seeds, other variants: what is there is kept and goes on, and nothing tells how often it was stopped.
#[test]
fn a_study_grows_from_anywhere() {
    let grown = config(2);
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), &grown, Mode::New, None).unwrap();
    let expected = remains(whole.path());
    let names = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    for (epochs, seeds, variants) in [
        (1, 2, names(&["adact", "optimized", "relu"])),
        (3, 1, names(&["adact", "optimized", "relu"])),
        (3, 2, names(&["relu"])),
        (2, 1, names(&["adact", "optimized"])),
    ] {
        let mut small = config(seeds);
        small.protocol.epochs = epochs;
        small.study.as_mut().unwrap().variants = variants;
        for stop in [None, Some(2), Some(60)] {
            let dir = tempfile::tempdir().unwrap();
            let first = run(dir.path(), &small, Mode::New, None).unwrap();
            if stop.is_some() {
                assert!(run(dir.path(), &grown, Mode::Resume, stop).is_err());
                assert_eq!(StudyResult::read(&dir.path().join(RESULT)).unwrap(), first);
            }
            run(dir.path(), &grown, Mode::Resume, None).unwrap();
            assert_eq!(
                remains(dir.path()),
                expected,
                "{epochs} epochs, {seeds} seeds, stopped after {stop:?}"
            );
            let written = Config::read(&dir.path().join("config.toml")).unwrap();
            assert_eq!(written, Config { train: None, ..grown.clone() });
        }
    }
}

#[test]
fn finished_runs_are_not_touched_by_new_seeds_and_variants() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &config(1), Mode::New, None).unwrap();
    let kept = |name: &str| {
        let file = dir.path().join("runs/relu-seed0").join(name);
        (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap())
    };
    let before = (kept("metrics.jsonl"), kept(BEST), kept("manifest.json"), kept(RESULT));
    let mut grown = config(3);
    grown.study.as_mut().unwrap().variants.push("mish".into());
    let result = run(dir.path(), &grown, Mode::Resume, None).unwrap();
    assert_eq!((result.seeds.len(), result.runs.len()), (3, 12));
    assert_eq!((kept("metrics.jsonl"), kept(BEST), kept("manifest.json"), kept(RESULT)), before);
}

#[test]
fn a_study_of_fewer_epochs_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &config(1), Mode::New, None).unwrap();
    let before = fs::read(dir.path().join("config.toml")).unwrap();
    let mut fewer = config(1);
    fewer.protocol.epochs = 2;
    let error = run(dir.path(), &fewer, Mode::Resume, None).unwrap_err();
    assert!(error.is_input() && error.to_string().contains("give --epochs 3"), "{error}");
    assert_eq!(fs::read(dir.path().join("config.toml")).unwrap(), before);
}

#[test]
fn a_study_of_two_builds_says_so_in_manifest_and_table() {
    let dir = tempfile::tempdir().unwrap();
    let one = run(dir.path(), &config(1), Mode::New, None).unwrap();
    assert_eq!(one.provenance.builds, [build::current().clone()]);
    let path = dir.path().join("runs/relu-seed0/manifest.json");
    let mut manifest = Manifest::read(&path).unwrap();
    manifest.builds[0].kernels = "0".repeat(16);
    manifest.write(&path).unwrap();
    let two = run(dir.path(), &config(2), Mode::Resume, None).unwrap();
    assert_eq!(two.provenance.builds.len(), 2);
    assert_eq!(Manifest::read(&dir.path().join(MANIFEST)).unwrap().builds, two.provenance.builds);
    for file in ["table.md", "report.html"] {
        let text = fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(text.contains("Made by two builds: ") && text.contains(&"0".repeat(16)), "{file}");
    }
    let again = outputs::collect(dir.path()).unwrap();
    assert_eq!(again.provenance.builds, two.provenance.builds);
}

#[test]
fn a_training_that_fails_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let observer = StopAfter::new(None);
    let broken = |config: &Config, data: &Data| -> Result<Number> {
        let train = config.train.clone().unwrap_or_default();
        let nan_at = (train.activation == "adact" && train.seed == 1).then_some(3);
        Ok(Number { nan_at, ..make(config, data)? })
    };
    let data = testing::data();
    study_with(&config(2), &data, dir.path(), Mode::New, &observer.control(), &broken).unwrap();
    let result = StudyResult::read(&dir.path().join(RESULT)).unwrap();
    let finished: Vec<_> = result.runs.iter().map(|r| (r.variant.as_str(), r.seed)).collect();
    assert_eq!(finished, [("adact", 0), ("optimized", 0), ("relu", 0), ("relu", 1)]);

    // The record tells which, where and why, and nothing of this machine's folders.
    let places: Vec<_> = result.failures.iter().map(|f| (f.variant.as_str(), f.epoch, f.step)).collect();
    assert_eq!(places, [("adact", Some(1), Some(3)), ("optimized", None, None)]);
    assert!(result.failures[0].why.starts_with("the loss became NaN; no epoch was finished"), "{result:?}");
    assert!(result.failures[1].why.contains("because adact failed"));
    let error = failed(&result).unwrap();
    assert!(!error.is_input() && error.to_string().starts_with("2 trainings failed"), "{error}");
    // A report that is made again still tells.
    assert_eq!(outputs::collect(dir.path()).unwrap(), result);

    // Tried again, the failure is gone.
    let mended = run(dir.path(), &config(2), Mode::Resume, None).unwrap();
    assert_eq!((mended.runs.len(), mended.failures.len()), (6, 0));
    assert!(failed(&mended).is_none());
}

#[test]
fn a_study_whose_every_training_fails_leaves_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let observer = StopAfter::new(None);
    let broken = |config: &Config, data: &Data| Ok(Number { nan_at: Some(1), ..make(config, data)? });
    let data = testing::data();
    study_with(&config(1), &data, dir.path(), Mode::New, &observer.control(), &broken).unwrap();
    let result = StudyResult::read(&dir.path().join(RESULT)).unwrap();
    assert_eq!((result.runs.len(), result.failures.len()), (0, 3));
    let page = fs::read_to_string(dir.path().join(outputs::REPORT)).unwrap();
    assert!(page.contains("3 trainings of 3 failed"), "{page}");
    assert_eq!(outputs::collect(dir.path()).unwrap(), result);
}

#[test]
fn weights_that_became_nan_in_the_last_step_are_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let observer = StopAfter::new(None);
    let broken = |config: &Config, data: &Data| Ok(Number { nan_after: Some(21), ..make(config, data)? });
    let mut config = config(1);
    config.study = Some(StudyOptions {
        variants: vec!["relu".into()],
        seeds: Seeds::first(1),
        ..StudyOptions::default()
    });
    let data = testing::data();
    let study = study_with(&config, &data, dir.path(), Mode::New, &observer.control(), &broken).unwrap();
    // 50 images in batches of 8: the third epoch ends with step 21.
    assert_eq!((study.result.failures[0].epoch, study.result.failures[0].step), (Some(3), Some(21)));
}

/// With two workers: the sibling goes on, and `optimized` doesn't wait for an `adact` that will never come.
#[test]
fn a_training_that_panics_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let observer = StopAfter::new(None);
    let broken = |config: &Config, data: &Data| -> Result<Number> {
        let train = config.train.clone().unwrap_or_default();
        let panic_at = (train.activation == "adact" && train.seed == 0).then_some(3);
        Ok(Number { panic_at, ..make(config, data)? })
    };
    let data = testing::data();
    let mut config = config(2);
    config.output.jobs = 2;
    let study = study_with(&config, &data, dir.path(), Mode::New, &observer.control(), &broken).unwrap();
    let failures = &study.result.failures;
    assert_eq!(failures.iter().map(|f| f.variant.as_str()).collect::<Vec<_>>(), ["adact", "optimized"]);
    for words in ["mistake in the program at ", "testing.rs:", "of step 3"] {
        assert!(failures[0].why.contains(words), "{failures:?}");
    }
    let finished: Vec<_> = study.result.runs.iter().map(|r| (r.variant.as_str(), r.seed)).collect();
    assert_eq!(finished, [("adact", 1), ("optimized", 1), ("relu", 0), ("relu", 1)]);

    // Once the mistake is mended, the study goes on.
    let mended = run(dir.path(), &config, Mode::Resume, None).unwrap();
    assert_eq!(mended.runs.len(), 6);
}

/// The watcher is code of others as well, and is called by the workers.
#[test]
fn a_watcher_that_panics_ends_the_training_that_it_watches() {
    struct Panics;
    impl Observer for Panics {
        fn event(&self, event: Event<'_>) {
            match event {
                Event::Epoch { run, .. } if run.variant == "adact" => panic!("no place to draw"),
                Event::Failed { .. } => panic!("again"),
                _ => {}
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let cancel = AtomicBool::new(false);
    let control = Control { observer: &Panics, cancel: &cancel };
    let mut config = config(1);
    config.output.jobs = 2;
    let study = study_with(&config, &testing::data(), dir.path(), Mode::New, &control, &make).unwrap();
    let failures = study.result.failures;
    assert!(failures.len() == 2 && failures[0].why.contains("no place to draw"), "{failures:?}");
}
