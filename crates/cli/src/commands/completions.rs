//! `adact completions`.

use adact_lab::Result;
use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::out;

pub fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "adact", &mut script);
    out::bytes(&script)
}
