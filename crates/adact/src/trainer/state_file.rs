//! A training as a file: the network, what the optimizer remembers, the recipe and the steps that were made.

use std::collections::HashMap;
use std::path::Path;

use super::{Trainer, device};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Entries, Entry};
use crate::network::{Network, NetworkConfig};
use crate::optim::TrainingState;
use crate::places::places;
use crate::state;
use crate::weights;

/// The file of [`Trainer::save_state`] in its folder.
pub const STATE_FILE: &str = "state.safetensors";

/// More steps than a training can have; what says so is damaged.
const MAX_STEPS: u64 = 1 << 53;

impl<N: Network> Trainer<N> {
    /// Writes all that [`load_state`](Self::load_state) needs to go on with the same bits, as one file in a folder that
    /// exists.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_state(&self, folder: impl AsRef<Path>) -> Result<()> {
        let net = self.net();
        let mut entries = state::entries(net);
        for (name, id, _) in state::parameters(net) {
            let Some(memory) = self.memory.get(&id) else { continue };
            let shape = entries[&name].shape.clone();
            for (prefix, values) in self.recipe.optimizer.memories().iter().zip(memory) {
                let entry = Entry { shape: shape.clone(), values: values.clone() };
                entries.insert(format!("{prefix}.{name}"), entry);
            }
        }
        let config = serde_json::to_value(net.config()).expect("numbers and names are valid JSON");
        let metadata = TrainingState { config, recipe: self.recipe.clone(), steps: self.steps };
        let metadata = serde_json::to_string(&metadata).expect("numbers and names are valid JSON");
        file::write(&folder.as_ref().join(STATE_FILE), &entries, metadata)
    }

    /// Reads what [`save_state`](Self::save_state) wrote.
    ///
    /// # Errors
    /// If the file is missing, damaged or of something else.
    pub fn load_state(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref().join(STATE_FILE);
        let (mut entries, metadata) = file::read(&path)?;
        let corrupt = |what: &str| Error::new(ErrorKind::CorruptFile, format!("{} {what}", path.display()));
        let metadata: Option<TrainingState> = metadata.and_then(|json| serde_json::from_str(&json).ok());
        let config = metadata.as_ref().and_then(|m| serde_json::from_value(m.config.clone()).ok());
        let both: Option<(TrainingState, N::Config)> = metadata.zip(config);
        let (metadata, config) = both.ok_or_else(|| corrupt("is not the state of a training"))?;
        let valid = config.validate().and_then(|()| metadata.recipe.validate());
        valid.map_err(|e| corrupt(&format!("has a damaged configuration: {e}")))?;
        if metadata.steps > MAX_STEPS {
            return Err(corrupt(&format!("counts {} steps, more than any training has", metadata.steps)));
        }
        let prefixes = metadata.recipe.optimizer.memories();
        let mut memories: Vec<Entries> =
            prefixes.iter().map(|prefix| take_prefixed(&mut entries, &format!("{prefix}."))).collect();
        let shapes: HashMap<String, Vec<usize>> =
            entries.iter().map(|(name, entry)| (name.clone(), entry.shape.clone())).collect();
        let net = weights::build(&config, &path, entries, &device())?;
        let mut trainer = Self::from_net(net, metadata.recipe)?;
        trainer.steps = metadata.steps;
        let search = &trainer.recipe.search;
        // What doesn't learn, or not yet, is not remembered.
        let frozen: Vec<String> = match search.frozen || search.warm.is_some() {
            true => places(trainer.net()).into_iter().map(|place| place.path).collect(),
            false => Vec::new(),
        };
        let is_frozen = |name: &str| {
            let parts = frozen.iter().flat_map(|path| [format!("{path}.w"), format!("{path}.prelu.weight")]);
            parts.into_iter().any(|part| part == name)
        };
        for (name, id, _) in state::parameters(trainer.net()) {
            let found: Vec<Option<Entry>> =
                memories.iter_mut().map(|entries| entries.remove(&name)).collect();
            if (metadata.steps == 0 || is_frozen(&name)) && found.iter().all(Option::is_none) {
                continue;
            }
            let found: Option<Vec<Entry>> = found.into_iter().collect();
            let found = found.ok_or_else(|| corrupt(&format!("lacks a moment of {name}")))?;
            let shape = &shapes[&name];
            if let Some(other) = found.iter().map(|entry| &entry.shape).find(|other| *other != shape) {
                return Err(corrupt(&format!("has a moment of {name} that is {other:?}, not {shape:?}")));
            }
            trainer.memory.insert(id, found.into_iter().map(|entry| entry.values).collect());
        }
        if let Some(name) = memories.iter().flat_map(|entries| entries.keys()).next() {
            return Err(corrupt(&format!("has a moment of {name}, which is no parameter")));
        }
        Ok(trainer)
    }
}

/// Removes the entries whose names begin with a prefix, and the prefix.
fn take_prefixed(entries: &mut Entries, prefix: &str) -> Entries {
    let mut taken = Entries::new();
    entries.retain(|name, entry| match name.strip_prefix(prefix) {
        Some(rest) => {
            let values = std::mem::take(&mut entry.values);
            taken.insert(rest.to_string(), Entry { shape: entry.shape.clone(), values });
            false
        }
        None => true,
    });
    taken
}
