//! The mixture of activations as a module.

use adact_kernels::{Activation, Noise};
use burn::module::{Content, DisplaySettings, Flag, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor};

use crate::activation::ActivationLayer;
use crate::config::{AdActConfig, SingleConfig};
use crate::layer_config::ActivationConfig;
use crate::ops::{self, FunctionSpec, FunctionTensors};
use crate::randomness::Randomness;
use crate::selection::{self, LayerMixture};

/// A learned mixture of activation functions: `sum_i softmax(w)_i act_i(x)`.
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
    /// The raw weights, one a candidate.
    pub w: Param<Tensor<1>>,
    /// PReLU's slope, if PReLU is a candidate.
    pub prelu: Option<Param<Tensor<1>>>,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    #[module(skip)]
    config: AdActConfig,
    #[module(skip)]
    randomness: Randomness,
}

impl AdActConfig {
    /// Creates the module.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error.
    pub fn init(&self, device: &Device) -> AdAct {
        if let Err(error) = self.validate() {
            panic!("{error}");
        }
        let w = self.initial_weights.clone().unwrap_or_else(|| vec![0.0; self.candidates.len()]);
        let has_slope = self.candidates.iter().any(|c| c.learns_slope());
        AdAct {
            w: Param::from_data(w.as_slice(), device),
            prelu: has_slope.then(|| Param::from_data([self.constants.prelu_slope as f32], device)),
            training: Param::from_bool(true),
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
        let (spec, tensors) = self.function(noise);
        ops::function(x, tensors, spec)
    }

    /// The candidates, in the order of the weights.
    pub fn candidates(&self) -> &[Activation] {
        &self.config.candidates
    }

    /// The raw weights `w`.
    pub fn weights(&self) -> Vec<f32> {
        to_vec(&self.w)
    }

    /// PReLU's slope, if PReLU is a candidate.
    pub fn prelu_slope(&self) -> Option<f32> {
        self.prelu.as_ref().map(|slope| to_vec(slope)[0])
    }

    /// The share of each candidate: softmax of the raw weights.
    pub fn mixture(&self) -> Vec<f32> {
        selection::softmax(&self.weights())
    }

    /// The candidate with the largest weight, the first of equals.
    pub fn choice(&self) -> Activation {
        selection::strongest(&self.config.candidates, &self.weights())
    }

    /// All of it as plain values.
    pub fn layer_mixture(&self) -> LayerMixture {
        LayerMixture::new(&self.config.candidates, self.weights(), self.prelu_slope())
    }

    /// The configuration of the activation that replaces the mixture: the [`choice`](Self::choice) with the mixture's
    /// constants. PReLU starts from `prelu_slope`, its initial value, not from the learned one.
    pub fn to_config(&self) -> ActivationConfig {
        let single = SingleConfig {
            activation: self.choice(),
            constants: self.config.constants,
            seed: self.config.seed,
        };
        single.into()
    }

    /// The module that replaces the mixture: the [`choice`](Self::choice), and for PReLU the slope learned so far.
    pub fn to_activation(&self) -> ActivationLayer {
        let mut config = self.to_config();
        if let (ActivationConfig::Single(single), Some(slope)) = (&mut config, self.prelu_slope()) {
            single.constants.prelu_slope = slope.into();
        }
        config.init(&self.w.device())
    }

    /// The randomness of the next forward pass, if it is of training.
    pub(crate) fn next_noise(&self) -> Noise {
        self.randomness.next()
    }

    /// The function as the operations take it.
    pub(crate) fn function(&self, noise: Noise) -> (FunctionSpec, FunctionTensors) {
        let spec = FunctionSpec {
            candidates: self.config.candidates.as_slice().into(),
            is_mixture: true,
            constants: self.config.constants.kernel(),
            noise,
        };
        let w = self.w.val();
        let slope = self.prelu.as_ref().map_or_else(|| ops::absent(&w.device()), Param::val);
        (spec, FunctionTensors { w, slope })
    }
}

impl ModuleDisplay for AdAct {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let names: Vec<_> = self.config.candidates.iter().map(|c| c.name()).collect();
        content.add("candidates", names.join(" ").as_str()).optional()
    }
}

/// The values of a parameter.
pub(crate) fn to_vec<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
    parameter.val().into_data().iter::<f32>().collect()
}
