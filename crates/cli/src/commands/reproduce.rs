//! `adact reproduce`.

use std::path::Path;

use adact_evidence::names;
use adact_evidence::table::mean_and_sd;
use adact_lab::reproduce::{Reproduced, reproduce};
use adact_lab::{Control, Result};

use crate::args::ReproduceArgs;
use crate::progress::Progress;
use crate::{options, out, stop};

pub fn run(args: &ReproduceArgs, threads: Option<usize>, json: bool) -> Result<()> {
    let mut config = options::config(&args.common, threads)?;
    options::no_program(&config)?;
    options::plan(&args.plan, &mut config);
    options::check(&config)?;
    let mode = options::mode(&args.common.output);
    let folder = options::out(&config, "reproduce", mode);
    let given = args.common.data.dataset.as_deref().unwrap_or_default();
    let datasets: Vec<String> = given.split(',').filter(|name| !name.is_empty()).map(String::from).collect();

    let progress = Progress::new(json);
    let control = Control { observer: &progress, cancel: stop::on_signals() };
    let outcome = reproduce(&config, &datasets, &folder, mode, &control);
    progress.close();
    let reproduced = outcome?;
    if json {
        reproduced.studies.iter().try_for_each(|study| out::event("study", &study.result))?;
    } else {
        show(&reproduced, &folder)?;
    }
    reproduced.failed().map_or(Ok(()), Err)
}

/// The numbers, the claims and what they rest on.
fn show(reproduced: &Reproduced, folder: &Path) -> Result<()> {
    out::line(&format!("\n{}\n", numbers(reproduced)))?;
    for caveat in &reproduced.beside.caveats {
        out::line(caveat)?;
    }
    for row in &reproduced.beside.claims {
        let dataset = names::dataset(row.claim.dataset);
        out::line(&format!(
            "{dataset}, {}: {} - {}: {}",
            row.claim.place,
            row.says,
            row.holds.words(),
            row.ours
        ))?;
    }
    for (_, why) in &reproduced.missing {
        out::line(&format!("skipped: {why}"))?;
    }
    out::line(&format!("\nreport: {}", folder.join("report.html").display()))
}

fn numbers(reproduced: &Reproduced) -> String {
    let rows: Vec<Vec<String>> = reproduced
        .beside
        .numbers
        .iter()
        .map(|row| {
            vec![
                names::dataset(&row.dataset).to_owned(),
                names::variant(&row.variant),
                format!("{:.3}", row.paper),
                mean_and_sd(&row.ours),
                row.words(),
            ]
        })
        .collect();
    out::columns(
        &["data set", "variant", "the paper's", "ours, best epoch on the test set", ""],
        &rows,
        &[2, 3],
    )
}
