//! A study: every variant with every seed, as a set of small tasks whose state is on disk.
//!
//! A task is a training in a run directory of its own; it is done when its `result.json` is there. There is no
//! other state: a study that is continued looks at its run directories and does what is missing. So any number of processes
//! can do so, each training claimed by one of them: see [`work`](mod@work).

pub mod claims;
mod halving;
mod news;
mod speed;
mod tasks;
pub mod work;

use std::fs;
use std::path::{Path, PathBuf};

use adact::NetworkConfig;
use adact_evidence::records::{
    Failure, MetricRecord, Plan, Role, RunResult, Selection, Study, StudyResult, run_directory,
};
use adact_evidence::statistics::seeds_to_reach_level;
use adact_evidence::table::count;
use adact_evidence::{Rule, atomic};

use crate::config::{self, Config, Output, OwnNetwork, SearchOptions, Train, method_of};
use crate::control::{Control, Event, RunId};
use crate::costs::contender;
use crate::data::Data;
use crate::error::{Error, Kind, Result};
use crate::extent;
use crate::folder::{CONFIG, FAILURE, Folder, Mode};
use crate::learner::Learner;
use crate::network::{network, own_network};
use crate::outputs;
use crate::score;
use crate::train::{About, manifest, train};
use crate::variants::{self, Chosen, Variant};
use speed::Timed;
use tasks::{Outcome, Part, Task, Tasks};

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
pub(crate) fn study_with<L: Learner + 'static>(
    config: &Config,
    data: &Data,
    out: &Path,
    mode: Mode,
    control: &Control<'_>,
    make: &(dyn Fn(&Config, &Data) -> Result<L> + Sync),
) -> Result<Study> {
    of_network(config, data, make, &|config, subject| run_all(config, subject, out, mode, control))
}

/// Does something with the study of a network.
fn of_network<L: Learner + 'static, T>(
    config: &Config,
    data: &Data,
    make: &(dyn Fn(&Config, &Data) -> Result<L> + Sync),
    what: &dyn Fn(&Config, &Subject<'_>) -> Result<T>,
) -> Result<T> {
    let config = config.resolved(data);
    check_searches(&config, data)?;
    let subject = Subject {
        about: About::of(&config, data),
        places: Some(config.network.places()?.len()),
        metric: score::primary(data.task),
        selection: data.selected_by,
        steps: data.train.steps(1).is_none().then(|| config.protocol.all_steps(&data.train) as u64),
        shape: speed::shape_in_words(data),
        timed: Some(&|config| {
            let data = data.divided(config)?;
            Ok(Box::new(contender::Training { learner: make(config, &data)?, config: config.clone(), data }))
        }),
        train: &|config, run, folder, control| {
            let data = &*data.divided(config)?;
            train(make(config, data)?, config, data, run, folder, control)
        },
    };
    what(&config, &subject)
}

/// Refuses searches that the data are too small or the trainings too short for, before anything is written.
fn check_searches(config: &Config, data: &Data) -> Result<()> {
    let mixing = Config { train: Some(Train::default()), ..config.clone() };
    let data = data.divided(&mixing)?;
    let variants = config.study.iter().flat_map(|study| &study.variants);
    let methods = variants.filter_map(|variant| method_of(variant)).chain([config.search.mixing]);
    methods
        .map(|method| Config { search: config.search.by(method), ..mixing.clone() })
        .try_for_each(|config| config.search(&data).map(drop))
}

/// What a study trains: what its trainings have in common, and how one of them goes.
pub(crate) struct Subject<'a> {
    /// What is trained on what.
    pub about: About,
    /// The number of places; none where only the trainings tell.
    pub places: Option<usize>,
    /// The metric that decides; none is the accuracy.
    pub metric: Option<MetricRecord>,
    /// What picks the best epochs.
    pub selection: Selection,
    /// The steps of a training, where an epoch is no pass over the data.
    pub steps: Option<u64>,
    /// The shape of what goes in, in words.
    pub shape: String,
    /// Begins one anew, to be timed; none where that can't be done.
    pub timed: Option<Timed<'a>>,
    /// Trains one, in its own folder, from where it was stopped.
    pub train: &'a (dyn Fn(&Config, &RunId, &Folder, &Control<'_>) -> Result<RunResult> + Sync),
}

/// Trains what `config` plans of `subject` and is not done yet, and says what came out of all.
pub(crate) fn run_all(
    config: &Config,
    subject: &Subject<'_>,
    out: &Path,
    mode: Mode,
    control: &Control<'_>,
) -> Result<Study> {
    let planned = Planned::new(config, subject)?;
    let config = &planned.config;
    let given = speed::given(config, &subject.shape)?;
    let folder = Folder::open(out, config, mode, control)?;
    let provenance = manifest(&subject.about, None, &folder)?;
    provenance.begin(&folder)?;
    work::Plan::keep(&folder, config)?;

    let costs = speed::costs(given, config, &planned.variants, subject, &folder, control)?;
    let tasks = Tasks::new(planned.tasks(), costs, Part::default());
    let finished = tasks.ids().filter(|id| planned.is_finished(&folder, id)).count();
    // What failed is tried again.
    tasks.ids().for_each(|id| drop(fs::remove_file(planned.place(&folder, id).join(FAILURE))));
    planned.warn(control);
    control.tell(Event::Planned { runs: tasks.len(), finished, epochs: config.epochs() });
    let task = |task: &Task, chosen: &Chosen| planned.train(task, chosen, &folder, control);
    tasks.run(config.output.jobs, config.output.threads(), control, &task)?;

    let Outcome { results, failures, left, .. } = tasks.outcome();
    folder.check()?;
    if let Some((_, stop)) = failures.first().filter(|(_, e)| ends_all(e)) {
        return Err(stop.clone());
    }
    if !left.is_empty() {
        control.check()?;
    }
    let timings = match speed::timings(config, &results, subject, &folder, control) {
        Err(error) if !ends_all(&error) => {
            control.tell(Event::Note(&format!("the activations can't be timed: {error}")));
            None
        }
        timings => timings?,
    };
    let place = |id: &RunId| planned.place(&folder, id);
    let failures = failures.iter().map(|(id, error)| failure(id, error, &place(id))).collect();
    let builds = outputs::builds(folder.path(), &results)?;
    let record = planned.record(&results);
    let result =
        StudyResult::new(record, results, failures, provenance.finish(&folder, builds)?)?.timed(timings);
    outputs::write(folder.path(), result)
}

/// A study whose options are known to fit.
struct Planned<'a, 'b> {
    config: Config,
    plan: config::StudyOptions,
    variants: Vec<Variant>,
    against: Option<String>,
    subject: &'a Subject<'b>,
}

impl<'a, 'b> Planned<'a, 'b> {
    fn new(config: &Config, subject: &'a Subject<'b>) -> Result<Self> {
        let plan = config.study.clone().unwrap_or_else(|| config.usual_study());
        let variants = variants::parse(&plan.variants, config, subject.places)?;
        let against = plan.against(&variants)?;
        let config = Config { train: None, study: Some(plan.clone()), ..config.clone() };
        Ok(Self { config, plan, variants, against, subject })
    }

    /// The tasks in the order in which they are begun: seed by seed, so that comparisons are complete early.
    fn tasks(&self) -> Vec<Task> {
        let seeds = self.plan.seeds.as_slice().iter();
        let of = |seed: u64, variant: &Variant| Task {
            id: RunId { variant: variant.name.clone(), seed },
            source: variant.source.clone(),
        };
        seeds.flat_map(|&seed| self.variants.iter().map(move |variant| of(seed, variant))).collect()
    }

    /// The folder of a training.
    fn place(&self, folder: &Folder, id: &RunId) -> PathBuf {
        folder.join(&run_directory(&id.variant, id.seed))
    }

    fn is_finished(&self, folder: &Folder, id: &RunId) -> bool {
        matches!(extent::finished(&self.place(folder, id), self.config.epochs()), Ok(Some(_)))
    }

    /// Says so where the seeds can't decide.
    fn warn(&self, control: &Control<'_>) {
        let seeds = self.plan.seeds.as_slice().len();
        if let Some(warning) = too_few_seeds(seeds, self.variants.len(), self.against.as_deref()) {
            control.tell(Event::Note(&warning));
        }
    }

    /// One training, from where it was stopped. Why it fails is left in its folder.
    fn train(
        &self,
        task: &Task,
        chosen: &Chosen,
        folder: &Folder,
        control: &Control<'_>,
    ) -> Result<RunResult> {
        let place = self.place(folder, &task.id);
        let found = self.train_in(task, chosen, folder, control);
        match &found {
            // The training is another process's by now, the study still ours.
            Err(error) if error.kind() == Kind::Taken && folder.check().is_ok() => {
                return Err(Error::busy(error.to_string()));
            }
            // What the disk refuses says nothing of the training: elsewhere it may go through.
            Err(error) if error.kind() == Kind::Failure && place.is_dir() => {
                let why = failure(&task.id, error, &place);
                let text = serde_json::to_string(&why).unwrap_or_default() + "\n";
                // Whatever is wrong with the disk is told by what is to be told.
                let _ = atomic::write(&place.join(FAILURE), text.as_bytes());
            }
            _ => {}
        }
        found
    }

    fn train_in(
        &self,
        task: &Task,
        chosen: &Chosen,
        folder: &Folder,
        control: &Control<'_>,
    ) -> Result<RunResult> {
        let id = &task.id;
        let config = match &chosen.to_halve {
            Some(mixture) => {
                control.tell(Event::Note(&format!("{id}: short trainings single out the activations")));
                let short = |config: &Config, run: &RunId, name: &str| {
                    // They are parts of one training of the study, and not told one by one.
                    let quiet = Control { observer: &(), ..*control };
                    let name = run_directory(name, run.seed);
                    // A short training of something else, or of another length, is of no use any more.
                    let mode = if is_other(&folder.join(&name), config) { Mode::Force } else { Mode::Resume };
                    let folder = folder.open_inside(&name, config, mode)?;
                    (self.subject.train)(config, run, &folder, &quiet)
                };
                let trained = training(&self.config, task, chosen)?;
                training(&self.config, task, &halving::halve(mixture, id, &trained, &short)?.into())?
            }
            None => training(&self.config, task, chosen)?,
        };
        let place = self.place(folder, id);
        let mode = if chose_otherwise(&place, &config) {
            control
                .tell(Event::Note(&format!("{id}: something else was chosen by now, so it is trained anew")));
            Mode::Force
        } else {
            Mode::Resume
        };
        let folder = folder.open_inside(&run_directory(&id.variant, id.seed), &config, mode)?;
        let _ = fs::remove_file(place.join(FAILURE));
        let found = (self.subject.train)(&config, id, &folder, control);
        // Whatever goes wrong where another process has taken over is no failure of the training.
        if found.is_err() {
            folder.check()?;
        }
        found
    }

    /// What the study's record tells of the plan.
    fn record(&self, results: &[RunResult]) -> Plan {
        let Subject { about, metric, selection, steps, .. } = self.subject;
        Plan {
            dataset: about.dataset.clone(),
            variants: self.variants.iter().map(|v| v.name.clone()).collect(),
            against: self.against.clone(),
            epochs: self.config.epochs().unwrap_or_else(|| outputs::most_epochs(results)),
            selection: *selection,
            network: about.network.clone(),
            task: about.task.clone(),
            metric: metric.clone(),
            steps: *steps,
            seeds: Some(self.plan.seeds.as_slice().to_vec()),
        }
    }
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

/// Whether a run's folder holds a training that gives other numbers.
fn is_other(run: &Path, config: &Config) -> bool {
    let held = Config::read(&run.join(CONFIG));
    held.is_ok_and(|held| config.difference(&held).is_some() || held.epochs() != config.epochs())
}

/// Whether a run's folder holds the training of other activations. That is what becomes of `optimized` where AdAct
/// went on to more epochs and chose otherwise; no other variant ever changes.
fn chose_otherwise(run: &Path, config: &Config) -> bool {
    let Ok(held) = Config::read(&run.join(CONFIG)) else { return false };
    let activation =
        |config: &Config| config.train.as_ref().map(|train| (train.activation.clone(), train.curves.clone()));
    let now = Config { train: config.train.clone(), ..held.clone() };
    activation(config) != activation(&held) && config.difference(&now).is_none()
}

/// The options of one training of a study; it can be repeated alone with them.
fn training(study: &Config, Task { id, source }: &Task, chosen: &Chosen) -> Result<Config> {
    let search = match (Role::of(&id.variant), source.rule()) {
        (Role::Search(method), _) => study.search.by(method.parse()?),
        (_, Some(rule)) => SearchOptions { choose: rule, ..SearchOptions::default() },
        // The rule is that of another training.
        (Role::Mixture, _) => {
            SearchOptions { choose: Rule::default(), ..study.search.by(study.search.mixing) }
        }
        (Role::Frozen, _) => SearchOptions { mixing: study.search.mixing.kept(), ..SearchOptions::default() },
        _ => SearchOptions::default(),
    };
    Ok(Config {
        train: Some(Train {
            activation: chosen.activations.clone(),
            seed: id.seed,
            init: None,
            curves: chosen.curves.clone(),
            without_costs: chosen.without_costs.clone(),
        }),
        study: None,
        search,
        output: Output { out: None, ..study.output.clone() },
        ..study.clone()
    })
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

#[cfg(test)]
mod tests;
