//! The mixture of activations as a module.

use adact_kernels::{Activation, Noise};
use burn::module::{Content, DisplaySettings, Flag, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor};

use super::candidates::Candidates;
use super::config::AdActConfig;
use super::gate::Gate;
use super::granularity::{Granularity, RawWeights};
use super::randomness::Randomness;
use super::selection::LayerMixture;
use crate::ops::{self, Channels, FunctionSpec, FunctionTensors};
use crate::search::Draw;

/// A learned mixture of activation functions: `sum_i softmax(w)_i act_i(x)`, or with another [`Gate`] in the place of the softmax.
///
/// Put it where the activation was: it takes and returns tensors of any rank and shape. Its parameters, the raw
/// weights `w` and PReLU's slope, are trained with the rest of the network by any of Burn's optimizers. After
/// training, [`choice`](Self::choice) says which candidate this place of the network wants, and
/// [`to_activation`](Self::to_activation) gives the module to put there instead.
///
/// Training and evaluation are told apart as Burn's `Dropout` does: on an autodiff device RReLU draws a slope for each
/// element, elsewhere, and after [`valid`](Module::valid), it has its mean slope. For random numbers that are a function
/// of a training step rather than of the calls so far, use [`forward_with`](Self::forward_with).
///
/// On Burn's Flex backend any set of candidates is one fused operation that saves only its input. Other backends
/// compose it of Burn's operations.
///
/// ```
/// use adact::AdActConfig;
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let adact = AdActConfig::new().init(&device);
/// let y = adact.forward(Tensor::<2>::from_floats([[-1.0, 0.0, 1.0]], &device));
/// assert_eq!(y.dims(), [1, 3]);
/// assert_eq!(adact.mixture(), vec![1.0 / 7.0; 7]);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct AdAct {
    /// What is mixed, in the order of the weights. It comes first, so that visitors know what the weights are of.
    pub candidates: Candidates,
    /// The raw weights.
    pub w: RawWeights,
    /// PReLU's slope, if PReLU is a candidate.
    pub prelu: Option<Prelu>,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    /// The channels, where each has its own weights.
    #[module(skip)]
    pub(super) channels: Option<Channels>,
    #[module(skip)]
    pub(super) config: AdActConfig,
    #[module(skip)]
    pub(super) randomness: Randomness,
}

/// PReLU's slope inside of a mixture, under the name that PyTorch gives it.
#[derive(Module, Debug)]
pub struct Prelu {
    /// The slope: one element, or one for each channel.
    pub weight: Param<Tensor<1>>,
}

impl AdActConfig {
    /// Creates the module.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error, or the weights are by channel: [`init_for`](Self::init_for) knows
    /// the channels.
    pub fn init(&self, device: &Device) -> AdAct {
        let by_channel = self.granularity == Granularity::Channel;
        assert!(!by_channel, "a mixture by channel is created by init_for, with its channels");
        self.create(None, device)
    }

    /// Creates the module for the channels that it sees, which weights by channel need.
    ///
    /// ```
    /// use adact::{AdActConfig, Channels, Granularity};
    /// use burn::tensor::{Device, Tensor};
    /// let config = AdActConfig::new().with_granularity(Granularity::Channel);
    /// let adact = config.init_for(Channels::images(3), &Device::flex());
    /// assert_eq!(adact.weights().len(), 3 * 7);
    /// assert_eq!(adact.forward(Tensor::<4>::ones([8, 3, 5, 5], &Device::flex())).dims(), [8, 3, 5, 5]);
    /// ```
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error, or there is no channel.
    pub fn init_for(&self, channels: Channels, device: &Device) -> AdAct {
        assert!(channels.count > 0, "a mixture sees one channel at least");
        let by_channel = self.granularity == Granularity::Channel;
        self.create(by_channel.then_some(channels), device)
    }

    fn create(&self, channels: Option<Channels>, device: &Device) -> AdAct {
        if let Err(error) = self.validate() {
            panic!("{error}");
        }
        let candidates = self.candidates.len();
        let even = || vec![self.gate.even(candidates); candidates];
        let w = self.initial_weights.clone().unwrap_or_else(even);
        let count = channels.map(|channels| channels.count);
        let slopes = vec![self.constants.prelu_slope as f32; count.unwrap_or(1)];
        let has_slope = self.candidates.iter().any(|c| c.learns_slope());
        AdAct {
            w: RawWeights::new(&w, count, device),
            prelu: has_slope.then(|| Prelu { weight: Param::from_data(slopes.as_slice(), device) }),
            candidates: Candidates::mixed(&self.candidates, self.gate),
            training: Param::from_bool(true),
            channels,
            config: self.clone(),
            randomness: Randomness::new(self.seed),
        }
    }
}

impl AdAct {
    /// Applies the mixture to every element. While training, RReLU's slopes differ from call to call.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let noise =
            if x.is_autodiff() && self.training.is_enabled() { self.randomness.next() } else { Noise::Mean };
        self.forward_with(x, noise)
    }

    /// Applies the mixture with the given randomness: `Noise::Random(stream)` to train, `Noise::Mean` to evaluate.
    pub fn forward_with<const D: usize>(&self, x: Tensor<D>, noise: Noise) -> Tensor<D> {
        let (spec, tensors) = self.function(noise, None);
        ops::function(x, tensors, spec)
    }

    /// The candidates, in the order of the weights.
    pub fn candidates(&self) -> &[Activation] {
        &self.config.candidates
    }

    /// A further place of the same weights and slope: whoever trains them calls [`share`](crate::share()) after each step.
    pub fn sharing(&self) -> Self {
        Self {
            training: Param::from_bool(self.training.is_enabled()),
            randomness: Randomness::new(self.config.seed),
            ..self.clone()
        }
    }

    /// The raw weights `w`, where they are by channel those of one channel after the other.
    pub fn weights(&self) -> Vec<f32> {
        self.w.val().into_data().iter::<f32>().collect()
    }

    /// PReLU's slope, if PReLU is a candidate; the mean of the channels where each has its own.
    pub fn prelu_slope(&self) -> Option<f32> {
        self.layer_mixture().prelu_slope
    }

    /// The share of each candidate: the softmax of the raw weights, or what another [`Gate`] makes of them; the mean of the channels
    /// where each has its own.
    pub fn mixture(&self) -> Vec<f32> {
        self.layer_mixture().shares
    }

    /// The candidate with the largest weight, the first of equals.
    pub fn choice(&self) -> Activation {
        self.layer_mixture().choice
    }

    /// All of it as plain values.
    pub fn layer_mixture(&self) -> LayerMixture {
        let slopes = self.prelu.as_ref().map(|prelu| to_vec(&prelu.weight)).unwrap_or_default();
        LayerMixture::gated(self.config.gate, &self.config.candidates, &self.weights(), &slopes)
    }

    /// The function as the operations take it; the shares are those of a draw, or what the gate makes of the weights.
    pub(super) fn function(&self, noise: Noise, draw: Option<Draw>) -> (FunctionSpec, FunctionTensors) {
        let spec = FunctionSpec {
            candidates: self.candidates.shared(),
            gate: Some(if draw.is_some() { Gate::Linear } else { self.config.gate }),
            channels: self.channels,
            constants: self.config.constants.kernel(),
            noise,
        };
        let w = match draw {
            Some(draw) => draw.shares(&self.config.candidates, self.w.val()),
            None => self.w.val(),
        };
        let slope = self.prelu.as_ref().map_or_else(|| ops::absent(&w.device()), |prelu| prelu.weight.val());
        (spec, FunctionTensors { w, slope })
    }
}

impl ModuleDisplay for AdAct {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let names: Vec<_> = self.config.candidates.iter().map(|c| c.name()).collect();
        let content = content.add("candidates", names.join(" ").as_str());
        let gate = self.config.gate;
        if gate.is_softmax() { content } else { content.add("gate", gate.name()) }.optional()
    }
}

/// The values of a parameter.
pub(super) fn to_vec<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
    parameter.val().into_data().iter::<f32>().collect()
}
