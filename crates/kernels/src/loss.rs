//! The cross-entropy loss.

use crate::check::length;

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
    let scale = 1.0 / labels.len() as f64;
    let (mut total, mut correct) = (0.0, 0);
    for ((row, d), &label) in logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes)).zip(labels)
    {
        let class = usize::try_from(label).ok().filter(|&l| l < classes);
        let label = class.unwrap_or_else(|| panic!("label {label} is none of {classes} classes"));
        let best = argmax(row);
        correct += usize::from(best == label);
        // where a logit is NaN every difference to the largest is NaN, and so is the loss
        let top = if row.iter().any(|v| v.is_nan()) { f64::NAN } else { f64::from(row[best]) };
        let sum: f64 = row.iter().map(|&v| libm::exp(f64::from(v) - top)).sum();
        total += libm::log(sum) - (f64::from(row[label]) - top);
        for (class, (d, &v)) in d.iter_mut().zip(row).enumerate() {
            let p = libm::exp(f64::from(v) - top) / sum;
            *d = ((p - f64::from(u8::from(class == label))) * scale) as f32;
        }
    }
    Loss { mean: total * scale, correct }
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
