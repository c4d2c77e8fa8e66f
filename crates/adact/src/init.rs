//! Initial weights: a pure function of the seed and the tensor's number, so that networks which differ only in
//! their activations start from the same weights.

use adact_kernels::Activation;
use adact_kernels::random::{Purpose, Stream};
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use crate::activation::{ActivationConfig, ActivationLayer, Granularity};
use crate::ops::Channels;

/// What a network is built from: initial values and activations, handed out in the order in which the network asks.
///
/// Tensors are numbered as they are asked for, and each is a function of the seed and its number alone.
#[derive(Debug)]
pub struct Init<'a> {
    device: &'a Device,
    /// None: all values are 0, for whoever wants the structure only.
    seed: Option<u64>,
    activations: &'a [ActivationConfig],
    tensors: u64,
    places: usize,
    /// The first place of each configuration whose parameters the whole network shares.
    shared: Vec<(ActivationConfig, ActivationLayer)>,
}

impl<'a> Init<'a> {
    /// Initial values of a seed.
    pub fn new(seed: u64, activations: &'a [ActivationConfig], device: &'a Device) -> Self {
        Self { device, seed: Some(seed), activations, tensors: 0, places: 0, shared: Vec::new() }
    }

    /// No values: everything is 0.
    pub(crate) fn blank(activations: &'a [ActivationConfig], device: &'a Device) -> Self {
        Self { device, seed: None, activations, tensors: 0, places: 0, shared: Vec::new() }
    }

    /// The device.
    pub fn device(&self) -> &'a Device {
        self.device
    }

    /// The activation of the next place, which sees these channels. Beyond those that are configured it is the identity;
    /// who builds the network compares the numbers.
    pub fn activation(&mut self, channels: Channels) -> ActivationLayer {
        let config = self.activations.get(self.places).cloned();
        self.places += 1;
        let config = config.unwrap_or_else(|| Activation::Identity.into());
        if config.granularity() != Granularity::Network {
            return config.init_for(channels, self.device);
        }
        if let Some((_, first)) = self.shared.iter().find(|(other, _)| *other == config) {
            return first.sharing();
        }
        let layer = config.init_for(channels, self.device);
        self.shared.push((config, layer.clone()));
        layer
    }

    /// How many activations were asked for.
    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// A parameter drawn uniformly from `[-bound, bound)`.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        self.draw(shape, |stream, i| (2.0 * stream.uniform(i) - 1.0) * bound)
    }

    /// A parameter drawn from the normal distribution around 0.
    pub fn normal<const D: usize>(&mut self, shape: [usize; D], std: f64) -> Param<Tensor<D>> {
        self.draw(shape, |stream, i| stream.normal(i) * std)
    }

    /// A parameter of equal elements. It has no number.
    pub fn constant<const D: usize>(&self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        let count: usize = shape.iter().product();
        Param::from_data(TensorData::new(vec![value; count], shape), self.device)
    }

    fn draw<const D: usize>(
        &mut self,
        shape: [usize; D],
        value: impl Fn(Stream, u64) -> f64,
    ) -> Param<Tensor<D>> {
        let number = self.tensors;
        self.tensors += 1;
        let Some(seed) = self.seed else { return self.constant(shape, 0.0) };
        let stream = Stream::new(seed, Purpose::Init, number);
        let count: usize = shape.iter().product();
        let values = (0..count as u64).map(|i| value(stream, i) as f32);
        Param::from_data(TensorData::new(values.collect(), shape), self.device)
    }
}
