//! The data sets, as bytes.

use std::path::PathBuf;

use adact_data::{Images, LoadOptions};
use pyo3::exceptions::{PyFileNotFoundError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Images as (count, height, width, channels), their bytes in that order, and their labels.
type Part<'py> = ([usize; 4], Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// A data set to classify: the images to train on, those to test on, and the names of the classes.
#[pyfunction]
pub fn images<'py>(
    py: Python<'py>,
    name: &str,
    directory: Option<PathBuf>,
) -> PyResult<(Part<'py>, Part<'py>, Vec<String>)> {
    let load = || adact_data::load(name, directory.as_deref(), &LoadOptions::default());
    let set = py.detach(load).map_err(error)?;
    Ok((part(py, &set.train), part(py, &set.test), set.classes))
}

/// A text, whole.
#[pyfunction]
pub fn text(py: Python<'_>, name: &str, directory: Option<PathBuf>) -> PyResult<String> {
    let set = py.detach(|| adact_data::load_text(name, directory.as_deref())).map_err(error)?;
    Ok(set.decode(&set.train) + &set.decode(&set.validation))
}

fn part<'py>(py: Python<'py>, images: &Images) -> Part<'py> {
    let shape = [images.len(), images.height, images.width, images.channels];
    (shape, PyBytes::new(py, &images.pixels), PyBytes::new(py, &images.labels))
}

fn error(error: adact_data::Error) -> PyErr {
    match error.kind() {
        adact_data::Kind::Missing => PyFileNotFoundError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}
