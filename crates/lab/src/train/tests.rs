//! The loop with a network that is only a number, so that a test can stop it anywhere.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use adact_evidence::records::{MANIFEST, Manifest, Selection};

use super::*;
use crate::control::Observer;
use crate::folder::Mode;
use crate::testing::{Notes, Number, StopAfter, config, data, images};

fn run(dir: &Path, learner: Number, data: &Data, config: &Config, stop: Option<usize>) -> Result<RunResult> {
    let folder = Folder::open(dir, config, Mode::Resume, &StopAfter::new(None).control())?;
    let observer = StopAfter::new(stop);
    let id = RunId { variant: "relu".into(), seed: 0 };
    train(learner, config, data, &id, &folder, &observer.control())
}

/// Everything a training leaves except the times.
fn remains(dir: &Path) -> (Vec<u8>, Vec<u8>, Vec<EpochRecord>, RunResult) {
    let timeless = |mut list: Vec<EpochRecord>| {
        list.iter_mut().for_each(|e| e.seconds = 0.0);
        list
    };
    let metrics = timeless(EpochRecord::read_all(&dir.join(METRICS)).unwrap());
    assert_eq!(metrics, timeless(EpochRecord::read_all(&dir.join(LAST).join(METRICS)).unwrap()));
    let mut result = RunResult::read(&dir.join(RESULT)).unwrap();
    result.seconds = 0.0;
    (fs::read(dir.join(BEST)).unwrap(), fs::read(dir.join(LAST).join("number")).unwrap(), metrics, result)
}

#[test]
fn a_training_stopped_anywhere_ends_as_one_that_never_was() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), Number::default(), &data(), &config(), None).unwrap();
    let expected = remains(whole.path());
    assert_eq!(expected.2.len(), 6);
    let events = 1 + 6 * (7 + 2) + 1;
    for stop in (1..events).step_by(5) {
        let dir = tempfile::tempdir().unwrap();
        let mut tries = 0;
        while run(dir.path(), Number::default(), &data(), &config(), Some(stop)).is_err() {
            tries += 1;
            if tries == 3 {
                // It must not depend on progress within one call: the last call goes through.
                run(dir.path(), Number::default(), &data(), &config(), None).unwrap();
                break;
            }
        }
        assert_eq!(remains(dir.path()), expected, "stopped after {stop} events");
        assert!(Manifest::read(&dir.path().join(MANIFEST)).unwrap().finished.is_some());
    }
}

#[test]
fn a_training_that_is_interrupted_goes_on_at_the_next_step() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), Number::default(), &data(), &config(), None).unwrap();
    // Begun, one epoch of seven steps, an evaluation and a record, and five steps of the next one.
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), Number::default(), &data(), &config(), Some(1 + 9 + 5)).unwrap_err();
    let last = dir.path().join(LAST);
    assert_eq!(EpochRecord::read_all(&last.join(METRICS)).unwrap().len(), 1);
    assert_eq!(Begun::read(&last).unwrap().steps, 5);
    // All steps are done, and the evaluation was interrupted.
    run(dir.path(), Number::default(), &data(), &config(), Some(1 + 2 + 1)).unwrap_err();
    assert_eq!(Begun::read(&last).unwrap().steps, 7);
    // What was done is not done again.
    let learner = Number { panic_at: Some(14), ..Number::default() };
    run(dir.path(), learner, &data(), &config(), None).unwrap();
    assert_eq!(remains(dir.path()), remains(whole.path()));
    assert_eq!(Begun::read(&last).unwrap(), Begun::default());
}

#[test]
fn the_best_epoch_is_the_first_of_equals_and_its_weights_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let result = run(dir.path(), Number::default(), &data(), &config(), None).unwrap();
    let metrics = EpochRecord::read_all(&dir.path().join(METRICS)).unwrap();
    let accuracy = |e: &EpochRecord| e.test.as_ref().and_then(|test| test.get("accuracy"));
    let top = metrics.iter().filter_map(accuracy).fold(0.0, f64::max);
    let first = metrics.iter().find(|e| accuracy(e) == Some(top)).unwrap().epoch;
    assert_eq!((result.best.epoch, result.kept()), (first, Some(top)));
    assert_eq!(result.confusion.unwrap().correct() as f64 / 21.0, top);
    assert_eq!(result.inputs.unwrap()[1].total(), 50 * 256); // all of them: there are fewer than are looked at
}

#[test]
fn a_loss_that_is_nan_stops_and_keeps_what_was_finished() {
    let dir = tempfile::tempdir().unwrap();
    let learner = Number { nan_at: Some(17), ..Number::default() };
    let error = run(dir.path(), learner, &data(), &config(), None).unwrap_err();
    let message = error.to_string();
    assert!(!error.is_input());
    assert!(message.contains("NaN at step 17 (epoch 3)") && message.contains("epochs 1 to 2"), "{message}");
    assert_eq!(EpochRecord::read_all(&dir.path().join(METRICS)).unwrap().len(), 2);
    assert!(dir.path().join(BEST).exists() && !dir.path().join(RESULT).exists());
}

#[test]
fn with_a_validation_part_the_test_set_is_touched_once() {
    let mut config = config();
    config.protocol.select = Selection::Validation(0.2);
    let mut data = data();
    (data.validation, data.test) = (Some(Part::Images(images(10))), Part::Images(images(4)));
    data.selected_by = config.protocol.select;
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), &config, Mode::New, &StopAfter::new(None).control()).unwrap();
    let cancel = AtomicBool::new(false);
    let id = RunId { variant: "relu".into(), seed: 0 };
    let mut training = Training {
        first: 0,
        learner: Number::default(),
        config: &config,
        data: &data,
        about: About::of(&config, &data),
        run: &id,
        folder: &folder,
        control: &Control { observer: &(), cancel: &cancel },
        epochs: Vec::new(),
        begun: Begun::default(),
        builds: Vec::new(),
        events: None,
    };
    for _ in 0..config.protocol.epochs {
        training.epoch().unwrap();
    }
    let result = training.finish().unwrap();
    assert_eq!(training.learner.evaluated, [10, 10, 10, 10, 10, 10, 4]);
    assert_eq!((result.validation.unwrap().images, result.last.test), (10, None));
}

#[test]
fn the_inputs_of_activations_are_counted_over_every_class() {
    let mut data = data();
    // 400 images, class by class; those of a class have one grey.
    let mut train = images(400);
    train.labels = (0..400).map(|i| (i / 134) as u8).collect();
    for (pixels, &label) in train.pixels.chunks_mut(256).zip(&train.labels) {
        pixels.fill([0, 128, 255][label as usize]);
    }
    data.train = Part::Images(train);
    let dir = tempfile::tempdir().unwrap();
    let inputs = run(dir.path(), Number::default(), &data, &config(), None).unwrap().inputs.unwrap();
    let counts: Vec<u64> = inputs[0].counts.iter().copied().filter(|&count| count > 0).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (3, 256 * 256), "{counts:?}");
}

#[test]
fn other_data_in_the_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), Number::default(), &data(), &config(), Some(20)).unwrap_err();
    let mut other = data();
    other.files.push(adact_data::FileRecord { name: "x".into(), bytes: 1, sha256: "0".repeat(64) });
    let error = run(dir.path(), Number::default(), &other, &config(), None).unwrap_err();
    assert!(error.is_input() && error.to_string().contains("other files"), "{error}");
}

#[test]
fn a_finished_training_goes_on_to_more_epochs_from_anywhere() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), Number::default(), &data(), &config(), None).unwrap();
    let expected = remains(whole.path());
    let mut short = config();
    short.protocol.epochs = 3;
    let events = 1 + 3 * (7 + 2);
    for stop in (1..events).step_by(5).map(Some).chain([None]) {
        let dir = tempfile::tempdir().unwrap();
        let first = run(dir.path(), Number::default(), &data(), &short, None).unwrap();
        if stop.is_some() {
            run(dir.path(), Number::default(), &data(), &config(), stop).unwrap_err();
            // What was finished stays until the rest is.
            assert_eq!(RunResult::read(&dir.path().join(RESULT)).unwrap(), first);
            assert!(Manifest::read(&dir.path().join(MANIFEST)).unwrap().finished.is_none());
        }
        run(dir.path(), Number::default(), &data(), &config(), None).unwrap();
        assert_eq!(remains(dir.path()), expected, "stopped after {stop:?} events");
        assert!(Manifest::read(&dir.path().join(MANIFEST)).unwrap().finished.is_some());

        let error = run(dir.path(), Number::default(), &data(), &short, None).unwrap_err();
        assert!(error.is_input() && error.to_string().contains("give --epochs 6"), "{error}");
        assert_eq!(remains(dir.path()), expected);
    }
}

#[test]
fn fewer_epochs_than_an_unfinished_training_has_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), Number::default(), &data(), &config(), Some(40)).unwrap_err();
    let mut short = config();
    for (epochs, fits) in [(3, false), (4, true)] {
        short.protocol.epochs = epochs;
        assert_eq!(run(dir.path(), Number::default(), &data(), &short, None).is_ok(), fits, "{epochs}");
    }
}

#[test]
fn a_training_without_its_state_can_not_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut short = config();
    short.protocol.epochs = 3;
    run(dir.path(), Number::default(), &data(), &short, None).unwrap();
    fs::remove_dir_all(dir.path().join(LAST)).unwrap();
    let error = run(dir.path(), Number::default(), &data(), &config(), None).unwrap_err();
    assert!(error.is_input() && error.to_string().contains("without its folder last"), "{error}");
    run(dir.path(), Number::default(), &data(), &short, None).unwrap(); // finished as it is
}

#[test]
fn a_run_that_two_builds_made_says_so() {
    let this = build::current();
    let other = Build { commit: Some("0123456789ab".into()), kernels: "0".repeat(16), ..this.clone() };
    let same_kernels = Build { kernels: this.kernels.clone(), ..other.clone() };
    for (earlier, words) in [
        (Some(&other), Some("different results")),
        (Some(&same_kernels), Some("the same results")),
        (None, Some("a build that left no record")),
        (Some(this), None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), Number::default(), &data(), &config(), Some(40)).unwrap_err();
        let last = dir.path().join(LAST);
        assert_eq!(build::read(&last).unwrap(), std::slice::from_ref(this));
        match earlier {
            Some(build) => build::write(&last, std::slice::from_ref(build)).unwrap(),
            None => fs::remove_file(last.join("builds.json")).unwrap(),
        }
        let notes = Notes::default();
        let control = Control { observer: &notes, cancel: &AtomicBool::new(false) };
        let folder = Folder::open(dir.path(), &config(), Mode::Resume, &control).unwrap();
        let id = RunId { variant: "relu".into(), seed: 0 };
        train(Number::default(), &config(), &data(), &id, &folder, &control).unwrap();

        let manifest = Manifest::read(&dir.path().join(MANIFEST)).unwrap();
        let notes = notes.0.into_inner().unwrap();
        match words {
            Some(words) => {
                let earlier = earlier.cloned().unwrap_or_default();
                assert_eq!(manifest.builds, [earlier.clone(), this.clone()]);
                let said = manifest.several_builds().unwrap();
                assert!(said.contains("two builds") && said.contains(words), "{said}");
                assert!(notes.len() == 1 && notes[0].contains(&earlier.to_string()), "{notes:?}");
            }
            None => assert_eq!((manifest.builds, notes), (vec![this.clone()], vec![])),
        }
    }
}

/// Nothing is written once another process has the folder.
#[test]
fn a_training_stops_when_its_folder_is_taken() {
    struct Taken<'a>(&'a Path);
    impl Observer for Taken<'_> {
        fn event(&self, event: Event<'_>) {
            if let Event::Epoch { record, .. } = event
                && record.epoch == 2
            {
                fs::write(self.0.join("lock.json"), r#"{"pid":1,"host":"elsewhere","since":"now"}"#).unwrap();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let control = Control { observer: &Taken(dir.path()), cancel: &AtomicBool::new(false) };
    let folder = Folder::open(dir.path(), &config(), Mode::New, &control).unwrap();
    let id = RunId { variant: "relu".into(), seed: 0 };
    let error = train(Number::default(), &config(), &data(), &id, &folder, &control).unwrap_err();
    assert_eq!(error.kind(), crate::Kind::Taken);
    assert_eq!(EpochRecord::read_all(&dir.path().join(METRICS)).unwrap().len(), 2);
    assert!(!dir.path().join(RESULT).exists());
}
