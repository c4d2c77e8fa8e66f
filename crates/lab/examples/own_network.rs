//! A study of a network of one's own, on data of one's own: three spirals in the plane, and a residual network of linear
//! layers that Burn has. Everything after `main` is what such a program must say; the rest of a study is this crate's.
//!
//! Run: cargo run --release --example own_network

use std::path::Path;

use adact::{ActivationConfig, ActivationLayer, Channels, Init, Inputs, Network, NetworkConfig, Pass};
use adact_data::Rows;
use adact_lab::config::{Protocol, Seeds, StudyOptions};
use adact_lab::data::Data;
use adact_lab::folder::Mode;
use adact_lab::{Config, Control, Event, Observer, study::study_of};
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Data::of_rows("spirals", &["inner", "middle", "outer"], spirals(900, 1)?, spirals(900, 2)?)?;
    let variants = ["adact", "optimized", "relu", "tanh"].map(String::from).to_vec();
    let config = Config {
        protocol: Protocol { epochs: 10, batch: 32, lr: 3e-3, ..Protocol::default() },
        study: Some(StudyOptions { seeds: Seeds::first(8), variants, against: Some("relu".into()) }),
        ..Config::default()
    };
    let net =
        SpiralsConfig { width: 32, depth: 3, activations: vec![ActivationConfig::default(); 3], seed: 0 };
    let out = Path::new("spirals-study");
    let result =
        study_of(("spiral-net", &net), &config, &data, out, Mode::Resume, &Control::new(&Lines))?.result;
    for comparison in &result.statistics.comparisons {
        println!("{}", comparison.words());
    }
    println!("report: {}", out.join("report.html").display());
    Ok(())
}

/// Points on three spirals, with noise that differs from point to point.
fn spirals(points: u32, seed: u64) -> Result<Rows, adact_data::Error> {
    let stream = adact::random::Stream::new(seed, adact::random::Purpose::Synthetic, 0);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for point in 0..points {
        let (arm, radius) = (point % 3, 0.1 + 0.9 * stream.uniform(u64::from(point)));
        let angle = 2.1 * f64::from(arm) + 5.0 * radius + 0.35 * stream.normal(u64::from(900 + point));
        values.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
        labels.push(arm as u8);
    }
    Rows::new(2, values, labels)
}

/// All that the network follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SpiralsConfig {
    width: usize,
    depth: usize,
    activations: Vec<ActivationConfig>,
    seed: u64,
}

/// The network: any Burn module, with an activation layer at each place where the study is to choose.
#[derive(Module, Debug)]
struct Spirals {
    first: Linear,
    blocks: Vec<Block>,
    head: Linear,
    #[module(skip)]
    config: SpiralsConfig,
}

#[derive(Module, Debug)]
struct Block {
    norm: LayerNorm,
    act: ActivationLayer,
    linear: Linear,
}

impl NetworkConfig for SpiralsConfig {
    type Network = Spirals;

    fn build(&self, init: &mut Init<'_>) -> adact::Result<Spirals> {
        let width = self.width;
        let linear = |inputs: usize, outputs, init: &mut Init<'_>| Linear {
            weight: init.uniform([inputs, outputs], 1.0 / (inputs as f64).sqrt()),
            bias: Some(init.constant([outputs], 0.0)),
        };
        Ok(Spirals {
            first: linear(2, width, init),
            blocks: (0..self.depth)
                .map(|_| Block {
                    norm: LayerNormConfig::new(width).init(init.device()),
                    act: init.activation(Channels::last(width)),
                    linear: linear(width, width, init),
                })
                .collect(),
            head: linear(width, 3, init),
            config: self.clone(),
        })
    }

    fn activations(&self) -> &[ActivationConfig] {
        &self.activations
    }

    fn with_activations(self, activations: Vec<ActivationConfig>) -> Self {
        Self { activations, ..self }
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    fn words(&self) -> String {
        format!("a residual network of {} blocks of {}", self.depth, self.width)
    }

    fn size(&self) -> Option<usize> {
        self.width.checked_mul(self.width)?.checked_mul(self.depth)
    }
}

impl Network for Spirals {
    type Config = SpiralsConfig;

    fn config(&self) -> &SpiralsConfig {
        &self.config
    }

    fn logits(&self, inputs: Inputs, pass: &Pass) -> adact::Result<Tensor<2>> {
        let x = self.first.forward(inputs.rows(2, &self.head.weight.device())?);
        let block = |x: Tensor<2>, block: &Block| {
            let hidden = block.act.forward_in(block.norm.forward(x.clone()), pass);
            x + block.linear.forward(hidden)
        };
        Ok(self.head.forward(self.blocks.iter().fold(x, block)))
    }
}

/// Says when a training ends.
struct Lines;

impl Observer for Lines {
    fn event(&self, event: Event<'_>) {
        if let Event::Finished { run, result, .. } = event
            && let Some(accuracy) = result.judged()
        {
            println!("{run}: {:.1}% of the test points", 100.0 * accuracy);
        }
    }
}
