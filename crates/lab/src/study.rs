//! A study: every variant with every seed, as a set of small tasks whose state is on disk.
//!
//! A task is a training in a run directory of its own; it is done when its `result.json` is there. There is no
//! other state: a study that is continued looks at its run directories and does what is missing.

mod tasks;

use std::path::Path;

use adact::NetworkConfig;
use adact_evidence::names::is_papers_network;
use adact_evidence::records::{Failure, Plan, RunResult, Study, StudyResult, run_directory};
use adact_evidence::statistics::seeds_to_reach_level;
use adact_evidence::table::count;

use crate::config::{self, Config, Output, OwnNetwork, Train};
use crate::control::{Control, Event, RunId};
use crate::data::Data;
use crate::error::{Error, Kind, Result};
use crate::extent;
use crate::folder::{CONFIG, Folder, Mode};
use crate::learner::Learner;
use crate::network::{network, own_network};
use crate::outputs;
use crate::score;
use crate::train::{manifest, train};
use crate::variants::{self, Source, Variant};
use tasks::{Task, Tasks};

/// Runs the study that `config` describes in folder `out`, from where an earlier call ended.
///
/// A training that fails doesn't stop the others: the result tells the failure
/// ([`StudyResult::failures`](adact_evidence::records::StudyResult)) beside what is finished, even if nothing is. When the
/// study is run again with [`Mode::Resume`], failed trainings are tried again.
///
/// # Errors
/// If the options or the images can't be used (nothing is written then), the folder belongs to something else, or the
/// user stops.
pub fn study(config: &Config, data: &Data, out: &Path, mode: Mode, control: &Control<'_>) -> Result<Study> {
    study_with(config, data, out, mode, control, &network)
}

/// Runs a study of a network of one's own: as [`study`], for any Burn module that implements [`adact::Network`].
///
/// `name` is the network's in records and reports, and must be none of this program's; the network's own activations and
/// seed don't matter. Of `config` the sections `[protocol]`, `[model]`, `[study]` and `[output]` count. The example
/// `own_network` is a whole program.
///
/// # Errors
/// As [`study`], or if the name is that of another network.
pub fn study_of<C: NetworkConfig>(
    (name, net): (&str, &C),
    config: &Config,
    data: &Data,
    out: &Path,
    mode: Mode,
    control: &Control<'_>,
) -> Result<Study> {
    let network = config::NetworkOptions { name: name.trim().into(), ..config::NetworkOptions::default() };
    if network.kind().is_ok() || network.name.is_empty() {
        return Err(Error::input(format!("network: `{name}` can't be the name of a network of one's own")));
    }
    let own = OwnNetwork { places: net.places()? };
    let mut config =
        Config { network: config::NetworkOptions { own: Some(own), ..network }, ..config.clone() };
    config.data.dataset = data.name.clone();
    config.check()?;
    study_with(&config, data, out, mode, control, &|config, data| own_network(net, config, data))
}

/// The same with any network.
pub(crate) fn study_with<L: Learner>(
    config: &Config,
    data: &Data,
    out: &Path,
    mode: Mode,
    control: &Control<'_>,
    make: &(dyn Fn(&Config, &Data) -> Result<L> + Sync),
) -> Result<Study> {
    let config = config.resolved(data);
    let plan = config.study.clone().unwrap_or_else(|| config.usual_study());
    let variants = variants::parse(&plan.variants, &config.model.candidates, config.network.places()?.len())?;
    let against = plan.against(&variants)?;
    let config = Config { train: None, study: Some(plan.clone()), ..config.clone() };
    let folder = Folder::open(out, &config, mode, control)?;
    let provenance = manifest(&config, data, None, &folder)?;
    provenance.begin(&folder)?;

    let tasks = Tasks::new(plan_tasks(&plan, &variants));
    let epochs = config.protocol.epochs;
    let is_finished = |id: &&RunId| {
        matches!(extent::finished(&folder.join(&run_directory(&id.variant, id.seed)), epochs), Ok(Some(_)))
    };
    let finished = tasks.ids().filter(is_finished).count();
    if let Some(warning) = too_few_seeds(plan.seeds.as_slice().len(), variants.len(), against.as_deref()) {
        control.tell(Event::Note(&warning));
    }
    control.tell(Event::Planned { runs: tasks.len(), finished, epochs });

    let run_task = |id: &RunId, activations: &str| -> Result<RunResult> {
        let config = training(&config, id, activations);
        let name = run_directory(&id.variant, id.seed);
        let mode = if chose_otherwise(&folder.join(&name), &config) {
            control.tell(Event::Note(&format!("{id}: AdAct chose otherwise by now, so it is trained anew")));
            Mode::Force
        } else {
            Mode::Resume
        };
        let folder = folder.open_inside(&name, &config, mode, control)?;
        train(make(&config, data)?, &config, data, id, &folder, control)
    };
    tasks.run(config.output.jobs, config.output.threads(), control, &run_task)?;

    let (results, failures) = tasks.outcome();
    folder.check()?;
    if let Some((_, stop)) = failures.first().filter(|(_, e)| ends_all(e)) {
        return Err(stop.clone());
    }
    let place = |id: &RunId| folder.join(&run_directory(&id.variant, id.seed));
    let network = &config.network.name;
    let steps = config.protocol.all_steps(&data.train);
    let failures = failures.iter().map(|(id, error)| failure(id, error, &place(id))).collect();
    let planned = Plan {
        dataset: data.name.clone(),
        variants: variants.into_iter().map(|v| v.name).collect(),
        against,
        epochs: config.protocol.epochs,
        selection: data.selected_by,
        network: (!is_papers_network(Some(network))).then(|| network.clone()),
        task: score::recorded(data.task),
        metric: score::primary(data.task),
        steps: data.train.steps(1).is_none().then_some(steps as u64),
        seeds: Some(plan.seeds.as_slice().to_vec()),
    };
    let builds = outputs::builds(folder.path(), &results)?;
    let result = StudyResult::new(planned, results, failures, provenance.finish(&folder, builds)?)?;
    outputs::write(folder.path(), result)
}

/// What a study's record tells of a training that failed. What has a field of its own is not said again in the reason.
fn failure(id: &RunId, error: &Error, folder: &Path) -> Failure {
    let mut told = vec![format!("{id}: "), format!(" with {id}")];
    if let Some((epoch, step)) = error.step() {
        told.extend([format!("{}: ", folder.display()), format!(" at step {step} (epoch {epoch})")]);
    }
    let why = told.iter().fold(error.to_string(), |why, told| why.replacen(told, "", 1));
    let (epoch, step) = error.step().unzip();
    Failure { variant: id.variant.clone(), seed: id.seed, epoch, step, why }
}

/// A warning, before hours are spent, that the seeds can't decide. A single seed is a first look, which needs none.
fn too_few_seeds(seeds: usize, variants: usize, against: Option<&str>) -> Option<String> {
    let pairs = variants * (variants - 1) / 2;
    let comparisons = if against.is_some() { variants - 1 } else { pairs };
    let needed = seeds_to_reach_level(comparisons);
    (seeds > 1 && comparisons > 0 && seeds < needed).then(|| {
        let fewer = seeds_to_reach_level(variants - 1);
        let instead = if against.is_none() && fewer < needed {
            format!("; comparing all with one of them takes {fewer} (--against VARIANT)")
        } else {
            String::new()
        };
        format!(
            "{seeds} seeds can't show a difference between {variants} variants ({}): it takes at least {needed}{instead}",
            count(comparisons, "comparison"),
        )
    })
}

/// The tasks in the order in which they are begun: seed by seed, so that comparisons are complete early.
fn plan_tasks(plan: &config::StudyOptions, variants: &[Variant]) -> Vec<Task> {
    let seeds = plan.seeds.as_slice().iter();
    seeds
        .flat_map(|&seed| {
            variants.iter().map(move |variant| Task {
                id: RunId { variant: variant.name.clone(), seed },
                source: variant.source.clone(),
            })
        })
        .collect()
}

/// Whether a run's folder holds the training of other activations. That is what becomes of `optimized` where AdAct
/// went on to more epochs and chose otherwise; no other variant ever changes.
fn chose_otherwise(run: &Path, config: &Config) -> bool {
    let Ok(held) = Config::read(&run.join(CONFIG)) else { return false };
    let activation = |config: &Config| config.train.as_ref().map(|train| train.activation.clone());
    let now = Config { train: config.train.clone(), ..held.clone() };
    activation(config) != activation(&held) && config.difference(&now).is_none()
}

/// The options of one training of a study; it can be repeated alone with them.
fn training(study: &Config, id: &RunId, activations: &str) -> Config {
    Config {
        train: Some(Train { activation: activations.into(), seed: id.seed, init: None }),
        study: None,
        output: Output { out: None, ..study.output.clone() },
        ..study.clone()
    }
}

/// The error to end with after a study in which trainings failed; its result is on disk all the same.
pub fn failed(study: &StudyResult) -> Option<Error> {
    let first = study.failures.first()?.words();
    let rest = "what is finished is kept, and `--resume` tries again";
    Some(Error::failure(match study.failures.len() {
        1 => format!("{first}; {rest}"),
        n => format!("{n} trainings failed; the first one: {first}; {rest}"),
    }))
}

/// Whether an error ends the whole study and not one training.
fn ends_all(error: &Error) -> bool {
    matches!(error.kind(), Kind::Cancelled | Kind::Taken)
}

/// The activations that AdAct chose, as `optimized` uses them.
fn choices(adact: &RunResult) -> Result<String> {
    let layers = adact.layers.as_deref().unwrap_or_default();
    if layers.len() != adact.activations.len() {
        return Err(Error::failure(format!(
            "the run of adact with seed {} has no choice for each place",
            adact.seed
        )));
    }
    Ok(layers.iter().map(|layer| layer.choice.as_str()).collect::<Vec<_>>().join("+"))
}

impl Source {
    /// The activations of a task, once it is known what AdAct chose with its seed.
    fn activations(&self, adact: Option<&RunResult>) -> Option<Result<String>> {
        match self {
            Self::Given(activations) => Some(Ok(activations.clone())),
            Self::Optimized => adact.map(choices),
        }
    }
}

#[cfg(test)]
mod tests;
