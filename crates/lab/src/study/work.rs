//! A study that many processes work on, on one machine or on many that share its folder.
//!
//! The folder is all that they share: its `config.toml` says what is to be trained, `plan.json` which plan it is, and each training is
//! claimed by a file in its own folder (`lock.json`). Whoever has an unfinished training's claim goes on from
//! its last epoch, and since the same training gives the same bits wherever it runs, two that hold one by mistake harm nothing.

use adact_evidence::records::{Build, METRICS, RESULT};
use serde::{Deserialize, Serialize};

use super::news::News;
use super::tasks::Others;
use super::*;
use crate::build;
use crate::folder::PLAN;
use crate::lock::{self, Holder};
use crate::machine;
use crate::program::about_program;

/// The layout of the folder that plans of this program have.
const FORMAT: u32 = 1;

/// `plan.json`: which plan a study's folder holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The layout of the folder.
    format: u32,
    /// What tells it from any other plan.
    pub identity: String,
    /// The build that planned it: others give other numbers unless their kernels are the same.
    pub build: Build,
    /// The machine on which it was planned.
    pub host: String,
    /// The options that make the trainings.
    options: String,
}

/// The options that make the trainings of a study, as `config.toml` has them: not of where data lie, nor of how many threads there are.
fn options_of(config: &Config) -> Result<String> {
    let mut config = config.clone();
    config.output = Output::default();
    config.data.dir = None;
    config.to_toml()
}

impl Plan {
    /// The plan of a folder.
    ///
    /// # Errors
    /// If it has none, or one that can't be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(PLAN);
        let text = fs::read(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::input(format!(
                "{}: holds no plan of a study; `adact study --plan --out DIR` makes one",
                folder.display()
            )),
            _ => Error::io("read", &path, &e).as_input(),
        })?;
        serde_json::from_slice(&text)
            .map_err(|e| Error::input(format!("{}: is damaged: {e}", path.display())))
    }

    /// Sees to it that a study's folder has one: the one that is there, if it is for the same options.
    pub(super) fn keep(folder: &Folder, config: &Config) -> Result<Self> {
        let path = folder.join(PLAN);
        let options = options_of(config)?;
        if let Ok(plan) = Self::read(folder.path())
            && plan.options == options
            && plan.format == FORMAT
        {
            return Ok(plan);
        }
        let identity = format!("{:016x}", machine::random());
        let (build, host) = (build::current().clone(), machine::host());
        let plan = Self { format: FORMAT, identity, build, host, options };
        let text = serde_json::to_string_pretty(&plan).unwrap_or_default() + "\n";
        atomic::write(&path, text.as_bytes())?;
        Ok(plan)
    }

    /// Expects the folder to hold the same plan still.
    fn is_still(&self, folder: &Path) -> Result<()> {
        let dir = folder.display();
        match Self::read(folder) {
            Ok(plan) if plan.identity == self.identity => Ok(()),
            Ok(_) => Err(Error::waiting(format!(
                "{dir}: was planned anew, or for more trainings, while this process worked on it; run `adact work {dir}` again"
            ))),
            Err(_) => {
                Err(Error::taken(format!("{dir}: its plan was removed while this process worked on it")))
            }
        }
    }

    /// Expects this program to give the numbers that the plan asks for.
    fn check(&self, folder: &Path, expected: Option<&str>) -> Result<()> {
        let (dir, build) = (folder.display(), build::current());
        if self.format != FORMAT {
            let (theirs, ours) = (self.format, FORMAT);
            return Err(Error::input(format!(
                "{dir}: was planned by {}, whose folders have the layout {theirs}, and this program knows {ours}; use that build",
                self.build
            )));
        }
        if self.build.kernels != build.kernels {
            return Err(Error::input(format!(
                "{dir}: was planned by {}, and this is {build}, whose numbers are others; use that build or plan anew",
                self.build
            )));
        }
        match expected {
            Some(expected) if expected != self.identity => Err(Error::input(format!(
                "{dir}: holds the plan {} of {}, not {expected}; is this the folder that was planned, and do all machines share it?",
                self.identity, self.host
            ))),
            _ => Ok(()),
        }
    }
}

/// What a process is to do of a plan.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// The number of the only training, from 0; none means whatever is left.
    pub task: Option<usize>,
    /// Whether trainings that failed are tried again.
    pub retry_failed: bool,
    /// The plan's identity, where the folder must be that of one plan.
    pub plan: Option<String>,
}

/// What a process has done of a plan.
#[derive(Clone, Debug)]
pub struct Worked {
    /// The trainings of the study.
    pub trainings: usize,
    /// Those that are finished by now, as far as this process knows.
    pub finished: usize,
    /// Those that failed, and why.
    pub failures: Vec<Failure>,
}

/// Plans the study that `config` describes in the folder `out`, and trains nothing; says how many trainings it has.
///
/// # Errors
/// As [`study`](fn@super::study), or if the choice weighs times, which one machine must measure.
pub fn plan(
    config: &Config,
    data: Option<&Data>,
    out: &Path,
    mode: Mode,
    control: &Control<'_>,
) -> Result<(Plan, usize)> {
    if config.search.weighs_time() {
        return Err(Error::input(
            "objective: times of several machines can't be compared, so a study that weighs them is not planned for many; run `adact study`",
        ));
    }
    with_subject(config, data, &|config, subject| {
        let planned = Planned::new(config, subject)?;
        let folder = Folder::open(out, &planned.config, mode, control)?;
        manifest(&subject.about, None, &folder)?.begin(&folder)?;
        planned.warn(control);
        Ok((Plan::keep(&folder, &planned.config)?, planned.tasks().len()))
    })
}

/// Works on the plan in a folder until none of its trainings is left; `config` and `data` are those of the folder.
///
/// # Errors
/// If there is no such plan, this program gives other numbers, or the user stops; of kind [`Waiting`](crate::Kind::Waiting) if all that
/// is left waits for other processes.
pub fn work(
    config: &Config,
    data: Option<&Data>,
    dir: &Path,
    asked: &Work,
    control: &Control<'_>,
) -> Result<Worked> {
    let plan = Plan::read(dir)?;
    plan.check(dir, asked.plan.as_deref())?;
    if options_of(config)? != plan.options {
        return Err(Error::input(format!(
            "{}: its config.toml isn't what was planned; plan it again with `adact study --plan --resume --out {}`",
            dir.display(),
            dir.display()
        )));
    }
    with_subject(config, data, &|config, subject| work_on(config, subject, (dir, &plan), asked, control))
}

/// Works on a plan as [`work`](fn@work), with what it trains at hand.
pub(super) fn work_on(
    config: &Config,
    subject: &Subject<'_>,
    (dir, plan): (&Path, &Plan),
    asked: &Work,
    control: &Control<'_>,
) -> Result<Worked> {
    let planned = Planned::new(config, subject)?;
    let folder = Folder::shared(dir);
    // Refuses other data than those of the plan.
    manifest(&subject.about, None, &folder)?;
    let tasks = planned.tasks();
    let all = tasks.len();
    if let Some(task) = asked.task.filter(|&task| task >= all) {
        return Err(Error::input(format!(
            "{}: has {}, numbered from 0, and none has the number {task}",
            dir.display(),
            count(all, "training")
        )));
    }
    let asked_for = asked.task.map(|task| tasks[task].id.clone());
    let place = |task: &Task| planned.place(&folder, &task.id);
    if asked.retry_failed {
        let ours = |i: &usize| asked.task.is_none_or(|task| task == *i);
        let again = (0..all).filter(ours).map(|i| place(&tasks[i]).join(FAILURE));
        again.for_each(|file| drop(fs::remove_file(file)));
    }
    let others = Shared { planned: &planned, folder: &folder, news: News::from_now(&folder, &plan.identity) };
    let part = Part { only: asked.task, others: Some(&others), leaves: true };
    let tasks = Tasks::new(tasks, None, part);
    control.tell(Event::Planned { runs: all, finished: 0, epochs: planned.config.epochs() });
    let task = |task: &Task, chosen: &Chosen| {
        // Another plan is for other trainings: nothing more of this one.
        plan.is_still(dir).map_err(|error| Error::taken(error.to_string()))?;
        planned.train(task, chosen, &folder, control)
    };
    tasks.run(config.output.jobs, config.output.threads(), control, &task)?;

    let Outcome { finished, failures, mut left, .. } = tasks.outcome();
    let interrupted = |_| {
        let dir = dir.display();
        Error::cancelled(format!(
            "interrupted: what was trained is on disk, `adact work {dir}` goes on from there"
        ))
    };
    control.check().map_err(interrupted)?;
    plan.is_still(dir)?;
    if let Some((_, stop)) = failures.first().filter(|(_, e)| ends_all(e)) {
        return Err(stop.clone());
    }
    if let Some((_, error)) = failures.iter().find(|(_, e)| e.kind() == Kind::Disk) {
        let dir = dir.display();
        return Err(Error::disk(format!("{error}; `adact work {dir}` goes on when that is mended")));
    }
    // What the user has to mend is not helped by trying again.
    if let Some((_, error)) = failures.iter().find(|(_, e)| e.is_input()) {
        return Err(error.clone());
    }
    left.retain(|id| asked_for.as_ref().is_none_or(|asked_for| asked_for == id));
    if let [id, others @ ..] = left.as_slice() {
        let (dir, others) = (dir.display(), others.len());
        let who = lock::holder(&planned.place(&folder, id));
        let why = match who {
            Some(holder) => format!("process {} on {} works on it, or did", holder.pid, holder.host),
            None => "the training that it follows isn't finished".into(),
        };
        let more = if others > 0 {
            format!(", and {} like it", count(others, "more training"))
        } else {
            String::new()
        };
        return Err(Error::waiting(format!("{dir}: {id} is left{more}: {why}; come back later")));
    }
    let failures = failures.iter().map(|(id, error)| failure(id, error, &planned.place(&folder, id)));
    Ok(Worked { trainings: all, finished, failures: failures.collect() })
}

/// The trainings in a folder that others work on, too.
struct Shared<'a, 'b> {
    planned: &'a Planned<'a, 'b>,
    folder: &'a Folder,
    news: News,
}

impl Others for Shared<'_, '_> {
    fn finished(&self, task: &Task) -> Result<bool> {
        let place = self.planned.place(self.folder, &task.id);
        if extent::is_finished(&place, self.planned.config.epochs())? {
            return Ok(true);
        }
        match failed_in(&place)? {
            Some(failure) => Err(Error::failure(failure.why)),
            None => Ok(false),
        }
    }

    fn result(&self, task: &Task) -> Result<RunResult> {
        Ok(RunResult::read(&self.planned.place(self.folder, &task.id).join(RESULT))?)
    }

    fn news(&self) -> Vec<usize> {
        self.news.heard()
    }

    fn tell(&self, task: usize) {
        self.news.tell(task);
    }
}

/// Does something with the study of a network or, without data, of a training program.
fn with_subject<T>(
    config: &Config,
    data: Option<&Data>,
    what: &dyn Fn(&Config, &Subject<'_>) -> Result<T>,
) -> Result<T> {
    match data {
        Some(data) => of_network(config, data, &network, what),
        None => about_program(config, what),
    }
}

/// Why the training in a folder failed, where it did and was not tried again.
pub(crate) fn failed_in(place: &Path) -> Result<Option<Failure>> {
    let path = place.join(FAILURE);
    match fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", &path, &e)),
        // A damaged one says at least that it failed.
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
    }
}

/// How far the trainings of a study are.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// All of them, in the order of their numbers.
    pub trainings: Vec<Training>,
}

/// How far one training is.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    /// Its number, as [`Work::task`] takes it.
    pub task: usize,
    /// The variant.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// The variant whose training with the same seed has to be finished first; none where none has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// What it does.
    #[serde(flatten)]
    pub state: State,
}

/// What a training does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// It is finished.
    Done,
    /// A process works on it, or died on another machine while it did.
    Running {
        /// Which process.
        holder: Holder,
        /// The epochs that are finished.
        epochs: usize,
    },
    /// It failed.
    Failed {
        /// Why.
        why: String,
    },
    /// Nobody works on it.
    Waiting {
        /// The epochs that are finished.
        epochs: usize,
    },
}

/// How far the trainings of the study in a folder are.
///
/// # Errors
/// If the folder holds no study, or its options can't be read.
pub fn status(dir: &Path) -> Result<Status> {
    let (config, variants) = outputs::planned(dir)?;
    let plan = config.study.clone().unwrap_or_default();
    let mut trainings: Vec<Training> = Vec::new();
    for &seed in plan.seeds.as_slice() {
        for variant in &variants {
            let place = dir.join(run_directory(&variant.name, seed));
            let mut state = state_of(&place, config.epochs())?;
            // What follows a training that failed waits in vain.
            let first = variant.source.follows();
            let failed = |training: &&Training| {
                let is_first = Some(training.variant.as_str()) == first;
                is_first && matches!(training.state, State::Failed { .. })
            };
            if matches!(state, State::Waiting { .. })
                && let Some(first) = trainings.iter().rev().take_while(|t| t.seed == seed).find(failed)
            {
                state =
                    State::Failed { why: format!("it can't be trained, because {} failed", first.variant) };
            }
            let follows = first.map(String::from);
            let (task, variant) = (trainings.len(), variant.name.clone());
            trainings.push(Training { task, variant, seed, follows, state });
        }
    }
    Ok(Status { trainings })
}

fn state_of(place: &Path, epochs: Option<usize>) -> Result<State> {
    // Most are finished or not begun: neither needs more than a look.
    match extent::is_finished(place, epochs) {
        Ok(true) => return Ok(State::Done),
        Ok(false) => {}
        // One that is damaged must not hide all others.
        Err(error) => {
            return Ok(State::Failed { why: error.to_string() });
        }
    }
    let done = || fs::read_to_string(place.join(METRICS)).map_or(0, |text| text.lines().count());
    if let Some(holder) = lock::holder(place).filter(|holder| !holder.is_dead()) {
        return Ok(State::Running { holder, epochs: done() });
    }
    Ok(match failed_in(place)? {
        Some(failure) => State::Failed { why: failure.why },
        None => State::Waiting { epochs: done() },
    })
}
