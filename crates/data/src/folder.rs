//! A folder of images of one's own: `train/CLASS/*.png|jpg` and `test/CLASS/...`, or one folder `CLASS/...` and a split.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::{Error, Fault, Kind, Result};
use crate::images::Images;
use crate::source::{self, FileRecord, hex};
use crate::{Dataset, LoadOptions, split};

/// Sides that images are resized to.
const SIDES: std::ops::RangeInclusive<usize> = 1..=1024;
/// The most bytes that the resized images of a folder may take.
const MAX_PIXELS: usize = 4 << 30;
/// The most bytes that one image may have before it is resized: 89 million pixels in colour.
const MAX_DECODED: u64 = 256 << 20;

/// Loads the data set in a folder.
pub(crate) fn load(root: &Path, options: &LoadOptions) -> Result<Dataset> {
    if !SIDES.contains(&options.side) {
        let message = format!("a side of {} pixels is not possible: it must be 1 to 1024", options.side);
        return Err(Error::new(Kind::Unsupported, message));
    }
    let name = root.file_name().map_or_else(|| "images".into(), |name| name.to_string_lossy().into_owned());
    let (train_dir, test_dir) = (root.join("train"), root.join("test"));
    let mut note = format!("resized to {0}x{0}", options.side);
    let (classes, train, test, record) = if train_dir.is_dir() && test_dir.is_dir() {
        let classes = class_names(&train_dir)?;
        if let Some(extra) = class_names(&test_dir)?.iter().find(|class| !classes.contains(class)) {
            let message = format!("{}: the class {extra:?} has no folder in train", test_dir.display());
            return Err(Error::new(Kind::Corrupt, message));
        }
        let mut hash = Tally::default();
        let train = read_all(&train_dir, &classes, options, "train/", &mut hash)?;
        let test = read_all(&test_dir, &classes, options, "test/", &mut hash)?;
        (classes, train, test, hash.record())
    } else {
        let classes = class_names(root)?;
        let mut hash = Tally::default();
        let all = read_all(root, &classes, options, "", &mut hash)?;
        let (train, test) = split::stratified(&all.labels, options.test_fraction, options.split_seed);
        note += &split::note(options);
        (classes, all.select(&train), all.select(&test), hash.record())
    };
    for (part, what) in [(&train, "train on"), (&test, "test on")] {
        if part.is_empty() {
            return Err(Error::new(Kind::Corrupt, format!("{}: no image to {what}", root.display())));
        }
    }
    Ok(Dataset { name, classes, train, test, files: vec![record], note: Some(note) })
}

/// The names of a folder's folders, sorted; hidden ones are passed over.
fn class_names(dir: &Path) -> Result<Vec<String>> {
    let classes: Vec<String> = entries(dir)?.into_iter().filter(|name| dir.join(name).is_dir()).collect();
    if classes.len() < 2 || classes.len() > 256 {
        let message = format!(
            "{}: {} folders of classes; there must be 2 to 256, each with its images (or train/CLASS and test/CLASS)",
            dir.display(),
            classes.len()
        );
        return Err(Error::new(Kind::Corrupt, message));
    }
    Ok(classes)
}

/// The names in a folder, sorted (the order must not depend on the file system); hidden ones are passed over.
fn entries(dir: &Path) -> Result<Vec<String>> {
    let failed = |e: std::io::Error| Error::io(dir, "list it", &e);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().into_string().map_err(|name| {
            Error::new(Kind::Unsupported, format!("{}: the name {name:?} is not UTF-8", dir.display()))
        })?;
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads every image below `dir`; other files are passed over.
fn read_all(
    dir: &Path,
    classes: &[String],
    options: &LoadOptions,
    prefix: &str,
    tally: &mut Tally,
) -> Result<Images> {
    let mut paths: Vec<(u8, String, PathBuf)> = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let folder = dir.join(class);
        // A class may lack test images, as in a small test set.
        let names = if folder.is_dir() { entries(&folder)? } else { Vec::new() };
        let images = names.into_iter().filter(|name| is_image(name));
        paths.extend(images.map(|name| (label as u8, format!("{prefix}{class}/{name}"), folder.join(name))));
    }
    let channels = if options.grey { 1 } else { 3 };
    let size = options.side * options.side * channels;
    if paths.len().saturating_mul(size) > MAX_PIXELS {
        let message =
            format!("{}: {} images of {size} bytes do not fit in memory", dir.display(), paths.len());
        return Err(Error::new(Kind::Unsupported, message));
    }
    let read: Vec<(Vec<u8>, u64, [u8; 32])> = paths
        .par_iter()
        .map(|(_, _, path)| {
            let bytes = source::read(path)?;
            let pixels = decode(&bytes, options.side, channels).map_err(|fault| fault.at(path))?;
            Ok((pixels, bytes.len() as u64, Sha256::digest(&bytes).into()))
        })
        .collect::<Result<_>>()?;
    let mut pixels = Vec::with_capacity(paths.len() * size);
    for ((_, name, _), (image, bytes, sha256)) in paths.iter().zip(read) {
        pixels.extend_from_slice(&image);
        tally.add(name, bytes, &sha256);
    }
    let labels = paths.iter().map(|&(label, ..)| label).collect();
    Images::new((options.side, options.side, channels), pixels, labels).map_err(|fault| fault.at(dir))
}

fn is_image(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["png", "jpg", "jpeg"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Reads one PNG or JPEG file as `side` x `side` x `channels` pixels (1: grey, 3: colour), as a folder's are read: turned
/// upright, stretched to the square, without regard to transparency.
pub fn read_image(path: &Path, side: usize, channels: usize) -> Result<Vec<u8>> {
    decode(&source::read(path)?, side, channels).map_err(|fault| fault.at(path))
}

/// Decodes a PNG or JPEG image, told apart by its content, to `side` x `side` x `channels` pixels.
pub fn decode(bytes: &[u8], side: usize, channels: usize) -> Result<Vec<u8>, Fault> {
    let broken = |e: image::ImageError| Fault::corrupt(format!("the image does not decode ({e})"));
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| broken(e.into()))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(Fault::unsupported("neither a PNG nor a JPEG image"));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(1 << 14);
    limits.max_image_height = Some(1 << 14);
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    if decoder.total_bytes() > MAX_DECODED {
        let (width, height) = decoder.dimensions();
        return Err(Fault::unsupported(format!("{width}x{height} pixels are too many")));
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    // Averaging over the area (a triangle) does not alias, and does not overshoot as sharper filters do.
    let image = match channels {
        1 => DynamicImage::ImageLuma8(image.into_luma8()),
        3 => DynamicImage::ImageRgb8(image.into_rgb8()),
        other => return Err(Fault::unsupported(format!("an image has 1 or 3 channels, not {other}"))),
    };
    let side = side as u32;
    let fits = (image.width(), image.height()) == (side, side);
    let image = if fits { image } else { image.resize_exact(side, side, FilterType::Triangle) };
    Ok(image.into_bytes())
}

/// One record for all the files of a folder: their total size, and the SHA-256 over each file's name, a zero byte and
/// its own SHA-256, in the order in which they are read.
#[derive(Default)]
struct Tally {
    hash: Sha256,
    files: usize,
    bytes: u64,
}

impl Tally {
    fn add(&mut self, name: &str, bytes: u64, sha256: &[u8; 32]) {
        self.hash.update(name.as_bytes());
        self.hash.update([0]);
        self.hash.update(sha256);
        self.files += 1;
        self.bytes += bytes;
    }

    fn record(self) -> FileRecord {
        FileRecord {
            name: format!("{} image files", self.files),
            bytes: self.bytes,
            sha256: hex(&self.hash.finalize()),
        }
    }
}
