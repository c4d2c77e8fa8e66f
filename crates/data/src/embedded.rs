//! The data sets inside the program, so that a study runs anywhere and offline: `fmnist-mini`, a part of Fashion-MNIST,
//! the text `shakespeare`, and `nuclei-mini`, pictures of cells with masks.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::catalogue::{FASHION_FILES, NUCLEI_CLASSES};
use crate::error::{Fault, Result};
use crate::segmentation::{Bytes, Reader};
use crate::source::{self, FileRecord};
use crate::{Dataset, Entry, LoadOptions, SegmentationSet, TextSet, idx};

/// The licence of the embedded images.
pub const LICENCE: &str = include_str!("../embedded/LICENSE-fashion-mnist");

const TRAIN_IMAGES: &[u8] = include_bytes!("../embedded/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../embedded/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../embedded/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../embedded/t10k-labels-idx1-ubyte.gz");

const SHAKESPEARE: &[u8] = include_bytes!("../embedded/shakespeare.txt.gz");

/// Where the embedded text comes from.
pub const SHAKESPEARE_NOTICE: &str = include_str!("../embedded/NOTICE-shakespeare");

const NUCLEI: &[u8] = include_bytes!("../embedded/nuclei-mini.tar.gz");

/// Where the embedded pictures of cells come from.
pub const NUCLEI_NOTICE: &str = include_str!("../embedded/NOTICE-nuclei");

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

/// `nuclei-mini`: an archive of `train/images/x.png`, `train/masks/x.png`, and the same in `test`.
pub(crate) fn nuclei(options: &LoadOptions) -> Result<SegmentationSet> {
    let what = Path::new("the embedded nuclei-mini");
    let files = unpack(NUCLEI).map_err(|e| source::broken("the pictures", &e).at(what))?;
    let mut reader = Reader::new(options);
    let mut part = |name: &str| {
        let images = files.range(Path::new(name).join("images")..Path::new(name).join("masks"));
        let mut pairs = Vec::new();
        for (path, image) in images {
            let mask = Path::new(name).join("masks").join(path.file_name().unwrap_or_default());
            let found = files.get_key_value(&mask);
            let (mask, bytes) = found.ok_or_else(|| Fault::corrupt("the image has no mask").at(path))?;
            pairs.push(Bytes { image: (path, image), mask: (mask, bytes) });
        }
        reader.read_bytes(what, &pairs)
    };
    let (train, test) = (part("train")?, part("test")?);
    Ok(SegmentationSet {
        name: "nuclei-mini".into(),
        classes: NUCLEI_CLASSES.iter().map(|&class| class.into()).collect(),
        train,
        test,
        validation: None,
        files: vec![FileRecord::of("embedded/nuclei-mini.tar.gz", NUCLEI)],
        note: Some(
            "48 training and 16 test images of the Data Science Bowl 2018, some of one microscope field"
                .into(),
        ),
        remarks: Vec::new(),
    })
}

/// The files of a gzipped tar archive by their paths.
fn unpack(bytes: &[u8]) -> std::io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut archive = tar::Archive::new(source::gzip(bytes));
    let mut files = BTreeMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(entry.path()?.into_owned(), content);
    }
    Ok(files)
}
