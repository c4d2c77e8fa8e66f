//! SVHN format 2: .mat files with `X`, 32 x 32 x 3 x count in column-major order, and `y`, where 10 means the digit 0.

use std::path::Path;

use crate::error::{Fault, Result};
use crate::images::Images;
use crate::mat;
use crate::source::{self, FileRecord};

const SIDE: usize = 32;

pub(crate) const TRAIN: &str = "train_32x32.mat";
pub(crate) const TEST: &str = "test_32x32.mat";

/// The training and the test images of a folder.
pub(crate) fn load(folder: &Path) -> Result<(Images, Images, Vec<FileRecord>)> {
    let part = |name: &str| {
        let path = folder.join(name);
        let bytes = source::read(&path)?;
        let images = parse(&bytes).map_err(|fault| fault.at(&path))?;
        Ok((images, FileRecord::of(name, &bytes)))
    };
    let ((train, first), (test, second)) = (part(TRAIN)?, part(TEST)?);
    Ok((train, test, vec![first, second]))
}

/// The images of one file.
pub fn parse(bytes: &[u8]) -> Result<Images, Fault> {
    let [x, y] = mat::parse(bytes, ["X", "y"])?;
    let count = match x.sizes[..] {
        [SIDE, SIDE, 3, count] => count,
        // MATLAB drops a last size of 1.
        [SIDE, SIDE, 3] => 1,
        _ => return Err(Fault::corrupt(format!("`X` has the sizes {:?}, not 32 x 32 x 3 x count", x.sizes))),
    };
    if y.values.len() != count || count == 0 {
        return Err(Fault::corrupt(format!("{} labels do not fit {count} images", y.values.len())));
    }
    let mut labels = y.values;
    for (i, label) in labels.iter_mut().enumerate() {
        *label = match *label {
            10 => 0,
            digit @ 0..=9 => digit,
            other => return Err(Fault::corrupt(format!("the label of image {i} is {other}, not 1 to 10"))),
        };
    }
    // Column-major: a plane per colour, and in it a column after the other.
    let mut pixels = vec![0; x.values.len()];
    let size = SIDE * SIDE * 3;
    for (from, to) in x.values.chunks_exact(size).zip(pixels.chunks_exact_mut(size)) {
        for (row, line) in to.chunks_exact_mut(SIDE * 3).enumerate() {
            for (column, pixel) in line.chunks_exact_mut(3).enumerate() {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = from[row + SIDE * (column + SIDE * channel)];
                }
            }
        }
    }
    Images::new((SIDE, SIDE, 3), pixels, labels)
}
