//! CIFAR-10. In the binary version a record is one byte of label and 3,072 of pixels, a plane each of red, green and
//! blue; the version for Python, which other programs download, is a pickle with the same in arrays.

use std::io::{self, Read};
use std::path::Path;

use crate::error::{Fault, Result};
use crate::images::Images;
use crate::pickle::Pickle;
use crate::sniff;
use crate::source::{self, FileRecord, broken, gzip, is_gzip};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;
/// Images in each of the publisher's files.
const PER_FILE: usize = 10_000;

/// The publisher's archives, and the folders that they unpack to: the binary version, and the one for Python.
pub(crate) const ARCHIVE: &str = "cifar-10-binary.tar.gz";
pub(crate) const PYTHON_ARCHIVE: &str = "cifar-10-python.tar.gz";
/// The files: the five to train on, then the test images. The version for Python has them without an ending.
pub(crate) const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
pub(crate) const PYTHON_BATCHES: [&str; 6] =
    ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"];

/// No file has more bytes: the version for Python also holds the names of the images.
const MAX_BATCH: u64 = 2 * (PER_FILE * RECORD) as u64;

/// Parses one file: records, or a pickle as Python reads it.
pub fn parse(bytes: &[u8]) -> Result<Images, Fault> {
    // A record begins with its label, 0 to 9; a pickle with 0x80.
    let (pixels, labels) = if bytes.starts_with(&[0x80]) { pickled(bytes)? } else { records(bytes)? };
    let images = Images::new((SIDE, SIDE, 3), pixels, labels)?;
    images.check_labels(10)?;
    Ok(images)
}

/// The pixels and the labels of the binary version's records.
fn records(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let count = bytes.len() / RECORD;
    if count == 0 || !bytes.len().is_multiple_of(RECORD) {
        let hundred = !bytes.is_empty() && bytes.len().is_multiple_of(RECORD + 1);
        let what = sniff::kind(bytes).map(|kind| format!(": it is {kind}"));
        return Err(Fault::corrupt(format!(
            "truncated or not CIFAR-10: {} bytes are not a multiple of {RECORD}, the size of one image{}",
            bytes.len(),
            what.unwrap_or_else(|| if hundred {
                " (one of CIFAR-100 has 3074)".into()
            } else {
                String::new()
            })
        )));
    }
    check_count(count)?;
    let mut pixels = Vec::with_capacity(count * 3 * PLANE);
    bytes.chunks_exact(RECORD).for_each(|record| interleave(&record[1..], &mut pixels));
    Ok((pixels, bytes.iter().step_by(RECORD).copied().collect()))
}

/// The pixels and the labels of the version for Python: a dictionary with `data`, an array of count x 3,072 bytes with
/// the planes of the binary version, and `labels`.
fn pickled(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let pickle = Pickle::parse(bytes)?;
    if pickle.get("fine_labels").is_some() {
        return Err(Fault::unsupported("the labels are CIFAR-100's, which is another data set"));
    }
    let array = pickle.get("data").and_then(|data| pickle.array(data));
    let labels = pickle.get("labels").and_then(|labels| pickle.integers(labels));
    let Some(((sizes, planes), labels)) = array.zip(labels) else {
        return Err(Fault::corrupt(
            "a pickle without CIFAR-10's `data` (an array of bytes) and `labels` (a list)",
        ));
    };
    let count = labels.len();
    if sizes != [count as i64, 3 * PLANE as i64] || planes.len() != count * 3 * PLANE || count == 0 {
        return Err(Fault::corrupt(format!("{count} labels do not fit `data` of the sizes {sizes:?}")));
    }
    check_count(count)?;
    let mut pixels = Vec::with_capacity(planes.len());
    planes.chunks_exact(3 * PLANE).for_each(|planes| interleave(planes, &mut pixels));
    let label = |&label: &i64| u8::try_from(label).unwrap_or(u8::MAX);
    Ok((pixels, labels.iter().map(label).collect()))
}

fn check_count(count: usize) -> Result<(), Fault> {
    if count <= PER_FILE {
        return Ok(());
    }
    Err(Fault::corrupt(format!("{count} images are more than the {PER_FILE} of a CIFAR-10 file")))
}

/// Appends the pixels of one image, from its planes of red, green and blue.
fn interleave(planes: &[u8], pixels: &mut Vec<u8>) {
    let (red, rest) = planes.split_at(PLANE);
    let (green, blue) = rest.split_at(PLANE);
    for i in 0..PLANE {
        pixels.extend_from_slice(&[red[i], green[i], blue[i]]);
    }
}

/// The training and the test images of a folder with the unpacked files, or else with an archive.
pub(crate) fn load(folder: &Path) -> Result<(Images, Images, Vec<FileRecord>)> {
    let has = |name: &str| folder.join(name).exists();
    let archive = [ARCHIVE, PYTHON_ARCHIVE].into_iter().find(|name| has(name));
    // What is unpacked comes first; of two versions the one that has a file at all, so that an error names its others.
    let files = [BATCHES, PYTHON_BATCHES].into_iter().find(|names| names.iter().any(|name| has(name)));
    if let (Some(archive), None) = (archive, files) {
        let path = folder.join(archive);
        let bytes = source::read(&path)?;
        let (train, test) = join(parse_archive(&bytes).map_err(|fault| fault.at(&path))?);
        return Ok((train, test, vec![FileRecord::of(archive, &bytes)]));
    }
    let mut parts = Vec::new();
    let mut records = Vec::new();
    for name in files.unwrap_or(BATCHES) {
        let path = folder.join(name);
        let bytes = source::read(&path)?;
        parts.push(parse(&bytes).map_err(|fault| fault.at(&path))?);
        records.push(FileRecord::of(name, &bytes));
    }
    let (train, test) = join(parts);
    Ok((train, test, records))
}

/// The six files inside one of the publisher's archives: five to train on, then the test images.
pub fn parse_archive(bytes: &[u8]) -> Result<Vec<Images>, Fault> {
    let unreadable = |e: &io::Error| match sniff::kind(bytes) {
        Some(kind) if !is_gzip(bytes) => Fault::corrupt(format!("not an archive of CIFAR-10: it is {kind}")),
        _ => broken("the archive", e),
    };
    // The archives hold 190 MB; whatever goes on after 256 MiB is something else.
    let mut archive = tar::Archive::new(gzip(bytes).take(256 << 20));
    let mut parts: [Option<Images>; 6] = Default::default();
    let mut hundred = false;
    for entry in archive.entries().map_err(|e| unreadable(&e))? {
        let entry = entry.map_err(|e| unreadable(&e))?;
        let name = entry.path_bytes().rsplit(|&b| b == b'/').next().unwrap_or_default().to_vec();
        let is = |batch: &&str| batch.as_bytes() == name;
        hundred |= [&b"fine_label_names.txt"[..], b"meta"].contains(&&name[..]);
        let Some(i) = BATCHES.iter().position(is).or_else(|| PYTHON_BATCHES.iter().position(is)) else {
            continue;
        };
        // An entry can say that it is mostly zeros, and so be of any size.
        let mut content = Vec::new();
        entry.take(MAX_BATCH + 1).read_to_end(&mut content).map_err(|e| broken(BATCHES[i], &e))?;
        if content.len() as u64 > MAX_BATCH {
            return Err(Fault::corrupt("more bytes than a CIFAR-10 file has").within(BATCHES[i]));
        }
        parts[i] = Some(parse(&content).map_err(|fault| fault.within(BATCHES[i]))?);
    }
    let missing = BATCHES.iter().zip(&parts).find(|(_, part)| part.is_none());
    if let Some((name, _)) = missing {
        let hundred = if hundred { ": it is CIFAR-100, another data set" } else { "" };
        return Err(Fault::corrupt(format!("the archive holds no {name}{hundred}")));
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
