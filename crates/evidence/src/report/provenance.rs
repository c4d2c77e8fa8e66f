//! Where the numbers come from.

use maud::{Markup, html};

use super::table;
use crate::records::{Build, Manifest, PROGRAM, Study};
use crate::table::thousands;

/// What it takes to get the study again.
pub fn provenance(study: &Study, several: bool) -> Markup {
    let from = &study.result.provenance;
    let versions: Vec<String> =
        from.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let seeds: Vec<String> = study.result.seeds.iter().map(u64::to_string).collect();
    let times = match &from.finished {
        Some(finished) => format!("{} to {finished}", from.started),
        None => from.started.clone(),
    };
    let threads = if from.threads == 0 { String::new() } else { format!("{} ({})", from.threads, from.simd) };
    let note = from.dataset_note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
    let told = [
        ("Data set", format!("{}{note}", from.dataset)),
        ("Network", from.network.clone().unwrap_or_default()),
        ("Task", from.task.clone().unwrap_or_default()),
        ("Seeds", seeds.join(", ")),
        // A program trains; we only ran it.
        (
            if from.task.as_deref() == Some(PROGRAM) { "Run by" } else { "Builds" },
            from.several_builds().unwrap_or_else(|| builds(from)),
        ),
        ("Versions", versions.join(", ")),
        ("Processor", from.processor.clone()),
        ("Machines", from.hosts.join("; ")),
        ("System", from.system.clone()),
        ("Threads (SIMD)", threads),
        ("Time", times),
    ];
    let command: Vec<String> = from.command.iter().map(|word| quoted(word)).collect();
    let files = html! {
        @for file in &from.data {
            tr {
                td { (file.name) }
                td.n { (thousands(file.bytes)) }
                td { code { (file.sha256) } }
            }
        }
    };
    html! {
        @if several { h3 { (study.result.subject()) } }
        dl {
            @for (term, text) in told.iter().map(|(term, text)| (term, text.trim())) {
                @if !text.is_empty() {
                    dt { (term) }
                    dd { (text) }
                }
            }
            @if !command.is_empty() {
                dt { "Command" }
                dd { code { (command.join(" ")) } }
            }
        }
        @if !from.data.is_empty() {
            (table(&[("Data file", false), ("Bytes", true), ("SHA-256", false)], files))
        }
    }
}

fn builds(from: &Manifest) -> String {
    from.builds.iter().map(Build::to_string).collect()
}

/// A word as a shell needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_a_shell_needs_it() {
        assert_eq!(quoted("--seeds=0,1"), "--seeds=0,1");
        assert_eq!(quoted("my data"), "'my data'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
