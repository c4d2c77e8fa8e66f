//! A searched network with single candidates in the place of its mixtures, nothing trained anew.

use adact_kernels::Activation;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::mixing::alone;
use super::shrink::with_values;
use crate::activation::{CANDIDATES, Candidates, RAW_WEIGHTS};
use crate::error::{Error, Result};
use crate::places::places;

/// The module whose mixtures use one candidate alone, in the order of its mixtures; none leaves one as it has learned. PReLU has
/// the slope that it has in the mixture, and all other parameters stay.
///
/// ```
/// use adact::{Activation, AdActConfig, with_choices};
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let mixture = AdActConfig::new().init(&device);
/// let relu = with_choices(mixture, &[Some(Activation::Relu)])?;
/// let y = relu.forward(Tensor::<1>::from_floats([-2.0, 3.0], &device));
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), [0.0, 3.0]);
/// # Ok::<(), adact::Error>(())
/// ```
///
/// # Errors
/// If there is not one choice for each mixture, or one is no candidate.
pub fn with_choices<M: Module>(module: M, choices: &[Option<Activation>]) -> Result<M> {
    let places = places(&module);
    let mixtures: Vec<_> = places.iter().filter_map(|place| Some((place, place.mixture.as_ref()?))).collect();
    if mixtures.len() != choices.len() {
        let (there, given) = (mixtures.len(), choices.len());
        return Err(Error::config(format!("there are {there} mixtures and {given} choices for them")));
    }
    for ((place, mixture), choice) in mixtures.iter().zip(choices) {
        if let Some(choice) = choice.filter(|choice| !mixture.candidates.contains(choice)) {
            return Err(Error::config(format!("{choice} is no candidate of {}", place.path)));
        }
    }
    Ok(module.map(&mut Choose { choices, next: 0, candidates: None, in_weights: false }))
}

struct Choose<'a> {
    choices: &'a [Option<Activation>],
    /// The mixture that comes next.
    next: usize,
    /// The candidates of the place where the visit is.
    candidates: Option<Candidates>,
    in_weights: bool,
}

impl ModuleMapper for Choose<'_> {
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
        let choice = self.choices.get(self.next).copied().flatten();
        self.next += 1;
        let Some(choice) = choice else { return param };
        let row = alone(candidates.activations(), choice);
        let rows = param.val().dims().iter().product::<usize>() / row.len().max(1);
        with_values(param, row.repeat(rows))
    }
}
