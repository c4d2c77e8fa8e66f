//! An epoch that was interrupted: what its steps gave so far, kept beside the state after the last of them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use adact_evidence::atomic;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The file, in a training's folder `last`; absent where an epoch ended there.
const BEGUN: &str = "begun.json";

/// The steps of an epoch so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// How many were done.
    pub steps: usize,
    /// The images, or sequences, that they saw.
    pub images: usize,
    /// The answers that were expected: for images, tokens or pixels.
    pub rows: usize,
    /// The sum of the losses of all answers.
    pub loss_sum: f64,
    /// How many answers were right.
    pub correct: usize,
    /// How long they took.
    pub seconds: f64,
}

impl Begun {
    /// What lies in the folder of a state; nothing is begun where no file is.
    pub fn read(state: &Path) -> Result<Self> {
        let path = state.join(BEGUN);
        match fs::read(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Error::io("read", &path, &e)),
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|e| Error::input(format!("{}: is damaged: {e}", path.display()))),
        }
    }

    /// The mean loss.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.rows as f64
    }

    /// The share of right answers.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows as f64
    }

    /// Writes it into the folder of a state.
    pub fn write(&self, state: &Path) -> Result<()> {
        let text = serde_json::to_string(self).unwrap_or_default() + "\n";
        Ok(atomic::write(&state.join(BEGUN), text.as_bytes())?)
    }
}
