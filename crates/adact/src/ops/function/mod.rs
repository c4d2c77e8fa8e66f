//! A function applied to every element: one activation or a mixture.

mod composed;

use std::sync::Arc;

use adact_kernels::channels::{self, ChannelSpec};
use adact_kernels::{Activation, Constants, Function, FunctionGrads, Noise, elementwise};
use burn::backend::flex::FlexTensor;
use burn::tensor::{Device, Tensor};

use super::buffer::{WORKSPACE, vector};
use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;
use super::{Channels, check_shape};
use crate::activation::Gate;

/// What of a function is not a tensor.
#[derive(Clone, Debug)]
pub(crate) struct FunctionSpec {
    /// The candidates of the mixture, or the one activation.
    pub candidates: Arc<[Activation]>,
    /// How the raw weights of a mixture are its shares, in `f64`; none for one activation alone. Shares that are given, made of whatever
    /// parameters by operations of their own, are linear weights.
    pub gate: Option<Gate>,
    /// The channels, where each has shares and a slope of its own.
    pub channels: Option<Channels>,
    /// The constants of the candidates.
    pub constants: Constants,
    /// Where RReLU's slopes come from.
    pub noise: Noise,
}

/// The parameters of a function. What a function doesn't have is a tensor without elements.
#[derive(Clone, Debug)]
pub(crate) struct FunctionTensors {
    /// The raw weights or the shares of a mixture, one channel after the other where each has its own.
    pub w: Tensor<1>,
    /// PReLU's slope, one element or one for each channel.
    pub slope: Tensor<1>,
}

/// The values of a function's parameters as the kernels take them.
#[derive(Debug)]
pub(super) struct Values {
    shares: Vec<f64>,
    slopes: Vec<f32>,
}

impl FunctionSpec {
    /// The function that changes nothing.
    pub fn identity() -> Self {
        Self {
            candidates: [Activation::Identity].into(),
            gate: None,
            channels: None,
            constants: Constants::default(),
            noise: Noise::Mean,
        }
    }

    /// The shape of a parameter beside a tensor of rank D.
    pub(super) fn parameter_shape<const D: usize>(&self) -> [usize; D] {
        let mut shape = [1; D];
        if let Some(channels) = self.channels {
            shape[channels.axis(D)] = channels.count;
        }
        shape
    }

    /// The values of its parameters.
    pub(super) fn values(&self, w: FlexTensor, slope: FlexTensor) -> Values {
        let (w, slope) = (Arranged::row_major(w), Arranged::row_major(slope));
        let rows = w.values().chunks(self.candidates.len());
        let shares = self.gate.map_or_else(Vec::new, |gate| rows.flat_map(|row| gate.shares(row)).collect());
        Values { shares, slopes: slope.values().to_vec() }
    }

    /// The function with these values.
    pub(super) fn bind<'a>(&'a self, values: &'a Values) -> Function<'a> {
        self.bind_channel(values, 0)
    }

    /// The function of each channel.
    fn bind_channels<'a>(&'a self, values: &'a Values) -> Vec<Function<'a>> {
        let count = self.channels.map_or(1, |channels| channels.count);
        (0..count).map(|channel| self.bind_channel(values, channel)).collect()
    }

    fn bind_channel<'a>(&'a self, values: &'a Values, channel: usize) -> Function<'a> {
        let candidates = self.candidates.len();
        Function {
            candidates: &self.candidates,
            shares: self.gate.map(|_| &values.shares[channel * candidates..][..candidates]),
            slope: values.slopes.get(channel).copied().unwrap_or(0.0),
            constants: self.constants,
            noise: self.noise,
        }
    }

    /// The gradients of `w` and of the slope for those of each channel's function.
    pub(super) fn gradients(&self, values: &Values, own: &[FunctionGrads]) -> [FlexTensor; 2] {
        let rows = values.shares.chunks(self.candidates.len()).zip(own);
        let gradient = |gate: Gate| rows.flat_map(|(row, own)| gate.gradient(row, &own.shares)).collect();
        let w = self.gate.map_or_else(Vec::new, gradient);
        [vector(w), vector(own.iter().map(|own| own.slope).collect())]
    }
}

impl FunctionTensors {
    /// Those of a function without parameters.
    pub fn none(device: &Device) -> Self {
        Self { w: absent(device), slope: absent(device) }
    }

    /// Checks that there is one weight for each candidate of a mixture, and a slope where PReLU is one; of each channel
    /// where they have their own.
    ///
    /// # Panics
    /// If not.
    pub fn check(&self, spec: &FunctionSpec) {
        let channels = spec.channels.map_or(1, |channels| channels.count);
        if spec.gate.is_some() {
            check_shape("the mixture's w", &self.w, [channels * spec.candidates.len()]);
        }
        if spec.candidates.iter().any(|candidate| candidate.learns_slope()) {
            check_shape("PReLU's slope", &self.slope, [channels]);
        }
    }

    /// Whether the kernels serve them.
    pub fn is_fused(&self) -> bool {
        is_fused(&self.w) && is_fused(&self.slope)
    }
}

/// A parameter that a function doesn't have.
pub(crate) fn absent(device: &Device) -> Tensor<1> {
    Tensor::empty([0], device)
}

/// Applies a mixture whose shares are given to every element of a tensor of any rank: `sum_i shares_i candidates_i(x)`.
///
/// - `shares`: one for each candidate, made of whatever parameters; they need not add up to 1;
/// - `slope`: PReLU's slope, one element, where PReLU is a candidate;
/// - `noise`: where RReLU's slopes come from.
///
/// All three tensors get their gradients. [`AdAct`](crate::AdAct) is this with the softmax of its weights.
///
/// ```
/// use adact::{Activation, Noise, ops};
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let candidates = [Activation::Relu, Activation::Identity];
/// let (x, shares) = (Tensor::<1>::from_floats([-1.0, 2.0], &device), Tensor::from_floats([0.5, 0.25], &device));
/// let y = ops::mixture(x, &candidates, shares, None, Noise::Mean);
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), [-0.25, 1.5]);
/// ```
///
/// # Panics
/// If there is no candidate, not one share for each, or PReLU without its slope.
pub fn mixture<const D: usize>(
    x: Tensor<D>,
    candidates: &[Activation],
    shares: Tensor<1>,
    slope: Option<Tensor<1>>,
    noise: Noise,
) -> Tensor<D> {
    assert!(!candidates.is_empty(), "a mixture needs one candidate at least");
    let spec = FunctionSpec {
        candidates: candidates.into(),
        gate: Some(Gate::Linear),
        channels: None,
        constants: Constants::default(),
        noise,
    };
    let slope = slope.unwrap_or_else(|| absent(&shares.device()));
    function(x, FunctionTensors { w: shares, slope }, spec)
}

/// Applies a function to every element of a tensor of any rank.
///
/// # Panics
/// If the parameters are not those of the function, or the tensor has other channels.
pub(crate) fn function<const D: usize>(
    x: Tensor<D>,
    parameters: FunctionTensors,
    spec: FunctionSpec,
) -> Tensor<D> {
    parameters.check(&spec);
    if let Some(channels) = spec.channels {
        let (axis, count) = (channels.axis(D), channels.count);
        let found = x.dims()[axis];
        assert!(found == count, "an activation of {count} channels got {found} in dimension {axis}");
    }
    if !(is_fused(&x) && parameters.is_fused()) {
        return composed::function(x, parameters, &spec);
    }
    let inputs = [x.into_dispatch(), parameters.w.into_dispatch(), parameters.slope.into_dispatch()];
    fused::run(inputs, Arc::new(Apply(spec)))
}

/// The operation: `x`, `w` and the slope to `f(x)`.
struct Apply(FunctionSpec);

impl Apply {
    /// Where the channels lie that have functions of their own.
    fn channels(&self, x: &Arranged) -> Option<ChannelSpec> {
        self.0.channels.map(|channels| {
            let [outer, channels, inner] = x.around(channels.axis(x.rank()));
            ChannelSpec { outer, channels, inner }
        })
    }
}

impl Operation<3> for Apply {
    type Saved = (Arranged, Values);

    fn forward(&self, [x, w, slope]: [FlexTensor; 3], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let (x, values) = (Arranged::as_it_lies(x), self.0.values(w, slope));
        let mut y = WORKSPACE.take(x.values().len());
        match self.channels(&x) {
            None => elementwise::forward(&self.0.bind(&values), x.values(), &mut y),
            Some(spec) => channels::forward(&spec, &self.0.bind_channels(&values), x.values(), &mut y),
        }
        (x.like(y), keep.then_some((x, values)))
    }

    fn backward(&self, (x, values): &Self::Saved, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let dy = x.arrange(dy);
        let mut dx = WORKSPACE.take(x.values().len());
        let (xs, dys) = (x.values(), dy.values());
        let own = match self.channels(x) {
            None => vec![elementwise::backward(&self.0.bind(values), xs, dys, &mut dx)],
            Some(spec) => channels::backward(&spec, &self.0.bind_channels(values), xs, dys, &mut dx),
        };
        let [w, slope] = self.0.gradients(values, &own);
        [Some(x.like(dx)), Some(w), Some(slope)]
    }
}
