//! Who holds a folder. Two programs never write one output folder at once.
//!
//! The operating system's lock on `lock.json` settles it within one machine, and the system drops that lock when its
//! holder dies. On the file systems of clusters there may be no such lock, or one that other machines don't see. So
//! `lock.json` also names its holder, who writes the time into it every few seconds: a file whose time stands still
//! is that of a dead process. And whoever is about to write looks first whether the file is still its own.

mod claim;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::control::{Control, Event};
use crate::error::{self, Error, Result};
use crate::machine;

pub use claim::{Seen, holder, patience};

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
    /// When it last said that it is alive, in UTC; absent in the files of older programs, which don't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<String>,
    /// Whether it has the system's lock on the file.
    #[serde(default)]
    pub locked: bool,
    /// What tells it from any other holder.
    #[serde(default)]
    pub token: String,
}

/// What the system gives, and how long is waited for what.
#[derive(Clone, Copy, Debug)]
struct Terms {
    lock: fn(&File) -> std::result::Result<(), TryLockError>,
    host: fn() -> String,
    /// The time between two signs of life.
    beat: Duration,
    /// A holder without a sign of life for so long is dead.
    patience: Duration,
    /// Where the system's lock doesn't decide: how long it takes until nobody can still believe that the file is the one
    /// before.
    settle: Duration,
}

const TERMS: Terms = Terms {
    lock: File::try_lock,
    host: machine::host,
    beat: Duration::from_secs(2),
    patience: Duration::from_secs(20),
    settle: Duration::from_millis(500),
};

/// A held folder; dropping it releases the folder.
#[derive(Debug)]
pub struct Lock {
    held: Arc<Held>,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
    unlocked: Option<String>,
}

/// What the lock shares with the thread that writes its signs of life.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    holder: Holder,
    terms: Terms,
    /// Open as long as the system's lock is needed.
    file: Mutex<File>,
    lost: AtomicBool,
}

impl Lock {
    /// Holds `folder`, which must exist. Where only time can tell whether an earlier holder is alive, it waits and says
    /// so through `control`.
    ///
    /// # Errors
    /// If another process holds it, the lock can't be written, or the user stops the waiting.
    pub fn take(folder: &Path, control: &Control<'_>) -> Result<Self> {
        Self::take_on(folder, TERMS, control)
    }

    fn take_on(folder: &Path, terms: Terms, control: &Control<'_>) -> Result<Self> {
        let path = folder.join(NAME);
        let failed = |e: &io::Error| Error::io("write", &path, e).as_input();
        let (mut vanished, mut watched) = (0, false);
        let (file, unlocked) = loop {
            let (file, is_new) = match open(&path) {
                // The holder before us removed it between two looks.
                Err(e) if e.kind() == ErrorKind::NotFound && vanished < 100 => {
                    vanished += 1;
                    continue;
                }
                other => other.map_err(|e| failed(&e))?,
            };
            let unlocked = match (terms.lock)(&file) {
                Ok(()) => None,
                Err(TryLockError::WouldBlock) => return Err(held(folder, read(&path).as_ref())),
                Err(TryLockError::Error(e)) => Some(error::plain(&e)),
            };
            // The holder before us may have removed the file between our opening and our locking it.
            if !same_file(&file, &path) {
                continue;
            }
            if is_new {
                break (file, unlocked);
            }
            let earlier = read(&path);
            let seen_here = |h: &Holder| h.alive.is_none() || (h.locked && h.host == (terms.host)());
            if unlocked.is_none() && earlier.as_ref().is_none_or(seen_here) {
                break (file, unlocked); // that we have the system's lock is proof that its holder is dead
            }
            watched = true;
            match watch(folder, &path, earlier.as_ref(), &terms, control)? {
                State::Gone => continue,
                State::Alive => return Err(held(folder, read(&path).as_ref())),
                State::Dead if unlocked.is_none() => break (file, unlocked),
                // Made anew, so that of several who found it dead one gets it.
                State::Dead => drop(fs::remove_file(&path)),
            }
        };
        let settles = watched || unlocked.is_some();
        Self::hold(path, file, terms, unlocked, settles).map_err(Error::as_input)
    }

    /// Holds an open lock file: writes who does, and keeps it alive. Where it `settles`, others may have thought the same of it
    /// at the same moment.
    ///
    /// # Errors
    /// If it can't be written, or another process has it by now.
    fn hold(
        path: PathBuf,
        mut file: File,
        terms: Terms,
        unlocked: Option<String>,
        settles: bool,
    ) -> Result<Self> {
        let holder = Holder::new((terms.host)(), unlocked.is_none());
        holder.write(&mut file).map_err(|e| Error::io("write", &path, &e))?;
        if settles {
            thread::sleep(terms.settle);
        }
        let held = Held { path, holder, terms, file: Mutex::new(file), lost: AtomicBool::new(false) };
        held.check()?;
        let held = Arc::new(held);
        let (stop, stopped) = mpsc::channel();
        let body = held.clone();
        let thread = thread::Builder::new()
            .name("lock".into())
            .spawn(move || body.live(&stopped))
            .map_err(|e| Error::failure(format!("a thread can't be started: {e}")))?;
        Ok(Self { held, heart: Some((stop, thread)), unlocked })
    }

    /// Why the system's lock was not to be had; none where it was.
    pub fn without_system(&self) -> Option<&str> {
        self.unlocked.as_deref()
    }

    /// Looks whether the folder is still ours. A lock file that somebody removed is written again.
    ///
    /// # Errors
    /// If another process has taken the folder: nothing may be written to it any more.
    pub fn check(&self) -> Result<()> {
        self.held.check()
    }

    /// What the last look said, without looking again.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn recall(&self) -> Result<()> {
        if self.held.lost.load(Ordering::Relaxed) { self.held.check() } else { Ok(()) }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.heart.take() {
            drop(stop);
            let _ = thread.join();
        }
        if self.held.check().is_ok() {
            let _ = fs::remove_file(&self.held.path);
        }
    }
}

impl Held {
    /// Writes signs of life until the lock is dropped or lost.
    fn live(&self, stopped: &Receiver<()>) {
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(self.terms.beat) {
            if self.check().is_err() {
                return;
            }
            // Opened for each sign: closing it is what shows it to other machines. It always has the same length. Where
            // the disk refuses, the next one may get through.
            let sign = OpenOptions::new().write(true).open(&self.path);
            let _ = sign.and_then(|mut file| self.holder.alive_now().write(&mut file));
        }
    }

    fn check(&self) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unreadable = 0;
        while !self.lost.load(Ordering::Relaxed) {
            match fs::read(&self.path) {
                Ok(text) => match serde_json::from_slice::<Holder>(&text) {
                    Ok(holder) if holder.token == self.holder.token => return Ok(()),
                    // Somebody is writing it at this moment, or emptied it.
                    Err(_) if unreadable < 10 => {
                        unreadable += 1;
                        thread::sleep(Duration::from_millis(20));
                    }
                    Err(_) if same_file(&file, &self.path) => {
                        let _ = self.holder.alive_now().write(&mut file);
                        return Ok(());
                    }
                    _ => self.lost.store(true, Ordering::Relaxed),
                },
                Err(e) if e.kind() == ErrorKind::NotFound => match create(&self.path) {
                    Ok(mut again) => {
                        let locked = (self.terms.lock)(&again);
                        self.lost.store(matches!(locked, Err(TryLockError::WouldBlock)), Ordering::Relaxed);
                        let _ = self.holder.alive_now().write(&mut again);
                        *file = again;
                    }
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                    // Whatever is wrong with the disk, the next file that is written says it.
                    Err(_) => return Ok(()),
                },
                Err(_) => return Ok(()),
            }
        }
        let folder = self.path.parent().unwrap_or(&self.path).display();
        let who = in_words(read(&self.path).as_ref());
        Err(Error::taken(format!(
            "{folder}: another adact has taken this folder{who}, because {NAME} was removed or replaced; this one \
             stopped and left what was finished"
        )))
    }
}

impl Holder {
    fn new(host: String, locked: bool) -> Self {
        let now = now();
        Self {
            pid: std::process::id(),
            host,
            since: now.clone(),
            alive: Some(now),
            locked,
            token: format!("{:016x}", machine::random()),
        }
    }

    /// Whether its process is known to be gone: on this machine, where that can be seen.
    pub fn is_dead(&self) -> bool {
        let processes = Path::new("/proc");
        self.host == machine::host()
            && processes.join(std::process::id().to_string()).exists()
            && !processes.join(self.pid.to_string()).exists()
    }

    fn alive_now(&self) -> Self {
        Self { alive: Some(now()), ..self.clone() }
    }

    /// Replaces what an open file holds, in one piece.
    fn write(&self, file: &mut File) -> io::Result<()> {
        let text = serde_json::to_string(self).unwrap_or_default() + "\n";
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }
}

/// What a lock file's holder does.
enum State {
    Alive,
    Dead,
    Gone,
}

/// Looks at a lock file until it changes, is gone, or has been the same for too long.
fn watch(
    folder: &Path,
    path: &Path,
    holder: Option<&Holder>,
    terms: &Terms,
    control: &Control<'_>,
) -> Result<State> {
    control.tell(Event::Note(&format!(
        "{}: waiting up to {} seconds to see whether another adact{} is still working in this folder",
        folder.display(),
        terms.patience.as_secs(),
        in_words(holder)
    )));
    let (begin, first) = (Instant::now(), fs::read(path).ok());
    while begin.elapsed() < terms.patience {
        thread::sleep(terms.beat / 4);
        control.check()?;
        match fs::read(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(State::Gone),
            Ok(text) if first.as_ref() != Some(&text) => return Ok(State::Alive),
            _ => {}
        }
    }
    Ok(State::Dead)
}

/// Makes the file, or opens the one that is there; says whether it is new.
fn open(path: &Path) -> io::Result<(File, bool)> {
    match create(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            Ok((OpenOptions::new().read(true).write(true).open(path)?, false))
        }
        other => Ok((other?, true)),
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

fn read(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn held(folder: &Path, holder: Option<&Holder>) -> Error {
    Error::input(format!(
        "{}: another adact is working in this folder{}; wait for it or choose another --out",
        folder.display(),
        in_words(holder)
    ))
}

fn in_words(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |h| format!(" (process {} on {}, since {})", h.pid, h.host, h.since))
}

fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
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
mod tests;
