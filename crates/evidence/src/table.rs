//! The table of a study, as Markdown and as CSV.

use serde::{Deserialize, Serialize};

use crate::axes::signed;
use crate::names;
use crate::records::{RunResult, Selection, StudyResult};
use crate::statistics::Summary;

/// A variant over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// The variant.
    pub variant: String,
    /// The activation of each layer; empty where they differ from seed to seed.
    pub activations: Vec<String>,
    /// The test accuracy of the weights that were kept.
    pub accuracy: Summary,
    /// The test accuracy after the last epoch; absent where the test set was touched only once.
    #[serde(default)]
    pub last: Option<Summary>,
    /// The number of parameters that learn (the mean, where they differ from seed to seed).
    pub parameters: f64,
    /// How long a training took, on average.
    pub seconds: f64,
}

impl TableRow {
    /// One row for each variant that has a run.
    pub fn of(variants: &[String], runs: &[RunResult]) -> Vec<Self> {
        variants.iter().filter_map(|v| Self::of_variant(v, runs)).collect()
    }

    fn of_variant(variant: &str, runs: &[RunResult]) -> Option<Self> {
        let runs: Vec<_> = runs.iter().filter(|r| r.variant == variant).collect();
        let mean = |f: fn(&RunResult) -> f64| runs.iter().map(|r| f(r)).sum::<f64>() / runs.len() as f64;
        let accuracies: Vec<f64> = runs.iter().map(|r| r.best.test_accuracy).collect();
        let last: Option<Vec<f64>> = runs.iter().map(|r| r.last.test_accuracy).collect();
        let first = runs.first()?;
        let same = runs.iter().all(|r| r.activations == first.activations);
        Some(Self {
            variant: variant.into(),
            activations: if same { first.activations.clone() } else { Vec::new() },
            accuracy: Summary::of(&accuracies)?,
            last: last.and_then(|l| Summary::of(&l)),
            parameters: mean(|r| r.parameters as f64),
            seconds: mean(|r| r.seconds),
        })
    }

    /// The activations in words: one name if all layers have the same.
    pub fn activations_in_words(&self) -> String {
        match self.activations.split_first() {
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

/// What picked the epoch, in a sentence.
pub fn selection_in_words(selection: Selection) -> String {
    match selection {
        Selection::Test => "Best epoch picked on the test set, as in the paper.".into(),
        Selection::Validation(share) => format!(
            "Best epoch and activations picked on {:.0}% of the training set, held out; the test set was touched once.",
            share * 100.0
        ),
        Selection::ValidationSet => {
            "Best epoch and activations picked on the data's own validation set; the test set was touched once.".into()
        }
    }
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
    let mut out =
        format!("Test accuracy on {}, {}, {seeds}. ", cell(&study.dataset), count(study.epochs, "epoch"));
    out += &selection_in_words(study.selection);
    out += "\n\n| Variant | Activations | Test accuracy |";
    out += if several { " 95% interval of the mean |" } else { "" };
    out += " Last epoch | Parameters | Time |\n|---|---|---:|";
    out += if several { "---:|" } else { "" };
    out += "---:|---:|---:|\n";
    for row in &study.table {
        out += &format!(
            "| {} | {} | {} |",
            cell(&names::variant(&row.variant)),
            cell(&row.activations_in_words()),
            mean_and_sd(&row.accuracy)
        );
        if several {
            let interval = row.accuracy.ci95.map(|[low, high]| format!("{low:.4} to {high:.4}"));
            out += &format!(" {} |", interval.unwrap_or_default());
        }
        let last = row.last.as_ref().map(mean_and_sd).unwrap_or_default();
        out += &format!(
            " {last} | {} | {} |\n",
            thousands(row.parameters.round() as u64),
            duration(row.seconds)
        );
    }
    if !study.choices.is_empty() {
        out += "\n| Layer | AdAct's choice | Weight |";
        out += if several {
            " Seeds that chose it | Pairs of seeds that agree |\n|---:|---|---:|---|---:|\n"
        } else {
            "\n|---:|---|---:|\n"
        };
        for choice in &study.choices {
            let votes = choice.by_seed.iter().filter(|c| **c == choice.choice).count();
            out += &format!(
                "| {} | {} | {:.3} |",
                choice.layer,
                cell(names::activation(&choice.choice)),
                choice.share
            );
            if several {
                let agree = choice.agreement.map_or("–".into(), |a| format!("{:.0}%", 100.0 * a));
                out += &format!(" {votes} of {} | {agree} |", choice.by_seed.len());
            }
            out += "\n";
        }
    }
    if several && !study.statistics.comparisons.is_empty() {
        out += "\n| Comparison | Mean difference | 95% interval | Permutation test | t-test | Verdict | Seeds to show it |\n";
        out += "|---|---:|---:|---:|---:|---|---:|\n";
        for c in &study.statistics.comparisons {
            let interval =
                c.difference.ci95.map(|[low, high]| format!("{} to {}", signed(low), signed(high)));
            out += &format!(
                "| {} − {} | {} | {} | {} | {} | {} | {} |\n",
                cell(&names::variant(&c.a)),
                cell(&names::variant(&c.b)),
                signed(c.difference.mean),
                interval.unwrap_or_default(),
                p_value(Some(c.permutation_holm)),
                p_value(c.t_test_holm),
                c.short(),
                c.seeds_needed_in_words()
            );
        }
        out += "\np-values are two-sided and corrected for the number of comparisons (Holm). \
                Seeds to show it: for a power of 80% if mean and spread are as seen here.\n";
        if let Some(why) = study.statistics.too_few_seeds() {
            out += &format!("\n{why}\n");
        }
    }
    out
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
pub fn csv(study: &StudyResult) -> String {
    let mut out = String::from(
        "dataset,variant,activations,epochs,selection,seeds,test_accuracy,test_accuracy_sd,ci95_low,ci95_high,\
         last_test_accuracy,parameters,seconds\r\n",
    );
    for row in &study.table {
        let number = |n: Option<f64>| n.map_or(String::new(), |n| n.to_string());
        let fields = [
            study.dataset.clone(),
            row.variant.clone(),
            row.activations.join("+"),
            study.epochs.to_string(),
            study.selection.to_string(),
            row.accuracy.n.to_string(),
            row.accuracy.mean.to_string(),
            number(row.accuracy.sd),
            number(row.accuracy.ci95.map(|c| c[0])),
            number(row.accuracy.ci95.map(|c| c[1])),
            number(row.last.as_ref().map(|l| l.mean)),
            row.parameters.to_string(),
            row.seconds.to_string(),
        ];
        out += &fields.map(|f| csv_field(&f)).join(",");
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
