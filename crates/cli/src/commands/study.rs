//! `adact study`.

use std::path::Path;

use adact_evidence::names;
use adact_evidence::records::StudyResult;
use adact_evidence::statistics::Statistics;
use adact_evidence::table::{count, duration, mean_and_sd, p_value, selection_in_words, thousands};
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
    progress.remarks(&data);
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
    if !study.statistics.comparisons.is_empty() {
        out::line(&format!("\n{}", comparisons(&study.statistics)))?;
    }
    if let Some(why) = study.statistics.too_few_seeds() {
        out::line(&format!("\n{why}"))?;
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

/// The differences in test accuracy, and what they show.
fn comparisons(statistics: &Statistics) -> String {
    let (first, others) = statistics.by_interest();
    let several = first.iter().any(|c| c.difference.n > 1);
    let rows: Vec<Vec<String>> = first
        .iter()
        .map(|c| {
            let (interval, p) = match c.difference.ci95 {
                Some([low, high]) => (format!("{low:+.4} to {high:+.4}"), p_value(Some(c.permutation_holm))),
                None => Default::default(),
            };
            let name = format!("{} against {}", names::variant(&c.a), names::variant(&c.b));
            let mean = format!("{:+.4}", c.difference.mean);
            let verdict = c.short().into();
            if several {
                vec![name, mean, interval, p, verdict, c.seeds_needed_in_words()]
            } else {
                vec![name, mean, verdict]
            }
        })
        .collect();
    let mut text = if several {
        let head =
            ["difference in test accuracy", "mean", "95% interval", "p", "verdict", "seeds to show it"];
        out::columns(&head, &rows, &[1, 2, 3, 5])
    } else {
        out::columns(&["difference in test accuracy", "", "verdict"], &rows, &[1])
    };
    if !others.is_empty() {
        text += &format!(
            "\n{} between the other variants: see the report",
            count(others.len(), "more comparison")
        );
    }
    text
}
