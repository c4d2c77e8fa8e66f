//! The cross-entropy loss.

use rayon::prelude::*;

use crate::check::length;

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
        let mut exponentials = vec![0.0; classes];
        let rows = logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
        let mut correct = 0;
        for (((row, d), &label), loss) in rows.zip(labels).zip(losses) {
            let label = label as usize;
            let best = argmax(row);
            correct += usize::from(best == label);
            *loss = row_loss(row, row[best], label, scale, &mut exponentials, d);
        }
        correct
    });
    let correct = correct.sum();
    // in the order of the rows, whatever the tasks
    let total = losses.iter().fold(0.0, |total, loss| total + loss);
    Loss { mean: total * scale, correct }
}

/// The loss of one row, whose largest logit is `best`; into `d`, its gradient times `scale`.
fn row_loss(
    row: &[f32],
    best: f32,
    label: usize,
    scale: f64,
    exponentials: &mut [f64],
    d: &mut [f32],
) -> f64 {
    // where a logit is NaN every difference to the largest is NaN, and so is the loss
    let top = if row.iter().any(|v| v.is_nan()) { f64::NAN } else { f64::from(best) };
    let mut sum = 0.0;
    for (e, &v) in exponentials.iter_mut().zip(row) {
        *e = libm::exp(f64::from(v) - top);
        sum += *e;
    }
    for (class, (d, e)) in d.iter_mut().zip(exponentials).enumerate() {
        let p = *e / sum;
        *d = ((p - f64::from(u8::from(class == label))) * scale) as f32;
    }
    libm::log(sum) - (f64::from(row[label]) - top)
}

/// The index of the largest value, the first of equals; 0 where there is none.
pub fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, &v) in row.iter().enumerate() {
        if v > row[best] {
            best = i;
        }
    }
    best
}
