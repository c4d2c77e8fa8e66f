//! Values that parse but make no sense, and TOML's errors in one line.

use adact_data::Task;
use adact_kernels::{Activation, Precision};

use super::{Activations, Config, DataOptions, OptimizerName, Output, Protocol};
use crate::error::{Error, Result};

impl Config {
    /// Checks that every value makes sense.
    ///
    /// # Errors
    /// The first one that doesn't, by its name.
    pub fn check(&self) -> Result<()> {
        if self.network.own.is_none() {
            self.network.kind()?;
        }
        if let Some(program) = &self.program {
            super::program::check(self, program)?;
        }
        data(&self.data)?;
        protocol(&self.protocol)?;
        model(&self.model)?;
        output(&self.output)?;
        super::objective::check(self)?;
        super::search::check(self)?;
        precision(self)?;
        applicable(self)
    }
}

/// Refuses products of bf16 where there are none.
fn precision(c: &Config) -> Result<()> {
    if c.protocol.precision == Precision::F32 {
        return Ok(());
    }
    match c.network.name.as_str() {
        "gpt" => Ok(()),
        // What it has is its own business.
        _ if c.network.own.is_some() => Ok(()),
        name => Err(Error::input(format!(
            "precision: {}: {name} has convolutions, which are f32 so far; gpt can do it",
            c.protocol.precision
        ))),
    }
}

/// Refuses options that would change nothing, where it can be seen that somebody gave them.
fn applicable(c: &Config) -> Result<()> {
    let (p, usual) = (&c.protocol, Protocol::default());
    let is_text = c.network.task()? == Task::Text;
    let is_sgd = p.optimizer == OptimizerName::Sgd;
    let searching = c.search.given();
    let mixes = |activation: &str| activation.starts_with('@') || activation.contains("adact");
    let mixes_nothing = c.train.as_ref().is_some_and(|train| !mixes(&train.activation));
    let unused = [
        ("augment", is_text && p.augment != usual.augment, "a text is not varied"),
        ("side", is_text && c.data.side.is_some(), "a text has no images"),
        ("grey", is_text && c.data.grey.is_some(), "a text has no images"),
        (
            "eval-every",
            !is_text && p.eval_every != usual.eval_every,
            "images are evaluated after every epoch",
        ),
        (
            searching.unwrap_or_default(),
            mixes_nothing && searching.is_some(),
            "no place of --activation is a mixture",
        ),
        ("momentum", !is_sgd && p.momentum != usual.momentum, "AdamW has none, --optimizer sgd has"),
    ];
    match unused.into_iter().find(|(_, given, _)| *given) {
        Some((name, _, why)) => Err(Error::input(format!("{name}: is of no use here: {why}"))),
        None => Ok(()),
    }
}

fn data(d: &DataOptions) -> Result<()> {
    at_least("limit-train", d.limit_train, 1)?;
    at_least("limit-test", d.limit_test, 1)?;
    between("side", d.side, 16, 1 << 14)?;
    seed("split-seed", d.split_seed)
}

fn protocol(p: &Protocol) -> Result<()> {
    between("epochs", Some(p.epochs), 1, MOST)?;
    between("batch", Some(p.batch), 1, MOST)?;
    between("test-batch", Some(p.test_batch), 1, MOST)?;
    within("lr", p.lr, p.lr > 0.0 && p.lr.is_finite(), "positive")?;
    for beta in p.betas {
        within("betas", beta, (0.0..1.0).contains(&beta), "at least 0 and below 1")?;
    }
    between("steps", p.steps, 1, MOST_STEPS)?;
    between("eval-every", Some(p.eval_every), 1, MOST_STEPS)?;
    between("warmup", Some(p.warmup), 0, MOST_STEPS)?;
    within("momentum", p.momentum, (0.0..1.0).contains(&p.momentum), "at least 0 and below 1")?;
    within("min-lr", p.min_lr, (0.0..=p.lr).contains(&p.min_lr), "at least 0 and at most --lr")?;
    if let Some(norm) = p.clip_grad {
        within("clip-grad", norm, norm > 0.0 && norm.is_finite(), "positive")?;
    }
    within("eps", p.eps, p.eps > 0.0 && p.eps.is_finite(), "positive")?;
    within("weight-decay", p.weight_decay, p.weight_decay >= 0.0 && p.weight_decay.is_finite(), "at least 0")
}

/// Refuses a candidate that is given twice.
pub(crate) fn distinct(candidates: &[Activation]) -> Result<()> {
    match (1..candidates.len()).find(|&i| candidates[..i].contains(&candidates[i])) {
        Some(twice) => Err(Error::input(format!("candidates: {} is given twice", candidates[twice]))),
        None => Ok(()),
    }
}

fn model(m: &Activations) -> Result<()> {
    if m.candidates.is_empty() {
        return Err(Error::input("candidates: give at least one activation"));
    }
    distinct(&m.candidates)?;
    if !m.weights.is_empty() && m.weights.len() != m.candidates.len() {
        return Err(Error::input(format!(
            "weights: {} numbers for {} candidates ({}): give one each; a mixture that lists its own candidates begins with equal weights",
            m.weights.len(),
            m.candidates.len(),
            m.candidates.iter().map(|a| a.name()).collect::<Vec<_>>().join(",")
        )));
    }
    for (name, value) in [
        ("prelu_slope", m.prelu_slope),
        ("leaky_relu_slope", m.leaky_relu_slope),
        ("elu_alpha", m.elu_alpha),
        ("rrelu", m.rrelu[0]),
        ("rrelu", m.rrelu[1]),
    ]
    .into_iter()
    .chain(m.weights.iter().map(|&w| ("weights", w)))
    {
        within(name, value, value.is_finite(), "a finite number")?;
    }
    within("rrelu", m.rrelu[0], m.rrelu[0] <= m.rrelu[1], "at most the upper bound")
}

fn output(o: &Output) -> Result<()> {
    between("threads", o.threads, 1, MOST_THREADS)?;
    between("jobs", Some(o.jobs), 1, MOST_THREADS)
}

/// Epochs, and examples at once: more than anybody has.
const MOST: usize = 1_000_000;
/// Steps: so many that a rate is still exact in f64, and their sum no overflow.
const MOST_STEPS: usize = 1 << 40;
/// Threads: more than machines have.
pub const MOST_THREADS: usize = 1024;

fn at_least(name: &str, value: Option<usize>, least: usize) -> Result<()> {
    match value {
        Some(v) if v < least => Err(Error::input(format!("{name}: {v} is too small, give at least {least}"))),
        _ => Ok(()),
    }
}

fn between(name: &str, value: Option<usize>, least: usize, most: usize) -> Result<()> {
    match value {
        Some(v) if v > most => Err(Error::input(format!("{name}: {v} is too large, give at most {most}"))),
        _ => at_least(name, value, least),
    }
}

pub(super) fn within(name: &str, value: f64, fits: bool, range: &str) -> Result<()> {
    if fits {
        Ok(())
    } else {
        Err(Error::input(format!("{name}: {value} is out of range, it must be {range}")))
    }
}

/// A seed is written to TOML and JSON, which other programs read as signed or as floating point.
pub(crate) fn seed(name: &str, value: u64) -> Result<()> {
    if value < 1 << 53 {
        Ok(())
    } else {
        Err(Error::input(format!("{name}: {value} is too large, give one below 2^53")))
    }
}

/// TOML's error as `line N: what`.
pub(super) fn in_one_line(text: &str, error: &toml::de::Error) -> String {
    let what = error.message().trim().replace('\n', "; ");
    let Some(span) = error.span() else { return what };
    let before = &text.as_bytes()[..span.start.min(text.len())];
    let number = before.iter().filter(|&&b| b == b'\n').count();
    match text.lines().nth(number).map(str::trim) {
        Some(line) if !line.is_empty() => format!("line {} (`{line}`): {what}", number + 1),
        _ => format!("line {}: {what}", number + 1),
    }
}
