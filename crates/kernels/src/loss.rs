//! The cross-entropy loss.

use rayon::prelude::*;

use crate::check::length;
use crate::exp::{exp, log};
use crate::simd::{Lanes, WIDTH, vectorised};

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
        |(((logits, dlogits), labels), rows)| match classes {
            2 => losses_of_rows::<2>(classes, logits, labels, scale, dlogits, rows),
            _ => losses_of_rows::<0>(classes, logits, labels, scale, dlogits, rows),
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

vectorised! {
    /// The loss of each of up to [`ROWS`] rows and its answer; the gradient goes to `dlogits`. A number of classes that the
    /// compiler knows, `CLASSES` where that isn't 0, takes half the time where there are few.
    fn losses_of_rows<V; const CLASSES: usize>(classes: usize, logits: &[f32], labels: &[i32], scale: f64, dlogits: &mut [f32], rows: &mut [(f64, usize)]) {
        let classes = if CLASSES > 0 { CLASSES } else { classes };
        let mut tops = [0.0; ROWS];
        let mut exponentials = vec![0.0; logits.len()];
        let given = logits.chunks_exact(classes).zip(exponentials.chunks_exact_mut(classes));
        for (((row, below), (_, answer)), to) in given.zip(rows.iter_mut()).zip(&mut tops) {
            let mut is_nan = false;
            for v in row {
                is_nan |= v.is_nan();
            }
            *answer = if is_nan { argmax(row) } else { first_largest::<V>(row) };
            // where a logit is NaN every difference to the largest is NaN, and so is the loss
            let top = if is_nan { f64::NAN } else { f64::from(row[*answer]) };
            for (below, &v) in below.iter_mut().zip(row) {
                *below = f64::from(v) - top;
            }
            *to = top;
        }
        exp(&mut exponentials);
        let mut sums = [1.0; ROWS];
        let made = exponentials.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
        for (((exponentials, d), &label), to) in made.zip(labels).zip(&mut sums) {
            let mut sum = 0.0;
            for e in exponentials {
                sum += e;
            }
            for (d, &e) in d.iter_mut().zip(exponentials) {
                *d = (e / sum * scale) as f32;
            }
            let label = label as usize;
            d[label] = ((exponentials[label] / sum - 1.0) * scale) as f32;
            *to = sum;
        }
        log(&mut sums);
        for (i, (loss, _)) in rows.iter_mut().enumerate() {
            *loss = sums[i] - (f64::from(logits[i * classes + labels[i] as usize]) - tops[i]);
        }
    }
}

/// [`argmax`] of a row without NaN.
#[inline(always)]
fn first_largest<V: Lanes>(row: &[f32]) -> usize {
    if row.len() < 2 * WIDTH {
        return argmax(row);
    }
    let mut i = 0;
    // SAFETY: the row has more than sixteen numbers, and the last vector ends with it
    let mut top = unsafe { V::load(row.as_ptr().add(row.len() - WIDTH)) };
    while i + WIDTH <= row.len() {
        // SAFETY: by the condition
        top = unsafe { V::load(row.as_ptr().add(i)) }.max(top);
        i += WIDTH;
    }
    let mut largest = f32::NEG_INFINITY;
    for v in top.to_array() {
        largest = if v > largest { v } else { largest };
    }
    row.iter().position(|&v| v == largest).unwrap_or(0)
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
