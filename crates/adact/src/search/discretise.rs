//! A searched network with single candidates in the place of its mixtures, nothing trained anew.

use adact_kernels::Activation;
use burn::module::Module;

use super::raw::with_raw_weights;
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
    let mut choices = choices.iter();
    Ok(with_raw_weights(module, |candidates, raw| {
        let choice = (*choices.next()?)?;
        let gate = candidates.gate()?;
        Some(vec![gate.alone(candidates.activations(), choice); raw.rows.len()])
    }))
}
