//! Correction for the number of comparisons.

/// Holm's step-down correction (Holm 1979, "A simple sequentially rejective multiple test procedure").
///
/// Returns the corrected p-value of each: compare it with the level itself. `comparisons` is how many tests
/// are in the family, at least as many as there are p-values.
pub fn holm(p: &[f64], comparisons: usize) -> Vec<f64> {
    let m = comparisons.max(p.len());
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p[i] * (m - rank) as f64).min(1.0));
        corrected[i] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 gives 0.02, 0.03, 0.06, 0.04; the last may not be
        // smaller than the one before it. R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005], 4);
        for (c, e) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((c - e).abs() < 1e-15, "{corrected:?}");
        }
        assert_eq!(holm(&[0.4, 0.6], 2), [0.8, 0.8]);
        assert_eq!(holm(&[0.5], 3), [1.0]);
        assert!(holm(&[], 0).is_empty());
    }
}
