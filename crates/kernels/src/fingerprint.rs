//! A short name for the numbers that this build computes.

use crate::activation::Activation;
use crate::adamw::AdamW;
use crate::block::{self, BlockParams, BlockSpec};
use crate::conv::ConvSpec;
use crate::function::{Function, Noise};
use crate::linear::LinearParams;
use crate::precision::Precision;
use crate::random::{Purpose, Stream};
use crate::workspace::Workspace;
use crate::{elementwise, linear, loss, softmax, softmax_gradient};

/// A hash, sixteen hexadecimal digits, of the bits that the kernels give for a small fixed input: a step of training a
/// network whose layers take every way through the convolutions and hold every activation, and its evaluation.
///
/// Builds of one fingerprint train the same network to the same bits. It is the same on every path, processor and number
/// of threads, and takes a millisecond.
///
/// ```
/// let fingerprint = adact_kernels::fingerprint();
/// assert_eq!(fingerprint.len(), 16);
/// assert_eq!(fingerprint, adact_kernels::fingerprint());
/// ```
pub fn fingerprint() -> String {
    let mut hash = Hash::default();
    train_a_step(&mut hash);
    format!("{:016x}", hash.0)
}

/// Images of the batch, and classes.
const BATCH: usize = 2;
const CLASSES: usize = 5;

/// Layers of the three ways through a convolution: direct, and Winograd's by images and by channels. Sides, input
/// channels, pooling.
const LAYERS: [(usize, usize, bool); 3] = [(8, 3, false), (8, 16, true), (4, 16, true)];

/// The parameters of a layer.
struct Layer<'a> {
    spec: BlockSpec,
    weight: Vec<f32>,
    /// The convolution's bias, and the normalisation's weight and bias.
    vectors: [Vec<f32>; 3],
    function: Function<'a>,
}

impl Layer<'_> {
    fn params(&self) -> BlockParams<'_> {
        let [bias, gamma, beta] = &self.vectors;
        BlockParams {
            weight: &self.weight,
            bias,
            gamma_beta: Some((gamma, beta)),
            residual: None,
            function: Some(self.function),
        }
    }
}

fn train_a_step(hash: &mut Hash) {
    let ws = Workspace::new();
    let noise = |layer| Noise::Random(Stream::new(1, Purpose::Rrelu, layer));
    let paper = softmax(&normal(1, Activation::PAPER.len(), 1.0));
    let all = softmax(&normal(2, Activation::ALL.len(), 1.0));
    let mut prelu = Function::single(&Activation::Prelu);
    prelu.slope = -0.4;
    let functions =
        [Function::mixture(Activation::PAPER, &paper), prelu, Function::mixture(Activation::ALL, &all)];
    let layers: Vec<Layer<'_>> = (0..)
        .zip(LAYERS.into_iter().zip(functions))
        .map(|(i, ((side, input, pool), function))| {
            let conv = ConvSpec::same3x3(BATCH, (side, side), input, 16);
            let vectors = [0, 1, 2].map(|v| normal(20 + 3 * i + v, 16, 0.5));
            Layer {
                spec: BlockSpec { conv, pool, eps: 1e-5 },
                weight: normal(10 + i, conv.weights(), 0.2),
                vectors,
                function: function.with_noise(noise(i)),
            }
        })
        .collect();

    let images = normal(3, BATCH * layers[0].spec.conv.in_image(), 1.0);
    let mut x = ws.take(images.len());
    x.copy_from_slice(&images);
    let mut passes = Vec::new();
    for layer in &layers {
        let forward = block::forward(&ws, &layer.spec, &x, &layer.params());
        let (mean, var) = (&forward.mean, &forward.var);
        hash.floats([&forward.out, mean, var]);
        hash.floats([&block::forward_eval(&ws, &layer.spec, &x, &layer.params(), mean, var)]);
        let input = std::mem::replace(&mut x, forward.out);
        passes.push((layer, input, forward.saved));
    }

    let inputs = x.len() / BATCH;
    let (mut weight, bias) = (normal(4, CLASSES * inputs, 0.2), normal(5, CLASSES, 0.2));
    let linear = LinearParams {
        inputs,
        outputs: CLASSES,
        weight: &weight,
        bias: Some(&bias),
        function: None,
        precision: Precision::F32,
    };
    let logits = linear::forward(&ws, &linear, &x, None).y.into_vec();
    let mut dlogits = vec![0.0; logits.len()];
    let loss = loss::cross_entropy(&logits, &[4, 0], CLASSES, &mut dlogits, None);
    hash.number(loss.mean.to_bits());
    let grads = linear::backward(&ws, &linear, &x, None, &dlogits, true);
    let (dweight, dbias) = (grads.weight, grads.bias.unwrap_or_default());
    let mut dout = grads.dx.expect("asked for");
    hash.floats([&logits, &dout, &dweight, &dbias]);

    for (layer, x, saved) in passes.iter().rev() {
        let grads = block::backward(&ws, &layer.spec, x, &layer.params(), saved, &dout, true);
        let w = raw(layer.function.shares, &grads.function.shares);
        hash.floats([&grads.weight, &grads.gamma, &grads.beta, &w, &[grads.function.slope]]);
        dout = grads.dx.unwrap_or(dout);
    }
    let mut dx = vec![0.0; dout.len()];
    let own = elementwise::backward(&layers[0].function, &passes[0].1, &dout, &mut dx);
    hash.floats([&dx, &raw(layers[0].function.shares, &own.shares)]);

    let (mut first, mut second) = (normal(6, weight.len(), 1e-2), vec![1e-4; weight.len()]);
    AdamW::default().step(3, &mut weight, &dweight, &mut first, &mut second);
    hash.floats([&weight, &first, &second]);
}

/// The gradient of the raw weights of a mixture, none of one activation.
fn raw(shares: Option<&[f64]>, dshares: &[f64]) -> Vec<f32> {
    shares.map_or_else(Vec::new, |shares| softmax_gradient(shares, dshares))
}

/// Normal numbers of a standard deviation.
fn normal(seed: u64, count: usize, deviation: f64) -> Vec<f32> {
    let stream = Stream::new(seed, Purpose::Synthetic, 0);
    (0..count as u64).map(|i| (stream.normal(i) * deviation) as f32).collect()
}

/// FNV-1a (Fowler, Noll and Vo) over numbers.
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn floats<const N: usize>(&mut self, slices: [&[f32]; N]) {
        for slice in slices {
            slice.iter().for_each(|v| self.number(v.to_bits().into()));
        }
    }
}
