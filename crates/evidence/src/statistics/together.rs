//! Several studies that answer one question: their comparisons are corrected for the number of them all.

use serde::{Deserialize, Serialize};

use super::Statistics;
use crate::names;
use crate::records::StudyResult;

/// The comparisons of other studies that are corrected together with those of one study.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Together {
    /// The other studies' data sets.
    pub datasets: Vec<String>,
    /// How many comparisons they have, with and without a p-value.
    pub comparisons: usize,
    /// Their permutation tests' p-values, not corrected.
    pub permutation: Vec<f64>,
    /// Their t-tests' p-values, not corrected.
    pub t_test: Vec<f64>,
}

impl Together {
    fn of<'a>(others: impl Iterator<Item = &'a StudyResult>) -> Option<Self> {
        let mut all = Self::default();
        for other in others {
            let Statistics { comparisons, unpaired, .. } = &other.statistics;
            all.datasets.push(other.dataset.clone());
            all.comparisons += comparisons.len() + unpaired.len();
            all.permutation.extend(comparisons.iter().map(|c| c.permutation.p));
            all.t_test.extend(comparisons.iter().filter_map(|c| c.t_test));
        }
        (all.comparisons > 0).then_some(all)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let p = |values: &[f64]| {
            values.len() <= self.comparisons && values.iter().all(|p| (0.0..=1.0).contains(p))
        };
        if p(&self.permutation) && p(&self.t_test) && self.comparisons < 1 << 20 {
            Ok(())
        } else {
            Err("together: the p-values are not as many as the comparisons, or not between 0 and 1".into())
        }
    }

    /// "of 3 data sets (this one, CIFAR-10 and SVHN)".
    pub fn words(&self) -> String {
        let others = self.datasets.iter().map(|d| names::dataset(d).to_string());
        let all: Vec<String> = std::iter::once("this one".to_string()).chain(others).collect();
        format!("of {} data sets together ({})", all.len(), names::list(&all))
    }
}

/// Corrects the comparisons of several studies for the number of them all; a single study stands alone.
pub fn correct_together(studies: &mut [StudyResult]) {
    let others = |i: usize| studies.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, s)| s);
    let together: Vec<Option<Together>> = (0..studies.len()).map(|i| Together::of(others(i))).collect();
    for (study, together) in studies.iter_mut().zip(together) {
        *study = study.clone().corrected_with(together);
    }
}
