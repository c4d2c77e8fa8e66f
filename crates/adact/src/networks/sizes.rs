//! Checks that networks share.

use crate::error::{Error, Result};

/// The sum of products, for the number of a network's weights; none if no computer can hold as many.
pub(super) fn weights(parts: &[Vec<usize>]) -> Option<usize> {
    let product = |factors: &Vec<usize>| factors.iter().try_fold(1usize, |all, one| all.checked_mul(*one));
    let sum = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(product(part)?));
    sum.filter(|size| *size < isize::MAX as usize / 16)
}

/// Expects no names, or one for each class.
pub(super) fn checked_names(classes: usize, names: &[String]) -> Result<()> {
    match names.len() {
        0 => Ok(()),
        n if n == classes => Ok(()),
        n => Err(Error::config(format!("a network of {classes} classes needs {classes} names, not {n}"))),
    }
}
