//! Learn which activation function each layer of a neural network should use.
//!
//! [`AdAct`] is a module for [Burn](https://burn.dev) that stands where an activation function stood. It computes a
//! mixture, `sum_i softmax(w)_i act_i(x)`, of ReLU, ELU, Leaky ReLU, PReLU, RReLU, SiLU and Mish, or of the candidates
//! of your choice, and its weights `w` are trained with the network (R. Maiti, "AdAct: Learning to Optimize Activation
//! Function Choice Through Adaptive Activation Modules", ICLR 2024 Tiny Papers). After training the largest weight of
//! each module names the function that its place in the network prefers.
//!
//! # When to use it
//!
//! - To choose activations: train once with a mixture in each place, read the [`choice`](AdAct::choice)s, train the
//!   network with those.
//! - To keep it: the mixture has one parameter a candidate and PReLU's slope (8 in all), and with the fused
//!   operation costs about as much as ReLU.
//!
//! # In your own model
//!
//! Put `AdAct` where the activation was. Any tensor rank, any of Burn's optimizers.
//!
//! ```
//! use adact::{AdAct, AdActConfig};
//! use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
//!
//! #[derive(Module, Debug)]
//! struct Mlp { hidden: Linear, act: AdAct, output: Linear }
//!
//! let device = Device::flex().autodiff();
//! let mlp = Mlp {
//!     hidden: LinearConfig::new(4, 16).init(&device),
//!     act: AdActConfig::new().init(&device), // was: Relu::new()
//!     output: LinearConfig::new(16, 3).init(&device),
//! };
//! let x = Tensor::<2>::ones([8, 4], &device);
//! let y = mlp.output.forward(mlp.act.forward(mlp.hidden.forward(x)));
//! assert_eq!(y.dims(), [8, 3]);
//! // ... train as always, then:
//! println!("this layer prefers {}: {:?}", mlp.act.choice(), mlp.act.mixture());
//! ```
//!
//! The example `drop_in` is such a model as a whole: it trains and prints its choices.
//!
//! # A whole convolutional network
//!
//! [`ConvBlock`] is convolution, batch norm, activation and max pooling in one operation, a part for networks of your
//! own. [`ConvNet`] is the paper's network of four such blocks, [`Trainer`] trains it step by step, and its files are
//! safetensors that PyTorch reads ([`ConvNet::save`]).
//!
//! ```
//! use adact::{AdamW, ConvNetConfig, Network, Trainer};
//! // Grey images of 28 x 28 in 10 classes; AdAct in every layer, or as text "relu", "mish+elu+silu+relu", ...
//! let config = ConvNetConfig::new(1, 28, 10).with_activation_text("adact")?;
//! let mut trainer = Trainer::new(&config, AdamW::new())?;
//! // Pixels (batch, row, column, channel), normalised, and a class for each image.
//! let (pixels, labels) = (vec![0.5; 2 * 28 * 28], [3, 7]);
//! let step = trainer.step(pixels.clone(), &labels)?;
//! println!("loss {:.3}, {} right", step.loss, trainer.evaluate(pixels, &labels)?.correct);
//! for layer in trainer.net().mixtures().into_iter().flatten() {
//!     println!("{} leads by {:.3}", layer.choice, layer.margin());
//! }
//! let optimized = trainer.net().optimized(); // the same network with each layer's choice
//! assert!(optimized.activations.iter().all(|activation| !activation.is_adact()));
//! # Ok::<(), adact::Error>(())
//! ```
//!
//! # What is fused
//!
//! | on Burn's Flex backend with `f32` | elsewhere |
//! |---|---|
//! | [`AdAct`] with any candidates, and every single activation: one pass forward, one backward, only the input saved | composed of Burn's operations, gradients by its autodiff |
//! | [`ConvBlock`], training and evaluation; [`ops::conv2d`], [`ops::linear`], [`ops::cross_entropy`] | composed |
//! | [`AdamW`]: one pass over each parameter, in place | composed |
//!
//! The paper's seven candidates have a kernel of their own, which shares one exponential and one division among them;
//! other sets run candidate by candidate inside the same pass. A block that is frozen inside a network that trains
//! (Burn's `freeze`) is composed, since evaluation has no fused gradient.
//!
//! Results are the same bits with any number of threads and on any processor. Training and evaluation behave as
//! PyTorch's, RReLU's randomness and batch norm's running statistics included; NaN is never hidden.

// The same bits on every platform: see clippy.toml.
#![deny(clippy::disallowed_methods)]

mod activation;
mod error;
mod evaluation;
mod file;
mod generate;
mod init;
mod layers;
mod network;
pub mod networks;
pub mod ops;
mod optim;
mod pass;
mod places;
mod pytorch;
mod search;
mod share;
mod state;
mod trainer;
mod visit;
mod weights;

pub use activation::{
    ActivationConfig, ActivationLayer, AdAct, AdActConfig, Candidates, ConstantsConfig, Gate, Granularity,
    LayerMixture, Prelu, RawWeights, Single, SingleConfig, selection,
};
pub use adact_kernels::{Activation, Noise, Precision, random};
pub use error::{Error, ErrorKind, Result};
pub use evaluation::{Evaluate, Evaluation};
pub use generate::{Sampling, generate};
pub use init::Init;
pub use layers::{
    Attention, BatchNorm, Conv, ConvBlock, ConvBlockConfig, ConvConfig, ConvTranspose, Embedding, Fused,
    LayerNorm, Linear, Statistic,
};
pub use network::{Inputs, Network, NetworkConfig, images_from_channels_last};
pub use networks::{ConvNet, ConvNetConfig, Hints};
pub use ops::{Channels, autocast};
pub use optim::{AdamW, Decay, Optimizer, Recipe, Schedule, Sgd, Shape};
pub use pass::Pass;
pub use places::{Place, places};
pub use search::{Mixing, Search, Warm, with_choices};
pub use share::share;
pub use state::state_dict;
pub use trainer::{STATE_FILE, StepResult, StepTimes, Trainer};
