//! The `adact` command: study which activation function each layer of a network should use.
//!
//! A library, so that the program and the Python package have the same command.

mod args;
mod commands;
mod options;
mod out;
mod progress;
mod stop;

use std::ffi::OsString;
use std::panic::PanicHookInfo;
use std::path::PathBuf;

use adact_lab::{Error, Kind};
use clap::Parser;

use args::Cli;

/// Runs the command with these arguments, the program's name first, and returns its exit code. Where the arguments can't be
/// read, or only ask for help, the process ends.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    std::panic::set_hook(Box::new(end_with_one_sentence));
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map_or_else(|| "adact".into(), PathBuf::from);
    match commands::run(Cli::parse_from(arguments), &program) {
        Ok(()) => 0,
        Err(error) => {
            out::error(&format!("adact: {error}"));
            code(&error)
        }
    }
}

/// The exit code that says to try again later, as `sysexits.h` has it.
const LATER: u8 = 75;

/// 2 where the user's input is the reason, 130 for Ctrl-C, 75 where other processes have to go on first, 1 for all else.
fn code(error: &Error) -> u8 {
    match error.kind() {
        Kind::Cancelled => stop::INTERRUPTED,
        Kind::Waiting => LATER,
        _ if error.is_input() => 2,
        _ => 1,
    }
}

/// A mistake of ours ends the program with a sentence; files are whole or absent at any moment. Those in a training
/// don't come here: they end that training only.
fn end_with_one_sentence(info: &PanicHookInfo<'_>) {
    let what = info.payload_as_str().unwrap_or("unknown").trim().replace('\n', "; ");
    let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
    out::error(&format!("adact: this is a mistake in the program{place}, please report it: {what}"));
    std::process::exit(1);
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    #[ignore = "ends its process: the next test runs it in one of its own"]
    fn a_mistake() {
        std::panic::set_hook(Box::new(super::end_with_one_sentence));
        let _ = std::thread::spawn(|| panic!("of\nours")).join();
        println!("still here");
    }

    #[test]
    fn a_mistake_in_any_thread_ends_the_program_with_one_sentence() {
        let mut this = Command::new(std::env::current_exe().unwrap());
        let output = this.args(["--exact", "tests::a_mistake", "--ignored", "--nocapture"]).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.code() == Some(1) && !out.contains("still here"), "{out}\n{err}");
        let ends = err.lines().count() == 1 && err.ends_with("please report it: of; ours\n");
        assert!(ends && err.starts_with("adact: this is a mistake in the program at "), "{err}");
    }
}
