//! Embedding.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::init::Init;
use crate::ops;

/// A table of vectors, one for each token.
#[derive(Module, Debug)]
pub struct Embedding {
    /// (entries, dim).
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// A table that is drawn normal with a deviation of `std`.
    pub fn normal(entries: usize, dim: usize, std: f64, init: &mut Init<'_>) -> Self {
        Self { weight: init.normal([entries, dim], std) }
    }

    /// The vectors (batch, length, dim) of tokens (batch, length).
    ///
    /// # Panics
    /// If a token is beyond the table.
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        ops::embedding(self.weight.val(), tokens)
    }
}
