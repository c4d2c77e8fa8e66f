//! How many seeds it would take.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::gamma::ln_gamma;

use super::MOST_PAIRS;
use super::summary::t_quantile;

/// The power of a two-sided paired t-test: how likely it is to find a mean difference of `effect` standard
/// deviations with `pairs` pairs at `level`, if the differences are normally distributed.
pub fn power_of_paired_t(effect: f64, pairs: usize, level: f64) -> f64 {
    if pairs < 2 {
        return 0.0;
    }
    let (freedom, shift) = (pairs - 1, effect.abs() * (pairs as f64).sqrt());
    let critical = t_quantile(1.0 - level / 2.0, freedom);
    1.0 - noncentral_t_cdf(critical, freedom, shift) + noncentral_t_cdf(-critical, freedom, shift)
}

/// The smallest number of pairs with which a two-sided paired t-test at `level` finds an effect of that size
/// with probability `power`; `None` if [`MOST_PAIRS`] do not suffice or the effect is not a positive number.
pub fn pairs_needed(effect: f64, level: f64, power: f64) -> Option<usize> {
    let enough = |pairs| power_of_paired_t(effect, pairs, level) >= power;
    let measurable = effect.is_finite() && effect != 0.0;
    if !measurable || !enough(MOST_PAIRS) {
        return None;
    }
    // Power grows with the number of pairs: halve the range until one is left.
    let (mut too_few, mut enough_pairs) = (1, MOST_PAIRS);
    while enough_pairs - too_few > 1 {
        let middle = too_few + (enough_pairs - too_few) / 2;
        if enough(middle) { enough_pairs = middle } else { too_few = middle }
    }
    Some(enough_pairs)
}

/// The distribution function of the noncentral t: T = (Z + shift) / U, with Z normal and U^2 a chi-square
/// over its degrees of freedom. Given U it is normal; U is integrated out by Simpson's rule.
fn noncentral_t_cdf(t: f64, freedom: usize, shift: f64) -> f64 {
    const STEPS: usize = 2000;
    let nu = freedom as f64;
    let reach = 10.0 / (2.0 * nu).sqrt();
    let (low, high) = ((1.0 - reach).max(0.0), 1.0 + reach);
    let width = (high - low) / STEPS as f64;
    let constant = std::f64::consts::LN_2 + nu / 2.0 * (nu / 2.0).ln() - ln_gamma(nu / 2.0);
    let normal = Normal::standard();
    let integrand = |u: f64| {
        // At u = 0 the logarithm is -inf: the density vanishes there, but for one degree of freedom.
        let power = if freedom == 1 { 0.0 } else { (nu - 1.0) * u.ln() };
        normal.cdf(t * u - shift) * (constant + power - nu * u * u / 2.0).exp()
    };
    let inner: f64 =
        (1..STEPS).map(|i| integrand(low + i as f64 * width) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
    (integrand(low) + inner + integrand(high)) * width / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::StudentsT;

    #[test]
    fn sample_sizes_of_the_textbooks() {
        // G*Power 3 (Faul et al. 2007), "difference between two dependent means", two-sided, level 0.05,
        // power 0.8: dz 0.2, 0.5 and 0.8 need 199, 34 and 15 pairs.
        for (effect, pairs) in [(0.2, 199), (0.5, 34), (0.8, 15)] {
            assert_eq!(pairs_needed(effect, 0.05, 0.8), Some(pairs), "dz {effect}");
        }
        assert_eq!(pairs_needed(-0.5, 0.05, 0.8), Some(34));
        assert_eq!(pairs_needed(0.0, 0.05, 0.8), None);
        assert_eq!(pairs_needed(1e-4, 0.05, 0.8), None);
        assert_eq!(pairs_needed(f64::NAN, 0.05, 0.8), None);
    }

    #[test]
    fn without_a_shift_it_is_students_t() {
        for freedom in [1, 2, 4, 30, 1000] {
            let student = StudentsT::new(0.0, 1.0, freedom as f64).unwrap();
            for t in [-3.0, -0.5, 0.0, 1.0, 2.5] {
                let ours = noncentral_t_cdf(t, freedom, 0.0);
                assert!((ours - student.cdf(t)).abs() < 1e-6, "{freedom} {t}: {ours} {}", student.cdf(t));
            }
        }
    }
}
