//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

/// Writes a file beside its place, flushes it to the disk and renames it into place.
///
/// Whoever reads `path` sees the old contents or the new ones, never a part. The folder must exist. Until it has its name
/// the file is called `.NAME.XXXXXX.part`; one that is still called so belongs to a program that was killed. It has the
/// permissions of any file that the user makes.
///
/// # Errors
/// When the disk refuses: no space, no permission, no folder; and when `path` ends in no name, such as `..`. What was at
/// `path` is then still there, and nothing is left beside it.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(contents))
}

fn write_with(path: &Path, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let name =
        path.file_name().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the path names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    // In the same folder, so that the rename stays within one file system. Created as any file is: the crate's own way
    // would keep it from everybody else.
    let beside =
        tempfile::Builder::new().prefix(&prefix).suffix(".part").make_in(folder, |p| File::create_new(p));
    let mut beside = beside?;
    fill(beside.as_file_mut())?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|e| e.error)?;
    sync_folder(folder);
    Ok(())
}

/// The rename itself must survive a power failure; only Unix can flush a folder.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        // Some file systems refuse to flush a folder; the file itself is safe already.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
            let beside = fs::read_dir(dir.path())?.map(|entry| entry.unwrap().file_name());
            let beside: Vec<String> = beside.map(|name| name.into_string().unwrap()).collect();
            let is_part = |name: &String| name.starts_with(".result.json.") && name.ends_with(".part");
            assert_eq!(beside.iter().filter(|name| is_part(name)).count(), 1, "{beside:?}");
            Err(Error::other("the disk is full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_rename_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder");
        fs::create_dir_all(path.join("with something in it")).unwrap();
        write(&path, b"x").unwrap_err();
        assert!(path.join("with something in it").is_dir());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// Whoever tells the error names the file; the one beside it is nobody's business.
    #[test]
    fn errors_are_the_systems() {
        let error = write(Path::new("no-such-folder/x.json"), b"x").unwrap_err();
        let systems = File::open("no-such-folder/x.json").unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::NotFound, systems.to_string()));
        for path in ["", "..", "/"] {
            let error = write(Path::new(path), b"x").unwrap_err();
            assert_eq!(error.to_string(), "the path names no file", "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (ours, any) = (dir.path().join("ours"), dir.path().join("any"));
        write(&ours, b"x").unwrap();
        fs::write(&any, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&any));
    }
}
