//! The cross-entropy loss.

use rayon::prelude::*;

use crate::check::length;
use crate::exp_log;

/// Logits of a task, about.
const CHUNK: usize = 4096;

/// What a batch's loss comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// The mean over the batch of -log softmax(logits)\[label\]. NaN if a logit is NaN.
    pub mean: f64,
    /// How many rows have their largest logit at the label.
    pub correct: usize,
}

/// Cross-entropy of `logits` (rows x `classes`) and, into `dlogits`, the gradient of its mean.
///
/// # Panics
/// If lengths don't fit, there is no class, or a label is not below `classes`.
///
/// ```
/// use adact_kernels::loss::cross_entropy;
/// let mut gradient = [0.0; 2];
/// let loss = cross_entropy(&[0.0, 0.0], &[1], 2, &mut gradient);
/// assert!((loss.mean - 2f64.ln()).abs() < 1e-7);
/// assert_eq!(gradient, [0.5, -0.5]);
/// ```
pub fn cross_entropy(logits: &[f32], labels: &[i32], classes: usize, dlogits: &mut [f32]) -> Loss {
    assert!(classes > 0, "a loss needs at least one class");
    length("logits", logits.len(), labels.len().saturating_mul(classes));
    length("dlogits", dlogits.len(), logits.len());
    for label in labels {
        let is_class = usize::try_from(*label).is_ok_and(|label| label < classes);
        assert!(is_class, "label {label} is none of {classes} classes");
    }
    let scale = 1.0 / labels.len() as f64;
    let rows = CHUNK.div_ceil(classes);
    let mut losses = vec![0.0; labels.len()];
    let chunks = logits.par_chunks(rows * classes).zip(dlogits.par_chunks_mut(rows * classes));
    let chunks = chunks.zip(labels.par_chunks(rows)).zip(losses.par_chunks_mut(rows));
    let correct = chunks.map(|(((logits, dlogits), labels), losses)| {
        rows_losses(logits, labels, classes, scale, dlogits, losses)
    });
    let correct = correct.sum();
    // in the order of the rows, whatever the tasks
    let total = losses.iter().fold(0.0, |total, loss| total + loss);
    Loss { mean: total * scale, correct }
}

/// The losses of some rows and, into `dlogits`, their gradients times `scale`. Returns how many have their largest logit at
/// the label.
fn rows_losses(
    logits: &[f32],
    labels: &[i32],
    classes: usize,
    scale: f64,
    dlogits: &mut [f32],
    losses: &mut [f64],
) -> usize {
    let mut correct = 0;
    // logits below the largest of their row, then their exponentials
    let mut exponentials = vec![0.0; logits.len()];
    // the logit of the label below the largest
    let mut of_label = vec![0.0; labels.len()];
    let rows = logits.chunks_exact(classes).zip(exponentials.chunks_exact_mut(classes));
    for (((row, below), &label), of_label) in rows.zip(labels).zip(&mut of_label) {
        let (best, top) = largest(row);
        correct += usize::from(best == label as usize);
        // where a logit is NaN every difference to the largest is NaN, and so is the loss
        let top = f64::from(top);
        below.iter_mut().zip(row).for_each(|(below, &v)| *below = f64::from(v) - top);
        *of_label = below[label as usize];
    }
    exp_log::exp(&mut exponentials);
    let rows = dlogits.chunks_exact_mut(classes).zip(exponentials.chunks_exact(classes));
    for (((d, row), &label), loss) in rows.zip(labels).zip(&mut *losses) {
        let sum: f64 = row.iter().sum();
        d.iter_mut().zip(row).for_each(|(d, e)| *d = (e / sum * scale) as f32);
        d[label as usize] = ((row[label as usize] / sum - 1.0) * scale) as f32;
        *loss = sum;
    }
    exp_log::log(losses);
    losses.iter_mut().zip(of_label).for_each(|(loss, of_label)| *loss -= of_label);
    correct
}

/// The index of the largest value, the first of equals; 0 where there is none.
pub fn argmax(row: &[f32]) -> usize {
    largest(row).0
}

/// As [`argmax`], and the largest value itself: NaN where any is NaN. Without branches, which would be mispredicted.
fn largest(row: &[f32]) -> (usize, f32) {
    let (mut best, mut top, mut nan) = (0, row.first().copied().unwrap_or(f32::NAN), false);
    for (i, &v) in row.iter().enumerate() {
        let larger = v > top;
        best = if larger { i } else { best };
        top = if larger { v } else { top };
        nan |= v.is_nan();
    }
    (best, if nan { f32::NAN } else { top })
}
