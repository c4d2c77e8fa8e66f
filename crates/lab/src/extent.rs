//! How far the training in a folder is. One that is finished can go on: to more epochs, never to fewer.

use std::path::Path;

use adact_evidence::records::{EpochRecord, METRICS, RESULT, RunResult};

use crate::checkpoint;
use crate::error::{Error, Result};

/// The result of the run in a folder, if it was trained for `epochs` epochs, or for however many where that is left to a
/// program. One of fewer epochs stays there until the training that goes on from it is finished.
pub fn finished(run: &Path, epochs: Option<usize>) -> Result<Option<RunResult>> {
    Ok(result(run)?.filter(|result| epochs.is_none_or(|epochs| result.epochs == epochs)))
}

/// Whether the run in a folder is finished, as [`finished`] without its result.
pub fn is_finished(run: &Path, epochs: Option<usize>) -> Result<bool> {
    let path = run.join(RESULT);
    if !path.exists() {
        return Ok(false);
    }
    let trained = RunResult::read_epochs(&path).map_err(damaged)?;
    Ok(epochs.is_none_or(|epochs| epochs == trained))
}

/// Expects a folder to hold no more than `epochs` trained epochs.
pub fn check(run: &Path, epochs: usize) -> Result<()> {
    let result = result(run)?.map_or(0, |result| result.epochs);
    let state = match checkpoint::newest(run) {
        Some(state) => EpochRecord::read_all(&state.join(METRICS))?.len(),
        None if 0 < result && result < epochs => {
            return Err(Error::input(format!(
                "{}: is finished with {result} epochs, and without its folder {} it can't go on to {epochs}; begin anew \
                 with --force or choose another --out",
                run.display(),
                checkpoint::LAST
            )));
        }
        None => 0,
    };
    let trained = state.max(result);
    if trained <= epochs {
        return Ok(());
    }
    Err(Error::input(format!(
        "{}: {trained} epochs are trained, more than the {epochs} asked for; give --epochs {trained} or more, or choose \
         another --out",
        run.display()
    )))
}

/// The result of the run in a folder, of however many epochs, if there is one.
pub fn result(run: &Path) -> Result<Option<RunResult>> {
    let path = run.join(RESULT);
    Ok(if path.exists() { Some(RunResult::read(&path).map_err(damaged)?) } else { None })
}

/// Says what helps where a result can't be made out.
fn damaged(error: adact_evidence::Error) -> Error {
    match Error::from(error) {
        error if error.is_input() => Error::input(format!("{error}; remove the file to train it again")),
        error => error,
    }
}
