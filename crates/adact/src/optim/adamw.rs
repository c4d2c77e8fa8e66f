//! AdamW in one pass over memory, in place.

use adact_kernels::adamw;
use burn::optim::{AdamWState, AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ops;

/// AdamW, Adam with decoupled weight decay (Loshchilov and Hutter 2019), with PyTorch's defaults.
///
/// Burn's own `AdamWConfig` has other defaults (an eps of 1e-5, a weight decay of 1e-4).
///
/// ```
/// use adact::{AdActConfig, AdamW};
/// use burn::optim::GradientsParams;
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex().autodiff();
/// let mut model = AdActConfig::new().init(&device);
/// let optimizer = AdamW::new();
/// let mut optim = optimizer.clone().init();
/// let loss = model.forward(Tensor::<1>::from_floats([-2.0, 1.0], &device)).sum();
/// let grads = GradientsParams::from_grads(loss.backward(), &model);
/// model = optim.step(optimizer.lr, model, grads);
/// assert_ne!(model.weights(), vec![0.0; 7]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// The learning rate. Default 1e-3.
    pub lr: f64,
    /// The decay of the gradient's mean. Default 0.9.
    pub beta1: f64,
    /// The decay of the squared gradient's mean. Default 0.999.
    pub beta2: f64,
    /// Added to the denominator. Default 1e-8.
    pub eps: f64,
    /// The decay of the weights, times the learning rate. Default 0.01, on all parameters.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

impl AdamW {
    /// PyTorch's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the learning rate.
    pub fn with_lr(mut self, lr: f64) -> Self {
        self.lr = lr;
        self
    }

    /// Sets the weight decay.
    pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Checks that the learning rate, eps and decay are finite and not negative, and the betas in 0..1.
    pub fn validate(&self) -> Result<()> {
        let rates = [self.lr, self.eps, self.weight_decay];
        if rates.iter().any(|v| !v.is_finite() || *v < 0.0) {
            return Err(Error::config("AdamW's learning rate, eps and weight decay must be 0 at least"));
        }
        if ![self.beta1, self.beta2].iter().all(|beta| (0.0..1.0).contains(beta)) {
            return Err(Error::config("AdamW's betas must be at least 0 and less than 1"));
        }
        Ok(())
    }

    /// Burn's optimizer of whole modules, to which the learning rate is given at each step.
    pub fn init(self) -> ModuleOptimizer {
        ModuleOptimizer::from(self)
    }

    /// The kernel's parameters at a learning rate.
    pub(crate) fn kernel(&self, lr: f64) -> adamw::AdamW {
        adamw::AdamW {
            lr,
            beta1: self.beta1,
            beta2: self.beta2,
            eps: self.eps,
            weight_decay: self.weight_decay,
        }
    }
}

impl Optimizer for AdamW {
    /// Burn's, so that records of its AdamW and of this one are the same.
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let state = state.map(|state| state.momentum).unwrap_or_else(|| AdaptiveMomentumState {
            time: 0,
            moment_1: grad.zeros_like(),
            moment_2: grad.zeros_like(),
            max_moment_2: None,
        });
        let time = state.time + 1;
        let tensors = [tensor, grad, state.moment_1, state.moment_2];
        let [tensor, moment_1, moment_2] = ops::adamw(&self.kernel(lr), time as u64, tensors);
        let momentum = AdaptiveMomentumState { time, moment_1, moment_2, max_moment_2: None };
        (tensor, Some(AdamWState { momentum }))
    }

    fn to_device<const D: usize>(state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        AdamWState { momentum: state.momentum.to_device(device) }
    }
}
