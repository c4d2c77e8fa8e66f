//! The `adact` command: study which activation function each layer of a network should use.

mod args;
mod commands;
mod options;
mod out;
mod progress;
mod stop;

use std::panic::PanicHookInfo;
use std::process::ExitCode;

use adact_lab::{Error, Kind};
use clap::Parser;

use args::Cli;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(end_with_one_sentence));
    match commands::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::note(&format!("adact: {error}"));
            code(&error)
        }
    }
}

/// 2 where the user's input is the reason, 130 for Ctrl-C, 1 for all else.
fn code(error: &Error) -> ExitCode {
    match error.kind() {
        Kind::Cancelled => ExitCode::from(stop::INTERRUPTED),
        _ if error.is_input() => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

/// A mistake of ours, in any thread, ends the program with a sentence; files are whole or absent at any moment.
fn end_with_one_sentence(info: &PanicHookInfo<'_>) {
    let what = info.payload_as_str().unwrap_or("unknown");
    let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
    out::note(&format!("adact: this is a mistake in the program{place}, please report it: {what}"));
    std::process::exit(1);
}
