//! The paired permutation test: what if every pair's difference had the other sign as likely?

use adact_kernels::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// Up to this many pairs all signs are tried (half a million sums); above, they are drawn.
const EXACT_UP_TO: usize = 20;
/// How many signs are drawn.
const DRAWS: u64 = 100_000;

/// A two-sided paired permutation (sign-flip) test of the mean difference (Fisher 1935).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Permutation {
    /// The two-sided p-value.
    pub p: f64,
    /// The smallest p-value that this many pairs can give.
    pub smallest: f64,
    /// How the signs were gone through.
    pub method: Method,
}

/// How the signs were gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Every combination of signs.
    Exact,
    /// This many combinations, drawn with seed 0.
    Sampled(u64),
}

/// The smallest two-sided p-value that `pairs` pairs can give: 2 of the 2^n combinations of signs.
pub fn smallest_p(pairs: usize) -> f64 {
    if pairs <= EXACT_UP_TO { (2.0 / 2f64.powi(pairs as i32)).min(1.0) } else { 1.0 / (DRAWS + 1) as f64 }
}

/// Tests whether the mean of paired differences is zero. No pairs give p = 1.
pub fn permutation_test(differences: &[f64]) -> Permutation {
    let n = differences.len();
    let seen = differences.iter().sum::<f64>().abs();
    // Sums that are equal but for rounding count as equal.
    let at_least = seen - 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let (p, method) = if n <= EXACT_UP_TO {
        (exact(differences, at_least), Method::Exact)
    } else {
        (sampled(differences, at_least), Method::Sampled(DRAWS))
    };
    Permutation { p, smallest: smallest_p(n), method }
}

fn exact(differences: &[f64], at_least: f64) -> f64 {
    let combinations = 1u64 << differences.len();
    let extreme = (0..combinations).filter(|signs| signed_sum(differences, |i| signs >> i & 1) >= at_least);
    extreme.count() as f64 / combinations as f64
}

/// The observed signs count as one of the draws, so that p is never 0 and the test keeps its level
/// (Phipson and Smyth 2010, "Permutation P-values should never be zero").
fn sampled(differences: &[f64], at_least: f64) -> f64 {
    let extreme = (0..DRAWS).filter(|&draw| {
        let stream = Stream::new(0, Purpose::Resample, draw);
        let mut bits = 0;
        signed_sum(differences, |i| {
            if i % 64 == 0 {
                bits = stream.bits(i as u64 / 64);
            }
            bits >> (i % 64) & 1
        }) >= at_least
    });
    (extreme.count() + 1) as f64 / (DRAWS + 1) as f64
}

/// The absolute sum with a sign for each difference.
fn signed_sum(differences: &[f64], mut negative: impl FnMut(usize) -> u64) -> f64 {
    let mut sum = 0.0;
    for (i, d) in differences.iter().enumerate() {
        sum += if negative(i) == 1 { -d } else { *d };
    }
    f64::abs(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heights of 15 pairs of maize, crossed less self-fertilised, in eighths of an inch (Darwin 1876).
    const DARWIN: [f64; 15] = [49., -67., 8., 16., 6., 23., 28., 41., 14., 29., 56., 24., 75., 60., -48.];

    #[test]
    fn darwins_maize_as_fisher_counted_it() {
        // Fisher (1935), "The Design of Experiments", section 21: of the 2^15 combinations 863 have a sum of
        // 314 or more, so 1726 are as extreme on either side.
        let test = permutation_test(&DARWIN);
        assert_eq!(test.method, Method::Exact);
        assert!((test.p - 1726.0 / 32768.0).abs() < 1e-15, "{}", test.p);
    }

    #[test]
    fn draws_come_near_the_count() {
        let at_least = 314.0 - 1e-9;
        let p = sampled(&DARWIN, at_least);
        // Four standard errors of 100,000 draws.
        assert!((p - 1726.0 / 32768.0).abs() < 4.0 * 0.0007, "{p}");
        assert_eq!(p, sampled(&DARWIN, at_least));
    }

    #[test]
    fn the_smallest_p_is_reached_when_all_differences_agree() {
        let five = permutation_test(&[0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!((five.p, five.smallest), (1.0 / 16.0, 1.0 / 16.0));
        // Equal differences give equal sums in any order of addition: rounding must not hide one.
        assert_eq!(permutation_test(&[0.1; 3]).p, 0.25);
        assert_eq!(permutation_test(&[0.3]).p, 1.0);
        assert_eq!(permutation_test(&[0.0, 0.0]).p, 1.0);
        assert_eq!(permutation_test(&[]).p, 1.0);
    }

    #[test]
    fn many_pairs_are_sampled() {
        let test = permutation_test(&[0.01; 70]);
        assert_eq!(test.method, Method::Sampled(DRAWS));
        assert_eq!(test.p, test.smallest);
    }
}
