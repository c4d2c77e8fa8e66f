//! What runs over several seeds show, and what they do not.
//!
//! Runs of two variants with one seed share initial weights and batch order, so variants are compared in
//! pairs. The verdict follows the permutation test, which assumes only that under "no difference" either
//! sign of a pair's difference is as likely; the t-test, which assumes normally distributed differences, is
//! told beside it. Both are corrected for the number of comparisons (Holm 1979).

mod compare;
mod holm;
mod permutation;
mod power;
mod summary;

pub use compare::{Comparison, Statistics, Verdict, seeds_to_reach_level};
pub use holm::holm;
pub use permutation::{Method, Permutation, permutation_test, smallest_p};
pub use power::{pairs_needed, power_of_paired_t};
pub use summary::{Summary, prediction_interval, wilson};

/// The level of significance of every verdict.
pub const LEVEL: f64 = 0.05;
/// The power for which [`pairs_needed`] is asked.
pub const POWER: f64 = 0.8;
/// Where a search for a number of seeds ends.
pub const MOST_PAIRS: usize = 100_000;
