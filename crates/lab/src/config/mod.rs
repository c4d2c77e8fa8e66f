//! Every option of a training and of a study. The defaults are the paper's protocol.
//!
//! A TOML file can hold them all, in the same sections as here; a key that is not known is an error. The
//! resolved options are written back as `config.toml` into every run directory.

mod check;
mod network;
mod objective;
mod program;
mod search;
mod seeds;

use std::io::Read;
use std::path::{Path, PathBuf};

pub use adact::Decay;
pub use adact::Granularity;
use adact::{AdamW, Optimizer, Recipe, Schedule, Sgd, Shape};
use adact_data::Augment;
use adact_evidence::Rule;
use adact_evidence::records::{CurveConstants, Selection};
use adact_kernels::{Activation, Precision};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::parts::Part;
pub use check::MOST_THREADS;
pub(crate) use check::distinct;
pub(crate) use network::Shape as NetworkShape;
pub use network::{NAMES as NETWORKS, NetworkOptions, OwnNetwork};
pub use objective::Objective;
pub use program::ProgramOptions;
pub(crate) use search::method_of;
pub use search::{Method, SearchOptions};
pub use seeds::Seeds;

/// All options. `adact train` reads the section `[train]`, `adact study` reads `[study]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// In a file: whether what it leaves out is the general default, not the network's own. The program writes it.
    #[serde(skip_serializing_if = "is_usual")]
    pub complete: bool,
    /// A training program that is not ours, instead of a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramOptions>,
    /// Which network.
    #[serde(skip_serializing_if = "NetworkOptions::is_default")]
    pub network: NetworkOptions,
    /// Which images or texts.
    pub data: DataOptions,
    /// How a network is trained and judged.
    pub protocol: Protocol,
    /// The activations' own settings.
    pub model: Activations,
    /// How mixtures search, and how activations are chosen.
    #[serde(skip_serializing_if = "is_usual")]
    pub search: SearchOptions,
    /// What a single training adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<Train>,
    /// What a study adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study: Option<StudyOptions>,
    /// What doesn't change the numbers: where they go and how many processors work on them.
    pub output: Output,
}

/// Which images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataOptions {
    /// A data set's name (`adact data list`) or a folder of images.
    pub dataset: String,
    /// Where the data sets lie; without it `ADACT_DATA`, then the platform's cache folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Only the first images of the training set; of a folder the same share of every class, drawn by `split_seed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_train: Option<usize>,
    /// Only the first images of the test set, or of a folder so many drawn in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_test: Option<usize>,
    /// The seed of splits: of data sets without a test set, and of the validation part.
    pub split_seed: u64,
    /// The side to which a folder's images are resized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<usize>,
    /// Whether a folder's images are made grey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grey: Option<bool>,
}

/// How a network is trained and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protocol {
    /// How often the training set is seen; of a text, how often it is evaluated.
    pub epochs: usize,
    /// Training steps, instead of epochs; without them they follow from the epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Training steps between two evaluations, where an epoch is no pass over the data (texts).
    #[serde(skip_serializing_if = "is_usual_eval_every")]
    pub eval_every: usize,
    /// Images (or sequences) a training step.
    pub batch: usize,
    /// Images (or sequences) a step of evaluation.
    pub test_batch: usize,
    /// The optimizer.
    #[serde(skip_serializing_if = "is_usual")]
    pub optimizer: OptimizerName,
    /// The learning rate.
    pub lr: f64,
    /// How the learning rate changes.
    #[serde(skip_serializing_if = "is_usual")]
    pub schedule: ScheduleName,
    /// Steps over which the learning rate rises.
    #[serde(skip_serializing_if = "is_usual")]
    pub warmup: usize,
    /// The last learning rate of the cosine.
    #[serde(skip_serializing_if = "is_usual")]
    pub min_lr: f64,
    /// SGD's momentum.
    #[serde(skip_serializing_if = "is_usual_momentum")]
    pub momentum: f64,
    /// The norm to which gradients are clipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_grad: Option<f64>,
    /// That of matrix products.
    #[serde(with = "text", skip_serializing_if = "is_usual")]
    pub precision: Precision,
    /// How training images are varied.
    #[serde(with = "text", skip_serializing_if = "is_no_augmentation")]
    pub augment: Augment,
    /// AdamW's decay rates of the two moments.
    pub betas: [f64; 2],
    /// AdamW's epsilon.
    pub eps: f64,
    /// The weight decay: AdamW's is decoupled, SGD's is added to the gradient.
    pub weight_decay: f64,
    /// Which parameters decay.
    #[serde(skip_serializing_if = "is_usual")]
    pub decay: Decay,
    /// On which images the best epoch is picked.
    pub select: Selection,
}

/// The optimizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// Adam with decoupled weight decay.
    #[default]
    Adamw,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleName {
    /// It stays.
    #[default]
    Constant,
    /// Half a cosine down to `min_lr`.
    Cosine,
    /// Divided by 10 after half of the steps and again after three quarters.
    Steps,
}

/// Steps between two evaluations of a text, where nothing else is said.
const EVAL_EVERY: usize = 250;
/// SGD's momentum, where nothing else is said.
const MOMENTUM: f64 = 0.9;

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_usual_eval_every(value: &usize) -> bool {
    *value == EVAL_EVERY
}

fn is_usual_momentum(value: &f64) -> bool {
    *value == MOMENTUM
}

fn is_no_augmentation(value: &Augment) -> bool {
    *value == Augment::None
}

impl Protocol {
    /// What turns gradients into new weights, in a training of so many steps.
    pub(crate) fn recipe(&self, steps: usize) -> Recipe {
        let (lr, weight_decay) = (self.lr, self.weight_decay);
        let [beta1, beta2] = self.betas;
        let shape = match self.schedule {
            ScheduleName::Constant => Shape::Constant,
            ScheduleName::Cosine => Shape::Cosine { floor: self.min_lr / self.lr },
            ScheduleName::Steps => Shape::Steps,
        };
        Recipe {
            optimizer: match self.optimizer {
                OptimizerName::Adamw => {
                    Optimizer::AdamW(AdamW { lr, beta1, beta2, eps: self.eps, weight_decay })
                }
                OptimizerName::Sgd => Optimizer::Sgd(Sgd { lr, momentum: self.momentum, weight_decay }),
            },
            // A rate that stays knows no end: more epochs later must not make another training.
            schedule: Schedule {
                shape,
                warmup: self.warmup as u64,
                steps: if self.looks_ahead() { steps as u64 } else { 0 },
            },
            decay: self.decay,
            clip_grad: self.clip_grad,
            precision: self.precision,
            ..Recipe::default()
        }
    }

    /// The steps of an epoch.
    pub(crate) fn epoch_steps(&self, train: &Part) -> usize {
        train.steps(self.batch).unwrap_or(self.eval_every).max(1)
    }

    /// All steps of a training.
    pub(crate) fn all_steps(&self, train: &Part) -> usize {
        self.steps.unwrap_or_else(|| self.epochs * self.epoch_steps(train))
    }

    /// The epochs of a training; the last one may be shorter where steps are given.
    pub(crate) fn all_epochs(&self, train: &Part) -> usize {
        self.steps.map_or(self.epochs, |steps| steps.div_ceil(self.epoch_steps(train)))
    }

    /// Whether what a step does depends on how many follow.
    fn looks_ahead(&self) -> bool {
        self.schedule != ScheduleName::Constant
    }
}

/// The activations' own settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Activations {
    /// The activations that AdAct mixes.
    #[serde(with = "names")]
    pub candidates: Vec<Activation>,
    /// AdAct's initial weights, one a candidate; none means zeros.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
    /// What has weights of its own: each place, each channel, or the network.
    #[serde(skip_serializing_if = "is_place")]
    pub granularity: Granularity,
    /// PReLU's initial slope.
    pub prelu_slope: f64,
    /// Leaky ReLU's slope.
    pub leaky_relu_slope: f64,
    /// ELU's alpha.
    pub elu_alpha: f64,
    /// The bounds of RReLU's random slope.
    pub rrelu: [f64; 2],
}

/// What a single training adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    /// `adact`, an activation for all layers, or one a layer joined by `+`.
    pub activation: String,
    /// The seed of initial weights, of the order of the images and of RReLU.
    pub seed: u64,
    /// Initial weights, instead of those of the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,
    /// The curves of the mixtures, in order: they are kept as they are, while all else learns. None learns them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
    /// What a rule would have chosen if the time didn't count, as `activation` has it; it is only recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_costs: Option<String>,
}

/// The curve of a mixture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The raw weights, one a candidate.
    pub w: Vec<f64>,
    /// PReLU's slope, if PReLU is a candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prelu_slope: Option<f64>,
}

/// What a study adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StudyOptions {
    /// The seeds, each used by every variant.
    pub seeds: Seeds,
    /// The variants, as `--variants` spells them.
    pub variants: Vec<String>,
    /// The variant with which all others are compared; without it every two are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

/// What doesn't change the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The output folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<PathBuf>,
    /// Whether TensorBoard's event files are written.
    pub tensorboard: bool,
    /// Processor threads; without it all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Trainings of a study side by side, sharing the threads.
    pub jobs: usize,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            dataset: "fmnist-mini".into(),
            dir: None,
            limit_train: None,
            limit_test: None,
            split_seed: 0,
            side: None,
            grey: None,
        }
    }
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            epochs: 15,
            steps: None,
            eval_every: EVAL_EVERY,
            batch: 64,
            test_batch: 1000,
            optimizer: OptimizerName::Adamw,
            lr: 1e-3,
            schedule: ScheduleName::Constant,
            warmup: 0,
            min_lr: 0.0,
            momentum: MOMENTUM,
            clip_grad: None,
            precision: Precision::F32,
            augment: Augment::None,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.01,
            decay: Decay::All,
            select: Selection::Test,
        }
    }
}

impl Default for Activations {
    fn default() -> Self {
        Self {
            candidates: Activation::PAPER.to_vec(),
            weights: Vec::new(),
            granularity: Granularity::Place,
            prelu_slope: 0.25,
            leaky_relu_slope: 0.01,
            elu_alpha: 1.0,
            rrelu: [1.0 / 8.0, 1.0 / 3.0],
        }
    }
}

impl Default for Train {
    fn default() -> Self {
        Self { activation: "adact".into(), seed: 0, init: None, curves: Vec::new(), without_costs: None }
    }
}

impl Default for StudyOptions {
    fn default() -> Self {
        let variants = ["adact", "optimized", "relu"].map(String::from).to_vec();
        Self { seeds: Seeds::first(1), variants, against: None }
    }
}

impl Default for Output {
    fn default() -> Self {
        Self { out: None, tensorboard: true, threads: None, jobs: 1 }
    }
}

fn is_place(granularity: &Granularity) -> bool {
    *granularity == Granularity::Place
}

impl Activations {
    /// The constants of the activations, where they are not the defaults.
    pub(crate) fn constants(&self) -> Option<CurveConstants> {
        let of = |model: &Self| CurveConstants {
            alpha: model.elu_alpha,
            negative_slope: model.leaky_relu_slope,
            rrelu_lower: model.rrelu[0],
            rrelu_upper: model.rrelu[1],
        };
        Some(of(self)).filter(|&constants| constants != of(&Self::default()))
    }
}

impl Output {
    /// The threads to use: those asked for, or all that the machine has.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// No configuration is larger than this.
const LARGEST: u64 = 1 << 20;

impl Config {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// If it can't be read, holds a key that is not known, or a value of another type.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |e: &std::io::Error| Error::io("read", path, e).as_input();
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|e| failed(&e))?;
        // A device has no length, and no end.
        file.take(LARGEST + 1).read_to_string(&mut text).map_err(|e| failed(&e))?;
        if text.len() as u64 > LARGEST {
            return Err(Error::input(format!("{}: too large for a configuration file", path.display())));
        }
        Self::parse(&text).map_err(|e| Error::input(format!("{}: {e}", path.display())))
    }

    /// Reads options from TOML.
    ///
    /// # Errors
    /// If a key is not known or a value is of another type; the message names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let failed = |e: toml::de::Error| Error::input(check::in_one_line(text, &e));
        let config: Self = toml::from_str(text).map_err(failed)?;
        if config.complete || !config.has_recipe() {
            return Ok(Self { complete: false, ..config });
        }
        // What the text leaves open is the network's, not the paper's.
        let usual = Self::of_network(&config.network.name)?;
        let mut options = toml::Table::try_from(usual).unwrap_or_default();
        overlay(&mut options, toml::from_str(text).map_err(failed)?);
        options.try_into().map_err(failed)
    }

    /// The same options, the epochs as they follow from steps.
    pub(crate) fn resolved(&self, data: &crate::data::Data) -> Self {
        let mut config = self.clone();
        config.protocol.epochs = self.protocol.all_epochs(&data.train);
        config
    }

    /// Whether what a file leaves out is the network's own, and not the paper's.
    fn has_recipe(&self) -> bool {
        !self.network.is_default() && self.network.own.is_none()
    }

    /// The epochs of a training, where they are this program's to decide.
    pub(crate) fn epochs(&self) -> Option<usize> {
        self.program.is_none().then_some(self.protocol.epochs)
    }

    /// The options as TOML.
    pub fn to_toml(&self) -> Result<String> {
        let failed = |e: toml::ser::Error| Error::failure(format!("the configuration can't be written: {e}"));
        if self.program.is_none() {
            return toml::to_string(&Self { complete: self.has_recipe(), ..self.clone() }).map_err(failed);
        }
        // A program has a protocol of its own.
        let mut options = toml::Table::try_from(self).map_err(failed)?;
        options.remove("protocol");
        toml::to_string(&options).map_err(failed)
    }

    /// The first option by which two configurations give different numbers, in words; none where they give the
    /// same. Where the data lie, where the results go and how many threads work make no difference. A training and a
    /// study may grow: epochs, seeds and variants are not compared.
    pub fn difference(&self, held: &Self) -> Option<String> {
        let numbers = |config: &Self| {
            let mut config = Self { output: Output::default(), ..config.clone() };
            config.data.dir = None;
            if !(self.looks_ahead() || held.looks_ahead()) {
                (config.protocol.epochs, config.protocol.steps) = (Protocol::default().epochs, None);
            }
            config.study = config.study.map(|_| StudyOptions::default());
            // What was chosen otherwise is another training, and a study sees that by itself.
            (config.search.choose, config.search.objective) = (Rule::default(), Objective::default());
            config.train = config.train.map(|train| Train { without_costs: None, ..train });
            toml::Table::try_from(config).unwrap_or_default()
        };
        let (here, there) = (numbers(self), numbers(held));
        let mut sections: Vec<&String> = here.keys().chain(there.keys()).collect();
        sections.dedup();
        sections.into_iter().find_map(|section| {
            let (a, b) = (here.get(section), there.get(section));
            // A section of options that are all usual is not written.
            let usual = toml::Value::Table(toml::Table::new());
            let usual = Some(&usual).filter(|_| section == "search");
            let (Some(a), Some(b)) = (
                a.or(usual).and_then(|v| v.as_table()),
                b.or(usual).and_then(|v| v.as_table()),
            ) else {
                return Some(format!("it holds {}", held.in_words()));
            };
            a.keys().chain(b.keys()).find(|&key| a.get(key) != b.get(key)).map(|key| {
                let show = |v: Option<&toml::Value>| v.map_or("not set".into(), toml::Value::to_string);
                let why = match key.as_str() {
                    "epochs" | "steps" if section == "protocol" => {
                        ": the learning rate or the search follows the whole length, so it can't go on to another one"
                    }
                    _ => "",
                };
                format!("{section}.{key} is {} there and {} here{why}", show(b.get(key)), show(a.get(key)))
            })
        })
    }
}

impl Config {
    /// Whether what a step does depends on how many follow, in one of its trainings.
    fn looks_ahead(&self) -> bool {
        let methods = self.study.iter().flat_map(|study| &study.variants);
        let methods = methods.filter_map(|variant| search::method_of(variant));
        self.protocol.looks_ahead() || methods.chain([self.search.mixing]).any(Method::looks_ahead)
    }

    /// What it is for: "a study".
    fn in_words(&self) -> &'static str {
        match (&self.program, &self.study) {
            (Some(_), Some(_)) => "the study of a program",
            (Some(_), None) => "the training of a program",
            (None, Some(_)) => "a study",
            (None, None) => "a training",
        }
    }
}

/// Puts values over others, section by section.
fn overlay(options: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (options.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(section)) => overlay(below, section),
            (_, value) => drop(options.insert(key, value)),
        }
    }
}

/// What is written as its text in TOML.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Activations by name in TOML.
mod names {
    use adact_kernels::Activation;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(list: &[Activation], serializer: S) -> Result<S::Ok, S::Error> {
        list.iter().map(|a| a.name()).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Activation>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| name.parse().map_err(D::Error::custom)).collect()
    }
}

#[cfg(test)]
mod tests {
    use adact_kernels::random::{Purpose, Stream};

    use super::*;

    #[test]
    fn the_defaults_are_the_papers_protocol_and_survive_toml() {
        let config = Config { train: Some(Train::default()), ..Config::default() };
        assert_eq!((config.protocol.epochs, config.protocol.batch), (15, 64));
        assert_eq!(config.model.candidates.len(), 7);
        let text = config.to_toml().unwrap();
        assert_eq!(Config::parse(&text).unwrap(), config, "{text}");
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn every_option_can_be_set() {
        let text = r#"
            [data]
            dataset = "cifar10"
            dir = "images"
            limit_train = 100
            limit_test = 50
            split_seed = 3
            side = 32
            grey = true
            [protocol]
            epochs = 2
            batch = 8
            test_batch = 10
            lr = 0.01
            betas = [0.8, 0.9]
            eps = 1e-7
            weight_decay = 0.1
            select = "validation:0.2"
            [model]
            candidates = ["relu", "gelu"]
            weights = [0.5, 0.25]
            prelu_slope = 0.1
            leaky_relu_slope = 0.2
            elu_alpha = 0.9
            rrelu = [0.1, 0.2]
            [train]
            activation = "mish"
            seed = 9
            init = "w.safetensors"
            [study]
            seeds = [0, 1, 7]
            variants = ["adact", "relu"]
            against = "relu"
            [output]
            out = "here"
            tensorboard = false
            threads = 2
            jobs = 2
        "#;
        let config = Config::parse(text).unwrap();
        assert_eq!(config.protocol.select, Selection::Validation(0.2));
        assert_eq!(config.study.as_ref().unwrap().seeds.as_slice(), [0, 1, 7]);
        let written = config.to_toml().unwrap();
        assert_eq!(Config::parse(&written).unwrap(), config, "{written}");
        // Nothing is left out: every key of the text is in what is written.
        for key in text.lines().filter_map(|l| l.split_once('=')).map(|(key, _)| key.trim()) {
            assert!(written.contains(&format!("\n{key} = ")), "{key} is missing in\n{written}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, words) in [
            ("[protocol]\nepoch = 3", vec!["line 2", "epoch", "epochs"]),
            ("[protocol]\nepochs = \"3\"", vec!["line 2", "epochs"]),
            ("[optimiser]\n", vec!["line 1", "optimiser"]),
            ("[model]\ncandidates = [\"relu\", \"mich\"]", vec!["line 2", "mich", "mish"]),
            ("[protocol]\nselect = \"train\"", vec!["line 2", "train", "validation"]),
            ("[study]\nseeds = \"1,1\"", vec!["line 2", "twice"]),
            ("[protocol\n", vec!["line 1"]),
        ] {
            let message = Config::parse(text).unwrap_err().to_string();
            assert!(words.iter().all(|word| message.contains(word)), "{text:?} gave: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    /// An option that goes back from a network's recipe to the general default is no less an option.
    #[test]
    fn what_is_written_is_whole() {
        for network in NETWORKS {
            let recipe = Config::of_network(network).unwrap();
            let mut plain = Config { protocol: Protocol::default(), ..recipe.clone() };
            assert_eq!(Config::parse(&recipe.to_toml().unwrap()).unwrap(), recipe, "{network}");
            assert_eq!(Config::parse(&plain.to_toml().unwrap()).unwrap(), plain, "{network}");
            plain.protocol.lr = 0.5;
            let changed = Config::parse(&plain.to_toml().unwrap()).unwrap();
            assert_eq!((changed.difference(&plain), changed.complete), (None, false), "{network}");
        }
        // A file that a person wrote leaves the rest to the network.
        let short = Config::parse("[network]\nname = \"gpt\"\n[protocol]\nlr = 0.5\n").unwrap();
        assert_eq!((short.protocol.lr, short.protocol.warmup), (0.5, 100));
    }

    #[test]
    fn where_and_how_fast_do_not_make_another_run() {
        let a = Config { study: Some(StudyOptions::default()), ..Config::default() };
        let mut b = a.clone();
        b.output = Output { out: Some("x".into()), tensorboard: false, threads: Some(1), jobs: 2 };
        b.data.dir = Some("elsewhere".into());
        b.protocol.epochs = 30;
        b.study = Some(StudyOptions { seeds: Seeds::first(5), variants: vec!["relu".into()], against: None });
        assert_eq!(a.difference(&b), None);
        b.data.limit_train = Some(10);
        assert_eq!(a.difference(&b).unwrap(), "data.limit_train is 10 there and not set here");
        let training = Config { train: Some(Train::default()), ..Config::default() };
        assert_eq!(a.difference(&training).unwrap(), "it holds a training");
    }

    #[test]
    fn damaged_files_are_refused_in_one_line_and_what_is_read_can_be_written() {
        let config = Config {
            train: Some(Train::default()),
            study: Some(StudyOptions { seeds: Seeds::first(3), ..StudyOptions::default() }),
            ..Config::default()
        };
        let whole = config.to_toml().unwrap().into_bytes();
        let strange = [
            "=",
            "[",
            "]",
            "\"",
            "\n",
            "-",
            "1e999",
            "nan",
            "0x",
            "'''",
            "9223372036854775808",
            "{",
            ".",
            "é",
        ];
        for round in 0..20_000 {
            let random = Stream::new(7, Purpose::Synthetic, round);
            let mut text = whole.clone();
            for i in 0..1 + random.below(0, 3) {
                let at = random.below(3 * i + 1, text.len() as u64 + 1) as usize;
                let cut = random.below(3 * i + 2, 12).min((text.len() - at) as u64) as usize;
                let piece = strange[random.below(3 * i + 3, strange.len() as u64) as usize];
                text.splice(at..at + cut, piece.bytes());
            }
            let Ok(text) = String::from_utf8(text) else { continue };
            match Config::parse(&text) {
                Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
                Ok(read) => {
                    let _ = read.check();
                    let again = Config::parse(&read.to_toml().unwrap()).unwrap();
                    assert_eq!(again.to_toml().unwrap(), read.to_toml().unwrap());
                }
            }
        }
    }
}
