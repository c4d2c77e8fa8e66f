//! A training program that is not ours: the command, and what it measures.

use std::path::Path;

use adact_evidence::metric::Metric;
use adact_evidence::records::MetricRecord;
use serde::{Deserialize, Serialize};

use super::{Config, DataOptions, NetworkOptions, Protocol};
use crate::error::{Error, Result};

/// A training program that a study runs, once for each variant and seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramOptions {
    /// The command, as a shell reads it.
    pub command: String,
    /// What it is called in reports; without it after its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The metric that decides, among those that the program logs.
    pub metric: String,
    /// Whether a higher number is better; without it what is known of the metric's name decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub higher_is_better: Option<bool>,
}

/// Names that a key of the log has already.
const TAKEN: [&str; 5] = ["epoch", "done", "places", "parameters", "seconds"];

impl ProgramOptions {
    /// The metric that decides, as records name it; none is the accuracy, higher is better.
    pub fn record(&self) -> Option<MetricRecord> {
        let known = Metric::of(&self.metric);
        let higher_is_better = self.higher_is_better.unwrap_or(known.higher_is_better);
        let usual = known.is_accuracy() && higher_is_better;
        (!usual).then(|| MetricRecord { name: self.metric.clone(), higher_is_better })
    }

    /// What the program is called: its name, or the first word of the command that is a file (`train.py`), or its first word.
    pub fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let words = || self.command.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
        let is_script = |word: &&str| Path::new(word).is_file();
        let word = words().skip(1).find(is_script).or(words().next()).unwrap_or("program");
        Path::new(word).file_name().map_or_else(|| word.into(), |name| name.to_string_lossy().into_owned())
    }
}

/// Refuses what a program can't be told.
pub(super) fn check(config: &Config, program: &ProgramOptions) -> Result<()> {
    if program.command.trim().is_empty() {
        return Err(Error::input("program: give the command that trains, as in `python train.py`"));
    }
    if program.name.as_ref().is_some_and(|name| name.trim().is_empty() || name.contains(char::is_control)) {
        return Err(Error::input("name: give the program a name that can be printed"));
    }
    let metric = program.metric.as_str();
    let plain = |c: char| c.is_alphanumeric() || "_-.@/".contains(c);
    if metric.is_empty() || !metric.chars().all(plain) || TAKEN.contains(&metric) {
        return Err(Error::input(format!(
            "metric: `{metric}` can't be the name of a metric: give one that the program logs, as in `accuracy`"
        )));
    }
    let part = ["test_", "train_", "validation_", "val_"].into_iter().find(|part| metric.starts_with(part));
    if let Some(part) = part {
        let why = match part {
            "test_" => format!("the log's {metric} is `{}` here", &metric[part.len()..]),
            _ => "what was measured on training or validation data can't decide".into(),
        };
        return Err(Error::input(format!("metric: `{metric}`: {why}")));
    }
    if config.network != NetworkOptions::default() {
        return Err(Error::input("program: it has its own network, so leave out --network and its sizes"));
    }
    let data = DataOptions { dataset: config.data.dataset.clone(), ..DataOptions::default() };
    if config.data != data || config.protocol != Protocol::default() {
        return Err(Error::input(
            "program: it has its own data and protocol: write epochs, sizes and rates into the command; --dataset only names \
             the data in the report",
        ));
    }
    if config.train.as_ref().is_some_and(|train| train.init.is_some()) {
        return Err(Error::input("program: it has its own initial weights, so leave out --init"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(command: &str, metric: &str) -> Config {
        let program = ProgramOptions {
            command: command.into(),
            name: None,
            metric: metric.into(),
            higher_is_better: None,
        };
        Config { program: Some(program), ..Config::default() }
    }

    #[test]
    fn what_a_program_has_itself_is_refused() {
        program("python train.py", "accuracy").check().unwrap();
        program("python train.py", "top-5").check().unwrap();
        let mut epochs = program("x", "loss");
        epochs.protocol.epochs = 3;
        let mut network = program("x", "loss");
        network.network.depth = Some(3);
        for (config, words) in [
            (program(" ", "accuracy"), "give the command"),
            (program("x", "epoch"), "`epoch` can't be the name"),
            (program("x", "a b"), "`a b` can't be the name"),
            (program("x", "test_f1"), "the log's test_f1 is `f1` here"),
            (program("x", "val_loss"), "training or validation data can't decide"),
            (epochs, "write epochs, sizes and rates into the command"),
            (network, "its own network"),
        ] {
            let error = config.check().unwrap_err();
            assert!(error.is_input() && error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_metric_is_recorded_with_its_direction() {
        let record = |metric: &str, higher| ProgramOptions {
            command: "x".into(),
            name: None,
            metric: metric.into(),
            higher_is_better: higher,
        };
        assert_eq!(record("accuracy", None).record(), None);
        assert!(!record("loss", None).record().unwrap().higher_is_better);
        assert!(record("f1", None).record().unwrap().higher_is_better);
        assert!(!record("rmse", Some(false)).record().unwrap().higher_is_better);
        assert!(!record("accuracy", Some(false)).record().unwrap().higher_is_better);
    }

    #[test]
    fn a_program_survives_toml_without_a_protocol_that_it_never_sees() {
        let config = program("python 'my train.py' --epochs 3", "loss");
        let text = config.to_toml().unwrap();
        assert!(!text.contains("[protocol]"), "{text}");
        assert_eq!(Config::parse(&text).unwrap(), config, "{text}");
        let mut other = config.clone();
        other.program.as_mut().unwrap().command = "python other.py".into();
        let words = other.difference(&config).unwrap();
        assert!(words.starts_with("program.command is \"python 'my train.py'"), "{words}");
        assert_eq!(Config::default().difference(&config).unwrap(), "it holds the training of a program");
    }
}
