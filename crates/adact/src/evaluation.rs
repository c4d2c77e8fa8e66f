//! What a network says of inputs.

use adact_kernels::loss::argmax;
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

use crate::error::{Error, ErrorKind, Result};
use crate::network::{Inputs, Network};
use crate::ops;
use crate::pass::Pass;

/// What an evaluation found. A row is an image, a pixel or a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The sum of the rows' losses.
    pub loss_sum: f64,
    /// How many rows are right.
    pub correct: usize,
    /// The class of each row.
    pub predictions: Vec<usize>,
}

/// What a network says of inputs, where it doesn't learn: batch norm by its running statistics, RReLU by its mean.
pub trait Evaluate {
    /// Evaluates inputs against the class of each row.
    ///
    /// # Errors
    /// If the inputs don't fit the network, there is not one class for each row, or one is no class.
    fn evaluate(&self, inputs: impl Into<Inputs>, targets: &[i32]) -> Result<Evaluation>;

    /// The probability of each class for each row.
    ///
    /// # Errors
    /// If the inputs don't fit the network.
    fn predict(&self, inputs: impl Into<Inputs>) -> Result<Vec<Vec<f32>>>;

    /// What the activation of each place sees, in the order of [`places`](crate::places()): all values, place by place.
    ///
    /// # Errors
    /// If the inputs don't fit the network.
    fn activation_inputs(&self, inputs: impl Into<Inputs>) -> Result<Vec<Vec<f32>>>;
}

impl<N: Network> Evaluate for N {
    fn evaluate(&self, inputs: impl Into<Inputs>, targets: &[i32]) -> Result<Evaluation> {
        let logits = self.valid().logits(inputs.into(), &Pass::new())?;
        check_targets(&logits, targets)?;
        let classes = logits.dims()[1];
        let values: Vec<f32> = logits.clone().into_data().iter::<f32>().collect();
        let (_, loss) = ops::cross_entropy_counted(logits, targets);
        Ok(Evaluation {
            loss_sum: loss.mean * targets.len() as f64,
            correct: loss.correct,
            predictions: values.chunks_exact(classes).map(argmax).collect(),
        })
    }

    fn predict(&self, inputs: impl Into<Inputs>) -> Result<Vec<Vec<f32>>> {
        let logits = self.valid().logits(inputs.into(), &Pass::new())?;
        let classes = logits.dims()[1];
        let values: Vec<f32> = softmax(logits, 1).into_data().iter::<f32>().collect();
        Ok(values.chunks_exact(classes).map(<[f32]>::to_vec).collect())
    }

    fn activation_inputs(&self, inputs: impl Into<Inputs>) -> Result<Vec<Vec<f32>>> {
        let pass = Pass::recording();
        let network = self.valid();
        network.logits(inputs.into(), &pass)?;
        let mut recorded = pass.into_recorded();
        let mut take = |id| {
            let at = recorded.iter().position(|(place, _)| Some(*place) == id)?;
            Some(recorded.swap_remove(at).1)
        };
        Ok(network.places().iter().map(|place| take(place.id).unwrap_or_default()).collect())
    }
}

/// One target for each row of logits, and each a class.
pub(crate) fn check_targets(logits: &Tensor<2>, targets: &[i32]) -> Result<()> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidData, message));
    let [rows, classes] = logits.dims();
    if targets.len() != rows {
        return invalid(format!("there are {} labels for {rows} answers", targets.len()));
    }
    let is_class = |&target: &i32| usize::try_from(target).is_ok_and(|target| target < classes);
    match targets.iter().position(|target| !is_class(target)) {
        Some(at) => invalid(format!("label {} of answer {at} is none of the {classes} classes", targets[at])),
        None => Ok(()),
    }
}
