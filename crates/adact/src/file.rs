//! Safetensors files: named tensors and one text of metadata, written beside and renamed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{Error, ErrorKind, Result};
use crate::pytorch;

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
    adact_common::write(path, &file).map_err(|e| Error::write(path, &e))
}

/// Reads all tensors as `f32`, and the metadata if the file is one of ours. PyTorch's counters are left out.
pub(crate) fn read(path: &Path) -> Result<(Entries, Option<String>)> {
    // A pipe or a device has no end that could be waited for.
    if !std::fs::metadata(path).map_err(|e| Error::read(path, &e))?.is_file() {
        let message = format!("{} is no file of weights: it is a folder, a pipe or a device", path.display());
        return Err(Error::new(ErrorKind::CorruptFile, message));
    }
    if pytorch::is_checkpoint(path).map_err(|e| Error::read(path, &e))? {
        return Ok((pytorch::read(path)?, None));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::read(path, &e))?;
    let corrupt = |what: String| {
        let what = other_format(&bytes).map_or(what, str::to_string);
        Error::new(
            ErrorKind::CorruptFile,
            format!("{} is not a whole safetensors file: {what}", path.display()),
        )
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| corrupt(e.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| corrupt(e.to_string()))?;
    let metadata = header.metadata().as_ref().and_then(|map| map.get(KEY)).cloned();
    let mut entries = Entries::new();
    // In order, so that of several faults the same one is told each time.
    let tensors: BTreeMap<_, _> = tensors.iter().filter(|(name, _)| !is_counter(name)).collect();
    for (name, view) in tensors {
        let values = values(view.dtype(), view.data()).map_err(|what| unfit(path, name, &what))?;
        entries.insert(name.to_string(), Entry { shape: view.shape().to_vec(), values });
    }
    Ok((entries, metadata))
}

/// What a file is that begins as another format of weights does.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let formats: [(&[u8], &str); 2] = [
        (b"\x80\x02", "it is a pickle, as torch.save writes; write it with safetensors.torch.save_file"),
        (b"\x89HDF", "it is an HDF5 file; write its weights with safetensors"),
    ];
    formats.into_iter().find_map(|(start, what)| bytes.starts_with(start).then_some(what))
}

/// Whether a tensor only counts: the batches that a `BatchNorm` has seen, the models in an `AveragedModel`.
pub(crate) fn is_counter(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("num_batches_tracked" | "n_averaged"))
}

/// A tensor whose values can't be used.
pub(crate) fn unfit(path: &Path, name: &str, what: &str) -> Error {
    Error::new(ErrorKind::ModelMismatch, format!("{}: tensor {name} {what}", path.display()))
}

/// The values of a tensor, narrower ones widened and wider ones rounded; or what is wrong with it.
pub(crate) fn values(dtype: Dtype, data: &[u8]) -> std::result::Result<Vec<f32>, String> {
    Ok(match dtype {
        Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::F64 => {
            let narrow = |b: &[u8; 8]| {
                let value = f64::from_le_bytes(*b);
                let fits = !value.is_finite() || (value as f32).is_finite();
                fits.then_some(value as f32).ok_or_else(|| format!("holds {value:e}, too large for float32"))
            };
            data.as_chunks().0.iter().map(narrow).collect::<std::result::Result<_, _>>()?
        }
        other => {
            return Err(format!(
                "is of type {other:?}: give weights of float32, float16, bfloat16 or float64"
            ));
        }
    })
}
