//! A network's files of weights.

use std::path::Path;

use burn::tensor::Device;

use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Entries};
use crate::network::{NetworkConfig, with_entries};
use crate::optim::TrainingState;
use crate::state::Mismatch;

/// What wraps a network under this name and lends it to the names of its tensors: `DataParallel`,
/// `DistributedDataParallel` and `AveragedModel`, `torch.compile`, and what shards or checkpoints.
const WRAPPERS: [&str; 4] = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// The tensors of a file of weights by the names of the network, and the configuration if there is one.
pub(crate) fn read(path: &Path) -> Result<(Entries, Option<String>)> {
    let (entries, metadata) = file::read(path)?;
    Ok((unwrap_names(path, entries)?, metadata))
}

/// The tensors by the names that they have without wrappers, at any depth: `module._orig_mod.conv.0.weight` is
/// `conv.0.weight`.
///
/// # Errors
/// If two tensors have the same name then.
fn unwrap_names(path: &Path, entries: Entries) -> Result<Entries> {
    let mut unwrapped = Entries::new();
    for (name, entry) in entries {
        let parts: Vec<&str> = name.split('.').filter(|part| !WRAPPERS.contains(part)).collect();
        let short = parts.join(".");
        if unwrapped.insert(short.clone(), entry).is_some() {
            let message = format!("{} holds the tensor {short} twice, once as {name}", path.display());
            return Err(Error::new(ErrorKind::ModelMismatch, message));
        }
    }
    Ok(unwrapped)
}

/// The network of a configuration with the given tensors, all of them and no other.
pub(crate) fn build<C: NetworkConfig>(
    config: &C,
    path: &Path,
    entries: Entries,
    device: &Device,
) -> Result<C::Network> {
    config.validate()?;
    let mismatch = |what: String| {
        let message = format!("{} holds another network than {}: {what}", path.display(), config.words());
        Error::new(ErrorKind::ModelMismatch, message)
    };
    // A damaged configuration must not ask for more memory than the file accounts for.
    let values: usize = entries.values().map(|entry| entry.values.len()).sum();
    if config.size().is_none_or(|size| size > values) {
        return Err(mismatch(format!("its tensors have {values} values, too few")));
    }
    let names = entries.keys().cloned().collect::<Vec<_>>();
    with_entries(config.init(device)?, entries)
        .map_err(|m| mismatch(m.words(names.iter().map(String::as_str))))
}

impl Mismatch {
    /// What is wrong, with the name of a tensor that may be meant, of those that there are.
    pub(crate) fn words<'a>(self, there: impl Iterator<Item = &'a str>) -> String {
        match self {
            Self::Missing(name) => missing(&name, there),
            Self::Shape { name, found, expected } => {
                let other = || format!("tensor {name} is {found:?}, not {expected:?}");
                slopes(&name, &found, &expected).unwrap_or_else(other)
            }
            Self::Unknown(name) => format!("it has no tensor {name}"),
        }
    }
}

/// That a tensor is missing, with the name of one that may be meant.
pub(crate) fn missing<'a>(name: &str, mut there: impl Iterator<Item = &'a str>) -> String {
    let suffix = format!(".{name}");
    match there.find(|other| other.ends_with(&suffix)) {
        Some(other) => format!("tensor {name} is missing (there is {other}: save it under the shorter name)"),
        None => format!("tensor {name} is missing"),
    }
}

/// What is wrong with slopes of PReLU where one slope was expected; none if it is another tensor.
fn slopes(name: &str, found: &[usize], expected: &[usize]) -> Option<String> {
    let count: usize = found.iter().product();
    (expected == [1] && name.ends_with("weight") && count != 1).then(|| {
        format!("tensor {name} has {count} slopes: PReLU with one slope per channel is not supported, only with one for all")
    })
}

/// The configuration that a file's metadata hold.
pub(crate) fn config<C: NetworkConfig>(path: &Path, json: &str) -> Result<C> {
    let corrupt = |what: String| Error::new(ErrorKind::CorruptFile, format!("{} {what}", path.display()));
    if TrainingState::is_one(json) {
        return Err(corrupt("is the state of a training, not the weights of a network".into()));
    }
    let damaged = |e: &dyn std::fmt::Display| corrupt(format!("has a damaged configuration: {e}"));
    let config: C = serde_json::from_str(json).map_err(|e| damaged(&e))?;
    config.validate().map_err(|e| damaged(&e))?;
    Ok(config)
}

/// A configuration as metadata.
pub(crate) fn to_json(config: &impl NetworkConfig) -> String {
    serde_json::to_string(config).expect("a configuration of numbers and names is valid JSON")
}
