//! The language model.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::sizes::{activations_and_seed, checked, weights};
use crate::activation::{ActivationConfig, ActivationLayer};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::layers::{Attention, Embedding, LayerNorm, Linear};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::ops::{self, Channels};
use crate::pass::Pass;

/// The deviation of the initial weights.
const STD: f64 = 0.02;
/// What layer norm adds to the variance.
const EPS: f32 = 1e-5;

/// The configuration of a [`Gpt`]: GPT-2 as in nanoGPT, with biases, the output tied to the embedding, no dropout.
///
/// ```
/// use adact::{NetworkConfig, networks::GptConfig};
/// assert_eq!(GptConfig::new(65).places()?[3], "transformer.h.3.mlp.act");
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GptConfig {
    /// Tokens that there are.
    pub vocab: usize,
    /// Tokens of a sequence. Default 64.
    pub context: usize,
    /// The width of the states, a multiple of the heads. Default 128.
    pub dim: usize,
    /// Blocks. Default 4.
    pub depth: usize,
    /// Heads of the attention. Default 4.
    pub heads: usize,
    /// The activation of each block's MLP.
    pub activations: Vec<ActivationConfig>,
    /// The seed of the initial weights. Default 0.
    pub seed: u64,
    /// The character of each token, which files keep. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<char>,
}

impl GptConfig {
    /// Four blocks of 128 and a context of 64, nanoGPT's model for a CPU, the mixture in each block.
    pub fn new(vocab: usize) -> Self {
        let activations = vec![ActivationConfig::default(); 4];
        let (context, dim, depth, heads) = (64, 128, 4, 4);
        Self { vocab, context, dim, depth, heads, activations, seed: 0, vocabulary: Vec::new() }
    }
}

impl NetworkConfig for GptConfig {
    type Network = Gpt;

    fn build(&self, init: &mut Init<'_>) -> Result<Gpt> {
        let transformer = Transformer {
            wte: Embedding::normal(self.vocab, self.dim, STD, init),
            wpe: Embedding::normal(self.context, self.dim, STD, init),
            h: (0..self.depth).map(|_| GptBlock::new(self, init)).collect(),
            ln_f: LayerNorm::new(self.dim, EPS, init),
        };
        Ok(Gpt { transformer, config: self.clone() })
    }

    activations_and_seed!();

    fn words(&self) -> String {
        let Self { vocab, context, depth, dim, .. } = self;
        format!("a GPT ({depth} blocks of {dim}) of {vocab} tokens and a context of {context}")
    }

    fn size(&self) -> Option<usize> {
        weights(&[
            vec![self.vocab, self.dim],
            vec![self.context, self.dim],
            vec![12, self.dim, self.dim, self.depth],
        ])
    }

    fn validate(&self) -> Result<()> {
        if [self.vocab, self.context, self.dim, self.depth, self.heads].contains(&0) {
            return Err(Error::config("the sizes of a GPT are 1 at least"));
        }
        if !self.dim.is_multiple_of(self.heads) {
            return Err(Error::config(format!("{} heads don't divide states of {}", self.heads, self.dim)));
        }
        let characters = self.vocabulary.len();
        if characters != 0 && characters != self.vocab {
            return Err(Error::config(format!("a GPT of {} tokens has {characters} characters", self.vocab)));
        }
        checked(self, "sizes")
    }
}

/// A language model: the logits of the next token after each token.
#[derive(Module, Debug)]
pub struct Gpt {
    /// All of it: the output's weight is the embedding's.
    pub transformer: Transformer,
    #[module(skip)]
    config: GptConfig,
}

/// The parts of a GPT, by nanoGPT's names.
#[derive(Module, Debug)]
pub struct Transformer {
    /// The tokens' embedding.
    pub wte: Embedding,
    /// The positions' embedding.
    pub wpe: Embedding,
    /// The blocks.
    pub h: Vec<GptBlock>,
    /// The last layer norm.
    pub ln_f: LayerNorm,
}

/// A block of a GPT.
#[derive(Module, Debug)]
pub struct GptBlock {
    /// The layer norm before the attention.
    pub ln_1: LayerNorm,
    /// The attention with its two layers.
    pub attn: CausalSelfAttention,
    /// The layer norm before the MLP.
    pub ln_2: LayerNorm,
    /// The MLP.
    pub mlp: GptMlp,
}

/// Causal self-attention with the layers around it.
#[derive(Module, Debug)]
pub struct CausalSelfAttention {
    /// Makes queries, keys and values.
    pub c_attn: Linear,
    /// Mixes the heads.
    pub c_proj: Linear,
    attention: Attention,
}

/// Two layers with the activation between.
#[derive(Module, Debug)]
pub struct GptMlp {
    /// The layer that widens.
    pub c_fc: Linear,
    /// The activation.
    pub act: ActivationLayer,
    /// The layer that narrows.
    pub c_proj: Linear,
}

impl GptBlock {
    fn new(config: &GptConfig, init: &mut Init<'_>) -> Self {
        let dim = config.dim;
        // What enters the residual sum is the smaller the more blocks there are (Radford et al. 2019).
        let narrow = STD / (2.0 * config.depth as f64).sqrt();
        Self {
            ln_1: LayerNorm::new(dim, EPS, init),
            attn: CausalSelfAttention {
                c_attn: Linear::normal(dim, 3 * dim, STD, init),
                c_proj: Linear::normal(dim, dim, narrow, init),
                attention: Attention::new(config.heads, true),
            },
            ln_2: LayerNorm::new(dim, EPS, init),
            mlp: GptMlp {
                c_fc: Linear::normal(dim, 4 * dim, STD, init),
                act: init.activation(Channels::last(4 * dim)),
                c_proj: Linear::normal(4 * dim, dim, narrow, init),
            },
        }
    }

    fn forward(&self, x: Tensor<3>, pass: &Pass) -> Tensor<3> {
        let attention = self.attn.attention.forward(self.attn.c_attn.forward(self.ln_1.forward(x.clone())));
        let x = self.attn.c_proj.then_add(attention, x);
        let hidden = self.mlp.c_fc.then_act(self.ln_2.forward(x.clone()), &self.mlp.act, pass);
        self.mlp.c_proj.then_add(hidden, x)
    }
}

impl Gpt {
    /// The logits (batch, length, vocab) of tokens (batch, length), of a length up to the context.
    ///
    /// # Panics
    /// If the sequence is longer than the context, or a token is beyond the vocabulary.
    pub fn forward(&self, tokens: Tensor<2, Int>, pass: &Pass) -> Tensor<3> {
        let [_, length] = tokens.dims();
        let context = self.config.context;
        assert!(length <= context, "{length} tokens are more than a context of {context}");
        let t = &self.transformer;
        let positions: Tensor<2> = t.wpe.weight.val().narrow(0, 0, length);
        let x = t.wte.forward(tokens) + positions.unsqueeze();
        let x = t.h.iter().fold(x, |x, block| block.forward(x, pass));
        ops::linear(t.ln_f.forward(x), t.wte.weight.val(), None)
    }
}

impl Network for Gpt {
    type Config = GptConfig;

    fn config(&self) -> &GptConfig {
        &self.config
    }

    fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>> {
        let GptConfig { context, vocab, .. } = self.config;
        let tokens = inputs.tokens(context, vocab, &self.transformer.wte.weight.device())?;
        let [batch, length] = tokens.dims();
        Ok(self.forward(tokens, pass).reshape([batch * length, vocab]))
    }

    fn aliases() -> &'static [(&'static str, &'static str)] {
        &[("lm_head.weight", "transformer.wte.weight")]
    }
}
