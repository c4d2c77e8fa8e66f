//! What `adact study` does where it only plans: the plan, and what submits it to Slurm.

use std::path::Path;

use adact_evidence::table::count;
use adact_lab::config::Config;
use adact_lab::data::Data;
use adact_lab::folder::{Mode, SLURM};
use adact_lab::study::work::{Plan, plan, status};
use adact_lab::{Control, Result};
use serde_json::json;

use crate::args::StudyArgs;
use crate::commands::slurm::{self, Jobs};
use crate::progress::Progress;
use crate::{out, stop};

/// Plans the study; gives the plan and the number of its trainings.
pub fn planned(
    config: &Config,
    data: Option<&Data>,
    folder: &Path,
    mode: Mode,
    json: bool,
) -> Result<(Plan, usize)> {
    let progress = Progress::new(json);
    let control = Control { observer: &progress, cancel: stop::on_signals() };
    let found = plan(config, data, folder, mode, &control);
    progress.close();
    found
}

/// Prints, or runs, a script that submits what is planned to Slurm.
pub fn submitted(args: &StudyArgs, plan: &Plan, folder: &Path, program: &Path, json: bool) -> Result<()> {
    let status = status(folder)?;
    let options = args.machines.sbatch_args.as_deref().unwrap_or_default();
    let jobs = Jobs { dir: folder, plan, status: &status, program, options, at_once: args.plan.jobs };
    let script = slurm::script(&jobs)?;
    let trainings = status.trainings.len();
    let about = json!({"folder": folder, "trainings": trainings, "plan": plan.identity});
    if args.machines.sbatch {
        return if json {
            out::json(&json!({"study": about, "script": script}))
        } else {
            out::bytes(script.as_bytes())
        };
    }
    if let Err(error) = slurm::expect_slurm() {
        if json {
            out::json(&json!({"study": about, "script": script}))?;
        } else {
            out::bytes(script.as_bytes())?;
        }
        return Err(error);
    }
    match slurm::queued(folder) {
        0 => {}
        n => out::note(&format!(
            "{} of this study still in Slurm's queue; what they do is not done twice, but they are submitted again",
            if n == 1 { "1 job is".into() } else { format!("{n} jobs are") }
        )),
    }
    let jobs = slurm::submit(folder, &script)?;
    if json {
        return out::json(&json!({"study": about, "jobs": jobs}));
    }
    let named = |what: &str, id: &Option<String>| id.as_ref().map(|id| format!("{what}: job {id}"));
    let told: Vec<String> = [
        named("trainings", &jobs.trainings),
        named("those that follow them", &jobs.followers),
        named("report", &jobs.report),
    ]
    .into_iter()
    .flatten()
    .collect();
    let dir = folder.display();
    out::line(&format!(
        "submitted {} of {dir} (plan {})\n{}\n\nadact status {dir}    says how far they are\nwhat the jobs print: {}",
        count(trainings, "training"),
        plan.identity,
        told.join("\n"),
        folder.join(SLURM).display()
    ))
}

/// Says what to do with a plan.
pub fn tell(plan: &Plan, trainings: usize, folder: &Path, json: bool) -> Result<()> {
    if json {
        return out::json(&json!({"folder": folder, "trainings": trainings, "plan": plan.identity}));
    }
    let dir = folder.display();
    out::line(&format!(
        "planned: {} in {dir} (plan {})\n\nadact work {dir}      trains what is left: run it wherever the folder is seen, as often as \
         you like\nadact status {dir}    says how far they are\nadact collect {dir}   makes the report",
        count(trainings, "training"),
        plan.identity
    ))
}
