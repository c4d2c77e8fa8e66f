//! `manifest.json`: where the numbers come from.

use std::collections::BTreeMap;
use std::time::SystemTime;

use adact_evidence::records::{Build, DataFile, MANIFEST, Manifest};

use crate::config::Config;
use crate::control::RunId;
use crate::data::Data;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::machine;
use crate::score;

/// Burn's version, as the workspace pins it.
const BURN: &str = "0.22.1";

/// The manifest of a folder that is being worked on.
pub(crate) struct Open(Manifest);

/// The manifest of a run or, without `run`, of a study; nothing is written yet. In a folder that was begun earlier it
/// keeps the beginning.
///
/// # Errors
/// If the folder was begun with other data.
pub(crate) fn manifest(config: &Config, data: &Data, run: Option<&RunId>, folder: &Folder) -> Result<Open> {
    let path = folder.join(MANIFEST);
    let files: Vec<DataFile> = data
        .files
        .iter()
        .map(|f| DataFile { name: f.name.clone(), bytes: f.bytes, sha256: f.sha256.clone() })
        .collect();
    let (mut started, mut builds) = (None, Vec::new());
    if path.exists() {
        let earlier = Manifest::read(&path)?;
        if earlier.data != files {
            return Err(Error::input(format!(
                "{}: was begun with other files of {}; replace it with --force or choose another --out",
                folder.path().display(),
                config.data.dataset
            )));
        }
        (started, builds) = (Some(earlier.started), earlier.builds);
    }
    let manifest = Manifest {
        command: std::env::args().collect(),
        builds,
        versions: BTreeMap::from(
            [("adact", env!("CARGO_PKG_VERSION")), ("burn", BURN), ("rustc", env!("ADACT_RUSTC"))]
                .map(|(name, version)| (name.into(), version.into())),
        ),
        network: (!config.network.is_default()).then(|| config.network.name.clone()),
        task: score::recorded(data.task),
        dataset: data.name.clone(),
        dataset_note: data.note.clone(),
        variant: run.map(|run| run.variant.clone()),
        seed: run.map(|run| run.seed),
        data: files,
        processor: machine::processor(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        threads: rayon::current_num_threads(),
        simd: adact_kernels::simd::path().name().into(),
        started: started.unwrap_or_else(now),
        finished: None,
    };
    Ok(Open(manifest))
}

impl Open {
    /// Writes that the work goes on.
    pub(crate) fn begin(&self, folder: &Folder) -> Result<()> {
        Ok(self.0.write(&folder.join(MANIFEST))?)
    }

    /// Writes that `builds` did the work, and that it is done.
    pub(crate) fn finish(mut self, folder: &Folder, builds: Vec<Build>) -> Result<Manifest> {
        self.0.builds = builds;
        self.0.finished = Some(now());
        self.0.write(&folder.join(MANIFEST))?;
        Ok(self.0)
    }
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_burn_is_the_pinned_one() {
        let workspace = include_str!("../../../../Cargo.toml");
        assert!(workspace.contains(&format!("version = \"={}\"", super::BURN)));
    }
}
