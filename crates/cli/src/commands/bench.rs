//! `adact bench`.

use adact_lab::bench::{Work, activation, activations, infer, step};
use adact_lab::config::Output;
use adact_lab::{Error, Result, threads};

use crate::args::{BenchCommand, WorkArgs};
use crate::{options, out};

pub fn run(command: &BenchCommand, threads: Option<usize>, json: bool) -> Result<()> {
    let threads = Output { threads, ..Output::default() }.threads();
    threads::install(threads, "the benchmark", || measure(command, json))
}

fn measure(command: &BenchCommand, json: bool) -> Result<()> {
    match command {
        BenchCommand::Step(a) => {
            at_least_one(&[("batch", a.batch.unwrap_or(1)), ("steps", a.steps)])?;
            let t = step(&work(&a.work, a.batch)?, a.steps)?;
            if json {
                return out::json(&t);
            }
            out::line(&format!(
                "{} {} {}, batch {}, {} threads, {}: {:.2} ms a step (forward {:.2}, backward {:.2}, optimizer {:.2})",
                t.network,
                t.activation,
                t.shape,
                t.batch,
                t.threads,
                t.simd,
                t.ms_per_step,
                t.forward_ms,
                t.backward_ms,
                t.optimizer_ms
            ))
        }
        BenchCommand::Activation(a) => {
            at_least_one(&[("elements", a.elements), ("steps", a.steps)])?;
            for name in activations() {
                let t = activation(&name, a.elements, a.steps)?;
                if json {
                    out::json(&t)?;
                } else {
                    out::line(&format!(
                        "{:<12} {} elements: forward {:.3} ms, forward and backward {:.3} ms",
                        t.activation, t.elements, t.forward_ms, t.forward_backward_ms
                    ))?;
                }
            }
            Ok(())
        }
        BenchCommand::Infer(a) => {
            at_least_one(&[("batch", a.batch.unwrap_or(1)), ("steps", a.steps)])?;
            let t = infer(&work(&a.work, a.batch)?, a.steps)?;
            if json {
                return out::json(&t);
            }
            out::line(&format!(
                "{} {} {}, batch {}, {} threads, {}: {:.0} images a second",
                t.network, t.activation, t.shape, t.batch, t.threads, t.simd, t.images_per_second
            ))
        }
    }
}

fn work(args: &WorkArgs, batch: Option<usize>) -> Result<Work> {
    let network = options::bench_network(&args.network)?;
    Ok(Work { network, activation: args.activation.clone(), shape: args.shape, batch })
}

fn at_least_one(values: &[(&str, usize)]) -> Result<()> {
    match values.iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(Error::input(format!("--{name}: give at least 1"))),
        None => Ok(()),
    }
}
