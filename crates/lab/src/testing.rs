//! A network that is only a number, and other things that tests share.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use adact::Inputs;
use adact_data::{Images, Task};
use adact_evidence::records::{LayerWeights, PAPER_CANDIDATES, Selection};

use crate::config::{Config, Train};
use crate::control::{Control, Event, Observer};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::learner::{Evaluation, Learner, Outcome};
use crate::parts::Part;

/// A network whose whole state is one number that depends on all it has seen.
#[derive(Default)]
pub struct Number {
    pub state: u64,
    pub nan_at: Option<u64>,
    /// After this step its answers are no numbers any more.
    pub nan_after: Option<u64>,
    pub steps: u64,
    pub panic_at: Option<u64>,
    pub evaluated: Vec<usize>,
    /// Whether it says that its layers are mixtures.
    pub mixture: bool,
}

fn mix(state: u64, value: u64) -> u64 {
    (state ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// The pixels of a batch.
fn pixels(inputs: Inputs) -> Vec<f32> {
    match inputs {
        Inputs::Values(pixels) => pixels,
        Inputs::Tokens(_) => unreachable!("tests have images"),
    }
}

impl Learner for Number {
    fn step(&mut self, inputs: Inputs, labels: &[i32], step: u64) -> Result<Outcome> {
        self.steps = step;
        assert_ne!(self.panic_at, Some(step), "of step {step}");
        self.state = mix(self.state, step);
        self.state = pixels(inputs).iter().fold(self.state, |s, p| mix(s, u64::from(p.to_bits())));
        self.state = labels.iter().fold(self.state, |s, &l| mix(s, l as u64));
        let loss = if self.nan_at == Some(step) { f64::NAN } else { (self.state >> 40) as f64 * 1e-8 };
        Ok(Outcome { loss, correct: self.state as usize % (labels.len() + 1) })
    }

    fn evaluate(&mut self, inputs: Inputs, labels: &[i32]) -> Result<Evaluation> {
        self.evaluated.push(labels.len());
        let answers =
            (0..labels.len()).map(|i| u16::from((mix(self.state, i as u64) >> 32) as u8 % 3)).collect();
        let broken = self.nan_after.is_some_and(|last| self.steps >= last);
        Ok(Evaluation { loss_sum: if broken { f64::NAN } else { pixels(inputs).len() as f64 }, answers })
    }

    fn step_bilevel(
        &mut self,
        (inputs, targets): (Inputs, &[i32]),
        held_out: (Inputs, &[i32]),
        step: u64,
    ) -> Result<Outcome> {
        self.state = mix(self.state, pixels(held_out.0).len() as u64);
        self.step(inputs, targets, step)
    }

    fn evaluate_with(
        &mut self,
        choices: &[Option<String>],
        inputs: Inputs,
        targets: &[i32],
    ) -> Result<Evaluation> {
        // Each candidate moves the loss by another number.
        let moved = choices.iter().flatten().map(|name| name.len() as f64).sum::<f64>();
        let found = self.evaluate(inputs, targets)?;
        Ok(Evaluation { loss_sum: found.loss_sum + moved, ..found })
    }

    fn inputs(&mut self, inputs: Inputs) -> Result<Vec<Vec<f32>>> {
        Ok(vec![pixels(inputs); 4])
    }

    fn layers(&self) -> Option<Vec<LayerWeights>> {
        let layer = |i: u64| {
            let w: Vec<f32> = (0..7u64).map(|j| (mix(self.state, i * 7 + j) >> 40) as f32).collect();
            let best = (0..7usize).max_by(|&a, &b| w[a].total_cmp(&w[b])).unwrap();
            let choice = PAPER_CANDIDATES[best].to_owned();
            LayerWeights {
                place: None,
                candidates: None,
                softmax: vec![1.0 / 7.0; 7],
                shares: None,
                w,
                prelu_slope: None,
                choice,
            }
        };
        self.mixture.then(|| (0..4).map(layer).collect())
    }

    fn places(&self) -> Vec<String> {
        (0..4).map(|i| format!("act.{i}")).collect()
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

pub fn images(n: usize) -> Images {
    let pixels = (0..n * 256).map(|i| (i * 7 % 251) as u8).collect();
    Images { channels: 1, height: 16, width: 16, pixels, labels: (0..n).map(|i| (i % 3) as u8).collect() }
}

pub fn data() -> Data {
    Data {
        name: "numbers".into(),
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        task: Task::Classification,
        image: [1, 16],
        train: Part::Images(images(50)),
        search: None,
        validation: None,
        test: Part::Images(images(21)),
        selected_by: Selection::Test,
        files: Vec::new(),
        note: None,
        remarks: Vec::new(),
    }
}

pub fn config() -> Config {
    let mut config = Config { train: Some(Train::default()), ..Config::default() };
    (config.protocol.epochs, config.protocol.batch, config.protocol.test_batch) = (6, 8, 10);
    config
}

/// Asks to stop after a number of events.
pub struct StopAfter {
    events: usize,
    seen: AtomicUsize,
    cancel: AtomicBool,
}

impl StopAfter {
    pub fn new(events: Option<usize>) -> Self {
        Self {
            events: events.unwrap_or(usize::MAX),
            seen: AtomicUsize::new(0),
            cancel: AtomicBool::new(false),
        }
    }

    pub fn control(&self) -> Control<'_> {
        Control { observer: self, cancel: &self.cancel }
    }
}

impl Observer for StopAfter {
    fn event(&self, _: Event<'_>) {
        if self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.events {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

/// Keeps the notes.
#[derive(Default)]
pub struct Notes(pub Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: Event<'_>) {
        if let Event::Note(text) = event {
            self.0.lock().unwrap().push(text.into());
        }
    }
}
