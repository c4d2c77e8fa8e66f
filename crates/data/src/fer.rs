//! FER2013: a CSV file with a row per face, `emotion,pixels,Usage`, where `pixels` are 2,304 grey values (48 x 48).

use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Trim};

use crate::error::{Fault, Result};
use crate::images::Images;
use crate::sniff;
use crate::source::{self, FileRecord};

const SIDE: usize = 48;
const CLASSES: u8 = 7;

/// The publisher's file; under its other name, with the columns in another order; and the training rows alone. All are on
/// the publisher's page.
pub(crate) const FILES: [&str; 3] = ["fer2013.csv", "icml_face_data.csv", "train.csv"];
/// Training rows.
pub(crate) const TRAINING: usize = 28_709;

/// The training images of a folder with one of the files.
pub(crate) fn load(folder: &Path) -> Result<(Images, Vec<FileRecord>)> {
    let file = FILES.into_iter().find(|file| folder.join(file).exists()).unwrap_or(FILES[0]);
    let path = folder.join(file);
    let bytes = source::read(&path)?;
    let images = parse(&bytes).map_err(|fault| fault.at(&path))?;
    Ok((images, vec![FileRecord::of(file, &bytes)]))
}

/// The `Training` rows of the file; the others are checked as well. The columns may come in any order. Where there is no
/// column `Usage`, as in Kaggle's train.csv, every row is one to train on.
pub fn parse(bytes: &[u8]) -> Result<Images, Fault> {
    let mut reader = ReaderBuilder::new().trim(Trim::Headers).from_reader(bytes);
    let headers = reader.byte_headers().map_err(|e| malformed(&e))?.clone();
    let column = |name: &str| {
        headers.iter().position(|header| header.eq_ignore_ascii_case(name.as_bytes())).ok_or_else(|| {
            if let Some(kind) = sniff::kind(bytes) {
                return Fault::corrupt(format!("not a CSV file: it is {kind}"));
            }
            let found = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
            let found = found.lines().next().unwrap_or_default();
            Fault::corrupt(format!("no column `{name}` in the first line {found:?} (emotion,pixels,Usage)"))
        })
    };
    let (emotion, pixel, usage) = (column("emotion")?, column("pixels")?, column("Usage").ok());

    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut row = ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(|e| malformed(&e))? {
        let line = row.position().map_or(0, csv::Position::line);
        let at = |reason: String| Fault::corrupt(format!("line {line}: {reason}"));
        let field = |i: usize| row.get(i).unwrap_or_default().trim_ascii();
        let label = match field(emotion) {
            [digit @ b'0'..=b'9'] if digit - b'0' < CLASSES => digit - b'0',
            other => return Err(at(format!("the emotion is {:?}, not 0 to 6", shown(other)))),
        };
        let training = match usage.map_or(&b"Training"[..], field) {
            b"Training" => true,
            b"PublicTest" | b"PrivateTest" => false,
            other => {
                let known = "Training, PublicTest or PrivateTest";
                return Err(at(format!("the usage is {:?}, not {known}", shown(other))));
            }
        };
        let start = pixels.len();
        numbers(field(pixel), &mut pixels).map_err(at)?;
        let count = pixels.len() - start;
        if count != SIDE * SIDE {
            return Err(at(format!("{count} pixels instead of {}", SIDE * SIDE)));
        }
        if training {
            labels.push(label);
        } else {
            pixels.truncate(start);
        }
    }
    if labels.is_empty() {
        return Err(Fault::corrupt("no row has the usage Training"));
    }
    if usage.is_none() && labels.len() > TRAINING {
        let count = labels.len();
        return Err(Fault::corrupt(format!(
            "{count} rows and no column `Usage`: only {TRAINING} of them are training images, and none says so"
        )));
    }
    Images::new((SIDE, SIDE, 1), pixels, labels)
}

/// Appends the numbers 0 to 255 of a text that separates them by spaces.
fn numbers(text: &[u8], values: &mut Vec<u8>) -> Result<(), String> {
    for word in text.split(|&b| b == b' ').filter(|word| !word.is_empty()) {
        let value = word.iter().try_fold(0u16, |value, &digit| {
            (digit.is_ascii_digit() && value < 100).then(|| value * 10 + u16::from(digit - b'0'))
        });
        match value.map(u8::try_from) {
            Some(Ok(value)) => values.push(value),
            _ => return Err(format!("{:?} is not a pixel (0 to 255)", shown(word))),
        }
    }
    Ok(())
}

/// The beginning of a field, for a message.
fn shown(field: &[u8]) -> String {
    String::from_utf8_lossy(&field[..field.len().min(20)]).into_owned()
}

fn malformed(error: &csv::Error) -> Fault {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            Fault::corrupt(format!(
                "line {line}: {len} columns instead of {expected_len} (is the file truncated?)"
            ))
        }
        _ => Fault::corrupt(format!("not a CSV file: {error}")),
    }
}
