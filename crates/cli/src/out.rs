//! Standard output. Whoever reads it may close it early; that is no error, and no work is lost by it.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use adact_lab::{Error, Result};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// Whether `--quiet` was given; like the streams themselves, one for the process.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on progress and notes are left out, or not.
pub fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether progress and notes are left out.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Writes a line to standard output.
pub fn line(text: &str) -> Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes to standard output.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::failure(format!("standard output: can't write: {e}")))
        }
        _ => Ok(()),
    }
}

/// Writes a value as one line of JSON to standard output.
pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|e| Error::failure(format!("the result can't be written as JSON: {e}")))?;
    line(&text)
}

/// Writes what happened in a training or a study as one line of JSON.
pub fn event(name: &str, value: &impl Serialize) -> Result<()> {
    json(&serde_json::json!({"event": name, "run": null, "value": value}))
}

/// Writes an error to standard error; if that is closed, nobody wants to know.
pub fn error(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes progress or a note to standard error, unless `--quiet` was given.
pub fn note(text: &str) {
    if !is_quiet() {
        error(text);
    }
}

/// Lines of cells as text in columns: the first column to the left, numbers to the right. Widths are a terminal's cells.
pub fn columns(head: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let head: Vec<String> = head.iter().map(|h| (*h).into()).collect();
    let width = |i: usize| std::iter::once(&head).chain(rows).map(|r| r[i].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let row = |cells: &Vec<String>| {
        let cells = cells.iter().enumerate().map(|(i, cell)| {
            let pad = " ".repeat(widths[i] - cell.width());
            if right.contains(&i) { pad + cell } else { cell.clone() + &pad }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(&head).chain(rows).map(row).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["ReLU".into(), "0.9".into()], vec!["é".into(), "10".into()]];
        assert_eq!(columns(&["what", "n"], &rows, &[1]), "what    n\nReLU  0.9\né      10");
        // Chinese characters and emoji take two cells, an accent of its own none.
        let rows = [vec!["翘头".into(), "1".into()], vec!["e\u{301}😊".into(), "2".into()]];
        assert_eq!(columns(&["what", "n"], &rows, &[1]), "what  n\n翘头  1\ne\u{301}😊   2");
    }
}
