//! What a training needs of a network. The trainer of the `adact` crate is one; tests have others.

use std::path::Path;

use adact_evidence::records::LayerWeights;

use crate::error::Result;

/// What a training step says of its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The mean loss, before the step.
    pub loss: f64,
    /// The number of right answers, before the step.
    pub correct: usize,
}

/// What an evaluation says of its images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The sum of the images' losses.
    pub loss_sum: f64,
    /// The class that the network answers, for each image.
    pub answers: Vec<u8>,
}

/// A network that learns.
///
/// Pixels are a batch of normalised images, channels last. Everything is a pure function of the initial state,
/// the seed and the calls.
pub trait Learner {
    /// One training step; `step` counts from 1 over the whole training and drives what is random in it.
    fn step(&mut self, pixels: Vec<f32>, labels: &[i32], step: u64) -> Result<Outcome>;
    /// Answers for images, without learning from them.
    fn evaluate(&mut self, pixels: Vec<f32>, labels: &[i32]) -> Result<Evaluation>;
    /// For each layer, what its activation sees when the network looks at these images.
    fn inputs(&mut self, pixels: Vec<f32>) -> Result<Vec<Vec<f32>>>;
    /// The weights of each mixture, or none where no layer is one.
    fn layers(&self) -> Option<Vec<LayerWeights>>;
    /// The activation of each layer by name; `adact` where it is a mixture.
    fn activations(&self) -> Vec<String>;
    /// The number of parameters that learn.
    fn parameters(&self) -> u64;
    /// Writes the weights to a file.
    fn save(&self, path: &Path) -> Result<()>;
    /// Reads weights that [`save`](Self::save) wrote.
    fn load(&mut self, path: &Path) -> Result<()>;
    /// Writes all that a continued training needs into a folder.
    fn save_state(&self, dir: &Path) -> Result<()>;
    /// Reads what [`save_state`](Self::save_state) wrote.
    fn load_state(&mut self, dir: &Path) -> Result<()>;
}
