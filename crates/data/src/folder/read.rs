//! The pictures of a folder, read in parallel, with all the broken ones told at once.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::decode::Picture;
use super::first;
use super::layout::Part;
use crate::error::{Error, Kind, Result};
use crate::images::Images;
use crate::source::{self, FileRecord, hex};
use crate::{LoadOptions, thousands};

/// The most bytes that the resized images of a folder may take.
pub(crate) const MAX_PIXELS: usize = 4 << 30;
/// Bytes of files that are in memory at once, and of pictures that are decoded at once: with any number of processor
/// cores. A single larger one is read alone.
pub(crate) const FILES: u64 = 256 << 20;
pub(crate) const DECODED: u64 = 2 << 30;

/// Reads the parts of a folder one after the other.
pub(super) struct Reader<'a> {
    classes: &'a [String],
    side: usize,
    channels: usize,
    files: Budget,
    decoded: Budget,
    tally: Tally,
    broken: Vec<(String, Error)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(classes: &'a [String], options: &LoadOptions) -> Self {
        Self {
            classes,
            side: options.side,
            channels: if options.grey { 1 } else { 3 },
            files: Budget::new(FILES),
            decoded: Budget::new(DECODED),
            tally: Tally::default(),
            broken: Vec::new(),
        }
    }

    /// Reads the pictures of a part. Those that are broken are kept for [`finish`](Self::finish).
    pub(super) fn read(&mut self, part: &Part) -> Result<Images> {
        let mut tasks: Vec<(u8, String, PathBuf)> = Vec::new();
        for (label, (class, names)) in self.classes.iter().zip(&part.pictures).enumerate() {
            let folder = part.dir.join(class);
            let task =
                |name: &String| (label as u8, format!("{}{class}/{name}", part.prefix), folder.join(name));
            tasks.extend(names.iter().map(task));
        }
        let size = self.side * self.side * self.channels;
        let bytes = tasks.len().saturating_mul(size);
        if bytes > MAX_PIXELS {
            let (dir, count) = (part.dir.display(), thousands(tasks.len()));
            let message = format!("{dir}: {count} images of {size} bytes do not fit in memory");
            return Err(Error::new(Kind::Unsupported, message));
        }
        let mut pixels = vec![0; bytes];
        let read: Vec<Result<(u64, [u8; 32])>> = pixels
            .par_chunks_exact_mut(size)
            .zip(&tasks)
            .map(|(pixels, (_, _, path))| self.picture(path, pixels))
            .collect();
        for ((_, name, _), read) in tasks.iter().zip(read) {
            match read {
                Ok((bytes, sha256)) => self.tally.add(name, bytes, &sha256),
                Err(error) => self.broken.push((name.clone(), error)),
            }
        }
        let labels = tasks.iter().map(|&(label, ..)| label).collect();
        Images::new((self.side, self.side, self.channels), pixels, labels)
            .map_err(|fault| fault.at(&part.dir))
    }

    /// Reads one picture into `pixels`, and returns the size and the SHA-256 of its file.
    fn picture(&self, path: &Path, pixels: &mut [u8]) -> Result<(u64, [u8; 32])> {
        let length = path.metadata().map_err(|e| Error::io(path, "read it", &e))?.len();
        // The file, and the copy that a decoder may make of it.
        let _file = self.files.take(2 * length);
        let bytes = source::read(path)?;
        let picture = Picture::open(&bytes).map_err(|fault| fault.at(path))?;
        // Taken after the file's share: who holds a share of this budget waits for nothing.
        let _decoded = self.decoded.take(picture.cost(self.side));
        pixels.copy_from_slice(&picture.pixels(self.side, self.channels).map_err(|fault| fault.at(path))?);
        Ok((bytes.len() as u64, Sha256::digest(&bytes).into()))
    }

    /// The record of the files, or what is wrong with them.
    pub(super) fn finish(mut self, root: &Path) -> Result<FileRecord> {
        match self.broken.len() {
            0 => Ok(self.tally.record()),
            1 => Err(self.broken.remove(0).1),
            count => {
                let reasons: Vec<String> =
                    self.broken.iter().map(|(name, error)| reason(name, error)).collect();
                let kind = self.broken[0].1.kind();
                let kind =
                    if self.broken.iter().all(|(_, e)| e.kind() == kind) { kind } else { Kind::Corrupt };
                let (root, count) = (root.display(), thousands(count));
                let message = format!("{root}: {count} images can't be read: {}", first(10, &reasons));
                Err(Error::new(kind, message))
            }
        }
    }
}

/// The error about a picture, with its name in the folder instead of its whole path.
fn reason(name: &str, error: &Error) -> String {
    let text = error.to_string();
    // An error is the path, a colon and the reason.
    let reason = text.find(name).and_then(|at| text[at + name.len()..].strip_prefix(": "));
    format!("{name} ({})", reason.unwrap_or(&text))
}

/// An amount that several threads share: who takes more than is left waits.
pub(crate) struct Budget {
    all: u64,
    left: Mutex<u64>,
    returned: Condvar,
}

impl Budget {
    pub(crate) fn new(all: u64) -> Self {
        Self { all, left: Mutex::new(all), returned: Condvar::new() }
    }

    /// Takes an amount, or everything where the amount is larger, until the share is dropped.
    pub(crate) fn take(&self, amount: u64) -> Share<'_> {
        let amount = amount.min(self.all);
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left =
            self.returned.wait_while(left, |left| *left < amount).unwrap_or_else(PoisonError::into_inner);
        *left -= amount;
        Share { budget: self, amount }
    }
}

pub(crate) struct Share<'a> {
    budget: &'a Budget,
    amount: u64,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.left.lock().unwrap_or_else(PoisonError::into_inner) += self.amount;
        self.budget.returned.notify_all();
    }
}

/// One record for all the files of a folder: their total size, and the SHA-256 over each file's name, a zero byte and
/// its own SHA-256, in the order in which they are read.
#[derive(Default)]
pub(crate) struct Tally {
    hash: Sha256,
    files: usize,
    bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, name: &str, bytes: u64, sha256: &[u8; 32]) {
        self.hash.update(name.as_bytes());
        self.hash.update([0]);
        self.hash.update(sha256);
        self.files += 1;
        self.bytes += bytes;
    }

    pub(crate) fn record(self) -> FileRecord {
        FileRecord {
            name: format!("{} image files", self.files),
            bytes: self.bytes,
            sha256: hex(&self.hash.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::thread;

    use super::*;

    #[test]
    fn threads_never_hold_more_than_the_budget_and_large_amounts_go_alone() {
        let budget = Budget::new(100);
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for thread in 0..8 {
                let (budget, held, most) = (&budget, &held, &most);
                scope.spawn(move || {
                    for i in 0..50 {
                        let amount = [10, 40, 70, 1000][(thread + i) % 4];
                        let _share = budget.take(amount);
                        most.fetch_max(held.fetch_add(amount.min(100), SeqCst) + amount.min(100), SeqCst);
                        thread::yield_now();
                        held.fetch_sub(amount.min(100), SeqCst);
                    }
                });
            }
        });
        assert_eq!((most.load(SeqCst) <= 100, *budget.left.lock().unwrap()), (true, 100));
    }
}
