//! A single activation as a module, and the module that is either that or a mixture.

use adact_kernels::{Activation, Noise};
use burn::module::{Content, DisplaySettings, Flag, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor};

use crate::adact::{AdAct, to_vec};
use crate::config::SingleConfig;
use crate::layer_config::ActivationConfig;
use crate::ops::{self, FunctionSpec, FunctionTensors};
use crate::randomness::Randomness;

/// One activation: any of [`Activation`], PReLU with a slope that is learned, RReLU random while training.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Single {
    /// PReLU's slope, if this is PReLU.
    pub prelu: Option<Param<Tensor<1>>>,
    /// Whether to behave as in training where gradients are possible.
    pub training: Param<Flag>,
    #[module(skip)]
    config: SingleConfig,
    #[module(skip)]
    randomness: Randomness,
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
            prelu: self.activation.learns_slope().then(slope),
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
        self.prelu.as_ref().map(|slope| to_vec(slope)[0])
    }

    /// The function as the operations take it.
    pub(crate) fn function(&self, noise: Noise, device: &Device) -> (FunctionSpec, FunctionTensors) {
        let spec = FunctionSpec {
            candidates: [self.config.activation].into(),
            is_mixture: false,
            constants: self.config.constants.kernel(),
            noise,
        };
        let slope = self.prelu.as_ref().map_or_else(|| ops::absent(device), Param::val);
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

/// What a layer applies: a mixture or a single activation, as configured.
///
/// ```
/// use adact::ActivationConfig;
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let layer = "leaky_relu".parse::<ActivationConfig>()?.init(&device);
/// let y = layer.forward(Tensor::<1>::from_floats([-1.0, 2.0], &device));
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), [-0.01, 2.0]);
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Module, Debug)]
pub enum ActivationLayer {
    /// A mixture.
    AdAct(AdAct),
    /// One activation.
    Single(Single),
}

impl ActivationConfig {
    /// Creates the module.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error.
    pub fn init(&self, device: &Device) -> ActivationLayer {
        match self {
            Self::AdAct(config) => ActivationLayer::AdAct(config.init(device)),
            Self::Single(config) => ActivationLayer::Single(config.init(device)),
        }
    }
}

impl ActivationLayer {
    /// Applies the activation to every element. While training, RReLU's slopes differ from call to call.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::AdAct(adact) => adact.forward(x),
            Self::Single(single) => single.forward(x),
        }
    }

    /// Applies the activation with the given randomness: `Noise::Random(stream)` to train, `Noise::Mean` to evaluate.
    pub fn forward_with<const D: usize>(&self, x: Tensor<D>, noise: Noise) -> Tensor<D> {
        match self {
            Self::AdAct(adact) => adact.forward_with(x, noise),
            Self::Single(single) => single.forward_with(x, noise),
        }
    }

    /// The mixture, if this is one.
    pub fn as_adact(&self) -> Option<&AdAct> {
        match self {
            Self::AdAct(adact) => Some(adact),
            Self::Single(_) => None,
        }
    }

    /// The configuration of what replaces this layer: the choice of a mixture, a single activation as it is.
    pub fn optimized(&self) -> ActivationConfig {
        match self {
            Self::AdAct(adact) => adact.to_config(),
            Self::Single(single) => single.config.clone().into(),
        }
    }

    /// The randomness of the next forward pass, if it is of training.
    pub(crate) fn next_noise(&self) -> Noise {
        match self {
            Self::AdAct(adact) => adact.next_noise(),
            Self::Single(single) => single.randomness.next(),
        }
    }

    /// The function as the operations take it.
    pub(crate) fn function(&self, noise: Noise, device: &Device) -> (FunctionSpec, FunctionTensors) {
        match self {
            Self::AdAct(adact) => adact.function(noise),
            Self::Single(single) => single.function(noise, device),
        }
    }
}
