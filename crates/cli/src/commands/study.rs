//! `adact study`.

use std::path::Path;

use adact_evidence::names;
use adact_evidence::records::StudyResult;
use adact_evidence::table::{duration, mean_and_sd, selection_in_words, thousands};
use adact_lab::images::Data;
use adact_lab::study::study;
use adact_lab::{Control, Result};

use crate::args::StudyArgs;
use crate::progress::Progress;
use crate::{options, out, stop};

pub fn run(args: &StudyArgs, threads: Option<usize>, json: bool) -> Result<()> {
    let mut config = options::config(&args.common, threads)?;
    options::plan(&args.plan, &mut config);
    options::check(&config)?;
    let mode = options::mode(&args.common.output);
    let folder = options::out(&config, &format!("study-{}", options::short_name(&config.data.dataset)), mode);

    let data = Data::load(&config)?;
    let progress = Progress::new(json);
    let control = Control { observer: &progress, cancel: stop::on_ctrl_c() };
    let outcome = study(&config, &data, &folder, mode, &control);
    progress.close();
    let result = outcome?.result;
    if json { out::event("study", &result) } else { show(&result, &folder) }
}

/// The table, the choices and the verdicts.
pub fn show(study: &StudyResult, folder: &Path) -> Result<()> {
    out::line(&format!("\n{}\n\n{}\n", table(study), selection_in_words(study.selection)))?;
    for choice in &study.choices {
        let votes = choice.by_seed.iter().filter(|c| **c == choice.choice).count();
        let agree = match choice.by_seed.len() {
            1 => String::new(),
            n => format!(", chosen with {votes} of {n} seeds"),
        };
        out::line(&format!(
            "layer {}: {} ({:.1}% of the weight{agree})",
            choice.layer,
            names::activation(&choice.choice),
            100.0 * choice.share
        ))?;
    }
    for comparison in &study.statistics.comparisons {
        out::line(&format!(
            "{} against {}: {:+.4}, {}",
            names::variant(&comparison.a),
            names::variant(&comparison.b),
            comparison.difference.mean,
            comparison.words()
        ))?;
    }
    out::line(&format!("\nreport: {}", folder.join("report.html").display()))
}

fn table(study: &StudyResult) -> String {
    let head =
        [names::dataset(&study.dataset), "test accuracy", "last epoch", "parameters", "time", "activations"];
    let rows: Vec<Vec<String>> = study
        .table
        .iter()
        .map(|row| {
            vec![
                names::variant(&row.variant),
                mean_and_sd(&row.accuracy),
                row.last.as_ref().map(mean_and_sd).unwrap_or_default(),
                thousands(row.parameters.round() as u64),
                duration(row.seconds),
                row.activations_in_words(),
            ]
        })
        .collect();
    out::columns(&head, &rows, &[1, 2, 3, 4])
}
