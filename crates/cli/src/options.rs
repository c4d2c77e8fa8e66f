//! From the command line to a configuration: the file first, then the options that were given.

use std::path::{Path, PathBuf};

use adact_lab::config::{Config, DataOptions, NetworkOptions, ProgramOptions};
use adact_lab::folder::{CONFIG, Mode};
use adact_lab::{Error, Result};

use crate::args::{
    CommonArgs, DataArgs, MixtureArgs, NetworkArgs, OutputArgs, PlanArgs, ProgramArgs, ProtocolArgs,
    SearchArgs, Switch,
};

/// The configuration that `--config` and the options make, without what single commands add.
pub fn config(args: &CommonArgs, threads: Option<usize>) -> Result<Config> {
    let held = held(&args.output);
    let mut config = match (args.config.as_ref().or(held.as_ref()), &args.network.network) {
        (Some(path), _) => Config::read(path)?,
        (None, Some(name)) => Config::of_network(name)?,
        (None, None) => Config::default(),
    };
    network(&args.network, &mut config)?;
    data(&args.data, &mut config);
    protocol(&args.protocol, &mut config);
    activations(&args.mixture, &mut config);
    search(&args.search, &mut config);
    set_some(&mut config.output.out, &args.output.out);
    set_some(&mut config.output.threads, &threads);
    set(&mut config.output.tensorboard, args.output.tensorboard.map(|switch| switch == Switch::On));
    Ok(config)
}

/// The options that a folder was made with, where what it holds is to go on.
fn held(output: &OutputArgs) -> Option<PathBuf> {
    let held = output.out.as_ref().filter(|_| output.resume)?.join(CONFIG);
    held.exists().then_some(held)
}

/// What the options say of a training program. Its data have its own name where nothing else names them.
pub fn program(args: &ProgramArgs, dataset: Option<&String>, config: &mut Config) -> Result<()> {
    let Some(command) = args.program.clone().or(config.program.as_ref().map(|p| p.command.clone())) else {
        let given = [
            ("--metric", args.metric.is_some()),
            ("--name", args.name.is_some()),
            ("--lower-is-better", args.lower_is_better),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                Err(Error::input(format!("{option}: is for a training program, so give --program")))
            }
            None => Ok(()),
        };
    };
    let usual = ProgramOptions {
        command: command.clone(),
        name: None,
        metric: "accuracy".into(),
        higher_is_better: None,
    };
    let mut program = config.program.take().unwrap_or(usual);
    program.command = command;
    set_some(&mut program.name, &args.name);
    if config.data == DataOptions::default() && dataset.is_none() {
        config.data.dataset = program.name();
    }
    set(&mut program.metric, args.metric.clone());
    set_some(&mut program.higher_is_better, &args.lower_is_better.then_some(false));
    config.program = Some(program);
    Ok(())
}

/// Refuses a training program where only `study` has a use for one.
pub fn no_program(config: &Config) -> Result<()> {
    match &config.program {
        Some(_) => Err(Error::input("program: only `adact study` runs training programs")),
        None => Ok(()),
    }
}

/// What the options say of a study.
pub fn plan(args: &PlanArgs, config: &mut Config) {
    let mut study = config.study.take().unwrap_or_else(|| config.usual_study());
    set(&mut study.seeds, args.seeds.clone().or(args.seed.clone()));
    set(&mut study.variants, args.variants.clone());
    set_some(&mut study.against, &args.against);
    set(&mut config.search.choose, args.choose);
    set(&mut config.search.objective, args.objective);
    set_some(&mut config.search.costs, &args.costs);
    set(&mut config.output.jobs, args.jobs);
    config.study = Some(study);
}

/// What to do with an output folder that is there already.
pub fn mode(args: &OutputArgs) -> Mode {
    match (args.resume, args.force) {
        (true, _) => Mode::Resume,
        (_, true) => Mode::Force,
        _ => Mode::New,
    }
}

/// The output folder: the one asked for, or one below `runs/`. A new run gets a new one; one that goes on, the last.
pub fn out(config: &Config, name: &str, mode: Mode) -> PathBuf {
    if let Some(out) = &config.output.out {
        return out.clone();
    }
    let name: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_+".contains(c) { c } else { '-' }).collect();
    let numbered = |n: usize| match n {
        1 => Path::new("runs").join(&name),
        n => Path::new("runs").join(format!("{name}-{n}")),
    };
    let free = (1..).find(|&n| !numbered(n).exists()).unwrap_or(1);
    numbered(if mode == Mode::New { free } else { free.saturating_sub(1).max(1) })
}

/// The data set's name as a part of a folder's name.
pub fn short_name(dataset: &str) -> &str {
    let path = dataset.strip_prefix("folder:").unwrap_or(dataset);
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("images");
    name.strip_suffix(".txt").filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// The network and its sizes. One that is given beside a file of options must be the file's.
fn network(args: &NetworkArgs, config: &mut Config) -> Result<()> {
    let to = &mut config.network;
    if let Some(name) = args.network.as_ref().filter(|name| **name != to.name) {
        return Err(Error::input(format!(
            "--network: {name}, but the configuration file is for {}",
            to.name
        )));
    }
    set_some(&mut to.widths, &args.widths);
    set_some(&mut to.patch, &args.patch);
    set_some(&mut to.dim, &args.dim);
    set_some(&mut to.depth, &args.depth);
    set_some(&mut to.heads, &args.heads);
    set_some(&mut to.context, &args.context);
    set_some(&mut to.base, &args.base);
    set_some(&mut to.levels, &args.levels);
    Ok(())
}

/// A network as `bench` measures it.
pub fn bench_network(args: &NetworkArgs) -> Result<NetworkOptions> {
    let mut config = Config { network: NetworkOptions::default(), ..Config::default() };
    if let Some(name) = &args.network {
        config.network.name.clone_from(name);
    }
    network(args, &mut config)?;
    config.check()?;
    Ok(config.network)
}

fn data(args: &DataArgs, config: &mut Config) {
    let to = &mut config.data;
    set(&mut to.dataset, args.dataset.clone());
    set_some(&mut to.dir, &args.data_dir);
    set_some(&mut to.limit_train, &args.limit_train);
    set_some(&mut to.limit_test, &args.limit_test);
    set(&mut to.split_seed, args.split_seed);
    set_some(&mut to.side, &args.side);
    set_some(&mut to.grey, &args.grey.then_some(true));
}

fn protocol(args: &ProtocolArgs, config: &mut Config) {
    let to = &mut config.protocol;
    if args.epochs.is_some() {
        to.steps = None;
    }
    set(&mut to.epochs, args.epochs);
    set_some(&mut to.steps, &args.steps);
    set(&mut to.eval_every, args.eval_every);
    set(&mut to.optimizer, args.optimizer.map(Into::into));
    set(&mut to.schedule, args.schedule.map(Into::into));
    set(&mut to.warmup, args.warmup);
    set(&mut to.min_lr, args.min_lr);
    set(&mut to.momentum, args.momentum);
    if let Some(norm) = args.clip_grad {
        to.clip_grad = (norm != 0.0).then_some(norm);
    }
    set(&mut to.precision, args.precision);
    set(&mut to.augment, args.augment);
    set(&mut to.decay, args.decay.map(Into::into));
    set(&mut to.batch, args.batch);
    set(&mut to.test_batch, args.test_batch);
    set(&mut to.lr, args.lr);
    set(&mut to.betas, args.betas.map(|pair| pair.0));
    set(&mut to.eps, args.eps);
    set(&mut to.weight_decay, args.weight_decay);
    set(&mut to.select, args.select);
}

fn activations(args: &MixtureArgs, config: &mut Config) {
    let to = &mut config.model;
    set(&mut to.candidates, args.candidates.clone().map(|list| list.0));
    set(&mut to.weights, args.weights.clone());
    set(&mut to.granularity, args.granularity);
    set(&mut to.prelu_slope, args.prelu_slope);
    set(&mut to.leaky_relu_slope, args.leaky_relu_slope);
    set(&mut to.elu_alpha, args.elu_alpha);
    set(&mut to.rrelu, args.rrelu.map(|pair| pair.0));
}

fn search(args: &SearchArgs, config: &mut Config) {
    let to = &mut config.search;
    set(&mut to.mixing, args.mixing);
    set_some(&mut to.lr, &args.search_lr);
    set_some(&mut to.betas, &args.search_betas.map(|pair| pair.0));
    set_some(&mut to.weight_decay, &args.search_decay);
    set_some(&mut to.temperature, &args.temperature.map(|pair| pair.0));
    set(&mut to.warm_epochs, args.warm_epochs);
    set(&mut to.bilevel, args.bilevel.then_some(true));
}

fn set<T>(to: &mut T, from: Option<T>) {
    if let Some(value) = from {
        *to = value;
    }
}

fn set_some<T: Clone>(to: &mut Option<T>, from: &Option<T>) {
    if from.is_some() {
        to.clone_from(from);
    }
}

/// Checks what the file and the options make together.
pub fn check(config: &Config) -> Result<()> {
    config.check()?;
    match &config.output.out {
        Some(out) if out.as_os_str().is_empty() => Err(Error::input("--out: the folder has no name")),
        _ => Ok(()),
    }
}
