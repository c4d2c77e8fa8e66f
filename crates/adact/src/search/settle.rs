//! The network that a search stands for: what is evaluated, kept in files and recorded.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::mixing::Moment;
use super::shrink::with_values;
use crate::activation::{CANDIDATES, Candidates, RAW_WEIGHTS};

/// Which weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those whose softmax are the shares of the network that is evaluated.
    Settled,
    /// Those whose softmax tells how likely each candidate is.
    Likely,
}

/// The module with the weights of its mixtures as a moment of a search means them.
pub(crate) fn with_weights<M: Module>(module: M, moment: Moment, which: Which) -> M {
    if moment.is_plain() {
        module
    } else {
        module.map(&mut Weights { moment, which, candidates: None, in_weights: false })
    }
}

struct Weights {
    moment: Moment,
    which: Which,
    /// Those of the place where the visit is.
    candidates: Option<Candidates>,
    in_weights: bool,
}

impl ModuleMapper for Weights {
    fn enter_module(&mut self, name: &str, container: &str) {
        if container == CANDIDATES {
            self.candidates = Candidates::from_name(name);
        }
        self.in_weights |= container == RAW_WEIGHTS;
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.in_weights &= container != RAW_WEIGHTS;
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(candidates) = self.candidates.as_ref().filter(|_| self.in_weights) else {
            return param;
        };
        let candidates = candidates.activations();
        let w: Vec<f32> = param.val().into_data().iter::<f32>().collect();
        let of = |row: &[f32]| match self.which {
            Which::Settled => self.moment.settle(candidates, row),
            Which::Likely => self.moment.weights(row),
        };
        let values = w.chunks(candidates.len()).flat_map(of).collect();
        with_values(param, values)
    }
}
