//! The loop with a network that is only a number, so that a test can stop it anywhere.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use adact_data::Images;
use adact_evidence::records::{LayerWeights, MANIFEST, Manifest, Selection};

use super::*;
use crate::config::Train;
use crate::folder::Mode;
use crate::learner::{Evaluation, Outcome};

/// A network whose whole state is one number that depends on all it has seen.
#[derive(Default)]
struct Number {
    state: u64,
    nan_at: Option<u64>,
    evaluated: Vec<usize>,
}

fn mix(state: u64, value: u64) -> u64 {
    (state ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

impl Learner for Number {
    fn step(&mut self, pixels: Vec<f32>, labels: &[i32], step: u64) -> Result<Outcome> {
        self.state = mix(self.state, step);
        self.state = pixels.iter().fold(self.state, |s, p| mix(s, u64::from(p.to_bits())));
        self.state = labels.iter().fold(self.state, |s, &l| mix(s, l as u64));
        let loss = if self.nan_at == Some(step) { f64::NAN } else { (self.state >> 40) as f64 * 1e-8 };
        Ok(Outcome { loss, correct: self.state as usize % (labels.len() + 1) })
    }

    fn evaluate(&mut self, pixels: Vec<f32>, labels: &[i32]) -> Result<Evaluation> {
        self.evaluated.push(labels.len());
        let answers = (0..labels.len()).map(|i| (mix(self.state, i as u64) >> 32) as u8 % 3).collect();
        Ok(Evaluation { loss_sum: pixels.len() as f64, answers })
    }

    fn inputs(&mut self, pixels: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        Ok(vec![pixels; 2])
    }

    fn layers(&self) -> Option<Vec<LayerWeights>> {
        None
    }

    fn activations(&self) -> Vec<String> {
        vec!["relu".into(); 4]
    }

    fn parameters(&self) -> u64 {
        1
    }

    fn save(&self, path: &Path) -> Result<()> {
        fs::write(path, self.state.to_le_bytes()).map_err(|e| Error::io("write", path, &e))
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        let bytes = fs::read(path).map_err(|e| Error::io("read", path, &e))?;
        self.state = u64::from_le_bytes(bytes.try_into().map_err(|_| Error::input("not a number"))?);
        Ok(())
    }

    fn save_state(&self, dir: &Path) -> Result<()> {
        self.save(&dir.join("number"))
    }

    fn load_state(&mut self, dir: &Path) -> Result<()> {
        self.load(&dir.join("number"))
    }
}

fn images(n: usize) -> Images {
    let pixels = (0..n * 256).map(|i| (i * 7 % 251) as u8).collect();
    Images { channels: 1, height: 16, width: 16, pixels, labels: (0..n).map(|i| (i % 3) as u8).collect() }
}

fn data() -> Data {
    Data {
        name: "numbers".into(),
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        train: images(50),
        validation: None,
        test: images(21),
        files: Vec::new(),
        note: None,
    }
}

fn config() -> Config {
    let mut config = Config { train: Some(Train::default()), ..Config::default() };
    (config.protocol.epochs, config.protocol.batch, config.protocol.test_batch) = (6, 8, 10);
    config
}

/// Stops the training after a number of events.
struct StopAfter {
    events: usize,
    seen: AtomicUsize,
    cancel: AtomicBool,
}

impl Observer for StopAfter {
    fn event(&self, _: Event<'_>) {
        if self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.events {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

use crate::control::Observer;

fn run(dir: &Path, learner: Number, data: &Data, config: &Config, stop: Option<usize>) -> Result<RunResult> {
    let folder = Folder::open(dir, config, Mode::Resume)?;
    let observer = StopAfter {
        events: stop.unwrap_or(usize::MAX),
        seen: AtomicUsize::new(0),
        cancel: AtomicBool::new(false),
    };
    let control = Control { observer: &observer, cancel: &observer.cancel };
    let id = RunId { variant: "relu".into(), seed: 0 };
    train(learner, config, data, &id, &folder, &control)
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
fn the_best_epoch_is_the_first_of_equals_and_its_weights_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let result = run(dir.path(), Number::default(), &data(), &config(), None).unwrap();
    let metrics = EpochRecord::read_all(&dir.path().join(METRICS)).unwrap();
    let top = metrics.iter().filter_map(|e| e.test_accuracy).fold(0.0, f64::max);
    let first = metrics.iter().find(|e| e.test_accuracy == Some(top)).unwrap().epoch;
    assert_eq!((result.best.epoch, result.best.test_accuracy), (first, top));
    assert_eq!(result.confusion.unwrap().correct() as f64 / 21.0, top);
    assert_eq!(result.inputs.unwrap()[1].total(), 50 * 256);
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
    (data.validation, data.test) = (Some(images(10)), images(4));
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), &config, Mode::New).unwrap();
    let cancel = AtomicBool::new(false);
    let id = RunId { variant: "relu".into(), seed: 0 };
    let mut training = Training {
        learner: Number::default(),
        config: &config,
        data: &data,
        run: &id,
        folder: &folder,
        control: &Control { observer: &(), cancel: &cancel },
        epochs: Vec::new(),
    };
    for _ in 0..config.protocol.epochs {
        training.epoch().unwrap();
    }
    let result = training.finish().unwrap();
    assert_eq!(training.learner.evaluated, [10, 10, 10, 10, 10, 10, 4]);
    assert_eq!((result.validation.unwrap().images, result.last.test_accuracy), (10, None));
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
