//! What runs over several seeds show, and what they do not.
//!
//! Runs of two variants with one seed share initial weights and batch order, so variants are compared in
//! pairs. The verdict follows the permutation test, which assumes only that under "no difference" either
//! sign of a pair's difference is as likely; the t-test, which assumes normally distributed differences, is
//! told beside it. Both are corrected for the number of comparisons (Holm 1979), of several studies together where
//! they answer one question.
//!
//! What is compared is [`RunResult::judged`](crate::records::RunResult::judged): a number that was not picked on the test
//! set. Differences have the metric's own sign; a verdict knows which way is better.

mod compare;
mod holm;
mod pairs;
mod permutation;
mod power;
mod summary;
mod test_set;
mod together;

pub use compare::{Comparison, Statistics, Unpaired, Verdict, seeds_to_reach_level};
pub use holm::holm;
pub(crate) use pairs::name;
pub use pairs::{Lack, Why};
pub use permutation::{Method, Permutation, permutation_test, smallest_p};
pub use power::{pairs_needed, power_of_paired_t};
pub use summary::{Summary, prediction_interval, wilson};
pub use test_set::TestSet;
pub use together::{Together, correct_together};

/// The level of significance of every verdict.
pub const LEVEL: f64 = 0.05;
/// The power for which [`pairs_needed`] is asked.
pub const POWER: f64 = 0.8;
/// The two-sided 95% point of the normal distribution.
const Z95: f64 = 1.959_963_984_540_054;
/// Where a search for a number of seeds ends.
pub const MOST_PAIRS: usize = 100_000;
