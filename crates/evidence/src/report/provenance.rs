//! Where the numbers come from.

use crate::names;
use crate::records::{Build, DataFile, Manifest, Study};
use crate::svg::escape;
use crate::table::thousands;

/// What it takes to get the study again.
pub fn provenance(study: &Study, several: bool) -> String {
    let from = &study.result.provenance;
    let mut out = String::new();
    if several {
        out += &format!("<h3>{}</h3>\n", escape(names::dataset(&study.result.dataset)));
    }
    out += "<dl>\n";
    let versions: Vec<String> =
        from.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let seeds: Vec<String> = study.result.seeds.iter().map(u64::to_string).collect();
    let times = match &from.finished {
        Some(finished) => format!("{} to {finished}", from.started),
        None => from.started.clone(),
    };
    let threads = if from.threads == 0 { String::new() } else { format!("{} ({})", from.threads, from.simd) };
    for (term, text) in [
        (
            "Data set",
            format!(
                "{} {}",
                from.dataset,
                from.dataset_note.as_deref().map(|n| format!("({n})")).unwrap_or_default()
            ),
        ),
        ("Seeds", seeds.join(", ")),
        ("Builds", from.several_builds().unwrap_or_else(|| builds(from))),
        ("Versions", versions.join(", ")),
        ("Processor", from.processor.clone()),
        ("System", from.system.clone()),
        ("Threads (SIMD)", threads),
        ("Time", times),
    ] {
        if !text.trim().is_empty() {
            out += &format!("<dt>{term}</dt><dd>{}</dd>\n", escape(text.trim()));
        }
    }
    let command: Vec<String> = from.command.iter().map(|word| quoted(word)).collect();
    if !command.is_empty() {
        out += &format!("<dt>Command</dt><dd><code>{}</code></dd>\n", escape(&command.join(" ")));
    }
    out += "</dl>\n";
    if !from.data.is_empty() {
        out += "<div class=\"scroll\"><table>\n<thead><tr><th>Data file</th><th class=\"n\">Bytes</th><th>SHA-256</th></tr></thead>\n<tbody>\n";
        for DataFile { name, bytes, sha256 } in &from.data {
            out += &format!(
                "<tr><td>{}</td><td class=\"n\">{}</td><td><code>{}</code></td></tr>\n",
                escape(name),
                thousands(*bytes),
                escape(sha256)
            );
        }
        out += "</tbody></table></div>\n";
    }
    out
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
