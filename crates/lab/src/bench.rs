//! How fast training, activations and inference are.

mod places;

use std::str::FromStr;
use std::time::Instant;

use adact::networks::{AnyConfig, AnyNetwork};
use adact::{ActivationConfig, AdamW, Inputs, NetworkConfig, Recipe, Trainer};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, Precision, simd};
use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;

pub use places::places;

use crate::config::{NetworkOptions, NetworkShape};
use crate::costs::rounds;
use crate::error::{Error, Result};
use crate::network::activations as of_places;

/// Rounds that come before those that are measured.
const WARM_UP: usize = 5;
/// The classes of the network that is measured.
const CLASSES: usize = 10;

/// The shape of an image, `CHANNELSxSIDExSIDE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// 1 (grey) or 3 (colour).
    pub channels: usize,
    /// Height and width.
    pub side: usize,
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: Vec<Option<usize>> = text.split(['x', ',']).map(|part| part.parse().ok()).collect();
        match numbers[..] {
            [Some(channels @ 1..=64), Some(side @ 16..=512), Some(width)] if side == width => {
                Ok(Self { channels, side })
            }
            _ => Err(Error::input(format!(
                "`{text}` is no shape of images: give CHANNELSxSIDExSIDE with sides of 16 or more, as in 3x32x32"
            ))),
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.side, self.side)
    }
}

/// What is measured: a network, its activations, the shape of what goes in.
#[derive(Clone, Debug)]
pub struct Work {
    /// The network.
    pub network: NetworkOptions,
    /// `adact`, `base` (what such networks use), an activation, or one a place.
    pub activation: String,
    /// The shape of an image; a language model's is its context.
    pub shape: Option<Shape>,
    /// Images (or sequences) at once.
    pub batch: Option<usize>,
    /// That of matrix products.
    pub precision: Precision,
}

/// A training step, in milliseconds (medians).
#[derive(Clone, Debug, Serialize)]
pub struct StepTimes {
    /// The network.
    pub network: String,
    /// What the layers use.
    pub activation: String,
    /// The shape of an image.
    pub shape: String,
    /// Images a step.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    /// That of matrix products.
    pub precision: &'static str,
    /// The SIMD path; with bf16, whether its instruction is used.
    pub simd: String,
    /// The whole step.
    pub ms_per_step: f64,
    /// From the pixels to the loss.
    pub forward_ms: f64,
    /// From the loss to the gradients.
    pub backward_ms: f64,
    /// From the gradients to the new weights.
    pub optimizer_ms: f64,
}

/// An activation over an array, in milliseconds (medians).
#[derive(Clone, Debug, Serialize)]
pub struct ActivationTimes {
    /// Which activation, `adact` for the mixture of the paper's seven, or `adact:` and a set or list of candidates.
    pub activation: String,
    /// The array's length.
    pub elements: usize,
    /// Forward, where no gradient is asked for.
    pub forward_ms: f64,
    /// Forward and backward, with the gradients of the input and of the activation's own parameters.
    pub forward_backward_ms: f64,
}

/// Answers of a network.
#[derive(Clone, Debug, Serialize)]
pub struct InferTimes {
    /// The network.
    pub network: String,
    /// What the layers use.
    pub activation: String,
    /// The shape of an image.
    pub shape: String,
    /// Images at once.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    /// That of matrix products.
    pub precision: &'static str,
    /// The SIMD path; with bf16, whether its instruction is used.
    pub simd: String,
    /// Images a second (of the median batch).
    pub images_per_second: f64,
    /// One batch.
    pub ms_per_batch: f64,
}

impl Work {
    /// The images or sequences of a step, as the peers measure them.
    fn batch(&self) -> usize {
        self.batch.unwrap_or(match self.network.name.as_str() {
            "gpt" => 12,
            "unet" => 8,
            name if name.starts_with("resnet") => 128,
            _ => 64,
        })
    }

    fn shape(&self) -> Shape {
        let side = if self.network.name == "unet" { 128 } else { 32 };
        self.shape.unwrap_or(Shape { channels: 3, side })
    }

    /// What goes in, in words.
    fn shape_in_words(&self) -> String {
        match self.network.name.as_str() {
            "gpt" => format!("context {}", self.network.context()),
            _ => self.shape().to_string(),
        }
    }

    /// The activation, `base` resolved.
    fn activation(&self) -> &str {
        match (self.activation.as_str(), self.network.name.as_str()) {
            ("base", "gpt" | "vit") => "gelu",
            ("base", _) => "relu",
            (name, _) => name,
        }
    }

    /// The SIMD path.
    fn simd_in_words(&self) -> String {
        let path = simd::path().name();
        match self.precision {
            Precision::Bf16 if simd::has_bf16() => format!("{path} with its bf16 instruction"),
            Precision::Bf16 => format!("{path} without a bf16 instruction: slow"),
            Precision::F32 => path.into(),
        }
    }

    fn trainer(&self) -> Result<Trainer<AnyNetwork>> {
        let Shape { channels, side } = self.shape();
        let classes = match self.network.name.as_str() {
            "gpt" => 65,
            "unet" => 2,
            _ => CLASSES,
        };
        let config = self.network.config(NetworkShape { channels, side, classes })?;
        let places = config.places()?;
        let activations = of_places(self.activation(), &places, &Default::default())?;
        let recipe = Recipe { precision: self.precision, ..AdamW::new().into() };
        Ok(Trainer::new(&config.with_activations(activations), recipe)?)
    }
}

/// Measures training steps: new random inputs and answers each time, loss, all gradients, AdamW.
///
/// # Errors
/// If the network or the activation is unknown, or the shape doesn't fit.
pub fn step(work: &Work, steps: usize) -> Result<StepTimes> {
    let mut trainer = work.trainer()?;
    let mut times: [Vec<f64>; 4] = Default::default();
    for i in 0..steps + WARM_UP {
        let (inputs, targets) = random_batch(adact::Network::config(trainer.net()), work.batch(), i as u64);
        let start = Instant::now();
        let parts = trainer.step(inputs, &targets)?.times;
        let whole = start.elapsed();
        if i >= WARM_UP {
            for (list, time) in times.iter_mut().zip([whole, parts.forward, parts.backward, parts.optimizer])
            {
                list.push(1e3 * time.as_secs_f64());
            }
        }
    }
    let [ms_per_step, forward_ms, backward_ms, optimizer_ms] = times.map(median);
    Ok(StepTimes {
        network: work.network.name.clone(),
        activation: work.activation.clone(),
        shape: work.shape_in_words(),
        batch: work.batch(),
        threads: rayon::current_num_threads(),
        precision: work.precision.name(),
        simd: work.simd_in_words(),
        ms_per_step,
        forward_ms,
        backward_ms,
        optimizer_ms,
    })
}

/// Measures inference on batches of random inputs.
///
/// # Errors
/// As [`step`].
pub fn infer(work: &Work, rounds: usize) -> Result<InferTimes> {
    let trainer = work.trainer()?;
    let batch = work.batch.unwrap_or(1000);
    let mut times = Vec::new();
    for i in 0..rounds + WARM_UP {
        let (inputs, targets) = random_batch(adact::Network::config(trainer.net()), batch, i as u64);
        let start = Instant::now();
        trainer.evaluate(inputs, &targets)?;
        if i >= WARM_UP {
            times.push(1e3 * start.elapsed().as_secs_f64());
        }
    }
    let ms_per_batch = median(times);
    Ok(InferTimes {
        network: work.network.name.clone(),
        activation: work.activation.clone(),
        shape: work.shape_in_words(),
        batch,
        threads: rayon::current_num_threads(),
        precision: work.precision.name(),
        simd: work.simd_in_words(),
        images_per_second: batch as f64 / ms_per_batch * 1e3,
        ms_per_batch,
    })
}

/// Names that [`activation`] takes: every activation, the paper's mixture, and the mixture of each other set.
pub fn activations() -> Vec<String> {
    let sets = Activation::SETS.iter().filter(|(_, candidates)| *candidates != Activation::PAPER);
    let sets = sets.map(|(set, _)| format!("adact:{set}"));
    Activation::ALL.iter().map(|a| a.to_string()).chain(["adact".into()]).chain(sets).collect()
}

/// Measures one activation, or the mixture, as modules of Burn's run it.
///
/// # Errors
/// If the activation is unknown.
pub fn activation(name: &str, elements: usize, rounds: usize) -> Result<ActivationTimes> {
    let config: ActivationConfig = name.parse()?;
    let normal = Stream::new(0, Purpose::Synthetic, 0);
    let values: Vec<f32> = (0..elements as u64).map(|i| normal.normal(i) as f32).collect();
    let data = TensorData::new(values, [elements]);

    let device = Device::flex();
    let layer = config.init(&device);
    let x = Tensor::<1>::from_data(data.clone(), &device);
    let forward_ms = median_of(rounds, || drop(layer.forward(x.clone())));

    let device = device.autodiff();
    let layer = config.init(&device);
    let x = Tensor::<1>::from_data(data, &device).require_grad();
    let forward_backward_ms = median_of(rounds, || drop(layer.forward(x.clone()).backward()));
    Ok(ActivationTimes { activation: name.into(), elements, forward_ms, forward_backward_ms })
}

/// Random inputs of a network, and a random answer for each image, token or pixel.
fn random_batch(config: &AnyConfig, batch: usize, round: u64) -> (Inputs, Vec<i32>) {
    let stream = Stream::new(1, Purpose::Synthetic, round);
    let answers = |count: usize, classes: usize| {
        (0..count as u64).map(|i| stream.child(1).below(i, classes as u64) as i32).collect::<Vec<_>>()
    };
    let pixels = |channels: usize, side: usize| {
        let values = (batch * side * side * channels) as u64;
        Inputs::Values((0..values).map(|i| 2.0 * stream.uniform(i) as f32 - 1.0).collect())
    };
    match config {
        AnyConfig::ConvNet(c) => (pixels(c.channels, c.side), answers(batch, c.classes)),
        AnyConfig::ResNet(c) => (pixels(c.channels, c.side), answers(batch, c.classes)),
        AnyConfig::Vit(c) => (pixels(c.channels, c.side), answers(batch, c.classes)),
        AnyConfig::UNet(c) => (pixels(c.channels, c.side), answers(batch * c.side * c.side, c.classes)),
        AnyConfig::Gpt(c) => {
            let tokens = answers(batch * (c.context + 1), c.vocab);
            (Inputs::Tokens(tokens[..batch * c.context].to_vec()), tokens[batch..].to_vec())
        }
    }
}

fn median_of(rounds: usize, mut work: impl FnMut()) -> f64 {
    (0..WARM_UP).for_each(|_| work());
    let mut time = || {
        let start = Instant::now();
        work();
        1e3 * start.elapsed().as_secs_f64()
    };
    median((0..rounds).map(|_| time()).collect())
}

fn median(times: Vec<f64>) -> f64 {
    (rounds::median(times) * 1e4).round() / 1e4 // a ten-thousandth of a millisecond is noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_square_images() {
        assert_eq!("3x32x32".parse::<Shape>().unwrap(), Shape { channels: 3, side: 32 });
        assert_eq!("1,28,28".parse::<Shape>().unwrap().to_string(), "1x28x28");
        for text in ["", "3x32", "3x32x31", "0x32x32", "3x8x8", "axbxc", "3x32x32x1"] {
            assert!(text.parse::<Shape>().unwrap_err().is_input(), "{text}");
        }
    }
}
