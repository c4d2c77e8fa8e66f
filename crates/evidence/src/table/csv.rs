//! The table as CSV.

use crate::records::StudyResult;
use crate::statistics::Summary;

/// The table as CSV (RFC 4180), one line a variant, numbers in full.
///
/// `test_accuracy` and what belongs to it is the epoch's whose weights were kept, `judged_accuracy` the one that
/// verdicts rest on, `judged` which one that is. With another metric these columns have its name: `test_loss`,
/// `judged_loss`; with another network than the paper's two more follow, `network` and `steps`.
pub fn csv(study: &StudyResult) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = study.primary().name.chars().map(plain).collect();
    let mut out = format!(
        "dataset,variant,activations,epochs,selection,seeds,test_{name},test_{name}_sd,ci95_low,ci95_high,\
         last_test_{name},parameters,seconds,judged,judged_{name},judged_{name}_sd,judged_ci95_low,judged_ci95_high,\
         failed,test_images"
    );
    let network = study.network.as_ref().filter(|_| !study.is_papers_network());
    out += if network.is_some() { ",network,steps\r\n" } else { "\r\n" };
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
        fields.extend(numbers(&row.kept()));
        fields.push(number(row.last.map(|l| l.mean)));
        fields.push(number(row.parameters));
        fields.push(number(row.seconds));
        fields.push(study.judged_in_words().into());
        fields.extend(numbers(&row.judged));
        fields.push(row.failed.to_string());
        fields.push(test_images.clone());
        if let Some(network) = network {
            fields.extend([network.clone(), study.steps.map_or(String::new(), |steps| steps.to_string())]);
        }
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
    fn text_from_outside_stays_in_its_field() {
        assert_eq!(csv_field("a \"b\", c"), "\"a \"\"b\"\", c\"");
    }
}
