//! `manifest.json`: where the numbers come from.

use std::collections::BTreeMap;
use std::time::SystemTime;

use adact_evidence::names::is_papers_network;
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

/// What is trained on what, as manifests and results name it.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The data set.
    pub dataset: String,
    /// What a reader of the results must know about it.
    pub note: Option<String>,
    /// The files that were read.
    pub files: Vec<DataFile>,
    /// The network; none is the paper's.
    pub network: Option<String>,
    /// The task; none is the classification of images.
    pub task: Option<String>,
}

impl About {
    /// A network of ours on some data.
    pub(crate) fn of(config: &Config, data: &Data) -> Self {
        let files = data.files.iter().map(|f| DataFile {
            name: f.name.clone(),
            bytes: f.bytes,
            sha256: f.sha256.clone(),
        });
        let network = &config.network.name;
        Self {
            dataset: data.name.clone(),
            note: data.note.clone(),
            files: files.collect(),
            network: (!is_papers_network(Some(network))).then(|| network.clone()),
            task: score::recorded(data.task),
        }
    }
}

/// The manifest of a run or, without `run`, of a study; nothing is written yet. In a folder that was begun earlier it
/// keeps the beginning.
///
/// # Errors
/// If the folder was begun with other data.
pub(crate) fn manifest(about: &About, run: Option<&RunId>, folder: &Folder) -> Result<Open> {
    let path = folder.join(MANIFEST);
    let (mut started, mut builds, mut hosts) = (None, Vec::new(), Vec::new());
    if path.exists() {
        let earlier = Manifest::read(&path)?;
        if earlier.data != about.files {
            return Err(Error::input(format!(
                "{}: was begun with other files of {}; replace it with --force or choose another --out",
                folder.path().display(),
                about.dataset
            )));
        }
        (started, builds, hosts) = (Some(earlier.started), earlier.builds, earlier.hosts);
    }
    if run.is_some() {
        let simd = adact_kernels::simd::path().name();
        let host = format!("{} ({}, {simd})", machine::host(), machine::processor());
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let manifest = Manifest {
        hosts,
        command: std::env::args().collect(),
        builds,
        versions: BTreeMap::from(
            [("adact", env!("CARGO_PKG_VERSION")), ("burn", BURN), ("rustc", env!("ADACT_RUSTC"))]
                .map(|(name, version)| (name.into(), version.into())),
        ),
        network: about.network.clone(),
        task: about.task.clone(),
        dataset: about.dataset.clone(),
        dataset_note: about.note.clone(),
        variant: run.map(|run| run.variant.clone()),
        seed: run.map(|run| run.seed),
        data: about.files.clone(),
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
