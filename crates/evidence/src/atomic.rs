//! Files that appear whole or not at all.

use std::path::Path;

use crate::{Error, ErrorKind, Result};

/// Writes a file beside its place, flushes it to the disk and renames it into place: [`adact_common::write()`], with an
/// error that names the file.
///
/// Whoever reads `path` sees the old contents or the new ones, never a part. The folder must exist.
///
/// # Errors
/// When the disk refuses: no space, no permission, no folder. What was at `path` is then still there,
/// and nothing is left beside it.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    if path.file_name().is_none() {
        let message = "cannot write: this is a folder, not the name of a file";
        return Err(Error::of_file(ErrorKind::Invalid, path, message));
    }
    adact_common::write(path, contents).map_err(|e| Error::io(path, "write", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_lies_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("result.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_is_not_the_inputs_fault_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("result.json");
        std::fs::create_dir(&path).unwrap();
        let error = write(&path, b"new").unwrap_err();
        assert!(error.to_string().contains("result.json: cannot write: "), "{error}");
        assert!(!error.is_input());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_names_no_file_is_the_inputs_fault() {
        let error = write(Path::new(".."), b"x").unwrap_err();
        assert_eq!(error.to_string(), "..: cannot write: this is a folder, not the name of a file");
        assert!(error.is_input());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write(Path::new("no-such-folder/x.json"), b"x").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::NotFound);
        assert!(error.to_string().starts_with("no-such-folder/x.json: "), "{error}");
    }
}
