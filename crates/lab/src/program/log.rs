//! What a training program logs: a JSON object a line, read while it is written.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use adact_evidence::metric::Metric;
use adact_evidence::records::{EpochRecord, LayerWeights, Metrics};
use adact_kernels::softmax;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// No line is longer than this: a program that writes something else is not read into memory whole.
const LONGEST: u64 = 16 << 20;

/// A place, as a line of the log tells it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Its path or name.
    pub place: String,
    /// The activation that is there; `adact`, or nothing, where it is a mixture.
    #[serde(default)]
    activation: Option<String>,
    /// The raw weights of the mixture, in the order of the candidates.
    #[serde(default)]
    weights: Option<Vec<f32>>,
    /// PReLU's slope in the mixture.
    #[serde(default)]
    prelu_slope: Option<f32>,
}

impl Place {
    pub(super) fn activation(&self) -> &str {
        match (&self.activation, &self.weights) {
            (Some(name), None) => name,
            _ => "adact",
        }
    }

    /// The weights as records have them.
    fn layer(&self, candidates: &[String]) -> std::result::Result<Option<LayerWeights>, String> {
        let Some(w) = &self.weights else {
            return match self.activation() {
                "adact" => Err(format!("the mixture at {} has no \"weights\"", self.place)),
                _ => Ok(None),
            };
        };
        if w.len() != candidates.len() {
            let (n, of) = (w.len(), candidates.len());
            return Err(format!(
                "{} has {n} weights, and there are {of} candidates (ADACT_CANDIDATES)",
                self.place
            ));
        }
        if w.iter().chain(&self.prelu_slope).any(|value| !value.is_finite()) {
            return Err(format!("a weight of {} is no finite number", self.place));
        }
        let largest = w.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let first = w.iter().position(|&w| w == largest).unwrap_or(0);
        Ok(Some(LayerWeights {
            place: Some(self.place.clone()),
            candidates: Some(candidates.to_vec()),
            softmax: softmax(w).into_iter().map(|share| share as f32).collect(),
            shares: None,
            w: w.clone(),
            prelu_slope: self.prelu_slope,
            choice: candidates[first].clone(),
        }))
    }
}

/// The log of a program, as far as it is written.
pub(super) struct Log {
    path: PathBuf,
    candidates: Vec<String>,
    /// The metric that decides, which every epoch has.
    metric: String,
    /// What is read up to.
    position: u64,
    /// The end of the last line that could be used.
    good: u64,
    /// A line that isn't whole yet.
    partial: Vec<u8>,
    line: usize,
    epochs: Vec<EpochRecord>,
    /// The epochs that an earlier call recorded, which knows how long they took.
    known: Vec<EpochRecord>,
    places: Vec<Place>,
    done: bool,
    parameters: u64,
    test_examples: Option<u64>,
}

impl Log {
    /// Reads what is there of an earlier call, whose records are `known`.
    pub(super) fn open(
        path: &Path,
        candidates: Vec<String>,
        metric: &str,
        known: Vec<EpochRecord>,
    ) -> Result<Self> {
        let mut log = Self {
            path: path.into(),
            candidates,
            metric: metric.into(),
            position: 0,
            good: 0,
            partial: Vec::new(),
            line: 0,
            epochs: Vec::new(),
            known,
            places: Vec::new(),
            done: false,
            parameters: 0,
            test_examples: None,
        };
        let read = log.read(Duration::ZERO);
        log.known.clear();
        // A line that ended an earlier call, or that the program didn't end before it died: what is written now stands in
        // its place.
        if read.is_err() || !log.partial.is_empty() {
            let cut = File::options().write(true).open(path).and_then(|file| file.set_len(log.good));
            cut.map_err(|e| Error::io("write", path, &e))?;
            log.position = log.good;
            log.partial.clear();
            log.line = log.line.saturating_sub(usize::from(read.is_err()));
        }
        // Whoever goes on says again that it is done.
        log.done = false;
        Ok(log)
    }

    /// The epochs that were logged since the last call; `elapsed` is the time since the last epoch, for one that doesn't
    /// say how long it took. Of several that came at once the first one took it, and no time is counted twice.
    pub(super) fn read(&mut self, mut elapsed: Duration) -> Result<Vec<EpochRecord>> {
        let failed = |e: &std::io::Error| Error::io("read", &self.path, e);
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(&e)),
        };
        let length = file.metadata().map_err(|e| failed(&e))?.len();
        if length < self.position {
            return Err(self.broken("it became shorter: lines are only added"));
        }
        file.seek(SeekFrom::Start(self.position)).map_err(|e| failed(&e))?;
        let mut new = Vec::new();
        file.take(LONGEST).read_to_end(&mut new).map_err(|e| failed(&e))?;
        self.position += new.len() as u64;
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend(new);
        let mut found = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some(end) = rest.iter().position(|&b| b == b'\n') {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            self.line += 1;
            if !line.trim_ascii().is_empty() {
                let record = self.take(line, elapsed)?;
                let took = record.as_ref().map_or(0.0, |record| record.seconds);
                elapsed = elapsed.saturating_sub(Duration::try_from_secs_f64(took).unwrap_or(elapsed));
                found.extend(record);
            }
            self.good += line.len() as u64 + 1;
        }
        if rest.len() as u64 > LONGEST {
            return Err(self.broken("it is too long for a line of a log"));
        }
        self.partial = rest.to_vec();
        Ok(found)
    }

    /// Takes a line in; gives its epoch, if it tells one.
    fn take(&mut self, line: &[u8], elapsed: Duration) -> Result<Option<EpochRecord>> {
        let object: std::result::Result<Map<String, Value>, _> = serde_json::from_slice(line);
        let Ok(mut object) = object else {
            let hint = if line.windows(3).any(|w| w == b"NaN") || line.windows(8).any(|w| w == b"Infinity") {
                ": JSON has no NaN and no Infinity, write null"
            } else {
                ": give a JSON object a line"
            };
            return Err(self.broken(&format!("it is no JSON object{hint}")));
        };
        if let Some(places) = object.remove("places") {
            self.places = serde_json::from_value(places)
                .map_err(|e| self.broken(&format!("\"places\" can't be read: {e}")))?;
        }
        let number = |value: Value, name: &str| {
            value.as_u64().ok_or_else(|| self.broken(&format!("\"{name}\" is {value}, not a whole number")))
        };
        let parameters = object.remove("parameters").map(|v| number(v, "parameters")).transpose()?;
        let test_examples = object.remove("test_examples").map(|v| number(v, "test_examples")).transpose()?;
        let epoch = object.remove("epoch").map(|v| number(v, "epoch")).transpose()?;
        let done = match object.remove("done") {
            None => false,
            Some(Value::Bool(done)) => done,
            Some(other) => return Err(self.broken(&format!("\"done\" is {other}, not true"))),
        };
        self.parameters = parameters.unwrap_or(self.parameters);
        self.test_examples = test_examples.or(self.test_examples);
        let record = match epoch {
            Some(epoch) => Some(self.epoch(epoch, object, elapsed)?),
            None => None,
        };
        self.done = done;
        Ok(record)
    }

    /// An epoch: the next one, or one that is trained again, which forgets those behind it.
    fn epoch(&mut self, epoch: u64, object: Map<String, Value>, elapsed: Duration) -> Result<EpochRecord> {
        let before = self.epochs.len() as u64;
        if epoch == 0 || epoch > before + 1 {
            return Err(self.broken(&format!(
                "epoch {epoch} is not the next one: they count from 1, one by one, and {} there before",
                match before {
                    0 => "none is".into(),
                    1 => "1 is".into(),
                    n => format!("{n} are"),
                }
            )));
        }
        self.epochs.truncate(epoch as usize - 1);
        let (mut train, mut test, mut validation) = (Metrics::new(), Metrics::new(), Metrics::new());
        let mut seconds = elapsed.as_secs_f64();
        for (key, value) in object {
            let value = match value {
                Value::Null => f64::NAN,
                other => other
                    .as_f64()
                    .ok_or_else(|| self.broken(&format!("\"{key}\" is {other}, not a number")))?,
            };
            let (part, name) = match key.split_once('_') {
                Some(("train", name)) => (&mut train, name),
                Some(("validation" | "val", name)) => (&mut validation, name),
                Some(("test", name)) => (&mut test, name),
                _ => (&mut test, key.as_str()),
            };
            if name == "seconds" {
                seconds = value;
                continue;
            }
            if Metric::of(name).is_share && value.is_finite() && !(0.0..=1.0).contains(&value) {
                return Err(self.broken(&format!("\"{key}\" is {value}: give a share from 0 to 1")));
            }
            part.set(name, value);
        }
        let decides = test.get(&self.metric).is_some();
        let layers = self.places.iter().map(|place| place.layer(&self.candidates));
        let layers: Vec<LayerWeights> = layers
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|why| self.broken(&why))?
            .into_iter()
            .flatten()
            .collect();
        let some = |metrics: Metrics| {
            let any = metrics.iter().any(|(_, value)| value.is_finite());
            any.then_some(metrics)
        };
        let mut record = EpochRecord {
            epoch: epoch as usize,
            step: None,
            train,
            test: some(test),
            validation: some(validation),
            seconds: if seconds.is_finite() && seconds >= 0.0 { seconds } else { 0.0 },
            layers: (!layers.is_empty()).then_some(layers),
        };
        if !decides {
            let (metric, has) = (&self.metric, in_words(&record));
            return Err(
                self.broken(&format!("epoch {epoch} has no {metric}, which decides (--metric); {has}"))
            );
        }
        if let Some(known) = self.known.get(epoch as usize - 1) {
            record.seconds = known.seconds;
        }
        self.epochs.push(record.clone());
        Ok(record)
    }

    fn broken(&self, why: &str) -> Error {
        Error::failure(format!("{}: line {}: {why}", self.path.display(), self.line))
    }

    pub(super) fn epochs(&self) -> &[EpochRecord] {
        &self.epochs
    }

    /// The places, as the last line that names some tells them.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Whether the program said that it is done, after its last epoch.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// The number of parameters; 0 where the program doesn't say.
    pub(super) fn parameters(&self) -> u64 {
        self.parameters
    }

    pub(super) fn test_examples(&self) -> Option<u64> {
        self.test_examples
    }
}

/// The metrics that an epoch has: "it has accuracy, train_loss".
pub(super) fn in_words(record: &EpochRecord) -> String {
    let named = |part: &str, metrics: &Metrics| {
        let finite = metrics.iter().filter(|(_, value)| value.is_finite());
        finite.map(|(name, _)| format!("{part}{name}")).collect::<Vec<_>>()
    };
    let mut names = record.test.as_ref().map_or_else(Vec::new, |m| named("", m));
    names.extend(record.validation.as_ref().map_or_else(Vec::new, |m| named("validation_", m)));
    names.extend(named("train_", &record.train));
    if names.is_empty() { "no number of it is finite".into() } else { format!("it has {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn log(text: &str, metric: &str) -> (tempfile::TempDir, Result<Log>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        fs::write(&path, "").unwrap();
        let mut log = Log::open(&path, vec!["relu".into(), "mish".into()], metric, Vec::new()).unwrap();
        fs::write(&path, text).unwrap();
        let read = log.read(Duration::from_secs(3));
        (dir, read.map(|_| log))
    }

    #[test]
    fn lines_become_records() {
        let (_dir, log) = log(
            concat!(
                r#"{"epoch": 1, "accuracy": 0.5, "train_loss": 1.5, "val_accuracy": 0.25, "seconds": 2, "#,
                r#""places": [{"place": "a", "weights": [0, 1], "prelu_slope": null}, {"place": "b", "activation": "silu"}]}"#,
                "\n\n",
                r#"{"epoch": 2, "accuracy": 0.75, "test_loss": null}"#,
                "\n",
                r#"{"done": true, "parameters": 12, "test_examples": 100}"#,
                "\n",
            ),
            "accuracy",
        );
        let log = log.unwrap();
        let [one, two] = log.epochs() else { panic!("{:?}", log.epochs()) };
        let layer = &one.layers.as_ref().unwrap()[0];
        assert_eq!(
            (one.seconds, layer.choice.as_str(), one.layers.as_ref().unwrap().len()),
            (2.0, "mish", 1)
        );
        assert!((layer.softmax[1] - 0.731_058_6).abs() < 1e-6);
        assert_eq!(one.validation.as_ref().unwrap().get("accuracy"), Some(0.25));
        assert_eq!((two.seconds, two.test.as_ref().unwrap().get("accuracy")), (1.0, Some(0.75)));
        assert!(log.is_done() && log.parameters() == 12 && log.test_examples() == Some(100));
        let places: Vec<_> = log.places().iter().map(Place::activation).collect();
        assert_eq!(places, ["adact", "silu"]);
    }

    #[test]
    fn an_epoch_that_is_trained_again_forgets_those_behind_it() {
        let lines = |epochs: &[usize]| {
            epochs.iter().map(|e| format!("{{\"epoch\": {e}, \"loss\": {e}}}\n")).collect::<String>()
        };
        let (dir, first) = log(&(lines(&[1, 2, 3]) + "{\"done\": true}\n{\"epoch\": 4, \"lo"), "loss");
        let first = first.unwrap();
        assert!(first.is_done() && first.epochs().len() == 3);
        let path = dir.path().join("log.jsonl");
        let known = first.epochs().iter().map(|e| EpochRecord { seconds: 7.0, ..e.clone() }).collect();
        let mut again = Log::open(&path, Vec::new(), "loss", known).unwrap();
        assert!(!again.is_done() && again.epochs().iter().all(|e| e.seconds == 7.0));
        let text = fs::read_to_string(&path).unwrap() + &lines(&[2]);
        fs::write(&path, text).unwrap();
        again.read(Duration::from_secs(1)).unwrap();
        assert_eq!(
            again.epochs().iter().map(|e| (e.epoch, e.seconds)).collect::<Vec<_>>(),
            [(1, 7.0), (2, 1.0)]
        );
        // What is read again after that is the same.
        let third = Log::open(&path, Vec::new(), "loss", again.epochs().to_vec()).unwrap();
        assert_eq!(third.epochs(), again.epochs());
    }

    #[test]
    fn what_ended_an_earlier_call_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        fs::write(&path, "{\"epoch\": 1, \"loss\": 1}\nhello\n{\"epoch\": 2, \"loss\": 1}\n").unwrap();
        let mut log = Log::open(&path, Vec::new(), "loss", Vec::new()).unwrap();
        assert_eq!(log.epochs().len(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"epoch\": 1, \"loss\": 1}\n");
        fs::write(&path, fs::read_to_string(&path).unwrap() + "{\"epoch\": 2, \"loss\": 0.5}\nx\n").unwrap();
        let error = log.read(Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("line 3: it is no JSON object"), "{error}");
        assert_eq!(log.epochs().len(), 2);
    }

    #[test]
    fn mistakes_name_the_line() {
        for (text, words) in [
            ("hello\n", "line 1: it is no JSON object: give"),
            ("{\"epoch\": 1, \"loss\": NaN}\n", "write null"),
            (
                "\n{\"epoch\": 2, \"loss\": 1}\n",
                "line 2: epoch 2 is not the next one: they count from 1, one by one, and none is there before",
            ),
            ("{\"epoch\": 1}\n", "epoch 1 has no loss, which decides (--metric); no number of it is finite"),
            (
                "{\"epoch\": 1, \"acc\": 0.5, \"train_loss\": 1}\n",
                "no loss, which decides (--metric); it has acc, train_loss",
            ),
            ("{\"epoch\": 1, \"loss\": 1, \"accuracy\": 93.5}\n", "give a share from 0 to 1"),
            ("{\"epoch\": 1, \"loss\": \"low\"}\n", "\"loss\" is \"low\", not a number"),
            ("{\"epoch\": 1.5, \"loss\": 1}\n", "\"epoch\" is 1.5, not a whole number"),
            (
                "{\"epoch\": 1, \"loss\": 1, \"places\": [{\"place\": \"a\", \"weights\": [1]}]}\n",
                "a has 1 weights, and there are 2 candidates",
            ),
            (
                "{\"epoch\": 1, \"loss\": 1, \"places\": [{\"place\": \"a\"}]}\n",
                "the mixture at a has no \"weights\"",
            ),
            ("{\"epoch\": 1, \"loss\": 1, \"places\": 3}\n", "\"places\" can't be read"),
            ("{\"done\": 1}\n", "\"done\" is 1, not true"),
        ] {
            let (_dir, read) = log(text, "loss");
            let message = read.err().map(|e| e.to_string()).unwrap_or_default();
            assert!(message.contains(words), "{text:?} gave {message:?}");
        }
    }
}
