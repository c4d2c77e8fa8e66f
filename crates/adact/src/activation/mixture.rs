//! The mixture of activations as a module.

use adact_kernels::{Activation, Noise};
use burn::module::{Content, DisplaySettings, Flag, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor};

use super::candidates::Candidates;
use super::config::AdActConfig;
use super::randomness::Randomness;
use super::selection::{self, LayerMixture};
use crate::ops::{self, FunctionSpec, FunctionTensors};

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
    /// What is mixed, in the order of the weights. It comes first, so that visitors know what the weights are of.
    pub candidates: Candidates,
    /// The raw weights, one for each candidate.
    pub w: Param<Tensor<1>>,
    /// PReLU's slope, if PReLU is a candidate.
    pub prelu: Option<Prelu>,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    #[module(skip)]
    pub(super) config: AdActConfig,
    #[module(skip)]
    pub(super) randomness: Randomness,
}

/// PReLU's slope inside of a mixture, under the name that PyTorch gives it.
#[derive(Module, Debug)]
pub struct Prelu {
    /// The slope, one element.
    pub weight: Param<Tensor<1>>,
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
            prelu: has_slope
                .then(|| Prelu { weight: Param::from_data([self.constants.prelu_slope as f32], device) }),
            candidates: Candidates::mixed(&self.candidates),
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
        self.prelu.as_ref().map(|prelu| to_vec(&prelu.weight)[0])
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

    /// The function as the operations take it.
    pub(super) fn function(&self, noise: Noise) -> (FunctionSpec, FunctionTensors) {
        let spec = FunctionSpec {
            candidates: self.candidates.shared(),
            is_mixture: true,
            constants: self.config.constants.kernel(),
            noise,
        };
        let w = self.w.val();
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
        content.add("candidates", names.join(" ").as_str()).optional()
    }
}

/// The values of a parameter.
pub(super) fn to_vec<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
    parameter.val().into_data().iter::<f32>().collect()
}
