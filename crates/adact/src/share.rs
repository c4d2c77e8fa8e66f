//! Parameters that several parts of a module share.

use std::any::Any;
use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// Makes the parameters of one identity one tensor again: the first that the module has.
///
/// A module that holds one parameter at several places (a mixture of [`Granularity::Network`](crate::Granularity), or any that
/// was cloned into another field) falls apart when Burn maps it: each place gets a tensor of its own, an optimizer
/// changes the first only. Call this after each of the optimizer's steps, and after a module moved to another device.
/// [`Trainer`](crate::Trainer) does so by itself.
///
/// ```
/// use adact::{AdAct, AdActConfig, share};
/// use burn::{module::Module, optim::GradientsParams, tensor::{Device, Tensor}};
/// #[derive(Module, Debug)]
/// struct Two { first: AdAct, second: AdAct }
///
/// let device = Device::flex().autodiff();
/// let first = AdActConfig::new().init(&device);
/// let mut two = Two { second: first.sharing(), first };
/// let x = Tensor::<1>::from_floats([-2.0, 1.0], &device);
/// let loss = two.second.forward(two.first.forward(x)).sum();
/// let grads = GradientsParams::from_grads(loss.backward(), &two);
/// two = share(adact::AdamW::new().init().step(1e-3, two, grads));
/// assert_ne!(two.first.weights(), vec![0.0; 7]);
/// assert_eq!(two.first.weights(), two.second.weights());
/// ```
pub fn share<M: Module>(module: M) -> M {
    let shared = shared(&module);
    share_those(&shared, module)
}

/// [`share`] for those who know which identities several parameters have: these never change.
pub(crate) fn share_those<M: Module>(shared: &HashSet<ParamId>, module: M) -> M {
    if shared.is_empty() { module } else { module.map(&mut Share { shared, first: HashMap::new() }) }
}

/// The identities that several parameters of a module have.
pub(crate) fn shared<M: Module>(module: &M) -> HashSet<ParamId> {
    #[derive(Default)]
    struct Visitor {
        seen: HashSet<ParamId>,
        again: HashSet<ParamId>,
    }
    impl ModuleVisitor for Visitor {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !self.seen.insert(param.id) {
                self.again.insert(param.id);
            }
        }
    }
    let mut visitor = Visitor::default();
    module.visit(&mut visitor);
    visitor.again
}

struct Share<'a> {
    shared: &'a HashSet<ParamId>,
    /// The first parameter of each shared identity, a `Param<Tensor<D>>`.
    first: HashMap<ParamId, Box<dyn Any>>,
}

impl ModuleMapper for Share<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.shared.contains(&param.id) {
            return param;
        }
        let first = self.first.entry(param.id).or_insert_with(|| Box::new(param.clone()));
        first.downcast_ref::<Param<Tensor<D>>>().cloned().unwrap_or(param)
    }
}
