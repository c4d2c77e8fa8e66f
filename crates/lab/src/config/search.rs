//! How a network searches for its activations, and how they are chosen.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use adact::{Gate, Mixing, Search, Warm};
use adact_data::Task;
use adact_evidence::Rule;
use adact_evidence::records::Role;
use adact_kernels::Activation;
use serde::{Deserialize, Serialize};

use super::{Config, Objective, is_usual, text};
use crate::data::Data;
use crate::error::{Error, Result};

/// A way to search: how weights become shares, and whether candidates leave meanwhile. As text `gumbel`, `gumbel-shrink`, or
/// `shrink` alone for the softmax of which candidates leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Method {
    /// How weights become shares.
    pub mixing: Mixing,
    /// Whether candidates leave.
    pub shrink: bool,
}

impl Method {
    /// How a network mixes whose weights stay as this method left them.
    pub(crate) fn kept(self) -> Self {
        let mixing = if self.mixing.gate() == Gate::Softmax { Mixing::Softmax } else { self.mixing };
        Self { mixing, shrink: false }
    }

    /// Whether what a step does depends on how many follow.
    pub(crate) fn looks_ahead(self) -> bool {
        self.shrink || self.mixing.looks_ahead()
    }
}

/// What joins a way to mix where candidates leave.
const SHRINK: &str = "shrink";

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mixing, self.shrink) {
            (Mixing::Softmax, true) => f.write_str(SHRINK),
            (mixing, true) => write!(f, "{mixing}-{SHRINK}"),
            (mixing, false) => write!(f, "{mixing}"),
        }
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let (mixing, shrink) = match text.strip_suffix(SHRINK) {
            Some("") => return Ok(Self { mixing: Mixing::Softmax, shrink: true }),
            Some(rest) => (rest.strip_suffix(['-', '+']).unwrap_or(text), true),
            None => (text, false),
        };
        let names: Vec<&str> = Mixing::ALL.iter().map(|mixing| mixing.name()).chain([SHRINK]).collect();
        let mixing: Mixing = mixing.parse().map_err(|_| {
            Error::input(format!(
                "`{text}` is no way to search{}: choose from {}, or one with -{SHRINK} behind it, as in gumbel-{SHRINK}",
                crate::error::suggestion(mixing, names.iter().copied()),
                names.join(", ")
            ))
        })?;
        if shrink && !mixing.can_shrink() {
            return Err(Error::input(format!(
                "`{text}` is no way to search: a candidate leaves where its weight is far below 0, which {mixing} takes for a share"
            )));
        }
        Ok(Self { mixing, shrink })
    }
}

/// How a network searches, and how its activations are chosen. The defaults are the paper's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchOptions {
    /// The way to search.
    #[serde(with = "text", skip_serializing_if = "is_usual")]
    pub mixing: Method,
    /// The rule by which `optimized` gets its activations.
    #[serde(with = "text", skip_serializing_if = "is_usual")]
    pub choose: Rule,
    /// What a choice is to be good at.
    #[serde(skip_serializing_if = "is_usual")]
    pub objective: Objective,
    /// A file that tells what candidates cost at each place, instead of a measurement. A study keeps what it holds.
    #[serde(skip_serializing)]
    pub costs: Option<PathBuf>,
    /// The learning rate of the mixtures' weights and slopes; without it that of all parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// AdamW's decay rates of the two moments for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
    /// Their weight decay; without it that of all parameters for the paper's way to search, and 0 for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// The first and the last temperature, of the ways that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<[f64; 2]>,
    /// Epochs at the beginning in which each place uses the network's usual activation alone, and the weights stay.
    #[serde(skip_serializing_if = "is_usual")]
    pub warm_epochs: usize,
    /// Whether the weights and slopes learn from a quarter of the training data that is held out from all else.
    #[serde(skip_serializing_if = "is_usual")]
    pub bilevel: bool,
}

impl SearchOptions {
    /// Those of a search by another method, which has no temperature of its own.
    pub(crate) fn by(&self, method: Method) -> Self {
        let temperature = self.temperature.filter(|_| method.mixing.temperatures().is_some());
        Self { mixing: method, temperature, ..self.clone() }
    }

    /// The option that is not its default, if there is one but for the rule.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let usual = Self::default();
        let options = [
            ("mixing", self.mixing != usual.mixing),
            ("search-lr", self.lr.is_some()),
            ("search-betas", self.betas.is_some()),
            ("search-decay", self.weight_decay.is_some()),
            ("temperature", self.temperature.is_some()),
            ("warm-epochs", self.warm_epochs != usual.warm_epochs),
            ("bilevel", self.bilevel),
        ];
        options.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

impl Config {
    /// How mixtures search in a training on these data.
    ///
    /// # Errors
    /// If options don't fit each other or the data.
    pub(crate) fn search(&self, data: &Data) -> Result<Search> {
        let (options, protocol) = (&self.search, &self.protocol);
        let warm = (options.warm_epochs > 0).then(|| Warm {
            steps: (options.warm_epochs * protocol.epoch_steps(&data.train)) as u64,
            activation: self.network.usual_activation(),
        });
        let steps = protocol.all_steps(&data.train) as u64;
        let search = Search {
            mixing: options.mixing.mixing,
            shrink: options.mixing.shrink,
            // A search that knows no end must not be another one where more epochs follow.
            steps: if options.mixing.looks_ahead() { steps } else { 0 },
            warm,
            temperature: options.temperature,
            lr: options.lr,
            betas: options.betas,
            weight_decay: options.weight_decay,
            frozen: self.train.as_ref().is_some_and(|train| !train.curves.is_empty()),
            ..Search::default()
        };
        search.validate()?;
        if let Some(warm) = search.warm.filter(|warm| warm.steps >= steps) {
            return Err(Error::input(format!(
                "warm-epochs: {} ({} steps) leave none of the {steps} steps for the search",
                options.warm_epochs, warm.steps
            )));
        }
        Ok(search)
    }
}

/// The method of a variant that searches, or that is chosen by a search.
pub(crate) fn method_of(variant: &str) -> Option<Method> {
    match Role::of(variant.trim()) {
        Role::Search(method) | Role::Searched(method, _) => method.parse().ok(),
        _ => None,
    }
}

/// Checks what doesn't depend on the data.
pub(super) fn check(config: &Config) -> Result<()> {
    let search = &config.search;
    let method = search.mixing;
    if config.program.is_some() && *search != SearchOptions::default() {
        return Err(Error::input(
            "mixing: a training program searches in its own way, so leave out the options of the search",
        ));
    }
    if method.shrink && config.model.candidates.len() < 2 {
        return Err(Error::input("mixing: with one candidate none can leave, so give more --candidates"));
    }
    let methods =
        || config.study.iter().flat_map(|study| &study.variants).filter_map(|variant| method_of(variant));
    let heats = |method: Method| method.mixing.temperatures().is_some();
    if search.temperature.is_some() && !heats(method) && !methods().any(heats) {
        let have: Vec<_> =
            Mixing::ALL.iter().filter(|m| m.temperatures().is_some()).map(|m| m.name()).collect();
        return Err(Error::input(format!("temperature: {method} has none, {} have one", have.join(" and "))));
    }
    for temperature in search.temperature.iter().flatten() {
        let fits = (1e-3..=1e3).contains(temperature);
        super::check::within("temperature", *temperature, fits, "from 0.001 to 1000")?;
    }
    for (name, value) in [("search-lr", search.lr), ("search-decay", search.weight_decay)] {
        if let Some(value) = value {
            super::check::within(name, value, value >= 0.0 && value.is_finite(), "at least 0")?;
        }
    }
    for beta in search.betas.iter().flatten() {
        super::check::within("search-betas", *beta, (0.0..1.0).contains(beta), "at least 0 and below 1")?;
    }
    if search.betas.is_some() && config.protocol.optimizer == super::OptimizerName::Sgd {
        return Err(Error::input("search-betas: SGD has none, --optimizer adamw has"));
    }
    if search.bilevel && config.protocol.steps.is_some() && config.network.task()? != Task::Text {
        return Err(Error::input(
            "bilevel: give --epochs instead of --steps, since an epoch is another one here",
        ));
    }
    if search.warm_epochs > 0 {
        let usual = config.network.usual_activation();
        if !config.model.candidates.contains(&usual) {
            return Err(Error::input(format!(
                "warm-epochs: the network begins with {usual}, which is not among the candidates: add it to --candidates"
            )));
        }
        if search.warm_epochs >= config.protocol.epochs {
            return Err(Error::input(format!(
                "warm-epochs: {} leave none of the {} epochs for the search",
                search.warm_epochs, config.protocol.epochs
            )));
        }
    }
    Ok(())
}

impl super::NetworkOptions {
    /// The activation that the network has where nothing else is said.
    pub(crate) fn usual_activation(&self) -> Activation {
        match self.name.as_str() {
            "gpt" | "vit" => Activation::Gelu,
            _ => Activation::Relu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_as_they_are_written() {
        for mixing in Mixing::ALL {
            for shrink in [false, true].into_iter().filter(|shrink| !shrink || mixing.can_shrink()) {
                let method = Method { mixing: *mixing, shrink };
                assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
            }
        }
        let shrink = |mixing| Method { mixing, shrink: true };
        assert_eq!("shrink".parse::<Method>().unwrap(), shrink(Mixing::Softmax));
        assert_eq!("softmax-shrink".parse::<Method>().unwrap(), shrink(Mixing::Softmax));
        assert_eq!("gumbel+shrink".parse::<Method>().unwrap(), shrink(Mixing::Gumbel));
        for (text, words) in [
            ("gumble", "`gumbel`"),
            ("shrunk", "`shrink`"),
            ("gumbelshrink", "gumbel-shrink"),
            ("linear-shrink", "which linear takes for a share"),
        ] {
            let error = text.parse::<Method>().unwrap_err();
            assert!(error.is_input() && error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        let refused = |change: &dyn Fn(&mut Config), words: &str| {
            let mut config = Config::default();
            change(&mut config);
            let error = config.check().unwrap_err();
            assert!(error.is_input() && error.to_string().contains(words), "{error}");
        };
        let gumbel: Method = "gumbel".parse().unwrap();
        refused(&|c| c.search.temperature = Some([1.0, 0.1]), "softmax has none, anneal and gumbel have one");
        refused(
            &|c| (c.search.mixing, c.search.temperature) = (gumbel, Some([1.0, 0.0])),
            "must be from 0.001 to 1000",
        );
        refused(&|c| c.search.lr = Some(-1.0), "search-lr: -1 is out of range");
        refused(&|c| c.search.betas = Some([0.5, 1.0]), "search-betas: 1 is out of range");
        refused(&|c| c.search.warm_epochs = 15, "leave none of the 15 epochs");
        refused(
            &|c| {
                c.search.mixing.shrink = true;
                c.model.candidates.truncate(1);
            },
            "none can leave",
        );
        let gpt = |c: &mut Config| {
            *c = Config::of_network("gpt").unwrap();
            c.search.warm_epochs = 1;
        };
        refused(&gpt, "gelu, which is not among the candidates");
    }
}
