//! CIFAR-10, binary version: a record is one byte of label and 3,072 of pixels, a plane each of red, green and blue.

use std::io::Read;
use std::path::Path;

use crate::error::{Fault, Result};
use crate::images::Images;
use crate::source::{self, FileRecord, broken, gzip};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;
/// Images in each of the publisher's files.
const PER_FILE: usize = 10_000;

pub(crate) const ARCHIVE: &str = "cifar-10-binary.tar.gz";
pub(crate) const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// Parses one file of records.
pub fn parse(bytes: &[u8]) -> Result<Images, Fault> {
    let count = bytes.len() / RECORD;
    if count == 0 || !bytes.len().is_multiple_of(RECORD) {
        return Err(Fault::corrupt(format!(
            "truncated or not CIFAR-10: {} bytes are not a multiple of {RECORD}, the size of one image",
            bytes.len()
        )));
    }
    if count > PER_FILE {
        return Err(Fault::corrupt(format!(
            "{count} images are more than the {PER_FILE} of a CIFAR-10 file"
        )));
    }
    let mut pixels = Vec::with_capacity(count * 3 * PLANE);
    let mut labels = Vec::with_capacity(count);
    for record in bytes.chunks_exact(RECORD) {
        let (red, rest) = record[1..].split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        for i in 0..PLANE {
            pixels.extend_from_slice(&[red[i], green[i], blue[i]]);
        }
        labels.push(record[0]);
    }
    let images = Images::new((SIDE, SIDE, 3), pixels, labels)?;
    images.check_labels(10)?;
    Ok(images)
}

/// The training and the test images of a folder with the unpacked files, or else with the archive.
pub(crate) fn load(folder: &Path) -> Result<(Images, Images, Vec<FileRecord>)> {
    let archive = folder.join(ARCHIVE);
    if BATCHES.iter().any(|name| folder.join(name).exists()) || !archive.exists() {
        let mut parts = Vec::new();
        let mut records = Vec::new();
        for name in BATCHES {
            let path = folder.join(name);
            let bytes = source::read(&path)?;
            parts.push(parse(&bytes).map_err(|fault| fault.at(&path))?);
            records.push(FileRecord::of(name, &bytes));
        }
        let (train, test) = join(parts);
        return Ok((train, test, records));
    }
    let bytes = source::read(&archive)?;
    let (train, test) = join(parse_archive(&bytes).map_err(|fault| fault.at(&archive))?);
    Ok((train, test, vec![FileRecord::of(ARCHIVE, &bytes)]))
}

/// The six files inside the publisher's archive (`cifar-10-binary.tar.gz`): five to train on, then the test images.
pub fn parse_archive(bytes: &[u8]) -> Result<Vec<Images>, Fault> {
    // The archive holds 184 MB; whatever goes on after 256 MiB is something else.
    let mut archive = tar::Archive::new(gzip(bytes).take(256 << 20));
    let mut parts: [Option<Images>; 6] = Default::default();
    for entry in archive.entries().map_err(|e| broken("the archive", &e))? {
        let mut entry = entry.map_err(|e| broken("the archive", &e))?;
        let name = entry.path_bytes().rsplit(|&b| b == b'/').next().unwrap_or_default().to_vec();
        let Some(i) = BATCHES.iter().position(|batch| batch.as_bytes() == name) else { continue };
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|e| broken(BATCHES[i], &e))?;
        parts[i] = Some(parse(&content).map_err(|fault| fault.within(BATCHES[i]))?);
    }
    let missing = BATCHES.iter().zip(&parts).find(|(_, part)| part.is_none());
    if let Some((name, _)) = missing {
        return Err(Fault::corrupt(format!("the archive holds no {name}")));
    }
    Ok(parts.into_iter().flatten().collect())
}

/// The last of the parts is the test set.
fn join(mut parts: Vec<Images>) -> (Images, Images) {
    let test = parts.pop().unwrap_or_default();
    let train = parts.into_iter().reduce(|mut all, part| {
        all.pixels.extend_from_slice(&part.pixels);
        all.labels.extend_from_slice(&part.labels);
        all
    });
    (train.unwrap_or_default(), test)
}
