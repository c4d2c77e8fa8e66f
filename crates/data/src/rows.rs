//! Rows of numbers with a class each: what a program makes or reads by itself.

use crate::error::{Error, Kind, Result};

/// Rows of as many numbers each, and the class of each row.
///
/// ```
/// let rows = adact_data::Rows::new(2, vec![0.1, 0.9, 0.8, 0.2], vec![1, 0])?;
/// let (mut values, mut targets) = (Vec::new(), Vec::new());
/// rows.batch(&[1], &mut values, &mut targets);
/// assert_eq!((values, targets), (vec![0.8, 0.2], vec![0]));
/// # Ok::<(), adact_data::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    features: usize,
    values: Vec<f32>,
    labels: Vec<u8>,
}

impl Rows {
    /// Rows of `features` numbers each (count x features) and their classes.
    ///
    /// # Errors
    /// If there are no features, not as many rows as classes, or a number is not finite.
    pub fn new(features: usize, values: Vec<f32>, labels: Vec<u8>) -> Result<Self> {
        let refuse = |message: String| Err(Error::new(Kind::Unsupported, message));
        if features == 0 || labels.len().checked_mul(features) != Some(values.len()) {
            let (values, labels) = (values.len(), labels.len());
            return refuse(format!("{values} numbers are not {labels} rows of {features}"));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return refuse(format!("row {}: {} is not a finite number", at / features, values[at]));
        }
        Ok(Self { features, values, labels })
    }

    /// Numbers of a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The class of each row.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The rows at these indices.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn select(&self, indices: &[u32]) -> Self {
        let row = |&i: &u32| &self.values[i as usize * self.features..][..self.features];
        let labels = indices.iter().map(|&i| self.labels[i as usize]).collect();
        Self { features: self.features, values: indices.iter().flat_map(row).copied().collect(), labels }
    }

    /// Fills `values` with the rows at `indices` (batch x features), and `targets` with their classes. The vectors are
    /// cleared first.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn batch(&self, indices: &[u32], values: &mut Vec<f32>, targets: &mut Vec<i32>) {
        values.clear();
        targets.clear();
        for &i in indices {
            let i = i as usize;
            values.extend_from_slice(&self.values[i * self.features..][..self.features]);
            targets.push(self.labels[i].into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let refusal = |features, values: &[f32], labels: &[u8]| {
            Rows::new(features, values.to_vec(), labels.to_vec()).unwrap_err().to_string()
        };
        assert_eq!(refusal(2, &[1.0; 3], &[0]), "3 numbers are not 1 rows of 2");
        assert_eq!(refusal(0, &[], &[]), "0 numbers are not 0 rows of 0");
        assert_eq!(refusal(2, &[1.0, 2.0, 3.0, f32::NAN], &[0, 1]), "row 1: NaN is not a finite number");
        assert!(Rows::new(3, Vec::new(), Vec::new()).unwrap().is_empty());
    }
}
