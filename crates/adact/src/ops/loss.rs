//! Cross-entropy.

use std::sync::{Arc, OnceLock};

use adact_kernels::Buffer;
use adact_kernels::loss::{self, Loss};
use burn::backend::flex::FlexTensor;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

use super::buffer::{self, WORKSPACE};
use super::fused::{self, Operation, is_fused};
use super::layout::Arranged;

/// The mean cross-entropy of `logits` (batch, classes) against the class of each image (batch).
///
/// # Panics
/// If there is not one label for each row, or a label is not in `0..classes`.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let labels: Vec<i32> = labels.into_data().iter::<i32>().collect();
    cross_entropy_counted(logits, &labels).0
}

/// The mean cross-entropy as a tensor, and as numbers with how many rows are largest at their label.
pub(crate) fn cross_entropy_counted(logits: Tensor<2>, labels: &[i32]) -> (Tensor<1>, Loss) {
    let [batch, classes] = logits.dims();
    assert_eq!(labels.len(), batch, "one label for each row of logits");
    let is_class = |&label: &i32| usize::try_from(label).is_ok_and(|label| label < classes);
    assert!(labels.iter().all(is_class), "every label must be in 0..{classes}");
    if is_fused(&logits) {
        let operation = Arc::new(CrossEntropy { labels: labels.into(), classes, loss: OnceLock::new() });
        let tensor = fused::run([logits.into_dispatch()], operation.clone());
        let loss = *operation.loss.get().expect("the operation ran");
        return (tensor, loss);
    }
    let targets = TensorData::new(labels.to_vec(), [batch, 1]);
    let targets = Tensor::<2, Int>::from_data(targets, &logits.device());
    let correct = logits.clone().argmax(1).equal(targets.clone()).int().sum().into_scalar::<i64>();
    let loss = log_softmax(logits, 1).gather(1, targets).mean().neg();
    let numbers = Loss { mean: loss.clone().into_scalar::<f64>(), correct: correct as usize };
    (loss, numbers)
}

/// The operation: logits to their mean loss. It runs once, and leaves what else there is to say in `loss`.
struct CrossEntropy {
    labels: Vec<i32>,
    classes: usize,
    loss: OnceLock<Loss>,
}

impl Operation<1> for CrossEntropy {
    /// The layout of the logits, and their gradient for a loss whose own gradient is 1.
    type Saved = (Arranged, Buffer);

    fn forward(&self, [logits]: [FlexTensor; 1], keep: bool) -> (FlexTensor, Option<Self::Saved>) {
        let logits = Arranged::row_major(logits);
        let mut gradient = WORKSPACE.take(logits.values().len());
        let loss = loss::cross_entropy(logits.values(), &self.labels, self.classes, &mut gradient, None);
        self.loss.get_or_init(|| loss);
        (buffer::tensor(vec![loss.mean as f32], [1]), keep.then_some((logits, gradient)))
    }

    fn backward(
        &self,
        (logits, gradient): &Self::Saved,
        scale: FlexTensor,
        _: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        let scale = Arranged::row_major(scale).values()[0];
        let mut scaled = WORKSPACE.take(gradient.len());
        scaled.iter_mut().zip(&gradient[..]).for_each(|(to, from)| *to = from * scale);
        [Some(logits.like(scaled))]
    }
}
