//! Mean, spread and the interval of the mean.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Z95;

/// What is said of a list of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many there are.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (of the sample, n - 1); absent for a single number.
    #[serde(default)]
    pub sd: Option<f64>,
    /// The 95% confidence interval of the mean by Student's t; absent for a single number.
    #[serde(default)]
    pub ci95: Option<[f64; 2]>,
}

impl Summary {
    /// Summarises numbers; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        if n == 1 {
            return Some(Self { n, mean, sd: None, ci95: None });
        }
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let sd = (squares / (n - 1) as f64).sqrt();
        let half = t_quantile(0.975, n - 1) * sd / (n as f64).sqrt();
        Some(Self { n, mean, sd: Some(sd), ci95: Some([mean - half, mean + half]) })
    }
}

/// Where one more number would fall with a probability of 95%, if they are normally distributed; `None` for a
/// single number.
pub fn prediction_interval(summary: &Summary) -> Option<[f64; 2]> {
    let n = summary.n as f64;
    let half = t_quantile(0.975, summary.n.checked_sub(1)?) * summary.sd? * (1.0 + 1.0 / n).sqrt();
    Some([summary.mean - half, summary.mean + half])
}

/// The quantile of Student's t.
pub(super) fn t_quantile(p: f64, freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64).map_or(f64::NAN, |t| t.inverse_cdf(p))
}

/// The two-sided p-value of a t statistic.
pub(super) fn t_two_sided(t: f64, freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64).map_or(f64::NAN, |d| 2.0 * d.cdf(-t.abs()))
}

/// The 95% interval of a share that was seen `hits` times in `n` (Wilson 1927): how far the accuracy on a
/// test set of `n` images may be from that on all images of its kind.
pub fn wilson(hits: u64, n: u64) -> Option<[f64; 2]> {
    if n == 0 {
        return None;
    }
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let middle = (p + Z95 * Z95 / (2.0 * n)) / (1.0 + Z95 * Z95 / n);
    let half = Z95 / (1.0 + Z95 * Z95 / n) * (p * (1.0 - p) / n + Z95 * Z95 / (4.0 * n * n)).sqrt();
    Some([middle - half, middle + half])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_sleep_data() {
        // Student (1908), "The probable error of a mean"; the values are those of R's `t.test` on its data
        // set `sleep`: mean 1.58, 95% interval 0.7001142 to 2.4598858, t = 4.0621, p = 0.002833.
        let differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let s = Summary::of(&differences).unwrap();
        assert!((s.mean - 1.58).abs() < 1e-12);
        let [low, high] = s.ci95.unwrap();
        assert!((low - 0.700_114_2).abs() < 1e-6 && (high - 2.459_885_8).abs() < 1e-6, "{low} {high}");
        let t = s.mean / (s.sd.unwrap() / 10f64.sqrt());
        assert!((t - 4.0621).abs() < 5e-5);
        assert!((t_two_sided(t, 9) - 0.002833).abs() < 5e-7);
    }

    #[test]
    fn one_more_number() {
        // R: predict(lm(extra ~ 1, data.frame(extra = c(1, 2, 3, 4))), interval = "prediction"), first row:
        // 2.5 +- 3.182446 * 1.290994 * sqrt(1.25).
        let [low, high] = prediction_interval(&Summary::of(&[1.0, 2.0, 3.0, 4.0]).unwrap()).unwrap();
        assert!((high - 2.5 - 3.182_446 * 1.290_994 * 1.25f64.sqrt()).abs() < 1e-5, "{low} {high}");
        assert!((low + high - 5.0).abs() < 1e-12);
        assert_eq!(prediction_interval(&Summary::of(&[1.0]).unwrap()), None);
    }

    #[test]
    fn one_number_has_no_spread() {
        assert_eq!(Summary::of(&[0.5]), Some(Summary { n: 1, mean: 0.5, sd: None, ci95: None }));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn wilsons_interval() {
        // Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3:
        // 81/263 gives 0.2553 to 0.3662, 0/20 gives 0 to 0.1611.
        let [low, high] = wilson(81, 263).unwrap();
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
        let [low, high] = wilson(0, 20).unwrap();
        assert!(low.abs() < 1e-12 && (high - 0.1611).abs() < 5e-5, "{low} {high}");
    }
}
