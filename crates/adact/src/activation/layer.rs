//! The module that is either a mixture or a single activation.

use adact_kernels::Noise;
use burn::module::{Module, ParamId};
use burn::tensor::{Device, Tensor};

use super::layer_config::ActivationConfig;
use super::mixture::AdAct;
use super::single::Single;
use crate::ops::{self, Channels, FunctionSpec, FunctionTensors};
use crate::pass::Pass;

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
    /// If [`validate`](Self::validate) gives an error, or weights or slopes by channel don't know the channels.
    pub fn init(&self, device: &Device) -> ActivationLayer {
        match self {
            Self::AdAct(config) => ActivationLayer::AdAct(config.init(device)),
            Self::Single(config) => ActivationLayer::Single(config.init(device)),
        }
    }

    /// Creates the module where the channels are known, which weights and slopes by channel need.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) gives an error.
    pub fn init_for(&self, channels: Channels, device: &Device) -> ActivationLayer {
        match self {
            Self::AdAct(config) => ActivationLayer::AdAct(config.init_for(channels, device)),
            Self::Single(config) => ActivationLayer::Single(config.init_for(channels, device)),
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

    /// A further place of the same parameters: whoever trains them calls [`share`](crate::share()) after each step.
    pub fn sharing(&self) -> Self {
        match self {
            Self::AdAct(adact) => Self::AdAct(adact.sharing()),
            Self::Single(single) => Self::Single(single.sharing()),
        }
    }

    /// The mixture, if this is one.
    pub fn as_adact(&self) -> Option<&AdAct> {
        match self {
            Self::AdAct(adact) => Some(adact),
            Self::Single(_) => None,
        }
    }

    /// Applies the activation in a pass through a whole network: the pass says where the randomness comes from, and may
    /// record what the activation sees.
    pub fn forward_in<const D: usize>(&self, x: Tensor<D>, pass: &Pass) -> Tensor<D> {
        pass.record(self.id(), &x);
        let (spec, tensors) = self.function_in(pass, x.is_autodiff(), &x.device());
        ops::function(x, tensors, spec)
    }

    /// The configuration of what replaces this layer: the choice of a mixture, a single activation as it is.
    pub fn optimized(&self) -> ActivationConfig {
        match self {
            Self::AdAct(adact) => adact.to_config(),
            Self::Single(single) => single.config.clone().into(),
        }
    }

    /// What tells this layer from all others.
    pub(crate) fn id(&self) -> ParamId {
        match self {
            Self::AdAct(adact) => adact.training.id,
            Self::Single(single) => single.training.id,
        }
    }

    /// Whether it behaves as in training where gradients are possible.
    pub(crate) fn is_training(&self) -> bool {
        match self {
            Self::AdAct(adact) => adact.training.is_enabled(),
            Self::Single(single) => single.training.is_enabled(),
        }
    }

    /// The function in a pass through a whole network, training or not, as the operations take it.
    pub(crate) fn function_in(
        &self,
        pass: &Pass,
        training: bool,
        device: &Device,
    ) -> (FunctionSpec, FunctionTensors) {
        let own = || match self {
            Self::AdAct(adact) => adact.randomness.next(),
            Self::Single(single) => single.randomness.next(),
        };
        let (noise, draw) = pass.next(training && self.is_training(), own);
        match self {
            Self::AdAct(adact) => adact.function(noise, draw),
            Self::Single(single) => single.function(noise, device),
        }
    }
}

impl AdAct {
    /// The configuration of the activation that replaces the mixture: the [`choice`](Self::choice) with the mixture's
    /// constants. PReLU starts from `prelu_slope`, its initial value, not from the learned one.
    pub fn to_config(&self) -> ActivationConfig {
        ActivationConfig::AdAct(self.config.clone()).chosen(self.choice())
    }

    /// The module that replaces the mixture: the [`choice`](Self::choice), and for PReLU the slope learned so far.
    pub fn to_activation(&self) -> ActivationLayer {
        let mut config = self.to_config();
        if let (ActivationConfig::Single(single), Some(slope)) = (&mut config, self.prelu_slope()) {
            single.constants.prelu_slope = slope.into();
        }
        config.init(&self.w.device())
    }
}
