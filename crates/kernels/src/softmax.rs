//! The softmax that turns the raw weights of a mixture into shares, in `f64`: it is over a few numbers, and small differences of
//! shares decide between candidates.

/// `exp(w_i) / sum_j exp(w_j)`. NaN stays NaN.
///
/// ```
/// assert_eq!(adact_kernels::softmax(&[0.0; 4]), [0.25; 4]);
/// ```
pub fn softmax(w: &[f32]) -> Vec<f64> {
    let top = w.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let e: Vec<f64> = w.iter().map(|&v| libm::exp(f64::from(v - top))).collect();
    let sum: f64 = e.iter().sum();
    e.into_iter().map(|v| v / sum).collect()
}

/// The gradient of the raw weights for that of the shares, `p_i (dp_i - sum_j p_j dp_j)`.
///
/// ```
/// assert_eq!(adact_kernels::softmax_gradient(&[0.5, 0.5], &[1.0, 0.0]), [0.25, -0.25]);
/// ```
pub fn softmax_gradient(shares: &[f64], dshares: &[f64]) -> Vec<f32> {
    let mean: f64 = shares.iter().zip(dshares).map(|(p, d)| p * d).sum();
    shares.iter().zip(dshares).map(|(p, d)| (p * (d - mean)) as f32).collect()
}

/// The raw weight of a candidate that has left its mixture: beside any other its share is 0.
pub const LEFT: f32 = -1e4;

/// Whether a raw weight is that of a candidate that has left.
///
/// ```
/// use adact_kernels::{LEFT, has_left, softmax};
/// assert!(has_left(LEFT) && !has_left(-20.0));
/// assert_eq!(softmax(&[0.5, LEFT]), [1.0, 0.0]);
/// ```
pub fn has_left(w: f32) -> bool {
    w <= LEFT / 10.0
}
