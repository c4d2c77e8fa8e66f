//! `adact work`.

use adact_evidence::table::count;
use adact_lab::config::Config;
use adact_lab::data::Data;
use adact_lab::folder::CONFIG;
use adact_lab::study::work::{Plan, Work, work};
use adact_lab::{Control, Error, Kind, Result};
use serde_json::json;

use crate::args::{Index, WorkerArgs};
use crate::commands::slurm;
use crate::progress::Progress;
use crate::{out, stop};

/// The variables in which schedulers tell a job its index, and the first one that they give.
const INDICES: [(&str, usize); 6] = [
    ("SLURM_ARRAY_TASK_ID", 0),
    ("JOB_COMPLETION_INDEX", 0),
    ("PBS_ARRAY_INDEX", 0),
    ("SGE_TASK_ID", 1),
    ("LSB_JOBINDEX", 1),
    ("HQ_TASK_ID", 0),
];

pub fn run(args: &WorkerArgs, threads: Option<usize>, json: bool) -> Result<()> {
    let asked = Work {
        task: args.task.map(index).transpose()?,
        retry_failed: args.retry_failed,
        plan: args.plan_id.clone(),
    };
    // Before anything that takes time: without a handler SIGUSR1 ends the process.
    let cancel = stop::on_signals();
    let dir = &args.dir;
    Plan::read(dir)?;
    let mut config = Config::read(&dir.join(CONFIG))?;
    if let Some(folder) = &args.data_dir {
        config.data.dir = Some(folder.clone());
    }
    // The threads of this machine, not of the one that planned.
    config.output.threads = threads;
    config.output.jobs = args.jobs.unwrap_or(1);
    config.check()?;

    let data = if config.program.is_none() { Some(Data::load(&config)?) } else { None };
    let progress = Progress::new(json);
    let control = Control { observer: &progress, cancel };
    if let Some(data) = &data {
        progress.remarks(data);
    }
    let outcome = work(&config, data.as_ref(), dir, &asked, &control);
    progress.close();
    if args.requeue && stop::time_is_up() && matches!(&outcome, Err(e) if e.kind() == Kind::Cancelled) {
        slurm::requeue()?;
    }
    let worked = outcome?;
    let failed: Vec<String> = worked.failures.iter().map(|failure| failure.words()).collect();
    if json {
        let told = json!({"trainings": worked.trainings, "finished": worked.finished, "failures": failed});
        out::event("work", &told)?;
    } else {
        let dir = dir.display();
        let told = match (asked.task, failed.len()) {
            (Some(task), 0) => format!("the training {task} is finished"),
            (Some(task), _) => format!("the training {task} failed"),
            (None, _) => {
                format!("{} of {} are finished", worked.finished, count(worked.trainings, "training"))
            }
        };
        out::line(&format!("{told}; `adact collect {dir}` makes the report"))?;
    }
    match failed.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            Err(Error::failure(format!("{first}; `adact work {} --retry-failed` tries again", dir.display())))
        }
    }
}

/// The number of the training that an option or the scheduler names.
fn index(index: Index) -> Result<usize> {
    let Index::Number(number) = index else {
        let told = |(name, first): &(&'static str, usize)| Some((*name, std::env::var(name).ok()?, *first));
        let Some((name, text, first)) = INDICES.iter().find_map(told) else {
            let names: Vec<_> = INDICES.iter().map(|(name, _)| *name).collect();
            return Err(Error::input(format!(
                "--task auto: none of {} is set; give a number",
                names.join(", ")
            )));
        };
        let number = text.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(first));
        return number.ok_or_else(|| {
            Error::input(format!("--task auto: {name}={text} is no index; the first one is {first}"))
        });
    };
    Ok(number)
}
