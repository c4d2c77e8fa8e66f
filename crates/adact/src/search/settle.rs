//! The network that a search stands for: what is evaluated, kept in files and recorded.

use burn::module::Module;

use super::mixing::Moment;
use super::raw::with_raw_weights;

/// Which weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those of which its gates make the shares of the network that is evaluated.
    Settled,
    /// Those whose softmax tells how likely each candidate is.
    Likely,
}

/// The module with the weights of its mixtures as a moment of a search means them.
pub(crate) fn with_weights<M: Module>(module: M, moment: Moment, which: Which) -> M {
    if moment.is_plain() {
        return module;
    }
    with_raw_weights(module, |candidates, raw| {
        let gate = candidates.gate()?;
        let of = |row: &Vec<f32>| match which {
            Which::Settled => moment.settle(gate, candidates.activations(), row),
            Which::Likely => moment.weights(row),
        };
        Some(raw.rows.iter().map(of).collect())
    })
}
