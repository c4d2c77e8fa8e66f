//! `result.json` of a run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::epoch::{LayerWeights, check_seconds};
use super::metrics::{self, MetricRecord, Metrics};
use super::read::{self, Checked};
use super::{
    Confusion, Discretised, InputHistogram, Role, RuleChoice, Samples, Selection, Unit, place_of_layer,
};
use crate::metric::Metric;
use crate::{Result, Rule, nearest};

/// What came out of one training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The name of the data set.
    pub dataset: String,
    /// The variant: `adact`, `optimized`, `relu`, `uniform:mish`, `random:0`, or whatever the user named.
    pub variant: String,
    /// The network: `resnet20`, `gpt`; absent means the paper's, `convnet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The task, such as [`LANGUAGE`](super::LANGUAGE); absent means [`CLASSIFICATION`](super::CLASSIFICATION).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The metric that picks epochs and by which variants are compared; absent means the accuracy, higher is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricRecord>,
    /// The paths of the modules where an activation is, in order; absent means those of the paper's network, `act.0`,
    /// `act.1`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<String>>,
    /// The activation of each place; `adact` where it is a mixture.
    pub activations: Vec<String>,
    /// The seed of the initial weights and of the order of the images.
    pub seed: u64,
    /// How many epochs were trained.
    pub epochs: usize,
    /// How many steps were trained, where an epoch is no pass over the data but what lies between two evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// The epoch whose weights were kept.
    pub best: Best,
    /// The last epoch.
    pub last: Last,
    /// The number of parameters that learn.
    pub parameters: u64,
    /// How long the training took, evaluations included.
    pub seconds: f64,
    /// The weights of each AdAct in the epoch that was kept; absent where no layer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<LayerWeights>>,
    /// How the mixtures searched, such as `gumbel`; absent means the paper's way, `softmax`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing: Option<String>,
    /// What each rule chooses; empty where no layer is an AdAct, and in records of older programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<RuleChoice>,
    /// The network at once with the choice by weight in the place of each AdAct; absent where no layer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discretised: Option<Discretised>,
    /// The rule that chose the activations, where a mixture's training did; absent means by weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_by: Option<String>,
    /// The activations that the rule would have chosen if the time didn't count; absent where it didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_costs: Option<Vec<String>>,
    /// The constants of the activations, where they are not the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constants: Option<CurveConstants>,
    /// What picked the best epoch; absent means the test set.
    #[serde(default)]
    pub selection: Selection,
    /// That of the matrix products, where it is not `f32`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// What the held-out part said; absent where nothing was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// The classes of the test images (or of their pixels) against the answers of the kept weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
    /// What each activation sees with the kept weights, in the order of the places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<InputHistogram>>,
    /// How many test images there were; absent in records of older programs, see [`RunResult::test_images`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_images: Option<u64>,
    /// What the kept weights make: a text, pictures with their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,
}

/// The epoch whose weights were kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The epoch, from 1.
    pub epoch: usize,
    /// What it reached on the test set; the primary metric is among it. Where the test set picked the epoch, that is the
    /// best of all epochs: what the paper reports, and no number to compare variants by (see [`RunResult::judged`]).
    #[serde(flatten, with = "metrics::best")]
    pub test: Metrics,
}

/// The last epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Last {
    /// What it reached on the test set; absent where that was touched only once, for the best one.
    #[serde(flatten, with = "metrics::last")]
    pub test: Option<Metrics>,
}

/// What the images (or texts) by which the epoch was picked said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// How many images they are.
    pub images: usize,
    /// What the epoch that was kept reached on them.
    #[serde(flatten, with = "metrics::bare")]
    pub metrics: Metrics,
}

/// What the definitions of the activations leave to choose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveConstants {
    /// ELU's alpha.
    pub alpha: f64,
    /// LeakyReLU's slope.
    pub negative_slope: f64,
    /// The smallest slope that RReLU draws.
    pub rrelu_lower: f64,
    /// The largest slope that RReLU draws.
    pub rrelu_upper: f64,
}

impl RunResult {
    /// The part that its variant plays.
    pub fn role(&self) -> Role<'_> {
        Role::of(&self.variant)
    }

    /// The primary metric: the accuracy, or what [`metric`](Self::metric) names.
    pub fn primary(&self) -> Metric {
        MetricRecord::metric(self.metric.as_ref())
    }

    /// The primary metric on the test set that every verdict rests on: one that was not picked on the test set.
    ///
    /// With [`Selection::Test`] it is that after the last epoch, with [`Selection::Validation`] that of the epoch that the
    /// held-out data picked. The best of many readings of the test set would favour the variant that fluctuates more from
    /// epoch to epoch. `None` where a record lacks the last epoch's, or where it isn't finite.
    pub fn judged(&self) -> Option<f64> {
        match self.selection {
            Selection::Test => self.last.test.as_ref()?.finite(&self.primary().name),
            Selection::Validation(_) | Selection::ValidationSet => self.kept(),
        }
    }

    /// The primary metric of the weights that were kept on the test set; `None` where it isn't finite.
    pub fn kept(&self) -> Option<f64> {
        self.best.test.finite(&self.primary().name)
    }

    /// What the training is counted in.
    pub fn unit(&self) -> Unit {
        if self.steps.is_some() { Unit::Step } else { Unit::Epoch }
    }

    /// Whose weights were kept: "epoch 12", or "evaluation 7 of 8" where epochs are no passes over the data.
    pub fn best_in_words(&self) -> String {
        match self.unit() {
            Unit::Epoch => format!("epoch {}", self.best.epoch),
            Unit::Step => format!("evaluation {} of {}", self.best.epoch, self.epochs),
        }
    }

    /// How its mixtures learn, where it isn't as in the paper: the method of a search, or `frozen`.
    pub(super) fn mixing_told(&self) -> Option<String> {
        let frozen = || Some("frozen".to_string()).filter(|_| self.role() == Role::Frozen);
        frozen().or_else(|| self.mixing.clone())
    }

    /// The path of the place whose AdAct is the `i`th of [`layers`](Self::layers), from 0.
    pub fn place_of_layer(&self, i: usize) -> String {
        place_of_layer(self.layers.as_deref().unwrap_or_default(), i)
    }

    /// The activation of each AdAct by a rule; none where the record doesn't tell.
    pub fn choice_by(&self, rule: Rule) -> Option<Vec<String>> {
        if let Some(choice) = self.choices.iter().find(|choice| choice.rule == rule.name()) {
            return Some(choice.activations.clone());
        }
        let layers = self.layers.as_deref()?;
        match rule {
            Rule::Weight => Some(layers.iter().map(|layer| layer.choice.clone()).collect()),
            Rule::Nearest => nearest::choice(self).map(|choice| choice.activations),
            Rule::Distil | Rule::Halving => None,
        }
    }

    /// What the `i`th AdAct sees, if it was counted.
    pub fn inputs_of_layer(&self, i: usize) -> Option<&InputHistogram> {
        let place = self.place_of_layer(i);
        let at = match &self.places {
            Some(places) => places.iter().position(|p| *p == place),
            None => place.strip_prefix("act.").and_then(|number| number.parse().ok()),
        };
        self.inputs.as_ref()?.get(at.unwrap_or(i))
    }

    /// How many test images there were, if the record tells: its own number, or the confusion matrix's.
    pub fn test_images(&self) -> Option<u64> {
        self.test_images.or_else(|| self.confusion.as_ref().map(Confusion::total)).filter(|n| *n > 0)
    }

    /// Reads a run's `result.json`.
    ///
    /// # Errors
    /// A missing or broken file, with the place; a record that contradicts itself.
    pub fn read(path: &Path) -> Result<Self> {
        read::json(path)
    }

    /// The epochs of a run's `result.json`, without the rest: where there are many of them.
    ///
    /// # Errors
    /// A missing or broken file.
    pub fn read_epochs(path: &Path) -> Result<usize> {
        #[derive(Deserialize)]
        struct Epochs {
            epochs: usize,
        }
        impl Checked for Epochs {
            fn check(&self) -> Result<(), String> {
                Ok(())
            }
        }
        Ok(read::json::<Epochs>(path)?.epochs)
    }

    /// Parses the contents of a run's `result.json`; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        read::parse(path, bytes)
    }

    /// Writes a run's `result.json`, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        read::write_json(path, self)
    }
}

impl Checked for RunResult {
    fn check(&self) -> Result<(), String> {
        self.metric.iter().try_for_each(MetricRecord::check)?;
        let primary = self.primary();
        if self.best.test.get(&primary.name).is_none() {
            return Err(format!("best.test_{} is missing, the metric of this run", primary.name));
        }
        self.best.test.check("best.test_")?;
        self.last.test.iter().try_for_each(|test| test.check("last.test_"))?;
        self.validation.iter().try_for_each(|v| v.metrics.check("validation."))?;
        check_seconds(self.seconds)?;
        if self.activations.is_empty() {
            return Err("activations: the list is empty".into());
        }
        if let Some(without) = &self.without_costs
            && without.len() != self.activations.len()
        {
            let (without, activations) = (without.len(), self.activations.len());
            return Err(format!("without_costs: there are {without}, but {activations} activations"));
        }
        if let Some(places) = &self.places
            && places.len() != self.activations.len()
        {
            let (places, activations) = (places.len(), self.activations.len());
            return Err(format!("places: there are {places}, but {activations} activations"));
        }
        if self.best.epoch == 0 || self.best.epoch > self.epochs {
            return Err(format!(
                "best.epoch is {}, but the epochs are 1 to {}",
                self.best.epoch, self.epochs
            ));
        }
        for (i, layer) in self.layers.iter().flatten().enumerate() {
            layer.check().map_err(|e| format!("layers[{i}]: {e}"))?;
        }
        for (i, histogram) in self.inputs.iter().flatten().enumerate() {
            histogram.check().map_err(|e| format!("inputs[{i}]: {e}"))?;
        }
        let layers = self.layers.as_ref().map_or(0, Vec::len);
        self.choices
            .iter()
            .try_for_each(|choice| choice.check(layers))
            .map_err(|e| format!("choices: {e}"))?;
        if let Some(confusion) = &self.confusion {
            confusion.check().map_err(|e| format!("confusion: {e}"))?;
        }
        self.samples.as_ref().map_or(Ok(()), |samples| samples.check().map_err(|e| format!("samples: {e}")))
    }
}
