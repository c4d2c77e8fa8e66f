//! Self-attention.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::ops;

/// Scaled dot-product self-attention of several heads (Vaswani et al. 2017), between the layers that make queries, keys
/// and values of the tokens and the one that mixes the heads.
#[derive(Module, Debug)]
pub struct Attention {
    /// Heads.
    pub heads: usize,
    /// Whether a token sees only itself and those before it.
    pub causal: bool,
}

impl Attention {
    /// Attention of `heads` heads.
    pub fn new(heads: usize, causal: bool) -> Self {
        Self { heads, causal }
    }

    /// From queries, keys and values side by side, (batch, length, 3 dim), to (batch, length, dim).
    ///
    /// # Panics
    /// If the last dimension isn't three times a multiple of the heads.
    pub fn forward(&self, qkv: Tensor<3>) -> Tensor<3> {
        ops::attention(qkv, self.heads, self.causal)
    }
}
