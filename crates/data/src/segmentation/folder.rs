//! A folder of images and masks of one's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::{Classes, Masked, SegmentationSet};
use crate::error::{Error, Fault, Kind, Result};
use crate::folder::{Listing, Picture, SIDES};
use crate::source::{self, FileRecord};
use crate::{LoadOptions, split};

/// The folders of a part.
const IMAGES: &str = "images";
const MASKS: &str = "masks";

/// Whether a folder holds images and masks.
pub(crate) fn is_segmentation(root: &Path) -> bool {
    let has_both = |folder: PathBuf| folder.join(IMAGES).is_dir() && folder.join(MASKS).is_dir();
    has_both(root.to_owned()) || has_both(root.join("train"))
}

/// An image and its mask as files.
struct Pair {
    image: PathBuf,
    mask: PathBuf,
}

/// An image and its mask, read: the mask still in colours.
struct Read {
    pixels: Vec<u8>,
    mask: Vec<[u8; 3]>,
    path: PathBuf,
}

pub(super) fn load(root: &Path, options: &LoadOptions) -> Result<SegmentationSet> {
    if !SIDES.contains(&options.side) {
        let message = format!("a side of {} pixels is not possible: it must be 1 to 1024", options.side);
        return Err(Error::new(Kind::Unsupported, message));
    }
    let mut note = format!("resized to {0}x{0}", options.side);
    let mut hashes = Vec::new();
    let mut read = |folder: &Path| -> Result<Vec<Read>> {
        pairs(folder)?.iter().map(|pair| one(pair, options, &mut hashes)).collect()
    };
    let (train, test) = match root.join("train").join(IMAGES).is_dir() {
        true => {
            let train = read(&root.join("train"))?;
            let test = root.join("test");
            (train, if test.is_dir() { Some(read(&test)?) } else { None })
        }
        false => (read(root)?, None),
    };
    let classes = Classes::of(train.iter().flat_map(|read| read.mask.iter().copied())).map_err(|count| {
        let message = format!(
            "{}: the masks have {count} colours, more than 256 classes; are they masks?",
            root.display()
        );
        Error::new(Kind::Unsupported, message)
    })?;
    let train = masked(train, &classes, options)?;
    let (train, test) = match test {
        Some(test) => (train, masked(test, &classes, options)?),
        None => {
            let same = vec![0; train.len()];
            let (rest, part) = split::stratified(&same, options.test_fraction, options.split_seed);
            note += &split::note(options);
            (train.select(&rest), train.select(&part))
        }
    };
    for (part, what) in [(&train, "training"), (&test, "test")] {
        if part.is_empty() {
            return Err(Error::new(Kind::Corrupt, format!("{}: no {what} image", root.display())));
        }
    }
    let name = root.file_name().map_or_else(|| "images".into(), |name| name.to_string_lossy().into_owned());
    let files = vec![FileRecord::of(name.clone(), hashes.join("\n").as_bytes())];
    Ok(SegmentationSet {
        name,
        classes: classes.names(),
        train,
        test,
        files,
        note: Some(note),
        remarks: Vec::new(),
    })
}

/// The images of a part with their masks, in the order of their names.
fn pairs(folder: &Path) -> Result<Vec<Pair>> {
    let by_stem = |name: &str| -> Result<BTreeMap<String, PathBuf>> {
        let folder = folder.join(name);
        if !folder.is_dir() {
            let message =
                format!("{}: there is no such folder; images and masks lie side by side", folder.display());
            return Err(Error::new(Kind::Missing, message));
        }
        let listing = Listing::of(&folder)?;
        let stem = |file: &String| file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem).to_string();
        Ok(listing.pictures.iter().map(|file| (stem(file), folder.join(file))).collect())
    };
    let (images, mut masks) = (by_stem(IMAGES)?, by_stem(MASKS)?);
    let lacks = |path: &Path, what: &str| {
        Error::new(Kind::Missing, format!("{}: has no {what} of the same name", path.display()))
    };
    let mut pairs = Vec::new();
    for (stem, image) in images {
        let mask = masks.remove(&stem).ok_or_else(|| lacks(&image, "mask"))?;
        pairs.push(Pair { image, mask });
    }
    match masks.values().next() {
        Some(mask) => Err(lacks(mask, "image")),
        None => Ok(pairs),
    }
}

/// Reads an image and its mask, and adds their hashes.
fn one(pair: &Pair, options: &LoadOptions, hashes: &mut Vec<String>) -> Result<Read> {
    let bytes = [source::read(&pair.image)?, source::read(&pair.mask)?];
    for (path, bytes) in [&pair.image, &pair.mask].into_iter().zip(&bytes) {
        hashes.push(FileRecord::of(path.display().to_string(), bytes).sha256);
    }
    let channels = if options.grey { 1 } else { 3 };
    let image = Picture::open(&bytes[0]).map_err(|fault| fault.at(&pair.image))?;
    let mask = Picture::open(&bytes[1]).map_err(|fault| fault.at(&pair.mask))?;
    let (a, b) = (image.dimensions(), mask.dimensions());
    if a != b {
        let reason = format!("the mask has {}x{} pixels, and its image {}x{}", b.0, b.1, a.0, a.1);
        return Err(Fault::corrupt(reason).at(&pair.mask));
    }
    let pixels = image.pixels(options.side, channels).map_err(|fault| fault.at(&pair.image))?;
    let mask: RgbImage = mask.rgb().map_err(|fault| fault.at(&pair.mask))?;
    let side = options.side as u32;
    // The nearest pixel: a mean of two classes would be a third one.
    let mask = imageops::resize(&mask, side, side, FilterType::Nearest);
    Ok(Read { pixels, mask: mask.pixels().map(|pixel| pixel.0).collect(), path: pair.mask.clone() })
}

/// Images and classes of all that was read.
fn masked(all: Vec<Read>, classes: &Classes, options: &LoadOptions) -> Result<Masked> {
    let (height, width) = (options.side, options.side);
    let channels = if options.grey { 1 } else { 3 };
    let mut masked = Masked { channels, height, width, pixels: Vec::new(), masks: Vec::new() };
    for Read { pixels, mask, path } in all {
        masked.pixels.extend(pixels);
        for colour in mask {
            let class = classes.class(colour).ok_or_else(|| {
                let [r, g, b] = colour;
                let reason =
                    format!("the colour #{r:02x}{g:02x}{b:02x} is a class that no training mask has");
                Fault::corrupt(reason).at(&path)
            })?;
            masked.masks.push(class);
        }
    }
    Ok(masked)
}
