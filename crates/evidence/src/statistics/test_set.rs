//! What the number of test images leaves open, however many seeds there are.

use serde::{Deserialize, Serialize};

use super::{Z95, wilson};
use crate::names;
use crate::records::{RunResult, StudyResult};
use crate::table::thousands;

/// How far accuracies on a test set may be from those on all images of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestSet {
    /// How many images it has.
    pub images: u64,
    /// Half the 95% interval of an accuracy (Wilson's), the widest among the study's variants.
    pub accuracy: f64,
    /// Half the 95% interval of the difference of two accuracies, the widest among the study's variants, as if they
    /// erred independently of each other. Two networks that err on the same images differ less by chance; which images
    /// they are is not recorded. Absent for a single variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
}

impl TestSet {
    /// What a study's test set leaves open; `None` where its records don't tell how many images there were, or its metric
    /// isn't a share of right answers to independent images.
    pub(super) fn of(study: &StudyResult) -> Option<Self> {
        if !study.primary().counts_images {
            return None;
        }
        let images = study.runs.iter().filter_map(RunResult::test_images).min()?;
        let n = images as f64;
        let means: Vec<f64> = study.table.iter().filter_map(|row| Some(row.judged?.mean)).collect();
        let half = |mean: &f64| {
            wilson((mean * n).round() as u64, images).map_or(0.0, |[low, high]| (high - low) / 2.0)
        };
        let accuracy = means.iter().map(half).reduce(f64::max)?;
        let mut variances: Vec<f64> = means.iter().map(|p| p * (1.0 - p) / n).collect();
        variances.sort_by(|a, b| b.total_cmp(a));
        let difference = match variances.as_slice() {
            [a, b, ..] => Some(Z95 * (a + b).sqrt()),
            _ => None,
        };
        Some(Self { images, accuracy, difference })
    }

    /// The same in a sentence or two. Examples are images, or the rows of a table of numbers.
    pub fn words(&self, dataset: &str) -> String {
        let difference = self.difference.map_or(String::new(), |half| {
            format!(", a difference up to ±{half:.4} (less where both variants err on the same examples)")
        });
        format!(
            "The test set of {} has {} examples: on others of this kind an accuracy may be ±{:.4} away{difference}, by \
             95% intervals, and more seeds don't change that.",
            names::dataset(dataset),
            thousands(self.images),
            self.accuracy
        )
    }
}
