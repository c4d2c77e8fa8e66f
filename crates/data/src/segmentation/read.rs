//! Images and masks, from files to bytes of one size.

use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::Masked;
use super::layout::{Pair, Part};
use super::palette::{self, Colour, MAX_CLASSES, Mask};
use crate::error::{Error, Fault, Kind, Result};
use crate::folder::decode::{Picture, resized};
use crate::folder::read::{Budget, DECODED, FILES, MAX_PIXELS, Tally};
use crate::source::{self, FileRecord};
use crate::{LoadOptions, thousands};

/// Reads parts one after the other; the first is the one to train on, whose masks say which classes there are.
pub(crate) struct Reader {
    side: usize,
    channels: usize,
    files: Budget,
    decoded: Budget,
    tally: Tally,
    /// The values of the classes, sorted; none before the first part.
    classes: Vec<Colour>,
}

/// The bytes of an image's file and of its mask's, with the name of each for messages.
pub(crate) struct Bytes<'a> {
    pub(crate) image: (&'a Path, &'a [u8]),
    pub(crate) mask: (&'a Path, &'a [u8]),
}

/// The size and the SHA-256 of a file.
type Sum = (u64, [u8; 32]);

/// An image and its mask, read.
struct Read {
    pixels: Vec<u8>,
    mask: Mask,
}

impl Reader {
    pub(crate) fn new(options: &LoadOptions) -> Self {
        Self {
            side: options.side,
            channels: if options.grey { 1 } else { 3 },
            files: Budget::new(FILES),
            decoded: Budget::new(DECODED),
            tally: Tally::default(),
            classes: Vec::new(),
        }
    }

    /// Reads a part of a folder.
    pub(super) fn read_files(&mut self, root: &Path, part: &Part) -> Result<Masked> {
        let size = self.side * self.side * (self.channels + 1);
        if part.pairs.len().saturating_mul(size) > MAX_PIXELS {
            let (dir, count) = (part.dir.display(), thousands(part.pairs.len()));
            let message = format!("{dir}: {count} images with masks of {size} bytes do not fit in memory");
            return Err(Error::new(Kind::Unsupported, message));
        }
        let read: Vec<_> = part.pairs.par_iter().map(|pair| self.pair(pair)).collect();
        let mut whole = Vec::with_capacity(read.len());
        for (pair, read) in part.pairs.iter().zip(read) {
            let (read, files) = read?;
            for (path, (bytes, sha256)) in [&pair.image, &pair.mask].into_iter().zip(files) {
                let name = path.strip_prefix(root).unwrap_or(path);
                self.tally.add(&name.display().to_string(), bytes, &sha256);
            }
            whole.push((pair.mask.as_path(), read));
        }
        self.assemble(&part.dir, whole)
    }

    /// Reads a part from bytes.
    pub(crate) fn read_bytes(&mut self, what: &Path, part: &[Bytes]) -> Result<Masked> {
        let read = part.iter().map(|bytes| Ok((bytes.mask.0, self.decode(bytes)?))).collect::<Result<_>>()?;
        self.assemble(what, read)
    }

    /// The names of the classes, and the record of the files.
    pub(crate) fn finish(self, root: &Path) -> Result<(Vec<String>, FileRecord)> {
        if let [only] = &self.classes[..] {
            let (root, only) = (root.display(), palette::name(only));
            let message = format!(
                "{root}: all pixels of all masks to train on are {only}, but there must be 2 classes"
            );
            return Err(Error::new(Kind::Corrupt, message));
        }
        Ok((palette::names(&self.classes), self.tally.record()))
    }

    /// Reads an image and its mask, and returns the sizes and the SHA-256s of the two files.
    fn pair(&self, pair: &Pair) -> Result<(Read, [Sum; 2])> {
        let length =
            |path: &Path| path.metadata().map(|meta| meta.len()).map_err(|e| Error::io(path, "read it", &e));
        // The files, and the copies that a decoder may make of them.
        let _files = self.files.take(2 * (length(&pair.image)? + length(&pair.mask)?));
        let (image, mask) = (source::read(&pair.image)?, source::read(&pair.mask)?);
        let read = self.decode(&Bytes { image: (&pair.image, &image), mask: (&pair.mask, &mask) })?;
        Ok((read, [&image, &mask].map(|bytes| (bytes.len() as u64, Sha256::digest(bytes).into()))))
    }

    fn decode(&self, bytes: &Bytes) -> Result<Read> {
        let ((image_path, image), (mask_path, mask)) = (bytes.image, bytes.mask);
        let image = Picture::open(image).map_err(|fault| fault.at(image_path))?;
        if mask.starts_with(b"\xff\xd8\xff") {
            return Err(
                Fault::unsupported("a JPEG blurs the classes of a mask: save it as PNG").at(mask_path)
            );
        }
        let mask = Picture::open(mask).map_err(|fault| fault.at(mask_path))?;
        // One after the other, so that a thread never waits for a share while it holds one.
        let (pixels, size) = {
            let _decoded = self.decoded.take(image.cost(self.side));
            let image = image.upright().map_err(|fault| fault.at(image_path))?;
            let size = (image.width() as usize, image.height() as usize);
            (resized(image, self.side, self.channels).map_err(|fault| fault.at(image_path))?, size)
        };
        // Grey values of 16 bits become colours, three times as large, beside what is decoded.
        let _decoded = self.decoded.take(2 * mask.cost(self.side));
        let mask =
            mask.upright().and_then(|mask| Mask::of(mask, self.side)).map_err(|fault| fault.at(mask_path))?;
        if (mask.width, mask.height) != size {
            let reason = format!(
                "the mask has {}x{} pixels, but its image {} has {}x{}",
                mask.width,
                mask.height,
                image_path.display(),
                size.0,
                size.1
            );
            return Err(Fault::corrupt(reason).at(mask_path));
        }
        Ok(Read { pixels, mask })
    }

    /// Puts a part together, with classes instead of values.
    fn assemble(&mut self, what: &Path, part: Vec<(&Path, Read)>) -> Result<Masked> {
        if self.classes.is_empty() {
            for (path, read) in &part {
                self.classes.extend(&read.mask.colours);
                self.classes.sort_unstable();
                self.classes.dedup();
                if self.classes.len() > MAX_CLASSES {
                    let reason = format!(
                        "with this mask there are more than {MAX_CLASSES} values: one for each class"
                    );
                    return Err(Fault::unsupported(reason).at(path));
                }
            }
        }
        let (mut pixels, mut masks) = (Vec::new(), Vec::new());
        for (path, read) in part {
            let class = |colour: &Colour| {
                self.classes.binary_search(colour).map(|class| class as u8).map_err(|_| {
                    let reason = format!("the value {} is in no mask to train on", palette::name(colour));
                    Fault::corrupt(reason).at(path)
                })
            };
            let classes = read.mask.colours.iter().map(class).collect::<Result<Vec<u8>>>()?;
            masks.extend(read.mask.indices.iter().map(|&i| classes[usize::from(i)]));
            pixels.extend(read.pixels);
        }
        Masked::new((self.side, self.side, self.channels), pixels, masks).map_err(|fault| fault.at(what))
    }
}
