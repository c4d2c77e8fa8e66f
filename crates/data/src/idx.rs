//! IDX, the format of MNIST and Fashion-MNIST, plain or in gzip.
//!
//! A file is `0 0 T D`, then D sizes as big-endian u32, then the values. T is 8 (unsigned byte) here; D is 3 for images
//! (count, rows, columns) and 1 for labels.

use std::io::Read;
use std::path::Path;

use crate::catalogue::FASHION_FILES;
use crate::error::{Fault, Result};
use crate::images::Images;
use crate::sniff;
use crate::source::{self, FileRecord, broken, gzip, inflate, is_gzip};

/// An array of unsigned bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The sizes, slowest first.
    pub sizes: Vec<usize>,
    /// As many values as the product of the sizes.
    pub values: Vec<u8>,
}

/// Parses an IDX file with `dimensions` dimensions.
pub fn parse(bytes: &[u8], dimensions: usize) -> Result<Idx, Fault> {
    if is_gzip(bytes) {
        let mut reader = gzip(bytes);
        let array = parse_from(&mut reader, dimensions, |reader, length| {
            inflate(reader, length, bytes.len(), "the gzip stream")
        })?;
        // Reading to the end also checks gzip's own checksum.
        match reader.read(&mut [0]).map_err(|e| broken("the gzip stream", &e))? {
            0 => Ok(array),
            _ => Err(too_long(&array)),
        }
    } else {
        let mut rest = bytes;
        let array = parse_from(&mut rest, dimensions, |rest, length| {
            let (values, tail) =
                usize::try_from(length).ok().and_then(|n| rest.split_at_checked(n)).ok_or_else(|| {
                    Fault::corrupt(format!(
                        "truncated: the header promises {length} values, {} are there",
                        rest.len()
                    ))
                })?;
            *rest = tail;
            Ok(values.to_vec())
        })?;
        if rest.is_empty() { Ok(array) } else { Err(too_long(&array)) }
    }
}

fn too_long(array: &Idx) -> Fault {
    Fault::corrupt(format!(
        "the file goes on after the {} values that its header promises",
        array.values.len()
    ))
}

fn parse_from<R: Read>(
    reader: &mut R,
    dimensions: usize,
    values: impl FnOnce(&mut R, u64) -> Result<Vec<u8>, Fault>,
) -> Result<Idx, Fault> {
    let header = |e: &std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Fault::corrupt("truncated: the IDX header ends early"),
        _ => broken("the gzip stream", e),
    };
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).map_err(|e| header(&e))?;
    if magic != [0, 0, 8, dimensions as u8] {
        let mut start = magic.to_vec();
        // Only to say what it is; what can't be read has no name.
        let _ = reader.take(508).read_to_end(&mut start);
        return Err(Fault::corrupt(format!(
            "not IDX {}: {}",
            if dimensions == 3 { "images" } else { "labels" },
            match sniff::kind(&start) {
                Some(kind) => format!("it is {kind}"),
                None => format!("it begins with {magic:?} instead of [0, 0, 8, {dimensions}]"),
            }
        )));
    }
    let mut sizes = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        let mut size = [0; 4];
        reader.read_exact(&mut size).map_err(|e| header(&e))?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    let length = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    let length = length
        .filter(|&n| n > 0)
        .ok_or_else(|| Fault::corrupt(format!("the header's sizes are {sizes:?}")))?;
    Ok(Idx { values: values(reader, length)?, sizes })
}

/// Grey images from an array of images and one of labels.
pub fn images(images: Idx, labels: Idx) -> Result<Images, Fault> {
    let [count, height, width] = images.sizes[..] else {
        return Err(Fault::corrupt(format!("images need 3 sizes, not {:?}", images.sizes)));
    };
    if labels.values.len() != count {
        return Err(Fault::corrupt(format!("{} labels do not fit {count} images", labels.values.len())));
    }
    Images::new((height, width, 1), images.values, labels.values)
}

/// The names under which one of the publisher's files lies: in gzip or plain, and with a point before `idx`, as some
/// programs unpack it.
pub(crate) fn names(publishers: &str) -> [String; 4] {
    let plain = publishers.trim_end_matches(".gz");
    let point = plain.replace("-idx", ".idx");
    [publishers.into(), plain.into(), format!("{point}.gz"), point]
}

/// The training and the test images of a folder with Fashion-MNIST's files, each in gzip or plain.
pub(crate) fn load(folder: &Path) -> Result<(Images, Images, Vec<FileRecord>)> {
    let mut records = Vec::new();
    let mut parts = Vec::new();
    for pair in FASHION_FILES.chunks_exact(2) {
        let mut arrays = Vec::new();
        for (name, dimensions) in pair.iter().zip([3, 1]) {
            let found = names(name).into_iter().find(|name| folder.join(name).exists());
            // The publisher's own name is the one that an error names.
            let name = found.unwrap_or_else(|| (*name).to_owned());
            let path = folder.join(&name);
            let bytes = source::read(&path)?;
            records.push(FileRecord::of(name, &bytes));
            arrays.push((parse(&bytes, dimensions).map_err(|fault| fault.at(&path))?, path));
        }
        let ((values, _), (labels, path)) = (arrays.remove(0), arrays.remove(0));
        let part = images(values, labels).and_then(|part| part.check_labels(10).map(|()| part));
        parts.push(part.map_err(|fault| fault.at(&path))?);
    }
    let (train, test) = (parts.remove(0), parts.remove(0));
    Ok((train, test, records))
}

/// Writes an array of unsigned bytes as IDX.
pub fn write(array: &Idx) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, array.sizes.len() as u8];
    for &size in &array.sizes {
        bytes.extend_from_slice(&(size as u32).to_be_bytes());
    }
    bytes.extend_from_slice(&array.values);
    bytes
}
