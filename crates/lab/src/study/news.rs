//! `finished.log`: which trainings of a plan were finished, so that those who work on it now needn't look at each.
//!
//! It is no more than a hint. A line that gets lost (appending is not atomic on every network file system) only costs a look at that
//! training, and what was finished before a process began is looked at, not believed: somebody may have removed a result since.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::folder::{FINISHED, Folder};

/// What a process hears of the others, and tells them.
pub(super) struct News {
    path: PathBuf,
    /// The plan's identity; lines of another plan are not for this one.
    plan: String,
    /// How far the file was read.
    read: Mutex<u64>,
}

impl News {
    /// All that is told from now on.
    pub fn from_now(folder: &Folder, plan: &str) -> Self {
        let path = folder.join(FINISHED);
        let length = fs::metadata(&path).map_or(0, |file| file.len());
        Self { path, plan: plan.into(), read: Mutex::new(length) }
    }

    /// Tells that the training with this number is finished.
    pub fn tell(&self, task: usize) {
        // One write, so that lines of two processes don't mix where the file system can help it.
        let line = format!("{} {task}\n", self.plan);
        let file = OpenOptions::new().append(true).create(true).open(&self.path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }

    /// The trainings of which was told since the last call.
    pub fn heard(&self) -> Vec<usize> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Vec::new();
        let from = |mut file: File| {
            file.seek(SeekFrom::Start(*read))?;
            file.read_to_end(&mut text)
        };
        if File::open(&self.path).and_then(from).is_err() {
            return Vec::new();
        }
        // A line that is being written is read when it is whole.
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        *read += whole as u64;
        let text = String::from_utf8_lossy(&text[..whole]).into_owned();
        let number = |line: &str| line.strip_prefix(&self.plan)?.strip_prefix(' ')?.parse().ok();
        text.lines().filter_map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard_once_and_by_those_of_the_same_plan() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::shared(dir.path());
        let early = News::from_now(&folder, "one");
        assert!(early.heard().is_empty());
        early.tell(3);
        let late = News::from_now(&folder, "one");
        News::from_now(&folder, "two").tell(4);
        early.tell(5);
        assert_eq!((early.heard(), late.heard()), (vec![3, 5], vec![5]));
        // A line in two parts, and what is no line.
        let path = dir.path().join(FINISHED);
        let add = |text: &str| {
            OpenOptions::new().append(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
        };
        add("one 1");
        assert!(early.heard().is_empty());
        add("7\none\none x\n\n");
        assert_eq!(early.heard(), [17]);
        fs::remove_file(&path).unwrap();
        assert!(early.heard().is_empty());
    }
}
