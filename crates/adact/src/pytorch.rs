//! Checkpoints that `torch.save` wrote: the tensors of a state dict. Nothing of a pickle is executed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::tensor::Dtype;

use crate::error::{Error, ErrorKind, Result};
use crate::file::{Entries, Entry, is_counter, unfit, values};

/// What checkpoints call the state dict of the model where it isn't all that they hold.
const MODELS: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "network"];

/// Whether a file is one that `torch.save` wrote: a ZIP archive, or, before PyTorch 1.6, pickles with a magic number.
pub(crate) fn is_checkpoint(path: &Path) -> std::io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(matches!(start.as_slice(), b"PK\x03\x04" | b"\x80\x02\x8a\x0a"))
}

/// The tensors of the model as `f32`, PyTorch's counters left out.
pub(crate) fn read(path: &Path) -> Result<Entries> {
    let corrupt = |what: String| {
        let message = format!("{} can't be read as a checkpoint of PyTorch: {what}", path.display());
        Error::new(ErrorKind::CorruptFile, message)
    };
    let tensors = PytorchReader::new(path).map_err(|e| corrupt(e.to_string()))?.into_tensors();
    let mut tensors: Vec<(String, Tensor)> = tensors.into_iter().collect();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let inside = |model: &str| {
        let prefix = format!("{model}.");
        tensors.iter().any(|(name, _)| name.starts_with(&prefix)).then_some(prefix)
    };
    if let Some(prefix) = MODELS.into_iter().find_map(inside) {
        let own = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor));
        tensors = tensors.into_iter().filter_map(own).collect();
    }
    if tensors.is_empty() {
        return Err(corrupt("it holds no tensors; write torch.save(model.state_dict(), path)".into()));
    }
    let mut entries = Entries::new();
    for (name, tensor) in tensors.into_iter().filter(|(name, _)| !is_counter(name)) {
        let bytes = tensor.read().map_err(|e| corrupt(e.to_string()))?;
        let values = values(named_alike(tensor.dtype()), &bytes).map_err(|what| unfit(path, &name, &what))?;
        entries.insert(name, Entry { shape: tensor.shape().to_vec(), values });
    }
    Ok(entries)
}

/// The same type, as safetensors names it; which of them can be used [`values`] knows.
fn named_alike(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
