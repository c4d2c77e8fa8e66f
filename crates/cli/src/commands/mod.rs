//! One file for each command.

mod bench;
mod collect;
mod completions;
mod data;
mod man;
mod model;
mod plan;
mod report;
mod reproduce;
mod slurm;
mod status;
mod study;
mod train;
mod work;

use std::path::Path;

use adact_kernels::simd;
use adact_lab::config::MOST_THREADS;
use adact_lab::{Error, Result};

use crate::args::{Cli, Command};
use crate::out;

/// Does what the command line asks for; `program` is how this program was called.
pub fn run(cli: Cli, program: &Path) -> Result<()> {
    let Cli { command, json, quiet, threads } = cli;
    out::set_quiet(quiet);
    simd::requested().map_err(Error::input)?;
    if let Some(n) = threads {
        if !(1..=MOST_THREADS).contains(&n) {
            return Err(Error::input(format!("--threads: {n} is out of range, give 1 to {MOST_THREADS}")));
        }
        // What runs outside of the pools of trainings, such as reading images.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(n).build_global();
    }
    match command {
        Command::Train(args) => train::run(&args, threads, json),
        Command::Study(args) => study::run(&args, program, threads, json),
        Command::Reproduce(args) => reproduce::run(&args, threads, json),
        Command::Report(args) => report::run(&args, json),
        Command::Work(args) => work::run(&args, threads, json),
        Command::Status(args) => status::run(&args, json),
        Command::Collect(args) => collect::run(&args, json),
        Command::Predict(args) => model::predict(&args, json),
        Command::Sample(args) => model::sample(&args, json),
        Command::Inspect(args) => model::inspect(&args, json),
        Command::Export(args) => model::export(&args, json),
        Command::Bench(command) => bench::run(&command, threads, json),
        Command::Data(command) => data::run(&command, json),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
