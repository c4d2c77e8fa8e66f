//! The output folder of a training or a study: made, continued or replaced, and held while it is worked on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adact_evidence::atomic;
use adact_evidence::records::{PLACES, TIMINGS};
use adact_evidence::tensorboard::EVENTS;

use crate::checkpoint;
use crate::config::Config;
use crate::control::{Control, Event};
use crate::error::{Error, Result};
use crate::extent;
use crate::lock::{self, Lock, Seen};

/// The resolved options.
pub const CONFIG: &str = "config.toml";
/// The weights of the best epoch.
pub const BEST: &str = "best.safetensors";
/// The activation that each place chose, as `--activation @FILE` reads it.
pub const CHOICE: &str = "choice.toml";
/// A study's runs.
pub const RUNS: &str = "runs";
/// What belongs to a training program: its log, what it printed, and whatever it keeps.
pub const PROGRAM: &str = "program";

/// What tells one plan of a study from another.
pub const PLAN: &str = "plan.json";
/// Which trainings of a plan were finished, in the order in which they were.
pub const FINISHED: &str = "finished.log";
/// The script that submitted a study to Slurm, and what its jobs print; it stays where a study is replaced, whose jobs may still print.
pub const SLURM: &str = "slurm";
/// Why a training failed, until it is tried again.
pub const FAILURE: &str = "failure.json";

/// What a run or a study writes; nothing else is ever removed. The options come last: without them the folder of a
/// process that died while it removed the rest could not be told from one of something else.
const OURS: &[&str] = &[
    BEST,
    CHOICE,
    RUNS,
    PROGRAM,
    PLACES,
    TIMINGS,
    PLAN,
    FINISHED,
    FAILURE,
    "manifest.json",
    "metrics.jsonl",
    "result.json",
    "table.md",
    "table.csv",
    "figures",
    "report.html",
    EVENTS,
    CONFIG,
];

/// What to do with a folder that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Refuse it.
    #[default]
    New,
    /// Continue what it holds, if that is the same or less of it: fewer epochs, seeds or variants; begin if it holds
    /// nothing.
    Resume,
    /// Replace what it holds, if that is a run or a study.
    Force,
}

/// A folder that is ours until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Its own lock, and those of the folders around it.
    locks: Vec<Arc<Lock>>,
    /// What was seen of those who hold folders inside.
    seen: Arc<Seen>,
}

impl Folder {
    /// Makes or enters a folder for what `config` describes, and writes `config.toml`.
    ///
    /// # Errors
    /// If the folder holds something else or more epochs than `config` asks for, or another process works in it, or it
    /// can't be written.
    pub fn open(path: &Path, config: &Config, mode: Mode, control: &Control<'_>) -> Result<Self> {
        inspect(path, config, mode)?; // one that is refused is not even touched
        let take = || Lock::take(path, control);
        let folder = Self::open_with(&[], path, config, mode, &take)?;
        if let Some(why) = folder.locks[0].without_system() {
            control.tell(Event::Note(&format!(
                "{}: this file system can't lock files ({why}); the signs of life in {} keep other processes out instead",
                path.display(),
                lock::NAME
            )));
        }
        Ok(folder)
    }

    /// A study's folder for one of several processes that work on what it plans. It holds nothing but the folders inside,
    /// one after the other.
    pub fn shared(path: &Path) -> Self {
        Self { path: path.to_owned(), locks: Vec::new(), seen: Arc::default() }
    }

    /// The same for a folder inside this one; it is ours only as long as this one is.
    ///
    /// # Errors
    /// As [`open`](Self::open), or if this folder is not ours any more; of kind [`Busy`](crate::Kind::Busy) where another process
    /// works in it.
    pub fn open_inside(&self, name: &str, config: &Config, mode: Mode) -> Result<Self> {
        self.check()?;
        let path = self.join(name);
        let claim = || {
            let held = || format!("{}: another adact is working in this folder", path.display());
            Lock::claim(&path, &self.seen)?.ok_or_else(|| Error::busy(held()))
        };
        Self::open_with(&self.locks, &path, config, mode, &claim)
    }

    fn open_with(
        around: &[Arc<Lock>],
        path: &Path,
        config: &Config,
        mode: Mode,
        lock: &dyn Fn() -> Result<Lock>,
    ) -> Result<Self> {
        fs::create_dir_all(path).map_err(|e| Error::io("create the folder", path, &e).as_input())?;
        let lock = lock()?;
        // After a claim, which is all that is asked where many processes look for work; and another process may have been here.
        inspect(path, config, mode)?;
        if mode == Mode::Resume {
            room(path, config)?;
        }
        if mode == Mode::Force {
            idle(path)?;
            clear(path)?;
        }
        let leftovers = entries(path)?.into_iter().filter(|name| is_part(name));
        leftovers.for_each(|name| drop(fs::remove_file(path.join(name))));
        // Written even if it is there: a study that continues may have grown.
        let resolved = config.to_toml()?;
        atomic::write(&path.join(CONFIG), resolved.as_bytes()).map_err(|e| Error::from(e).as_input())?;
        let locks = std::iter::once(Arc::new(lock)).chain(around.iter().cloned()).collect();
        Ok(Self { path: path.to_owned(), locks, seen: Arc::default() })
    }

    /// Looks whether the folder is still ours: before anything is written to it.
    ///
    /// # Errors
    /// If another process has taken it, of kind [`Taken`](crate::Kind::Taken).
    pub fn check(&self) -> Result<()> {
        self.locks.iter().try_for_each(|lock| lock.check())
    }

    /// The same as far as it is known, without a look at the disk: between two training steps.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn recall(&self) -> Result<()> {
        self.locks.iter().try_for_each(|lock| lock.recall())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Whether a folder may be used.
fn inspect(path: &Path, config: &Config, mode: Mode) -> Result<()> {
    if path.exists() && !path.is_dir() {
        return Err(Error::input(format!("{}: is a file, but a folder is needed", path.display())));
    }
    let names = entries(path)?;
    let taken = names.iter().any(|name| name != lock::NAME && !is_part(name));
    if !taken {
        return Ok(());
    }
    let dir = path.display();
    if !names.iter().any(|name| name == CONFIG) {
        return Err(Error::input(format!("{dir}: holds files but no run; choose another --out")));
    }
    match mode {
        Mode::New => Err(Error::input(format!(
            "{dir}: holds another run; continue it with --resume, replace it with --force, or choose another --out"
        ))),
        Mode::Force => Ok(()),
        Mode::Resume => {
            let held = Config::read(&path.join(CONFIG))?;
            match config.difference(&held) {
                None => Ok(()),
                Some(what) => Err(Error::input(format!(
                    "{dir}: holds another run ({what}); replace it with --force or choose another --out"
                ))),
            }
        }
    }
}

/// Expects a training's folder, or those in a study's, to hold no more epochs than `config` asks for.
fn room(path: &Path, config: &Config) -> Result<()> {
    let Some(epochs) = config.epochs() else { return Ok(()) };
    if config.study.is_none() {
        return extent::check(path, epochs);
    }
    let runs = path.join(RUNS);
    entries(&runs)?.iter().try_for_each(|run| extent::check(&runs.join(run), epochs))
}

fn entries(path: &Path) -> Result<Vec<String>> {
    let failed = |e: &std::io::Error| Error::io("read the folder", path, e).as_input();
    let list = match fs::read_dir(path) {
        Ok(list) => list,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(&e)),
    };
    list.map(|entry| Ok(entry.map_err(|e| failed(&e))?.file_name().to_string_lossy().into_owned())).collect()
}

/// Whether a name is that of a file whose writer died.
fn is_part(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".part")
}

/// Expects no other process to work on the trainings of the study in a folder.
fn idle(path: &Path) -> Result<()> {
    let runs = path.join(RUNS);
    for run in entries(&runs)?.into_iter().map(|name| runs.join(name)) {
        let Some(holder) = lock::holder(&run) else { continue };
        if Lock::claim(&run, &Seen::default())?.is_none() {
            return Err(Error::input(format!(
                "{}: process {} on {} works in it; stop it first (if it is dead, remove {} there)",
                run.display(),
                holder.pid,
                holder.host,
                lock::NAME
            )));
        }
    }
    Ok(())
}

fn clear(path: &Path) -> Result<()> {
    checkpoint::clear(path)?;
    for name in OURS {
        let item = path.join(name);
        let removed = if item.is_dir() { fs::remove_dir_all(&item) } else { fs::remove_file(&item) };
        match removed {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove", &item, &e)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Train;
    use crate::testing::StopAfter;

    fn config() -> Config {
        Config { train: Some(Train::default()), ..Config::default() }
    }

    fn open(path: &Path, config: &Config, mode: Mode) -> Result<Folder> {
        Folder::open(path, config, mode, &StopAfter::new(None).control())
    }

    #[test]
    fn a_folder_is_refused_continued_or_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        drop(open(&path, &config(), Mode::New).unwrap());
        fs::write(path.join("table.md"), "mine").unwrap();
        fs::write(path.join("mine.txt"), "mine").unwrap();

        let refused = open(&path, &config(), Mode::New).unwrap_err();
        assert!(refused.is_input() && refused.to_string().contains("--resume"), "{refused}");

        let mut other = config();
        other.protocol.lr = 0.5;
        let refused = open(&path, &other, Mode::Resume).unwrap_err();
        assert!(refused.to_string().contains("protocol.lr is 0.001 there and 0.5 here"), "{refused}");

        drop(open(&path, &config(), Mode::Resume).unwrap());
        assert!(path.join("table.md").exists());
        drop(open(&path, &other, Mode::Force).unwrap());
        assert!(!path.join("table.md").exists() && path.join("mine.txt").exists());
        assert_eq!(Config::read(&path.join(CONFIG)).unwrap(), other);
    }

    #[test]
    fn a_folder_of_something_else_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        for mode in [Mode::New, Mode::Resume, Mode::Force] {
            assert!(open(dir.path(), &config(), mode).unwrap_err().is_input());
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let file = dir.path().join("thesis.tex");
        assert!(open(&file, &config(), Mode::New).unwrap_err().is_input());
    }

    #[test]
    fn only_one_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = open(dir.path(), &config(), Mode::New).unwrap();
        let refused = open(dir.path(), &config(), Mode::Resume).unwrap_err();
        assert!(refused.to_string().contains("another adact is working"), "{refused}");
        drop(held);
    }
}
