//! The data sets inside the program, so that a study runs anywhere and offline: `fmnist-mini`, a part of Fashion-MNIST,
//! and the text `shakespeare`.

use std::io::Read;
use std::path::Path;

use crate::catalogue::FASHION_FILES;
use crate::error::Result;
use crate::source::{self, FileRecord};
use crate::{Dataset, Entry, TextSet, idx};

/// The licence of the embedded images.
pub const LICENCE: &str = include_str!("../embedded/LICENSE-fashion-mnist");

const TRAIN_IMAGES: &[u8] = include_bytes!("../embedded/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../embedded/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../embedded/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../embedded/t10k-labels-idx1-ubyte.gz");

const SHAKESPEARE: &[u8] = include_bytes!("../embedded/shakespeare.txt.gz");

/// Where the embedded text comes from.
pub const SHAKESPEARE_NOTICE: &str = include_str!("../embedded/NOTICE-shakespeare");

/// `fmnist-mini`.
pub(crate) fn load(entry: &Entry) -> Result<Dataset> {
    let pair = |images, labels| {
        idx::parse(images, 3)
            .and_then(|images| idx::images(images, idx::parse(labels, 1)?))
            .map_err(|fault| fault.at(Path::new("the embedded fmnist-mini")))
    };
    let files = FASHION_FILES.iter().zip([TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS]);
    Ok(Dataset {
        name: "fmnist-mini".into(),
        classes: entry.classes.iter().map(|&class| class.into()).collect(),
        train: pair(TRAIN_IMAGES, TRAIN_LABELS)?,
        test: pair(TEST_IMAGES, TEST_LABELS)?,
        validation: None,
        files: files.map(|(name, bytes)| FileRecord::of(format!("embedded/{name}"), bytes)).collect(),
        note: Some("the first 6,000 training and the first 1,000 test images of Fashion-MNIST".into()),
        remarks: Vec::new(),
        by_class: false,
    })
}

/// `shakespeare`.
pub(crate) fn shakespeare() -> Result<TextSet> {
    let what = Path::new("the embedded shakespeare");
    let mut text = Vec::new();
    let read = source::gzip(SHAKESPEARE).read_to_end(&mut text);
    read.map_err(|e| source::broken("the text", &e).at(what))?;
    // The record is of the text itself, so that it is that of the publisher's file.
    let record = FileRecord::of("embedded/shakespeare.txt", &text);
    TextSet::parse("shakespeare".into(), &text, record).map_err(|fault| fault.at(what))
}
