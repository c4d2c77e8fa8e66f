//! Reading and writing JSON, with errors that say where.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::EpochRecord;
use crate::{Error, ErrorKind, Result, atomic};

/// No record is as large as this; a file that is, is not a record and would only fill the memory.
const LARGEST: u64 = 256 << 20;

/// What must hold between the fields of a record; the error says which field and why.
pub(super) trait Checked {
    fn check(&self) -> Result<(), String>;
}

pub(super) fn json<T: DeserializeOwned + Checked>(path: &Path) -> Result<T> {
    parse(path, &bytes(path)?)
}

pub(super) fn parse<T: DeserializeOwned + Checked>(path: &Path, bytes: &[u8]) -> Result<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::of_file(ErrorKind::Malformed, path, "the file is empty"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let place = e.path().to_string();
        let place = if place == "." || place == "?" { String::new() } else { format!("{place}: ") };
        let e = e.into_inner();
        Error::of_file(ErrorKind::Malformed, path, format!("{place}{e}")).caused_by(e)
    })?;
    json.end().map_err(|e| Error::of_file(ErrorKind::Malformed, path, e.to_string()).caused_by(e))?;
    value.check().map_err(|e| Error::of_file(ErrorKind::Invalid, path, e))?;
    Ok(value)
}

pub(super) fn lines(path: &Path) -> Result<Vec<EpochRecord>> {
    parse_lines(path, &bytes(path)?)
}

pub(super) fn parse_lines(path: &Path, bytes: &[u8]) -> Result<Vec<EpochRecord>> {
    let mut epochs: Vec<EpochRecord> = Vec::new();
    for (i, line) in bytes.split(|&b| b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let epoch: EpochRecord = parse(path, line).map_err(|e| e.at_line(i + 1))?;
        if epoch.epoch != epochs.len() + 1 {
            let message = format!("line {}: epoch {} where {} was due", i + 1, epoch.epoch, epochs.len() + 1);
            return Err(Error::of_file(ErrorKind::Invalid, path, message));
        }
        let step = |epoch: &EpochRecord| epoch.step;
        if let (Some(before), Some(now)) = (epochs.last().and_then(step), step(&epoch))
            && now <= before
        {
            let message = format!("line {}: step {now} after step {before}", i + 1);
            return Err(Error::of_file(ErrorKind::Invalid, path, message));
        }
        epochs.push(epoch);
    }
    Ok(epochs)
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
    if bytes.len() as u64 > LARGEST {
        let message = format!("the file is larger than {} MiB, which no record is", LARGEST >> 20);
        return Err(Error::of_file(ErrorKind::TooLarge, path, message));
    }
    Ok(bytes)
}

pub(super) fn to_json<T: Serialize>(path: &Path, value: &T, pretty: bool) -> Result<Vec<u8>> {
    let json = if pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) };
    json.map_err(|e| {
        Error::of_file(ErrorKind::Invalid, path, format!("cannot be written as JSON: {e}")).caused_by(e)
    })
}

pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut bytes = to_json(path, value, true)?;
    bytes.push(b'\n');
    atomic::write(path, &bytes)
}
