//! What is published in docs/results is read, and what would be made of it today is what is there, to the last byte.

use std::path::{Path, PathBuf};

use adact_evidence::records::{RESULT, Study, StudyResult};
use adact_evidence::{figures, report, table};

/// The folders of the published studies.
fn folders() -> Vec<PathBuf> {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results");
    let entries = std::fs::read_dir(results).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.join(RESULT).exists()).collect();
    folders.sort();
    folders
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A page as lines, one a block, without what makes no difference: breaks beside tags, how a quote is spelled.
fn blocks(page: &str) -> Vec<String> {
    let mut page = page.replace("&#39;", "'").replace(" \"", "\"").to_string();
    for (from, to) in [(" class=\"\"", ""), (">\n", ">"), ("\n<", "<"), ("<!doctype", "<!DOCTYPE")] {
        page = page.replace(from, to);
    }
    for end in ["p", "tr", "figure", "li", "dd", "h1", "h2", "h3", "thead", "style", "details"] {
        page = page.replace(&format!("</{end}>"), &format!("</{end}>\n"));
    }
    page.lines().map(String::from).collect()
}

#[test]
fn records_are_written_as_they_were() {
    let folders = folders();
    assert!(folders.len() >= 4, "{folders:?}");
    let dir = tempfile::tempdir().unwrap();
    for folder in folders {
        let written = dir.path().join(RESULT);
        StudyResult::read(&folder.join(RESULT)).unwrap().write(&written).unwrap();
        assert!(text(&written) == text(&folder.join(RESULT)), "{}", folder.display());
    }
}

#[test]
fn tables_and_figures_are_those_that_are_published() {
    let mut compared = 0;
    for folder in folders() {
        let result = StudyResult::read(&folder.join(RESULT)).unwrap();
        assert_eq!(table::markdown(&result), text(&folder.join("table.md")), "{}", folder.display());
        assert_eq!(table::csv(&result), text(&folder.join("table.csv")), "{}", folder.display());
        // The metrics of the runs aren't published, so what is made of them is not compared.
        let study = Study { result, metrics: Vec::new() };
        let page = text(&folder.join("report.html"));
        for figure in figures::all(&study) {
            let path = folder.join(format!("{}.svg", figure.name));
            if path.exists() {
                assert!(figure.svg() == text(&path), "{}", path.display());
                compared += 1;
            }
            // The same picture is in the page.
            assert!(figure.panels.iter().all(|p| page.contains(&p.to_inline())), "{}", path.display());
        }
        // The pages differ by the figures of metrics alone: their headings and themselves.
        let published = blocks(&page);
        let ours = blocks(&report(std::slice::from_ref(&study)));
        assert!(ours.len() > 60, "{}", ours.len());
        let different = ours.iter().find(|block| !published.contains(block));
        assert_eq!(different, None, "{}", folder.display());
        assert_eq!(published.len() - ours.len(), 4, "{}", folder.display());
    }
    assert!(compared >= 24, "{compared}");
}
