//! The extension module `adact._native`: the command, and the kernels on the memory of tensors.
//!
//! The functions on tensors take addresses. `adact.torch.native` alone calls them, after it has checked types, devices and sizes.

#[cfg(feature = "data")]
mod data;
mod mixture;
mod threads;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::mixture::{backward, candidates, forward};
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        #[cfg(feature = "command")]
        module.add_function(wrap_pyfunction!(super::command, module)?)?;
        #[cfg(feature = "data")]
        {
            module.add_function(wrap_pyfunction!(super::data::images, module)?)?;
            module.add_function(wrap_pyfunction!(super::data::text, module)?)?;
        }
        Ok(())
    }
}

/// Runs the command with these arguments, the program's name first, and returns its exit code.
#[cfg(feature = "command")]
#[pyfunction]
fn command(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| adact_cli::run(arguments))
}
