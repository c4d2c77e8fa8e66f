//! Claims: who works on one training of a study that many processes work on.
//!
//! A claim is the lock of the training's folder, taken without waiting: who finds it held goes on to another training. Whether
//! a holder is dead is told by its file alone, which stands still then. For how long it does is measured by the clock of who
//! looks: those of other machines may differ or jump. The system's lock only proves a death where it can; that a process
//! still has it proves nothing, for it may have been stopped.

use std::collections::HashMap;

use super::*;
use crate::error::Kind;

/// What a process has seen of the lock files of others, and since when each has been the same.
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashMap<PathBuf, (Vec<u8>, Instant)>>);

impl Seen {
    /// For how long a file has had these contents, as far as was looked.
    fn same_for(&self, path: &Path, contents: Vec<u8>) -> Duration {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(path) {
            Some((held, since)) if *held == contents => since.elapsed(),
            _ => {
                seen.insert(path.to_owned(), (contents, Instant::now()));
                Duration::ZERO
            }
        }
    }

    fn forget(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }
}

/// For how long a holder must not have been seen alive to count as dead.
pub fn patience() -> Duration {
    TERMS.patience
}

/// Who holds a folder; none where nobody does.
pub fn holder(folder: &Path) -> Option<Holder> {
    read(&folder.join(NAME))
}

impl Lock {
    /// Takes `folder`, which must exist; none where another process works in it, as far as `seen` tells by now.
    ///
    /// # Errors
    /// If the lock can't be written.
    pub fn claim(folder: &Path, seen: &Seen) -> Result<Option<Self>> {
        Self::claim_on(folder, TERMS, seen)
    }

    pub(super) fn claim_on(folder: &Path, terms: Terms, seen: &Seen) -> Result<Option<Self>> {
        let path = folder.join(NAME);
        let failed = |e: &io::Error| Error::io("write", &path, e).as_input();
        let (mut file, is_new) = match open(&path) {
            // Its holder removed it between two looks.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| failed(&e))?,
        };
        // Why the system's lock is not ours; none where it is.
        let system = |file: &File| (terms.lock)(file).err().map(|_| "it was not to be had".to_string());
        let (mut unlocked, mut replaced) = (system(&file), false);
        if !is_new {
            let contents = match fs::read(&path) {
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                other => other.map_err(|e| Error::io("read", &path, &e))?,
            };
            let earlier: Option<Holder> = serde_json::from_slice(&contents).ok();
            let had_the_lock = |h: &Holder| h.locked && h.host == (terms.host)();
            let is_free = unlocked.is_none() && same_file(&file, &path);
            let proven = is_free && earlier.as_ref().is_some_and(had_the_lock);
            if !proven && seen.same_for(&path, contents) < terms.patience {
                return Ok(None);
            }
            if !proven {
                // Made anew, so that of several who found it dead one gets it.
                drop(fs::remove_file(&path));
                file = match create(&path) {
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(None),
                    other => other.map_err(|e| failed(&e))?,
                };
                (unlocked, replaced) = (system(&file), true);
            }
        }
        seen.forget(&path);
        match Self::hold(path, file, terms, unlocked, replaced) {
            // Another one found it dead at the same moment.
            Err(error) if error.kind() == Kind::Taken => Ok(None),
            other => other.map(Some),
        }
    }
}
