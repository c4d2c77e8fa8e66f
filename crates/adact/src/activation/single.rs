//! A single activation as a module.

use adact_kernels::{Activation, Noise};
use burn::module::{Content, DisplaySettings, Flag, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor};

use super::candidates::Candidates;
use super::config::SingleConfig;
use super::granularity::Granularity;
use super::mixture::to_vec;
use super::randomness::Randomness;
use super::selection::mean;
use crate::ops::{self, Channels, FunctionSpec, FunctionTensors};

/// One activation: any of [`Activation`], PReLU with a slope that is learned, RReLU random while training.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Single {
    /// The activation.
    pub candidates: Candidates,
    /// PReLU's slope, if this is PReLU: one element, or one for each channel.
    pub weight: Option<Param<Tensor<1>>>,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    /// The channels, where each has a slope of its own.
    #[module(skip)]
    channels: Option<Channels>,
    #[module(skip)]
    pub(super) config: SingleConfig,
    #[module(skip)]
    pub(super) randomness: Randomness,
}

impl SingleConfig {
    /// Creates the module.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error, or the slope is by channel: [`init_for`](Self::init_for) knows the channels.
    pub fn init(&self, device: &Device) -> Single {
        let by_channel = self.granularity == Granularity::Channel;
        assert!(!by_channel, "an activation by channel is created by init_for, with its channels");
        self.create(None, device)
    }

    /// Creates the module for the channels that it sees, which a slope by channel needs.
    ///
    /// ```
    /// use adact::{Activation, Channels, Granularity, SingleConfig};
    /// use burn::tensor::Device;
    /// let config = SingleConfig::new(Activation::Prelu).with_granularity(Granularity::Channel);
    /// let prelu = config.init_for(Channels::images(3), &Device::flex());
    /// assert_eq!(prelu.weight.unwrap().dims(), [3]);
    /// ```
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error, or there is no channel.
    pub fn init_for(&self, channels: Channels, device: &Device) -> Single {
        assert!(channels.count > 0, "an activation sees one channel at least");
        let by_channel = self.granularity == Granularity::Channel;
        self.create(by_channel.then_some(channels), device)
    }

    fn create(&self, channels: Option<Channels>, device: &Device) -> Single {
        if let Err(error) = self.validate() {
            panic!("{error}");
        }
        let count = channels.map_or(1, |channels| channels.count);
        let slopes = vec![self.constants.prelu_slope as f32; count];
        let slopes = || Param::from_data(slopes.as_slice(), device);
        Single {
            weight: self.activation.learns_slope().then(slopes),
            candidates: Candidates::single(self.activation),
            training: Param::from_bool(true),
            channels,
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

    /// PReLU's slope, if this is PReLU; the mean of the channels where each has its own.
    pub fn prelu_slope(&self) -> Option<f32> {
        let slopes = to_vec(self.weight.as_ref()?);
        Some(mean(slopes.iter().copied(), slopes.len()))
    }

    /// A further place of the same slope: whoever trains it calls [`share`](crate::share()) after each step.
    pub fn sharing(&self) -> Self {
        Self {
            training: Param::from_bool(self.training.is_enabled()),
            randomness: Randomness::new(self.config.seed),
            ..self.clone()
        }
    }

    /// The function as the operations take it.
    pub(super) fn function(&self, noise: Noise, device: &Device) -> (FunctionSpec, FunctionTensors) {
        let spec = FunctionSpec {
            candidates: self.candidates.shared(),
            gate: None,
            channels: self.channels,
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
