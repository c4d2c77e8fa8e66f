//! The table of a study, as Markdown and as CSV.

use serde::{Deserialize, Serialize};

use crate::agreement::{CLEAR_MAJORITY, LEAD_OF_ONE_SEED};
use crate::axes::signed;
use crate::names;
use crate::records::{RunResult, Selection, StudyResult};
use crate::statistics::Summary;

/// A variant over its seeds. What needs a run is absent or 0 where every training failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// The variant.
    pub variant: String,
    /// The activation of each layer; empty where they differ from seed to seed.
    pub activations: Vec<String>,
    /// The test accuracy that verdicts rest on (see [`RunResult::judged`]); absent where a record lacks it.
    #[serde(default)]
    pub judged: Option<Summary>,
    /// The test accuracy of the weights that were kept. Where the test set picked them, it is the highest of all epochs,
    /// as the paper reports.
    #[serde(default)]
    pub accuracy: Option<Summary>,
    /// The test accuracy after the last epoch; absent where the test set was touched only once.
    #[serde(default)]
    pub last: Option<Summary>,
    /// The number of parameters that learn (the mean, where they differ from seed to seed).
    pub parameters: f64,
    /// How long a training took, on average.
    pub seconds: f64,
    /// The seeds of the study.
    #[serde(default)]
    pub seeds: usize,
    /// With how many of them the training failed.
    #[serde(default)]
    pub failed: usize,
}

impl TableRow {
    /// One row for each variant that has a run or a failure.
    pub fn of(study: &StudyResult) -> Vec<Self> {
        study.variants.iter().filter_map(|v| Self::of_variant(study, v)).collect()
    }

    fn of_variant(study: &StudyResult, variant: &str) -> Option<Self> {
        let runs: Vec<_> = study.runs.iter().filter(|r| r.variant == variant).collect();
        let failed = study.failures.iter().filter(|f| f.variant == variant).count();
        if runs.is_empty() && failed == 0 {
            return None;
        }
        let mean =
            |f: fn(&RunResult) -> f64| runs.iter().map(|r| f(r)).sum::<f64>() / runs.len().max(1) as f64;
        let summary = |f: fn(&RunResult) -> Option<f64>| {
            let values: Option<Vec<f64>> = runs.iter().map(|r| f(r)).collect();
            values.and_then(|values| Summary::of(&values))
        };
        let first = runs.first().map(|r| &r.activations);
        let same = runs.iter().all(|r| Some(&r.activations) == first);
        Some(Self {
            variant: variant.into(),
            activations: first.filter(|_| same).cloned().unwrap_or_default(),
            judged: Summary::of(&runs.iter().filter_map(|r| r.judged()).collect::<Vec<_>>()),
            accuracy: summary(|r| Some(r.best.test_accuracy)),
            last: summary(|r| r.last.test_accuracy),
            parameters: mean(|r| r.parameters as f64),
            seconds: mean(|r| r.seconds),
            seeds: study.seeds.len(),
            failed,
        })
    }

    /// How many runs have a result.
    pub fn runs(&self) -> usize {
        self.accuracy.map_or(0, |a| a.n)
    }

    /// How the variant is named: with the number of seeds with which it failed, or of those that aren't finished.
    pub fn name(&self) -> String {
        let name = crate::statistics::name(&self.variant, self.failed, self.seeds);
        let open = self.seeds.saturating_sub(self.runs() + self.failed);
        if open == 0 {
            name
        } else {
            format!("{name} ({open} of {} not finished)", count(self.seeds, "seed"))
        }
    }

    /// The number of parameters for people; nothing where no training ended.
    pub fn parameters_in_words(&self) -> String {
        if self.runs() == 0 { String::new() } else { thousands(self.parameters.round() as u64) }
    }

    /// The time of a training for people; nothing where none ended.
    pub fn time_in_words(&self) -> String {
        if self.runs() == 0 { String::new() } else { duration(self.seconds) }
    }

    /// The activations in words: one name if all layers have the same.
    pub fn activations_in_words(&self) -> String {
        match self.activations.split_first() {
            None if self.runs() == 0 => String::new(),
            None => "differ by seed".into(),
            Some((first, rest)) if rest.iter().all(|a| a == first) => names::activation(first).into(),
            _ => self.activations.iter().map(|a| names::activation(a)).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A mean with its spread: `0.9213 ± 0.0021`, or the number alone where there is no spread.
pub fn mean_and_sd(summary: &Summary) -> String {
    match summary.sd {
        Some(sd) => format!("{:.4} ± {sd:.4}", summary.mean),
        None => format!("{:.4}", summary.mean),
    }
}

/// A summary as [`mean_and_sd`] writes it; nothing where there is none.
pub fn mean_and_sd_or_nothing(summary: &Option<Summary>) -> String {
    summary.as_ref().map(mean_and_sd).unwrap_or_default()
}

/// Which accuracy the verdicts rest on and what picked the epochs, in a sentence or two.
pub fn selection_in_words(selection: Selection) -> String {
    match selection {
        Selection::Test => {
            "Verdicts rest on the test accuracy after the last epoch. The best epoch on the test set, which the paper \
             reports, is the highest of many readings and favours variants that fluctuate more."
                .into()
        }
        Selection::Validation(share) => format!(
            "Best epoch and activations picked on {:.0}% of the training set, held out; the test set was touched once, and \
             verdicts rest on that accuracy.",
            share * 100.0
        ),
        Selection::ValidationSet => {
            "Best epoch and activations picked on the data's own validation set; the test set was touched once.".into()
        }
    }
}

/// How p-values are corrected, in words: "corrected for 3 comparisons (Holm)".
pub fn correction_in_words(study: &StudyResult) -> String {
    let of = study.together.as_ref().map_or(String::new(), |together| format!(" {}", together.words()));
    format!("corrected for {}{of} (Holm)", count(study.statistics.family, "comparison"))
}

/// What stands between a study and its result, in sentences: failed trainings, comparisons without all pairs.
pub fn shortcomings(study: &StudyResult) -> Vec<String> {
    let failures = study.failures.iter().map(|f| f.words());
    let lacking = study.statistics.comparisons.iter().filter_map(|c| {
        Some(format!("{} against {}: {}", names::variant(&c.a), names::variant(&c.b), c.lacks_in_words()?))
    });
    failures.chain(lacking).chain(study.statistics.unpaired.iter().map(|u| u.words())).collect()
}

/// A number of things: `1 epoch`, `15 epochs`.
pub fn count(n: usize, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{} {thing}s", thousands(n as u64)) }
}

/// A number with separators between thousands: `399,658`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Seconds as a person says them: `8.3 s`, `12 min 5 s`, `2 h 3 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..100 => format!("{seconds:.1} s"),
        100..6000 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// The table as Markdown, with what it rests on.
pub fn markdown(study: &StudyResult) -> String {
    let several = study.seeds.len() > 1;
    let seeds = match study.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds, mean ± standard deviation", seeds.len()),
    };
    let epochs = count(study.epochs, "epoch");
    let mut out = format!("Test accuracy on {}, {epochs}, {seeds}. ", cell(&study.dataset));
    out += &selection_in_words(study.selection);
    for (i, sentence) in shortcomings(study).iter().enumerate() {
        out += &format!("{}- {}", if i == 0 { "\n\n" } else { "\n" }, cell(sentence));
    }
    out += &variants_table(study, several);
    if let Some(test_set) = &study.statistics.test_set {
        out += &format!("\n{}\n", cell(&test_set.words(&study.dataset)));
    }
    if !study.choices.is_empty() {
        out += &choices_table(study, several);
    }
    if several && !study.statistics.comparisons.is_empty() {
        out += &comparisons_table(study);
    }
    if let Some(builds) = study.provenance.several_builds() {
        out += &format!("\n{}\n", cell(&builds));
    }
    out
}

fn variants_table(study: &StudyResult, several: bool) -> String {
    let picked = study.selection.picked_in_words();
    let mut out =
        format!("\n\n| Variant | Activations | Test accuracy {} |", study.selection.judged_in_words());
    out += if several { " 95% interval of the mean |" } else { "" };
    out += &picked.map_or(String::new(), |picked| format!(" {} |", capital(picked)));
    out += " Parameters | Time |\n|---|---|---:|";
    out += if several { "---:|" } else { "" };
    out += if picked.is_some() { "---:|" } else { "" };
    out += "---:|---:|\n";
    for row in &study.table {
        let judged = mean_and_sd_or_nothing(&row.judged);
        out += &format!("| {} | {} | {judged} |", cell(&row.name()), cell(&row.activations_in_words()));
        if several {
            out += &format!(" {} |", row.judged.and_then(|j| j.ci95).map(interval).unwrap_or_default());
        }
        if picked.is_some() {
            out += &format!(" {} |", mean_and_sd_or_nothing(&row.accuracy));
        }
        out += &format!(" {} | {} |\n", row.parameters_in_words(), row.time_in_words());
    }
    out
}

fn choices_table(study: &StudyResult, several: bool) -> String {
    let mut out = String::from("\n| Layer | AdAct's choice | Weight |");
    out += if several {
        " Seeds that chose it | Pairs of seeds that agree |\n|---:|---|---:|---|---:|\n"
    } else {
        "\n|---:|---|---:|\n"
    };
    for choice in &study.choices {
        // Of an undecided layer the numbers are those of the first that is named.
        out += &format!("| {} | {} | {:.3} |", choice.layer, cell(&choice.words()), choice.share);
        if several {
            let agree = choice.agreement.map_or("–".into(), |a| format!("{:.0}%", 100.0 * a));
            out += &format!(" {} of {} | {agree} |", choice.votes(), choice.by_seed.len());
        }
        out += "\n";
    }
    if study.choices.iter().any(|c| !c.undecided.is_empty()) {
        out += &format!(
            "\n{} The numbers are those of the one named first.\n",
            undecided_in_words(study.seeds.len())
        );
    }
    out
}

/// What "undecided" means, in a sentence.
pub fn undecided_in_words(seeds: usize) -> String {
    if seeds > 1 {
        format!(
            "Undecided: the 95% interval of the lead in weight over the seeds reaches 0, or fewer than {:.0}% of the seeds agree.",
            100.0 * CLEAR_MAJORITY
        )
    } else {
        format!(
            "Undecided: the lead in weight is below {LEAD_OF_ONE_SEED}, which is about what it differs by from seed to seed."
        )
    }
}

fn comparisons_table(study: &StudyResult) -> String {
    let mut out = String::from(
        "\n| Comparison | Mean difference | 95% interval | Permutation test | t-test | Verdict | Seeds to show it |\n\
         |---|---:|---:|---:|---:|---|---:|\n",
    );
    for c in &study.statistics.comparisons {
        out += &format!(
            "| {} − {} | {} | {} | {} | {} | {} | {} |\n",
            cell(&c.name_a()),
            cell(&c.name_b()),
            signed(c.difference.mean),
            c.difference.ci95.map(signed_interval).unwrap_or_default(),
            p_value(Some(c.permutation_holm)),
            p_value(c.t_test_holm),
            c.short(),
            c.seeds_needed_in_words()
        );
    }
    out += &format!(
        "\nDifferences in the test accuracy {}. p-values are two-sided and {}. Seeds to show it: for a power of 80% if mean \
         and spread are as seen here.\n",
        study.selection.judged_in_words(),
        cell(&correction_in_words(study))
    );
    if let Some(why) = study.statistics.too_few_seeds() {
        out += &format!("\n{why}\n");
    }
    out
}

/// An interval of accuracies: `0.9195 to 0.9231`.
pub fn interval([low, high]: [f64; 2]) -> String {
    format!("{low:.4} to {high:.4}")
}

/// An interval of differences: `−0.0008 to +0.0021`.
pub(crate) fn signed_interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", signed(low), signed(high))
}

/// A sentence with a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A p-value: three digits, and never a zero.
pub fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".into(),
        Some(p) if p < 0.001 => "< 0.001".into(),
        Some(p) => format!("{p:.3}"),
    }
}

/// A p-value as a statement: `p = 0.016`, `p < 0.001`.
pub fn p_in_words(p: f64) -> String {
    let p = p_value(Some(p));
    if p.starts_with('<') { format!("p {p}") } else { format!("p = {p}") }
}

/// Text from outside as the contents of a Markdown cell: one line, and nothing that ends the cell or begins HTML.
pub(crate) fn cell(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|").replace('<', "&lt;")
}

/// The table as CSV (RFC 4180), one line a variant, numbers in full.
///
/// `test_accuracy` and what belongs to it is the epoch's whose weights were kept, `judged_accuracy` the one that
/// verdicts rest on, `judged` which one that is.
pub fn csv(study: &StudyResult) -> String {
    let mut out = String::from(
        "dataset,variant,activations,epochs,selection,seeds,test_accuracy,test_accuracy_sd,ci95_low,ci95_high,\
         last_test_accuracy,parameters,seconds,judged,judged_accuracy,judged_accuracy_sd,judged_ci95_low,judged_ci95_high,\
         failed,test_images\r\n",
    );
    let test_images = study.statistics.test_set.map(|t| t.images.to_string()).unwrap_or_default();
    for row in &study.table {
        let number = |n: Option<f64>| n.map_or(String::new(), |n| n.to_string());
        let numbers = |summary: &Option<Summary>| {
            let interval = summary.and_then(|s| s.ci95);
            [
                number(summary.map(|s| s.mean)),
                number(summary.and_then(|s| s.sd)),
                number(interval.map(|i| i[0])),
                number(interval.map(|i| i[1])),
            ]
        };
        let mut fields = vec![
            study.dataset.clone(),
            row.variant.clone(),
            row.activations.join("+"),
            study.epochs.to_string(),
            study.selection.to_string(),
            row.runs().to_string(),
        ];
        fields.extend(numbers(&row.accuracy));
        fields.push(number(row.last.map(|l| l.mean)));
        fields.push(row.parameters.to_string());
        fields.push(row.seconds.to_string());
        fields.push(study.selection.judged_in_words().into());
        fields.extend(numbers(&row.judged));
        fields.push(row.failed.to_string());
        fields.push(test_images.clone());
        out += &fields.iter().map(|f| csv_field(f)).collect::<Vec<_>>().join(",");
        out += "\r\n";
    }
    out
}

fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(399_658), "399,658");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(duration(8.31), "8.3 s");
        assert_eq!(duration(725.2), "12 min 5 s");
        assert_eq!(duration(7400.0), "2 h 3 min");
        assert_eq!(p_value(Some(0.0)), "< 0.001");
        assert_eq!((p_in_words(0.0), p_in_words(0.25)), ("p < 0.001".into(), "p = 0.250".into()));
    }

    #[test]
    fn text_from_outside_stays_in_its_field() {
        assert_eq!(csv_field("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(cell("a|b\n<c"), "a\\|b &lt;c");
    }
}
