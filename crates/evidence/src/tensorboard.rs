//! TensorBoard's event files: records in TFRecord frames, each an `Event` in protocol buffer's encoding.
//!
//! A file grows with its training. [`EventFile::open`] drops what a killed program left at its end, and the
//! events of epochs that will be trained again, so that a resumed training continues it without a gap and
//! without doubles.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::records::{EpochRecord, LayerWeights};
use crate::{Error, ErrorKind, Result};

/// The name that TensorBoard recognises.
pub const EVENTS: &str = "events.out.tfevents.adact";

/// Far more than the events of any training.
const LARGEST: u64 = 1 << 30;

/// An event file that grows.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Opens a training's event file after `finished` epochs (or steps, where its records have steps), or begins it.
    ///
    /// `wall_time` (seconds since 1970) is when it began.
    ///
    /// # Errors
    /// If the disk refuses, or the file is something else.
    pub fn open(path: &Path, finished: u64, wall_time: f64) -> Result<Self> {
        let failed = |e| Error::io(path, "open", e);
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
        let keep = finished_part(&bytes, finished);
        if bytes.len() >= 12 && header(&bytes).is_none() {
            let message = "this is no event file of TensorBoard; remove it, or write elsewhere";
            return Err(Error::of_file(ErrorKind::Malformed, path, message));
        }
        file.set_len(keep as u64).map_err(failed)?;
        file.seek(SeekFrom::Start(keep as u64)).map_err(failed)?;
        let mut events = Self { path: path.to_owned(), file };
        if keep == 0 {
            let mut event = Message::default();
            event.double(1, wall_time);
            event.bytes(3, b"brain.Event:2");
            events.append(&framed(&event.0))?;
        }
        Ok(events)
    }

    /// Appends an epoch: its numbers as scalars; of every AdAct, each candidate's raw and softmax weight as scalars, and the
    /// softmax weights as a histogram whose bin `i` is candidate `i`. An AdAct's tags begin with its place, or with `layer1`,
    /// `layer2`, ... in the paper's network; events are numbered by steps where the record has one, else by epochs.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn epoch(&mut self, record: &EpochRecord, wall_time: f64) -> Result<()> {
        let mut summary = Message::default();
        for (tag, value) in scalars(record) {
            summary.message(1, &scalar(&tag, value as f32));
        }
        for (i, layer) in record.layers.iter().flatten().enumerate() {
            let place = layer.place.clone().unwrap_or_else(|| format!("layer{}", i + 1));
            for ((name, w), s) in layer.candidates().iter().zip(&layer.w).zip(&layer.softmax) {
                summary.message(1, &scalar(&format!("{place}_w/{name}"), *w));
                summary.message(1, &scalar(&format!("{place}_softmax/{name}"), *s));
            }
            if let Some(slope) = layer.prelu_slope {
                summary.message(1, &scalar(&format!("prelu_slope/{place}"), slope));
            }
            summary.message(1, &histogram(&format!("softmax/{place}"), layer));
        }
        let mut event = Message::default();
        event.double(1, wall_time);
        event.varint(2, record.step.unwrap_or(record.epoch as u64));
        event.message(5, &summary);
        self.append(&framed(&event.0))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::io(&self.path, "write", e))
    }
}

/// The numbers of a record and their tags, metric by metric: `loss/train`, `loss/test`, `loss/validation`, `accuracy/train`.
fn scalars(record: &EpochRecord) -> Vec<(String, f64)> {
    let parts = [
        ("train", Some(&record.train)),
        ("test", record.test.as_ref()),
        ("validation", record.validation.as_ref()),
    ];
    let measured = || parts.iter().filter_map(|(part, metrics)| Some((*part, (*metrics)?)));
    let mut names: Vec<&str> = vec!["loss", "accuracy"];
    for (name, _) in measured().flat_map(|(_, metrics)| metrics.iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let of = |name: &str| {
        let tagged = measured().filter_map(|(part, m)| Some((format!("{name}/{part}"), m.get(name)?)));
        tagged.collect::<Vec<_>>()
    };
    names.into_iter().flat_map(of).chain([("seconds".to_string(), record.seconds)]).collect()
}

/// `Summary.Value` with `simple_value`.
fn scalar(tag: &str, value: f32) -> Message {
    let mut message = Message::default();
    message.bytes(1, tag.as_bytes());
    message.float(2, value);
    message
}

/// `Summary.Value` with a `HistogramProto`: the bin of candidate `i` reaches from `i` to `i + 1` and holds its weight.
fn histogram(tag: &str, layer: &LayerWeights) -> Message {
    let weights = || layer.softmax.iter().map(|s| *s as f64);
    let middle = |i: usize| i as f64 + 0.5;
    let moment = |power: i32| weights().enumerate().map(|(i, s)| s * middle(i).powi(power)).sum::<f64>();
    let mut histo = Message::default();
    histo.double(1, 0.0);
    histo.double(2, layer.softmax.len() as f64);
    histo.double(3, weights().sum());
    histo.double(4, moment(1));
    histo.double(5, moment(2));
    // The first bin ends where the first candidate begins, and is empty.
    histo.doubles(6, (0..=layer.softmax.len()).map(|i| i as f64));
    histo.doubles(7, std::iter::once(0.0).chain(weights()));
    let mut message = Message::default();
    message.bytes(1, tag.as_bytes());
    message.message(5, &histo);
    message
}

/// A message in the encoding of protocol buffers, field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.raw_varint(field << 3 | wire);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.raw_varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn message(&mut self, field: u64, value: &Message) {
        self.bytes(field, &value.0);
    }

    fn doubles(&mut self, field: u64, values: impl Iterator<Item = f64>) {
        self.bytes(field, &values.flat_map(f64::to_le_bytes).collect::<Vec<u8>>());
    }
}

/// A record in its frame: length, checksum of the length, data, checksum of the data.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let checksum = |bytes: &[u8]| masked(bytes).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

/// TFRecord's checksum: CRC-32C, rotated and shifted.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The length of the first record's data, and what follows; `None` if no frame begins here.
fn header(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let n = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    (masked(length) == u32::from_le_bytes(*checksum)).then_some((n, rest))
}

/// The first record and the length of its frame; `None` if it is not whole.
fn frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (n, rest) = header(bytes)?;
    let (data, rest) = rest.split_at_checked(n)?;
    let (checksum, _) = rest.split_first_chunk::<4>()?;
    (masked(data) == u32::from_le_bytes(*checksum)).then_some((data, n + 16))
}

/// How many bytes at the beginning of an event file are whole records of finished epochs (or steps).
pub fn finished_part(bytes: &[u8], finished: u64) -> usize {
    let mut keep = 0;
    while let Some((data, length)) = frame(&bytes[keep..]) {
        match step(data) {
            Some(step) if step <= finished => keep += length,
            _ => break,
        }
    }
    keep
}

/// The field `step` of an event, 0 where it is absent; `None` if the message is broken.
fn step(mut data: &[u8]) -> Option<u64> {
    let mut step = 0;
    while !data.is_empty() {
        let key = take_varint(&mut data)?;
        match (key >> 3, key & 7) {
            (2, 0) => step = take_varint(&mut data)?,
            (_, 0) => drop(take_varint(&mut data)?),
            (_, 1) => data = data.get(8..)?,
            (_, 5) => data = data.get(4..)?,
            (_, 2) => {
                let n = usize::try_from(take_varint(&mut data)?).ok()?;
                data = data.get(n..)?;
            }
            _ => return None,
        }
    }
    Some(step)
}

fn take_varint(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = data.split_first()?;
        *data = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_crc_32c() {
        // RFC 3720, appendix B.4: 32 bytes of zeros give 0x8a9136aa (shown there in byte order aa 36 91 8a).
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked(&[0; 32]), 0x8a91_36aau32.rotate_right(15).wrapping_add(0xa282_ead8));
    }

    #[test]
    fn a_message_is_encoded_as_the_standard_shows() {
        // The protocol buffers' encoding guide: field 1, varint 150 is 08 96 01; field 2, "testing" is 12 07 ...
        let mut message = Message::default();
        message.varint(1, 150);
        message.bytes(2, b"testing");
        assert_eq!(message.0, [&[0x08, 0x96, 0x01, 0x12, 0x07][..], b"testing"].concat());
        let mut with_step = Message::default();
        with_step.double(1, 1.5);
        with_step.varint(2, 300);
        assert_eq!(step(&with_step.0), Some(300));
        assert_eq!(step(&[0x12, 0xff]), None);
    }

    #[test]
    fn tags_are_metrics_and_places_and_events_are_numbered_by_steps() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(EVENTS);
        let layer = |place: Option<&str>| LayerWeights {
            place: place.map(String::from),
            candidates: Some(vec!["relu".into()]),
            w: vec![0.5],
            softmax: vec![1.0],
            shares: None,
            prelu_slope: Some(0.25),
            choice: "relu".into(),
        };
        let record = |epoch: usize| EpochRecord {
            epoch,
            step: Some(250 * epoch as u64),
            train: [("loss", 1.0)].into(),
            test: Some([("mean_iou", 0.5), ("loss", 1.5)].into()),
            validation: None,
            seconds: 1.0,
            layers: Some(vec![layer(None), layer(Some("layer1.0.act2"))]),
        };
        let mut events = EventFile::open(&path, 0, 7.0).unwrap();
        (1..=3).for_each(|epoch| events.epoch(&record(epoch), 8.0).unwrap());
        let bytes = std::fs::read(&path).unwrap();
        for tag in [
            "loss/train",
            "loss/test",
            "mean_iou/test",
            "layer1_w/relu",
            "prelu_slope/layer1",
            "layer1.0.act2_w/relu",
            "layer1.0.act2_softmax/relu",
            "prelu_slope/layer1.0.act2",
            "softmax/layer1.0.act2",
        ] {
            let count = bytes.windows(tag.len()).filter(|window| *window == tag.as_bytes()).count();
            assert!(count >= 3, "{tag}: {count}");
        }
        assert!(!bytes.windows(8).any(|window| window == b"accuracy"));
        // The second evaluation is that of step 500.
        let second = finished_part(&bytes, 500);
        assert_eq!(second, finished_part(&bytes, 749));
        assert!(second > finished_part(&bytes, 499) && second < bytes.len());
    }

    #[test]
    fn what_was_torn_or_will_be_trained_again_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(EVENTS);
        let record = |epoch| EpochRecord {
            epoch,
            step: None,
            train: [("loss", 1.0), ("accuracy", 0.5)].into(),
            test: None,
            validation: None,
            seconds: 1.0,
            layers: None,
        };
        let write = |from: usize, to: usize| {
            let mut events = EventFile::open(&path, from as u64, 7.0).unwrap();
            (from + 1..=to).for_each(|e| events.epoch(&record(e), 7.0 + e as f64).unwrap());
        };
        write(0, 5);
        let whole = std::fs::read(&path).unwrap();
        // Cut at every byte, as a killed program may leave it, and continued after epoch 2.
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (mut rest, mut records) = (&whole[..length], 0usize);
            while let Some((_, n)) = frame(rest) {
                (rest, records) = (&rest[n..], records + 1);
            }
            write(records.saturating_sub(1).min(2), 5);
            assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {length}");
        }
        std::fs::write(&path, b"certainly not an event file").unwrap();
        assert_eq!(EventFile::open(&path, 0, 0.0).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
