//! `manifest.json`: where a result comes from, so that someone else can get it again.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::read::{self, Checked};
use crate::Result;

/// Where a run or a study comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The command line, program first.
    pub command: Vec<String>,
    /// The builds of the program that made it, in the order in which they worked on it; empty in older records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builds: Vec<Build>,
    /// Versions by name: `adact`, `burn`, `rustc`, ...
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
    /// The name of the data set.
    pub dataset: String,
    /// What is special about the data: a subset, a split of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_note: Option<String>,
    /// The network; absent means the paper's, `convnet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The task; absent means [`CLASSIFICATION`](super::CLASSIFICATION).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The variant; absent for a study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The seed; absent for a study, whose result lists its seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The data files that were read.
    #[serde(default)]
    pub data: Vec<DataFile>,
    /// The processor's name.
    #[serde(default)]
    pub processor: String,
    /// The operating system and architecture.
    #[serde(default)]
    pub system: String,
    /// The threads that computed.
    #[serde(default)]
    pub threads: usize,
    /// The SIMD path: `portable`, `avx2`, `avx512`.
    #[serde(default)]
    pub simd: String,
    /// The machines that worked on it, each with its processor and SIMD path; of a study only where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// When it began, RFC 3339.
    #[serde(default)]
    pub started: String,
    /// When it ended, RFC 3339; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
}

/// A build of the program. Two of the same version and commit give the same numbers, and so do two whose kernels are
/// the same, as far as a small input can tell. The default stands for a build that left no record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The version of `adact`.
    pub version: String,
    /// Git's name of the source, with `-dirty` behind it where files were changed; absent where the build could not
    /// know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// A hash of the kernels' results on a small input.
    pub kernels: String,
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("a build that left no record");
        }
        let commit = self.commit.as_deref().unwrap_or("unknown");
        write!(f, "adact {} (commit {commit}, kernels {})", self.version, self.kernels)
    }
}

/// A file of the data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// Reads a `manifest.json`.
    ///
    /// # Errors
    /// A missing or broken file, with the place.
    pub fn read(path: &Path) -> Result<Self> {
        read::json(path)
    }

    /// Parses the contents of a `manifest.json`; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        read::parse(path, bytes)
    }

    /// A sentence for records that several builds made: their numbers may differ for that reason alone. None for those
    /// of one build.
    pub fn several_builds(&self) -> Option<String> {
        let (last, others) = self.builds.split_last().filter(|(_, others)| !others.is_empty())?;
        let number = if others.len() == 1 { "two".to_owned() } else { self.builds.len().to_string() };
        let names = others.iter().map(Build::to_string).collect::<Vec<_>>().join(", ");
        let kernels = if others.iter().all(|b| b.kernels == last.kernels) {
            "their kernels give the same results on a small input"
        } else if self.builds.contains(&Build::default()) {
            "whether their kernels give the same results is not known"
        } else {
            "their kernels give different results"
        };
        Some(format!("Made by {number} builds: {names} and {last}; {kernels}."))
    }

    /// Writes a `manifest.json`, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        read::write_json(path, self)
    }
}

impl Checked for Manifest {
    fn check(&self) -> Result<(), String> {
        let broken = |f: &&DataFile| f.sha256.len() != 64 || !f.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        match self.data.iter().find(broken) {
            Some(file) => Err(format!("the SHA-256 of {:?} is not 64 hexadecimal digits", file.name)),
            None => Ok(()),
        }
    }
}
