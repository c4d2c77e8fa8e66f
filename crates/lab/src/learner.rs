//! What a training needs of a network. The trainer of the `adact` crate is one; tests have others.

use std::path::Path;

use adact::Inputs;
use adact_evidence::records::{LayerWeights, Samples};

use crate::data::Data;
use crate::error::Result;

/// What a training step says of its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The mean loss, before the step.
    pub loss: f64,
    /// The number of right answers, before the step.
    pub correct: usize,
}

/// What an evaluation says of its inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The sum of the losses.
    pub loss_sum: f64,
    /// The class that the network answers, for each image, token or pixel.
    pub answers: Vec<u16>,
}

/// A network that learns.
///
/// Everything is a pure function of the initial state, the seed and the calls.
pub trait Learner {
    /// One training step, with a target for each image, token or pixel; `step` counts from 1 over the whole training and
    /// drives what is random in it.
    fn step(&mut self, inputs: Inputs, targets: &[i32], step: u64) -> Result<Outcome>;
    /// A step on two levels: mixtures learn from `held_out`, all else from `batch`, of which it tells.
    fn step_bilevel(
        &mut self,
        batch: (Inputs, &[i32]),
        held_out: (Inputs, &[i32]),
        step: u64,
    ) -> Result<Outcome>;
    /// Answers for inputs, without learning from them.
    fn evaluate(&mut self, inputs: Inputs, targets: &[i32]) -> Result<Evaluation>;
    /// The same, where mixtures are replaced by one of their candidates, in order; none leaves one as it learned.
    fn evaluate_with(
        &mut self,
        choices: &[Option<String>],
        inputs: Inputs,
        targets: &[i32],
    ) -> Result<Evaluation>;
    /// For each place, what its activation sees when the network looks at these inputs.
    fn inputs(&mut self, inputs: Inputs) -> Result<Vec<Vec<f32>>>;
    /// The weights of each mixture, or none where no place has one.
    fn layers(&self) -> Option<Vec<LayerWeights>>;
    /// The paths of the places, in order.
    fn places(&self) -> Vec<String>;
    /// The activation of each place by name; `adact` where it is a mixture.
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
    /// What the network makes, for people to look at: a text, pictures. Default nothing.
    fn samples(&mut self, data: &Data) -> Result<Option<Samples>> {
        let _ = data;
        Ok(None)
    }
}
