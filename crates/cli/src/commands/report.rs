//! `adact report`.

use std::path::{Path, PathBuf};

use adact_lab::Result;
use adact_lab::outputs::{REPORT, report_again};
use serde_json::json;

use crate::args::ReportArgs;
use crate::commands::study;
use crate::out;

pub fn run(args: &ReportArgs, json: bool) -> Result<()> {
    let folders: Vec<&Path> = args.dirs.iter().map(PathBuf::as_path).collect();
    let page = match (&args.out, folders.as_slice()) {
        (Some(out), _) => out.clone(),
        (None, [folder]) => folder.join(REPORT),
        (None, _) => REPORT.into(),
    };
    let studies = report_again(&folders, Some(&page))?;
    if json {
        return out::json(&json!({"report": page, "studies": studies.len()}));
    }
    match studies.as_slice() {
        [only] => study::show(&only.result, page.parent().unwrap_or(Path::new(""))),
        _ => out::line(&format!("report: {}", page.display())),
    }
}
