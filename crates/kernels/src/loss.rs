//! The cross-entropy loss.

use rayon::prelude::*;

use crate::check::length;

/// What a batch's loss comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// The mean over the batch of -log softmax(logits)\[label\]. NaN if a logit is NaN.
    pub mean: f64,
    /// How many rows have their largest logit at the label.
    pub correct: usize,
}

/// Rows of a task.
const ROWS: usize = 64;

/// Cross-entropy of `logits` (rows x `classes`) and, into `dlogits`, the gradient of its mean.
///
/// Adds the number of rows of each class (first index) for which each class (second index) was the answer, the largest logit,
/// to `confusion`, classes x classes.
///
/// # Panics
/// If lengths don't fit, there is no class, or a label is not below `classes`.
///
/// ```
/// use adact_kernels::loss::cross_entropy;
/// let (mut gradient, mut confusion) = ([0.0; 2], [0; 4]);
/// let loss = cross_entropy(&[0.0, 0.0], &[1], 2, &mut gradient, Some(&mut confusion));
/// assert!((loss.mean - 2f64.ln()).abs() < 1e-7);
/// assert_eq!(gradient, [0.5, -0.5]);
/// assert_eq!(confusion, [0, 0, 1, 0]); // it was class 1, and the answer is the first of equals
/// ```
pub fn cross_entropy(
    logits: &[f32],
    labels: &[i32],
    classes: usize,
    dlogits: &mut [f32],
    mut confusion: Option<&mut [u64]>,
) -> Loss {
    assert!(classes > 0, "a loss needs at least one class");
    length("logits", logits.len(), labels.len().saturating_mul(classes));
    length("dlogits", dlogits.len(), logits.len());
    if let Some(confusion) = &confusion {
        length("confusion", confusion.len(), classes.saturating_mul(classes));
    }
    let is_class = |label: i32| usize::try_from(label).is_ok_and(|label| label < classes);
    if let Some(label) = labels.iter().find(|&&label| !is_class(label)) {
        panic!("label {label} is none of {classes} classes");
    }
    let scale = 1.0 / labels.len() as f64;
    let mut rows = vec![(0.0, 0); labels.len()];
    let tasks = logits.par_chunks(ROWS * classes).zip(dlogits.par_chunks_mut(ROWS * classes));
    tasks.zip(labels.par_chunks(ROWS)).zip(rows.par_chunks_mut(ROWS)).for_each(
        |(((logits, dlogits), labels), rows)| {
            let mut exponentials = vec![0.0; classes];
            let given = logits.chunks_exact(classes).zip(labels);
            for ((d, (row, &label)), to) in dlogits.chunks_exact_mut(classes).zip(given).zip(rows) {
                *to = loss_of_row(row, label as usize, scale, &mut exponentials, d);
            }
        },
    );
    // in the order of the rows, whatever the tasks
    let (mut total, mut correct) = (0.0, 0);
    for (&(loss, answer), &label) in rows.iter().zip(labels) {
        let label = label as usize;
        total += loss;
        correct += usize::from(answer == label);
        if let Some(confusion) = &mut confusion {
            confusion[label * classes + answer] += 1;
        }
    }
    Loss { mean: total * scale, correct }
}

/// The loss of a row and its answer; the gradient goes to `d`.
fn loss_of_row(
    row: &[f32],
    label: usize,
    scale: f64,
    exponentials: &mut [f64],
    d: &mut [f32],
) -> (f64, usize) {
    let best = argmax(row);
    // where a logit is NaN every difference to the largest is NaN, and so is the loss
    let top = if row.iter().any(|v| v.is_nan()) { f64::NAN } else { f64::from(row[best]) };
    let mut sum = 0.0;
    for (e, &v) in exponentials.iter_mut().zip(row) {
        let below = f64::from(v) - top;
        *e = if below == 0.0 { 1.0 } else { libm::exp(below) };
        sum += *e;
    }
    for (class, (d, &e)) in d.iter_mut().zip(exponentials.iter()).enumerate() {
        *d = ((e / sum - f64::from(u8::from(class == label))) * scale) as f32;
    }
    (libm::log(sum) - (f64::from(row[label]) - top), best)
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
