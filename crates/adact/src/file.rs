//! Safetensors files: named tensors and one text of metadata, written beside and renamed.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{Error, ErrorKind, Result};

/// The key of the metadata. There is only this one, so that the same contents are the same bytes.
const KEY: &str = "adact";

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Tensors by name.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// Writes tensors and metadata. What was at `path` is replaced when all is on the disk.
pub(crate) fn write(path: &Path, entries: &Entries, metadata: String) -> Result<()> {
    let bytes: Vec<(&String, Vec<u8>)> = entries
        .iter()
        .map(|(name, entry)| (name, entry.values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = bytes.iter().map(|(name, bytes)| {
        let view = TensorView::new(Dtype::F32, entries[*name].shape.clone(), bytes);
        view.map(|view| (*name, view))
    });
    let file = views
        .collect::<std::result::Result<Vec<_>, _>>()
        .and_then(|views| safetensors::serialize(views, Some(HashMap::from([(KEY.to_string(), metadata)]))))
        .map_err(|e| Error::new(ErrorKind::Write, format!("cannot write {}: {e}", path.display())))?;
    replace(path, &file).map_err(|e| Error::write(path, &e))
}

/// Writes a file beside its place and renames it.
fn replace(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().ok_or_else(|| std::io::Error::other("the path names no file"))?;
    let beside = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    });
    written.inspect_err(|_| {
        // The error to tell is the first one.
        let _ = std::fs::remove_file(&beside);
    })
}

/// Reads all tensors, and the metadata if the file is one of ours. Integer tensors are left out.
pub(crate) fn read(path: &Path) -> Result<(Entries, Option<String>)> {
    let bytes = std::fs::read(path).map_err(|e| Error::read(path, &e))?;
    let corrupt = |what: String| {
        Error::new(
            ErrorKind::CorruptFile,
            format!("{} is not a whole safetensors file: {what}", path.display()),
        )
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| corrupt(e.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| corrupt(e.to_string()))?;
    let metadata = header.metadata().as_ref().and_then(|map| map.get(KEY)).cloned();
    let mut entries = Entries::new();
    for (name, view) in tensors.iter() {
        let values = match view.dtype() {
            Dtype::F32 => view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F64 => view.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
            Dtype::I64 | Dtype::I32 => continue,
            other => return Err(corrupt(format!("tensor {name} is of type {other:?}, not f32 or f64"))),
        };
        entries.insert(name.to_string(), Entry { shape: view.shape().to_vec(), values });
    }
    Ok((entries, metadata))
}
