//! `adact study`.

use std::path::Path;

use adact_evidence::names;
use adact_evidence::records::{LayerChoice, StudyResult};
use adact_evidence::table::{
    correction_in_words, cost_in_words, count, direction_in_words, mean_and_sd_or_nothing, p_value,
    search_in_words, selection_in_words, shortcomings, undecided_in_words,
};
use adact_lab::data::Data;
use adact_lab::program::study_program;
use adact_lab::study::{failed, study};
use adact_lab::{Control, Error, Result};

use crate::args::StudyArgs;
use crate::commands::{plan, slurm};
use crate::progress::Progress;
use crate::{options, out, stop};

pub fn run(args: &StudyArgs, program: &Path, threads: Option<usize>, json: bool) -> Result<()> {
    let to_slurm = args.machines.sbatch || args.machines.submit;
    match &args.machines.sbatch_args {
        Some(_) if !to_slurm => return Err(Error::input("--sbatch-args: is for --sbatch or --submit")),
        Some(options) => slurm::check(options)?,
        None => {}
    }
    let mut config = options::config(&args.common, threads)?;
    options::program(&args.program, args.common.data.dataset.as_ref(), &mut config)?;
    options::plan(&args.plan, &mut config);
    options::check(&config)?;
    let mode = options::mode(&args.common.output);
    let folder = options::out(&config, &format!("study-{}", options::short_name(&config.data.dataset)), mode);

    let data = if config.program.is_none() { Some(Data::load(&config)?) } else { None };
    if args.machines.plan_only || to_slurm {
        let (plan, trainings) = plan::planned(&config, data.as_ref(), &folder, mode, json)?;
        return match to_slurm {
            true => plan::submitted(args, &plan, &folder, program, json),
            false => plan::tell(&plan, trainings, &folder, json),
        };
    }
    let progress = Progress::new(json);
    let control = Control { observer: &progress, cancel: stop::on_signals() };
    let outcome = match &data {
        Some(data) => {
            progress.remarks(data);
            study(&config, data, &folder, mode, &control)
        }
        None => study_program(&config, &folder, mode, &control),
    };
    progress.close();
    let result = outcome?.result;
    if json {
        out::event("study", &result)?
    } else {
        show(&result, &folder)?
    }
    failed(&result).map_or(Ok(()), Err)
}

/// More lines on what failed and what is lacking than people read on a terminal.
const MOST_LINES: usize = 12;

/// The table, the choices and the verdicts.
pub fn show(study: &StudyResult, folder: &Path) -> Result<()> {
    out::line(&format!("\n{}\n", table(study)))?;
    let lacking = shortcomings(study);
    for sentence in lacking.iter().take(MOST_LINES) {
        out::line(sentence)?;
    }
    match lacking.len() {
        0 => {}
        n if n <= MOST_LINES => out::line("")?,
        n => out::line(&format!("and {} more: see the report\n", n - MOST_LINES))?,
    }
    let (selection, direction) = (selection_in_words(study), direction_in_words(study));
    out::line(&format!("{selection}{direction}{}", search_in_words(study)))?;
    if let Some(test_set) = &study.statistics.test_set {
        out::line(&test_set.words(&study.dataset))?;
    }
    if !study.choices.is_empty() {
        let of_a_search = study.mixture_name() != names::activation("adact");
        let whose = if of_a_search { format!("{}:\n", study.mixture_name()) } else { String::new() };
        out::line(&format!("\n{whose}{}", choices(study)))?;
    }
    if !study.statistics.comparisons.is_empty() {
        out::line(&format!("\n{}", comparisons(study)))?;
    }
    if let Some(why) = study.statistics.too_few_seeds() {
        out::line(&format!("\n{why}"))?;
    }
    for (i, sentence) in cost_in_words(study).iter().enumerate() {
        out::line(&format!("{}{sentence}", if i == 0 { "\n" } else { "" }))?;
    }
    if let Some(builds) = study.provenance.several_builds() {
        out::line(&format!("\n{builds}"))?;
    }
    out::line(&format!("\nreport: {}", folder.join("report.html").display()))
}

fn table(study: &StudyResult) -> String {
    let dataset = format!("{}: {}", names::dataset(&study.dataset), study.primary().on_test());
    let picked = study.picked_in_words();
    let mut head = vec![dataset.as_str(), study.judged_in_words()];
    head.extend(picked);
    head.extend(["parameters", "time", "activations"]);
    let rows: Vec<Vec<String>> = study
        .table
        .iter()
        .map(|row| {
            let mut cells = vec![row.name(), mean_and_sd_or_nothing(&row.judged)];
            cells.extend(picked.map(|_| mean_and_sd_or_nothing(&row.kept())));
            cells.extend([row.parameters_in_words(), row.time_in_words(), row.activations_in_words()]);
            cells
        })
        .collect();
    let numbers: Vec<usize> = (1..head.len() - 1).collect();
    out::columns(&head, &rows, &numbers)
}

/// What AdAct chose for each layer.
fn choices(study: &StudyResult) -> String {
    let line = |choice: &LayerChoice| {
        let seeds = match choice.by_seed.len() {
            1 => String::new(),
            n => format!(", chosen with {} of {n} seeds", choice.votes()),
        };
        let (words, share) = (choice.words(), 100.0 * choice.share);
        let of = if choice.undecided.is_empty() {
            format!("{share:.1}% of the weight{seeds}")
        } else {
            format!("{} has {share:.1}% of the weight{seeds}", names::activation(&choice.choice))
        };
        format!("{}: {words} ({of})", study.place_of(choice))
    };
    let mut lines: Vec<String> = study.choices.iter().map(line).collect();
    if study.choices.iter().any(|c| !c.undecided.is_empty()) {
        lines.push(undecided_in_words(study.seeds.len()));
    }
    lines.join("\n")
}

/// A difference; one that rounds to nothing has no minus.
fn signed(difference: f64) -> String {
    format!("{difference:+.4}").replace("-0.0000", "+0.0000")
}

/// The differences, and what they show.
fn comparisons(study: &StudyResult) -> String {
    let title = format!("difference in {}", study.primary().on_test());
    let (first, others) = study.statistics.by_interest();
    let several = first.iter().any(|c| c.difference.n > 1);
    let rows: Vec<Vec<String>> = first
        .iter()
        .map(|c| {
            let (interval, p) = match c.difference.ci95 {
                Some([low, high]) => {
                    (format!("{} to {}", signed(low), signed(high)), p_value(Some(c.permutation_holm)))
                }
                None => Default::default(),
            };
            let name = format!("{} against {}", c.name_a(), c.name_b());
            let mean = signed(c.difference.mean);
            let verdict = c.short().into();
            if several {
                vec![name, mean, interval, p, verdict, c.seeds_needed_in_words()]
            } else {
                vec![name, mean, verdict]
            }
        })
        .collect();
    let mut text = if several {
        let head = [title.as_str(), "mean", "95% interval", "p", "verdict", "seeds to show it"];
        out::columns(&head, &rows, &[1, 2, 3, 5])
    } else {
        out::columns(&[&title, "", "verdict"], &rows, &[1])
    };
    if several {
        text += &format!("\np-values are {}", correction_in_words(study));
    }
    if !others.is_empty() {
        text += &format!(
            "\n{} between the other variants: see the report",
            count(others.len(), "more comparison")
        );
    }
    text
}
