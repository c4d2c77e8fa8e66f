//! `nuclei-mini`: pictures of cell nuclei inside the program.

use std::path::Path;

use image::ImageFormat;

use super::{Masked, SegmentationSet};
use crate::error::{Fault, Result};
use crate::source::FileRecord;

/// The name of the embedded set.
pub(crate) const NUCLEI: &str = "nuclei-mini";

/// The side of a picture; they lie one below the other.
const SIDE: usize = 128;
/// The pictures to learn from, which come first.
const TRAIN: u32 = 48;

const IMAGES: &[u8] = include_bytes!("../../embedded/nuclei-images.png");
const MASKS: &[u8] = include_bytes!("../../embedded/nuclei-masks.png");

pub(super) fn load() -> Result<SegmentationSet> {
    let decode = |bytes| {
        let image = image::load_from_memory_with_format(bytes, ImageFormat::Png);
        image.map_err(|e| Fault::corrupt(e.to_string()).at(Path::new("the embedded nuclei-mini")))
    };
    let pixels = decode(IMAGES)?.into_rgb8().into_raw();
    let masks = decode(MASKS)?.into_luma8().into_raw();
    let masks = masks.into_iter().map(|value| u8::from(value > 127)).collect();
    let all = Masked { channels: 3, height: SIDE, width: SIDE, pixels, masks };
    let part = |range: std::ops::Range<u32>| all.select(&range.collect::<Vec<_>>());
    let files = [("nuclei-images.png", IMAGES), ("nuclei-masks.png", MASKS)];
    Ok(SegmentationSet {
        name: NUCLEI.into(),
        classes: ["background", "nucleus"].map(String::from).to_vec(),
        train: part(0..TRAIN),
        test: part(TRAIN..all.len() as u32),
        files: files.map(|(name, bytes)| FileRecord::of(format!("embedded/{name}"), bytes)).into(),
        note: Some("48 training and 16 test pictures of the nuclei of the Data Science Bowl 2018".into()),
        remarks: Vec::new(),
    })
}
