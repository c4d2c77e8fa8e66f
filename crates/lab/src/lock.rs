//! Who holds a folder. Two programs never write one output folder at once.
//!
//! `lock.json` names the holder for people; the operating system's lock on that file is what counts. The
//! system drops it when its holder dies, however it dies, so a file left behind by a dead process is taken
//! over without guessing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::machine;

/// The file that says who holds a folder.
pub const NAME: &str = "lock.json";

/// Who holds a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// Since when, in UTC.
    pub since: String,
}

/// A held folder; dropping it releases the folder.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Holds `folder`, which must exist.
    ///
    /// # Errors
    /// If another process holds it, or the lock can't be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let failed = |e: &std::io::Error| Error::io("write", &path, e).as_input();
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(|e| failed(&e))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(folder, &path)),
                Err(TryLockError::Error(e)) => return Err(failed(&e)),
            }
            // The holder before us may have removed the file between our opening and our locking it.
            if !same_file(&file, &path) {
                continue;
            }
            let holder = Holder {
                pid: std::process::id(),
                host: machine::host(),
                since: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            };
            let text = serde_json::to_string(&holder).unwrap_or_default() + "\n";
            file.set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(text.as_bytes()))
                .map_err(|e| failed(&e))?;
            return Ok(Self { path, _file: file });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn held(folder: &Path, path: &Path) -> Error {
    let who = fs::read(path)
        .ok()
        .and_then(|text| serde_json::from_slice::<Holder>(&text).ok())
        .map_or_else(String::new, |h| format!(" (process {} on {}, since {})", h.pid, h.host, h.since));
    Error::input(format!(
        "{}: another adact is working in this folder{who}; wait for it or choose another --out",
        folder.display()
    ))
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same_file(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_and_is_free_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        let refused = Lock::take(dir.path()).unwrap_err();
        assert!(refused.is_input());
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        assert!(!dir.path().join(NAME).exists());
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn the_file_of_a_dead_process_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(NAME), r#"{"pid":1,"host":"elsewhere","since":"2020-01-01T00:00:00Z"}"#)
            .unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        let text = fs::read_to_string(dir.path().join(NAME)).unwrap();
        let holder: Holder = serde_json::from_str(&text).unwrap();
        assert_eq!(holder.pid, std::process::id());
        drop(lock);
    }
}
