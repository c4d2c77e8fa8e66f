//! The `adact` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(adact_cli::run(std::env::args_os()))
}
