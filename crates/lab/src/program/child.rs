//! The process of a training program: begun in a group of its own, asked to end, and made to.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How long a program that is asked to end may take.
const GRACE: Duration = Duration::from_secs(10);
/// The file that names the process, for whoever comes after a process of ours that was killed.
const PID: &str = "pid";
/// What is told of what a program printed.
const LAST_WORDS: usize = 300;

/// A program that runs. Dropped before it ended, it is asked to end and, 10 seconds later, made to.
pub(super) struct Child {
    process: Process,
    ended: bool,
    pid: PathBuf,
}

impl Child {
    /// Starts a command, as a shell reads it, with these variables; what it prints goes to the end of the file `output`.
    pub(super) fn start(
        command: &str,
        own: &Path,
        output: &Path,
        variables: &[(&str, String)],
    ) -> Result<Self> {
        let file = File::options().create(true).append(true).open(output);
        let file = file.map_err(|e| Error::io("write", output, &e))?;
        let both = file.try_clone().map_err(|e| Error::io("write", output, &e))?;
        let mut shell = shell(command);
        shell.envs(variables.iter().map(|(name, value)| (name, value)));
        shell.stdin(Stdio::null()).stdout(file).stderr(both);
        let process = shell.spawn().map_err(|e| {
            Error::failure(format!("`{command}`: can't be started: {}", crate::error::plain(&e)))
        })?;
        let pid = own.join(PID);
        // Without it a program whose study was killed runs on beside the one that goes on; no reason not to train.
        let _ = fs::write(&pid, format!("{}\n", process.id()));
        Ok(Self { process, ended: false, pid })
    }

    /// Waits for at most `pause`; gives how it ended, if it has.
    pub(super) fn wait(&mut self, pause: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + pause;
        let mut nap = Duration::from_millis(2);
        loop {
            let ended = self.process.try_wait();
            let ended = ended.map_err(|e| Error::failure(format!("the program can't be waited for: {e}")))?;
            self.ended = ended.is_some();
            if self.ended || Instant::now() >= until {
                return Ok(ended);
            }
            thread::sleep(nap.min(until - Instant::now()));
            nap *= 2;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.ended {
            signal::end(self.process.id());
            let until = Instant::now() + GRACE;
            // The shell may be gone before the program that it started.
            let runs = |process: &mut Process| {
                matches!(process.try_wait(), Ok(None)) || signal::is_there(process.id())
            };
            while runs(&mut self.process) && Instant::now() < until {
                thread::sleep(Duration::from_millis(20));
            }
        }
        // Also what it left behind in its group.
        signal::kill(self.process.id());
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.pid);
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("sh");
    // In a group of its own: Ctrl-C on the terminal is for us, who then ask the program to end.
    shell.arg("-c").arg(command).process_group(0);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

/// Signals to the group of a process.
#[cfg(unix)]
mod signal {
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

    pub fn end(pid: u32) {
        send(pid, Signal::TERM);
    }

    pub fn kill(pid: u32) {
        send(pid, Signal::KILL);
    }

    /// Whether a process of the group is there.
    pub fn is_there(pid: u32) -> bool {
        let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
        group.is_some_and(|group| test_kill_process_group(group).is_ok())
    }

    fn send(pid: u32, signal: Signal) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // Nobody there is nobody to end.
            let _ = kill_process_group(pid, signal);
        }
    }
}

#[cfg(not(unix))]
mod signal {
    /// There is no such request here: the program is made to end.
    pub fn end(_: u32) {}

    pub fn kill(_: u32) {}

    pub fn is_there(_: u32) -> bool {
        false
    }
}

/// Ends the program that a killed process of ours left running in the folder `own`. Its environment tells that it is that
/// one, so this needs `/proc`, which Linux has.
pub(super) fn end_orphan(own: &Path) -> Result<()> {
    let file = own.join(PID);
    let Some(pid) = fs::read_to_string(&file).ok().and_then(|pid| pid.trim().parse::<u32>().ok()) else {
        return Ok(());
    };
    let path = std::path::absolute(own).map_err(|e| Error::io("find", own, &e))?;
    let ours = format!("ADACT_OUT={}", path.display());
    let runs = || {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&b| b == 0).any(|variable| variable == ours.as_bytes())
    };
    if runs() {
        signal::end(pid);
        let until = Instant::now() + GRACE;
        while runs() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        signal::kill(pid);
    }
    let _ = fs::remove_file(&file);
    Ok(())
}

/// How a program ended that failed.
pub(super) fn in_words(ended: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&ended) {
        return format!("the program was ended by signal {signal}");
    }
    match ended.code() {
        Some(127) => "the program ended with exit code 127: its command was not found".into(),
        Some(code) => format!("the program ended with exit code {code}"),
        None => "the program failed".into(),
    }
}

/// The last line that is in a file of what a program printed, without control characters.
pub(super) fn last_words(output: &Path) -> String {
    let read = || {
        let mut file = File::open(output)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        std::io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(LAST_WORDS).collect()
}
