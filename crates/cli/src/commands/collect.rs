//! `adact collect`.

use adact_evidence::names;
use adact_evidence::table::count;
use adact_lab::Result;
use adact_lab::outputs::report_again;
use adact_lab::study::work::{State, status};
use serde_json::json;

use crate::args::CollectArgs;
use crate::commands::study;
use crate::out;

pub fn run(args: &CollectArgs, json: bool) -> Result<()> {
    let dir = &args.dir;
    let status = status(dir)?;
    let missing: Vec<String> = status
        .trainings
        .iter()
        .filter(|training| training.state != State::Done)
        .map(|training| names::training(&training.variant, training.seed))
        .collect();
    let studies = report_again(&[dir], None)?;
    if json {
        return out::json(&json!({"folder": dir, "trainings": status.trainings.len(), "missing": missing}));
    }
    if let Some(only) = studies.first() {
        study::show(&only.result, dir)?;
    }
    if let Some(first) = missing.first() {
        let more = if missing.len() > 1 { " and others" } else { "" };
        out::line(&format!(
            "{} of {} lacking: {first}{more}; `adact status {}` says more",
            count(missing.len(), "training"),
            status.trainings.len(),
            dir.display()
        ))?;
    }
    Ok(())
}
