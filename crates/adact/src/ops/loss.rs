//! Cross-entropy.

use adact_kernels::loss::Loss;
use burn::backend::Dispatch;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

use super::flex::FusedOps;
use super::is_fused;

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
        let (tensor, loss) = <Dispatch as FusedOps>::cross_entropy(logits.into_dispatch(), labels.into());
        return (Tensor::from_dispatch(tensor), loss);
    }
    let targets = TensorData::new(labels.to_vec(), [batch, 1]);
    let targets = Tensor::<2, Int>::from_data(targets, &logits.device());
    let correct = logits.clone().argmax(1).equal(targets.clone()).int().sum().into_scalar::<i64>();
    let loss = log_softmax(logits, 1).gather(1, targets).mean().neg();
    let numbers = Loss { mean: loss.clone().into_scalar::<f64>(), correct: correct as usize };
    (loss, numbers)
}
