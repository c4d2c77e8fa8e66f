//! A single activation as a module.

use adact_kernels::{Activation, Noise};
use burn::module::{Content, DisplaySettings, Flag, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor};

use super::candidates::Candidates;
use super::config::SingleConfig;
use super::mixture::to_vec;
use super::randomness::Randomness;
use crate::ops::{self, FunctionSpec, FunctionTensors};

/// One activation: any of [`Activation`], PReLU with a slope that is learned, RReLU random while training.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Single {
    /// The activation.
    pub candidates: Candidates,
    /// PReLU's slope, if this is PReLU: one element.
    pub weight: Option<Param<Tensor<1>>>,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    #[module(skip)]
    pub(super) config: SingleConfig,
    #[module(skip)]
    pub(super) randomness: Randomness,
}

impl SingleConfig {
    /// Creates the module.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error.
    pub fn init(&self, device: &Device) -> Single {
        if let Err(error) = self.validate() {
            panic!("{error}");
        }
        let slope = || Param::from_data([self.constants.prelu_slope as f32], device);
        Single {
            weight: self.activation.learns_slope().then(slope),
            candidates: Candidates::single(self.activation),
            training: Param::from_bool(true),
            config: self.clone(),
            randomness: Randomness::new(self.seed),
        }
    }
}

impl Single {
    /// Applies the activation to every element. While training, RReLU's slopes differ from call to call.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let noise =
            if x.is_autodiff() && self.training.is_enabled() { self.randomness.next() } else { Noise::Mean };
        self.forward_with(x, noise)
    }

    /// Applies the activation with the given randomness: `Noise::Random(stream)` to train, `Noise::Mean` to evaluate.
    pub fn forward_with<const D: usize>(&self, x: Tensor<D>, noise: Noise) -> Tensor<D> {
        let (spec, tensors) = self.function(noise, &x.device());
        ops::function(x, tensors, spec)
    }

    /// Which activation.
    pub fn activation(&self) -> Activation {
        self.config.activation
    }

    /// PReLU's slope, if this is PReLU.
    pub fn prelu_slope(&self) -> Option<f32> {
        self.weight.as_ref().map(|slope| to_vec(slope)[0])
    }

    /// The function as the operations take it.
    pub(super) fn function(&self, noise: Noise, device: &Device) -> (FunctionSpec, FunctionTensors) {
        let spec = FunctionSpec {
            candidates: self.candidates.shared(),
            mixing: None,
            channels: None,
            constants: self.config.constants.kernel(),
            noise,
        };
        let slope = self.weight.as_ref().map_or_else(|| ops::absent(device), Param::val);
        (spec, FunctionTensors { w: ops::absent(device), slope })
    }
}

impl ModuleDisplay for Single {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content.add("activation", self.config.activation.name()).optional()
    }
}
