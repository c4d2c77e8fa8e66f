//! Reading files whole, with a limit and a record of what was read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::catalogue::{data_dir, entry};
use crate::error::{Error, Fault, Kind, Result};

/// A file that a data set was read from, as a run's manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// The file's name inside the data set's folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes, as 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl FileRecord {
    pub(crate) fn of(name: impl Into<String>, bytes: &[u8]) -> Self {
        Self { name: name.into(), bytes: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The file or folder that `PATH` or `folder:PATH` names: as it stands, or else inside the data folder. What is neither
/// and looks like a name gets the error of an unknown name.
pub(crate) fn locate(name_or_path: &str, dir: Option<&Path>) -> Result<PathBuf> {
    let path = Path::new(name_or_path.strip_prefix("folder:").unwrap_or(name_or_path));
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    let inside = data_dir(dir).map(|dir| dir.join(path)).ok().filter(|inside| inside.exists());
    inside.ok_or_else(|| {
        if !name_or_path.contains(['/', '\\', '.', ':'])
            && let Err(unknown) = entry(name_or_path)
        {
            return unknown;
        }
        Error::new(Kind::Missing, format!("{}: no such file or folder", path.display()))
    })
}

/// The largest file that is read: well above every publisher's (FER2013 has 301 MB), and below what would exhaust
/// a small computer's memory.
const MAX_FILE: u64 = 1 << 30;

/// Reads a file whole. Empty files, folders and absurdly large files are errors.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    // Looked at before it is opened, which waits where it is a pipe.
    let meta = std::fs::metadata(path).map_err(|e| Error::io(path, "open it", &e))?;
    if !meta.is_file() {
        let what = if meta.is_dir() { "folder" } else { "pipe or a device" };
        return Err(Error::new(Kind::Unsupported, format!("{}: is a {what}, not a file", path.display())));
    }
    let file = File::open(path).map_err(|e| Error::io(path, "open it", &e))?;
    if meta.len() > MAX_FILE {
        return Err(
            Fault::corrupt(format!("{} bytes are more than any data set's file has", meta.len())).at(path)
        );
    }
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    // A file that grows meanwhile, or a device without a length, must not fill the memory either.
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read it", &e))?;
    if bytes.is_empty() {
        return Err(Fault::corrupt("the file is empty").at(path));
    }
    Ok(bytes)
}

/// Deflate cannot shrink data more than this many times, so a header that promises more is lying.
const MAX_INFLATION: u64 = 1032;

/// Whether memory may be reserved for the `length` bytes that a header promises, given the size of the file or of the
/// compressed data that they come from.
pub(crate) fn check_promise(length: u64, compressed: usize, what: &str) -> Result<(), Fault> {
    if length > (compressed as u64).saturating_mul(MAX_INFLATION) {
        return Err(Fault::corrupt(format!(
            "{what} claims {length} bytes, more than {compressed} compressed bytes can hold"
        )));
    }
    if length > MAX_FILE {
        return Err(Fault::corrupt(format!(
            "{what} claims {length} bytes, more than any data set's file has"
        )));
    }
    Ok(())
}

/// Whether bytes begin as gzip does.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Reads exactly `length` bytes (as a header promises) of a decompressor that is fed from `compressed` bytes.
pub(crate) fn inflate(
    reader: &mut impl Read,
    length: u64,
    compressed: usize,
    what: &str,
) -> Result<Vec<u8>, Fault> {
    check_promise(length, compressed, what)?;
    let mut bytes = Vec::with_capacity(length as usize);
    reader.take(length).read_to_end(&mut bytes).map_err(|e| broken(what, &e))?;
    if (bytes.len() as u64) < length {
        return Err(Fault::corrupt(format!("truncated: {what} has {} of {length} bytes", bytes.len())));
    }
    Ok(bytes)
}

/// A decompressor for gzip of one or several members.
pub(crate) fn gzip(bytes: &[u8]) -> MultiGzDecoder<&[u8]> {
    MultiGzDecoder::new(bytes)
}

/// The fault for compressed data that does not decompress.
pub(crate) fn broken(what: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Fault::corrupt(format!("truncated: the compressed data of {what} ends early"))
        }
        _ => Fault::corrupt(format!("the compressed data of {what} is broken ({error})")),
    }
}
