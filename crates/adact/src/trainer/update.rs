//! From gradients to new weights: a step of the optimizer on each parameter, and what a search adds for the mixtures.

use std::collections::HashMap;

use adact_kernels::{LEFT, clip, has_left};
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor};

use crate::activation::Inside;
use crate::network::Network;
use crate::ops;
use crate::optim::{Decay, Optimizer, Recipe};
use crate::search::Moment;

/// The factor that brings the norm of all gradients together to `most`, where it is larger: of those that are trained.
pub(super) fn clip_factor<N: Network>(net: &N, grads: &Gradients, most: f64, trained: Trained) -> f32 {
    struct Norm<'a> {
        grads: &'a Gradients,
        squares: f64,
        trained: Trained,
        inside: Inside,
    }
    impl ModuleVisitor for Norm<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.inside.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.inside.exit(container);
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !self.trained.includes(self.inside.mixture) {
                return;
            }
            if let Some(grad) = param.val().grad(self.grads) {
                self.squares += ops::sum_of_squares(grad);
            }
        }
    }
    let mut norm = Norm { grads, squares: 0.0, trained, inside: Inside::default() };
    net.visit(&mut norm);
    clip::coefficient(norm.squares.sqrt(), most)
}

/// A step of the optimizer on every parameter that has a gradient.
pub(super) struct Update<'a> {
    pub recipe: &'a Recipe,
    pub lr: f64,
    /// What gradients are multiplied by.
    pub scale: f32,
    pub step: u64,
    pub grads: &'a mut Gradients,
    pub memory: &'a mut HashMap<ParamId, Vec<Vec<f32>>>,
    /// Which parameters change.
    pub trained: Trained,
    pub in_mixtures: InMixtures,
    /// Where the visit is.
    pub inside: Inside,
}

/// Which parameters a step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trained {
    All,
    /// The weights and slopes of mixtures.
    Mixtures,
    /// All others.
    Rest,
}

impl Trained {
    /// Whether a parameter changes that is inside of a mixture or not.
    fn includes(self, in_mixture: bool) -> bool {
        match self {
            Self::All => true,
            Self::Mixtures => in_mixture,
            Self::Rest => !in_mixture,
        }
    }
}

/// How the weights and slopes of mixtures are trained in a step.
pub(super) struct InMixtures {
    pub optimizer: Optimizer,
    pub lr: f64,
    pub moment: Moment,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.inside.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.inside.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.trained.includes(self.inside.mixture) {
            return param;
        }
        // The only handle on the values from here on, so that they change in place.
        let (id, tensor, mapper) = param.consume();
        let grad = if tensor.is_require_grad() { tensor.grad_remove(self.grads) } else { None };
        let Some(grad) = grad else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let (optimizer, lr) = match self.inside.mixture {
            true => (&self.in_mixtures.optimizer, self.in_mixtures.lr),
            false => (&self.recipe.optimizer, self.lr),
        };
        let moment = self.in_mixtures.moment;
        let memory = self.memory.entry(id).or_insert_with(|| {
            let zeros = || vec![0.0; tensor.shape().num_elements()];
            optimizer.memories().iter().map(|_| zeros()).collect()
        });
        let candidates = tensor.dims()[D - 1];
        let decays = self.recipe.decay == Decay::All || (D > 1 && !self.inside.weights);
        let tensor = ops::in_place(tensor.inner(), grad, |param, grad| {
            if self.scale != 1.0 {
                clip::scale(grad, self.scale);
            }
            if !self.inside.weights {
                return optimizer.step(self.step, lr, decays, param, grad, memory);
            }
            if moment.penalty > 0.0 {
                add_penalty(&moment, candidates, param, grad);
            }
            let left: Vec<bool> = param.iter().map(|&w| has_left(w)).collect();
            optimizer.step(self.step, lr, decays, param, grad, memory);
            // What has left stays away, whatever the optimizer remembers of it.
            param.iter_mut().zip(left).filter(|(_, left)| *left).for_each(|(w, _)| *w = LEFT);
        });
        Param::from_mapped_value(id, Tensor::from_inner(tensor).require_grad(), mapper)
    }
}

/// Adds the gradient of the penalty on the entropy of a place's shares, the mean over the channels that have their own.
fn add_penalty(moment: &Moment, candidates: usize, w: &[f32], grad: &mut [f32]) {
    let rows = (w.len() / candidates.max(1)) as f64;
    for (w, grad) in w.chunks(candidates.max(1)).zip(grad.chunks_mut(candidates.max(1))) {
        let own = moment.penalty_gradient(w);
        grad.iter_mut().zip(own).for_each(|(grad, own)| *grad += (own / rows) as f32);
    }
}
