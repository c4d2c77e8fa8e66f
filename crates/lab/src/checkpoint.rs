//! `last/`: what a training continues from, replaced whole after every epoch.
//!
//! The new state is written beside the old one and flushed before the folders are swapped. At any moment there
//! is a complete state under one of three names, and [`recover`] finds it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The folder's name.
pub const LAST: &str = "last";
/// The file that is written last; a folder without it is not complete.
pub const MARKER: &str = "metrics.jsonl";

struct Names {
    last: PathBuf,
    new: PathBuf,
    old: PathBuf,
}

impl Names {
    fn of(run: &Path) -> Self {
        Self { last: run.join(LAST), new: run.join(".last-new"), old: run.join(".last-old") }
    }

    /// The newest complete state.
    fn newest(&self) -> Option<&Path> {
        if self.new.join(MARKER).exists() {
            return Some(&self.new);
        }
        [&self.last, &self.old].into_iter().find(|dir| dir.exists()).map(PathBuf::as_path)
    }

    /// Puts the new state in the place of the old one.
    fn swap(&self) -> Result<()> {
        if self.last.exists() {
            remove(&self.old)?;
            rename(&self.last, &self.old)?;
        }
        rename(&self.new, &self.last)?;
        sync(self.last.parent().unwrap_or(&self.last))?;
        remove(&self.old)
    }
}

/// Replaces the state of the run in folder `run` by what `write` puts into a folder; it writes [`MARKER`] last.
pub fn commit(run: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let names = Names::of(run);
    remove(&names.new)?;
    fs::create_dir(&names.new).map_err(|e| Error::io("create the folder", &names.new, &e))?;
    let written = write(&names.new).and_then(|()| {
        for entry in fs::read_dir(&names.new).map_err(|e| Error::io("read the folder", &names.new, &e))? {
            sync(&entry.map_err(|e| Error::io("read the folder", &names.new, &e))?.path())?;
        }
        sync(&names.new)
    });
    if let Err(error) = written {
        let _ = fs::remove_dir_all(&names.new);
        return Err(error);
    }
    names.swap()
}

/// Brings `last/` back to its newest complete state, whenever its last writer died. Says whether there is one.
pub fn recover(run: &Path) -> Result<bool> {
    let names = Names::of(run);
    if names.new.join(MARKER).exists() {
        names.swap()?;
    }
    remove(&names.new)?;
    if !names.last.exists() && names.old.exists() {
        rename(&names.old, &names.last)?;
    }
    remove(&names.old)?;
    Ok(names.last.exists())
}

/// Where the newest complete state of a run is, whenever its last writer died; nothing is changed.
pub fn newest(run: &Path) -> Option<PathBuf> {
    Names::of(run).newest().map(Path::to_owned)
}

/// Removes the state and all its traces.
pub fn clear(run: &Path) -> Result<()> {
    let names = Names::of(run);
    [&names.last, &names.new, &names.old].into_iter().try_for_each(|path| remove(path))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io("rename into place", to, &e))
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", dir, &e)),
        _ => Ok(()),
    }
}

/// Flushes a file or a folder to the disk, so that a power failure can't take it back.
fn sync(path: &Path) -> Result<()> {
    if path.is_dir() && !cfg!(unix) {
        return Ok(()); // elsewhere a folder can't be opened
    }
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(|e| Error::io("flush", path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(dir: &Path, text: &str) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("weights"), text).unwrap();
        fs::write(dir.join(MARKER), text).unwrap();
    }

    fn read(run: &Path) -> String {
        fs::read_to_string(run.join(LAST).join("weights")).unwrap()
    }

    #[test]
    fn commits_replace_each_other() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!recover(dir.path()).unwrap());
        for text in ["one", "two"] {
            commit(dir.path(), |new| {
                state(new, text);
                Ok(())
            })
            .unwrap();
            assert_eq!(read(dir.path()), text);
        }
        assert!(commit(dir.path(), |_| Err(Error::failure("full"))).is_err());
        assert_eq!(read(dir.path()), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_moment_of_a_commit_can_be_the_last() {
        // What lies in the folder when the writer dies: (last, old, new is complete) -> what is recovered.
        for (last, old, new, expected) in [
            (None, None, Some(false), None),
            (None, None, Some(true), Some("new")),
            (Some(()), None, Some(false), Some("last")),
            (Some(()), None, Some(true), Some("new")),
            (None, Some(()), Some(true), Some("new")),
            (Some(()), Some(()), None, Some("last")),
            (None, Some(()), None, Some("old")),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let names = Names::of(dir.path());
            last.inspect(|()| state(&names.last, "last"));
            old.inspect(|()| state(&names.old, "old"));
            if let Some(complete) = new {
                state(&names.new, "new");
                if !complete {
                    fs::remove_file(names.new.join(MARKER)).unwrap();
                }
            }
            let found = newest(dir.path()).map(|at| fs::read_to_string(at.join("weights")).unwrap());
            assert_eq!(found.as_deref(), expected);
            assert_eq!(recover(dir.path()).unwrap(), expected.is_some());
            if let Some(text) = expected {
                assert_eq!(read(dir.path()), text);
                assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
            }
        }
    }
}
