//! `adact bench`.

use adact_evidence::names;
use adact_evidence::records::{Beside, Costs};
use adact_kernels::Precision;
use adact_lab::bench::{Work, activation, activations, infer, places, step};
use adact_lab::config::{Activations, Output};
use adact_lab::study::claims::{Load, Spread, claims};
use adact_lab::{Control, Error, Result, threads};

use crate::args::{BenchCommand, ClaimsArgs, PlacesArgs, WorkArgs};
use crate::progress::Progress;
use crate::{options, out, stop};

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
                "{} {} {}, batch {}, {}, {} threads, {}: {:.2} ms a step (forward {:.2}, backward {:.2}, optimizer {:.2})",
                t.network,
                t.activation,
                t.shape,
                t.batch,
                t.precision,
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
                "{} {} {}, batch {}, {}, {} threads, {}: {:.0} images a second",
                t.network,
                t.activation,
                t.shape,
                t.batch,
                t.precision,
                t.threads,
                t.simd,
                t.images_per_second
            ))
        }
        BenchCommand::Places(a) => {
            at_least_one(&[("batch", a.batch.unwrap_or(1))])?;
            let costs = of_places(a)?;
            if json {
                return out::json(&costs);
            }
            out::line(&place_by_place(&costs))
        }
        BenchCommand::Claims(a) => shared(a, json),
    }
}

fn shared(args: &ClaimsArgs, json: bool) -> Result<()> {
    let load = Load { trainings: args.trainings, workers: args.workers, seconds: args.seconds };
    let progress = Progress::new(json);
    let control = Control { observer: &progress, cancel: stop::on_signals() };
    let measured = claims(&args.dir, load, &control);
    progress.close();
    let c = measured?;
    if json {
        return out::json(&c);
    }
    let spread = |times: &Spread| {
        let [median, p99, longest] = [times.median, times.p99, times.longest].map(|seconds| 1000.0 * seconds);
        format!("median {median:.1} ms, 99% within {p99:.0} ms, longest {longest:.0} ms")
    };
    out::line(&format!(
        "{} trainings of {} s by {} workers: {:.1} s, {:.1} s more than the trainings alone\n\
         from one training to a worker's next: {}\n\
         from the last training's end until a worker knows: {}\n\
         trained twice: {}; folders in runs/: {}",
        c.trainings,
        c.training,
        c.workers,
        c.elapsed,
        c.elapsed - c.least,
        spread(&c.between),
        spread(&c.ending),
        c.repeated,
        c.entries
    ))
}

fn of_places(args: &PlacesArgs) -> Result<Costs> {
    let network = options::bench_network(&args.network)?;
    let (activation, precision) = ("base".into(), Precision::F32);
    let work = Work { network, activation, shape: args.shape, batch: args.batch, precision };
    let usual = Activations::default();
    let candidates = args.candidates.as_ref().map_or(&usual.candidates, |list| &list.0);
    // What it shows goes to standard error alone; the lines on standard output are the result's.
    let progress = Progress::new(false);
    let costs = places(&work, candidates, args.seconds, &Control::new(&progress));
    progress.close();
    costs
}

/// The table: a row a candidate, place by place.
fn place_by_place(costs: &Costs) -> String {
    let of = |time: &Beside, reference: f64| match time.is_noise() {
        true => [format!("within ±{:.2}", reference * time.noise), format!("±{:.1}%", 100.0 * time.noise)],
        false => [format!("{:+.2}", reference * (time.ratio - 1.0)), format!("{:+.1}%", time.percent())],
    };
    let mut rows = Vec::new();
    for place in &costs.places {
        let kept = format!("{:.2}", place.kept_bytes as f64 / f64::from(1 << 20));
        let mut first = [place.place.clone(), kept];
        let relu =
            [format!("{:.2}", place.step_ms), String::new(), format!("{:.2}", place.infer_ms), String::new()];
        let others = place.candidates.iter().filter(|candidate| candidate.activation != "relu");
        let others = others.map(|candidate| {
            let (step, infer) = (of(&candidate.step, place.step_ms), of(&candidate.infer, place.infer_ms));
            (candidate.activation.as_str(), [step, infer].concat())
        });
        for (activation, times) in std::iter::once(("relu", relu.to_vec())).chain(others) {
            let [name, kept] = std::mem::take(&mut first);
            let activation = names::activation(activation).to_owned();
            rows.push([vec![name, kept, activation], times].concat());
        }
    }
    let head = ["place", "keeps, MiB", "activation", "step, ms", "", "inference, ms", ""];
    let (machine, base) = (&costs.machine, names::activation(&costs.base));
    format!(
        "{} {}, batch {}, {} threads, {}, {} rounds; {base} in all other places\n\n{}\n\n\
         ReLU's times are medians, the others what they differ by. Differences that are no larger than the noise of the \
         measurement\nare given as its size (within ±): longer measurements (--seconds) have less of it. A place keeps the same for the backward pass whichever activation \
         it has.",
        costs.network,
        costs.shape,
        costs.batch,
        machine.threads,
        machine.simd,
        costs.places.iter().map(|place| place.rounds).min().unwrap_or_default(),
        out::columns(&head, &rows, &[1, 3, 4, 5, 6])
    )
}

fn work(args: &WorkArgs, batch: Option<usize>) -> Result<Work> {
    let network = options::bench_network(&args.network)?;
    let (activation, precision) = (args.activation.clone(), args.precision);
    Ok(Work { network, activation, shape: args.shape, batch, precision })
}

fn at_least_one(values: &[(&str, usize)]) -> Result<()> {
    match values.iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(Error::input(format!("--{name}: give at least 1"))),
        None => Ok(()),
    }
}
