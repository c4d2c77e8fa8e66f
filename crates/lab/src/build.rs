//! Which build of the program this is: other builds may compute other bits.

use std::path::Path;
use std::sync::LazyLock;
use std::{fs, io};

use adact_evidence::records::Build;

use crate::error::{Error, Result};

/// The file of a state that lists the builds that trained it.
const BUILDS: &str = "builds.json";

/// The build that runs.
pub fn current() -> &'static Build {
    static CURRENT: LazyLock<Build> = LazyLock::new(|| Build {
        version: env!("CARGO_PKG_VERSION").into(),
        commit: Some(env!("ADACT_COMMIT").to_owned()).filter(|commit| !commit.is_empty()),
        kernels: adact_kernels::fingerprint(),
    });
    &CURRENT
}

/// Adds those of `more` that `builds` doesn't list yet.
pub fn add<'a>(builds: &mut Vec<Build>, more: impl IntoIterator<Item = &'a Build>) {
    for build in more {
        if !builds.contains(build) {
            builds.push(build.clone());
        }
    }
}

/// Writes the builds that trained a state into its folder.
pub fn write(state: &Path, builds: &[Build]) -> Result<()> {
    let path = state.join(BUILDS);
    let text = serde_json::to_string(builds).unwrap_or_default() + "\n";
    fs::write(&path, text).map_err(|e| Error::io("write", &path, &e))
}

/// The builds that trained the state in a folder; that of an older program has no record of them.
pub fn read(state: &Path) -> Result<Vec<Build>> {
    let path = state.join(BUILDS);
    match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(vec![Build::default()]),
        Err(e) => Err(Error::io("read", &path, &e)),
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|e| Error::input(format!("{}: is damaged: {e}", path.display()))),
    }
}
