//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// Writes a file beside its place, flushes it to the disk and renames it into place.
///
/// Whoever reads `path` sees the old contents or the new ones, never a part. The folder must exist.
///
/// # Errors
/// When the disk refuses: no space, no permission, no folder. What was at `path` is then still there,
/// and nothing is left beside it.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(contents))
}

/// As [`write()`], for contents that are produced piece by piece.
///
/// # Errors
/// As [`write()`], and whatever `fill` returns.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    let beside = name_beside(path)?;
    let written = File::create(&beside).and_then(|mut file| {
        fill(&mut file)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if let Err(e) = written {
        // There may be nothing to remove; the error worth telling is the one that brought us here.
        let _ = fs::remove_file(&beside);
        return Err(Error::io(path, "write", e));
    }
    sync_folder(path);
    Ok(())
}

/// A hidden name in the same folder, so that the rename stays within one file system.
fn name_beside(path: &Path) -> Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| {
        Error::of_file(
            crate::ErrorKind::Invalid,
            path,
            "cannot write: this is a folder, not the name of a file",
        )
    })?;
    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
    Ok(path.with_file_name(format!(".{}.{}-{n}.part", name.to_string_lossy(), std::process::id())))
}

/// The rename itself must survive a power failure; only Unix can flush a folder.
fn sync_folder(path: &Path) {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // Some file systems refuse to flush a folder; the file itself is safe already.
        let _ = File::open(folder).and_then(|f| f.sync_all());
    }
    #[cfg(not(unix))]
    let _ = path;
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
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("result.json");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half of the ne")?;
            Err(std::io::Error::other("the disk is full"))
        });
        let error = failed.unwrap_err();
        assert!(error.to_string().contains("the disk is full"), "{error}");
        assert!(!error.is_input());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write(Path::new("no-such-folder/x.json"), b"x").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::NotFound);
        assert!(error.to_string().starts_with("no-such-folder/x.json: "), "{error}");
    }
}
