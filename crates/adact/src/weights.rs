//! A network's tensors by PyTorch's names, and their files.

use std::path::Path;

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

use crate::activation::ActivationLayer;
use crate::conv_net::{ConvNet, ConvNetConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Entries, Entry};
use crate::foreign::{self, Hints};
use crate::statistic::Statistic;
use crate::trainer;

/// A tensor of a network: a parameter of some rank or a running statistic.
enum Field<'a> {
    Vector(&'a mut Param<Tensor<1>>),
    Matrix(&'a mut Param<Tensor<2>>),
    Kernel(&'a mut Param<Tensor<4>>),
    Statistic(&'a mut Statistic),
}

impl ConvNet {
    /// Writes the network as a safetensors file: PyTorch's names and shapes, the configuration in the metadata.
    ///
    /// The names are `conv.0.weight`, `norm.0.running_mean`, `act.0.w`, `act.0.prelu.weight`, `fc.bias`, ...: in PyTorch
    /// `net.load_state_dict(safetensors.torch.load_file(path), strict=True)` takes them. The folder must exist; a file
    /// at `path` is replaced when the new one is complete.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), &self.entries(), self.config().to_json())
    }

    /// Reads a network that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If the file is missing, damaged, or its tensors are not those of its configuration; [`ErrorKind::Undetermined`]
    /// if it has no configuration and its tensors leave something open (see [`load_with`](Self::load_with)).
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::load_with(path, &Hints::default(), device)
    }

    /// Reads a network that [`save`](Self::save) or PyTorch wrote; what the file doesn't say, the hints do.
    ///
    /// The tensors may be of `float32`, `float16`, `bfloat16` or `float64` (rounded), and their names may have what
    /// PyTorch's wrappers put into them (`module.`, `_orig_mod.`). Counters (`num_batches_tracked`) are passed over.
    ///
    /// ```
    /// use adact::{ConvNet, ConvNetConfig, Hints};
    /// use burn::tensor::Device;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("net.safetensors");
    /// # ConvNetConfig::new(1, 28, 10).with_activation_text("mish")?.init(&Device::flex())?.save(&path)?;
    /// // In PyTorch: safetensors.torch.save_file(net.state_dict(), path)
    /// let hints = Hints::default().with_shape(1, 28).with_activation("mish");
    /// let net = ConvNet::load_with(&path, &hints, &Device::flex())?;
    /// # Ok::<(), adact::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`](Self::load), and if the hints contradict the file.
    pub fn load_with(path: impl AsRef<Path>, hints: &Hints, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let (entries, metadata) = read(path)?;
        let config = match metadata {
            Some(json) => {
                let config = ConvNetConfig::from_metadata(path, &json)?;
                hints.check(path, &config)?;
                config
            }
            None => foreign::infer(path, &entries, hints)?,
        };
        config.build(path, entries, device)
    }

    /// All tensors.
    pub(crate) fn entries(&self) -> Entries {
        // The handles are shared, not the values copied.
        let mut net = self.clone();
        net.fields().into_iter().map(|(name, field)| (name, field.entry())).collect()
    }

    /// The name and the identity of each parameter.
    pub(crate) fn parameter_names(&self) -> Vec<(String, ParamId)> {
        let mut net = self.clone();
        net.fields().into_iter().filter_map(|(name, field)| Some((name, field.id()?))).collect()
    }

    fn fields(&mut self) -> Vec<(String, Field<'_>)> {
        let mut fields = Vec::new();
        for (i, block) in self.blocks.iter_mut().enumerate() {
            let mut add = |name: &str, field| fields.push((name.replace('#', &i.to_string()), field));
            add("conv.#.weight", Field::Kernel(&mut block.conv.weight));
            if let Some(bias) = &mut block.conv.bias {
                add("conv.#.bias", Field::Vector(bias));
            }
            if let Some(norm) = &mut block.norm {
                add("norm.#.weight", Field::Vector(&mut norm.weight));
                add("norm.#.bias", Field::Vector(&mut norm.bias));
                add("norm.#.running_mean", Field::Statistic(&mut norm.running_mean));
                add("norm.#.running_var", Field::Statistic(&mut norm.running_var));
            }
            match &mut block.act {
                ActivationLayer::AdAct(adact) => {
                    add("act.#.w", Field::Vector(&mut adact.w));
                    if let Some(slope) = &mut adact.prelu {
                        add("act.#.prelu.weight", Field::Vector(slope));
                    }
                }
                ActivationLayer::Single(single) => {
                    if let Some(slope) = &mut single.prelu {
                        add("act.#.weight", Field::Vector(slope));
                    }
                }
            }
        }
        fields.push(("fc.weight".into(), Field::Matrix(&mut self.fc.weight)));
        fields.push(("fc.bias".into(), Field::Vector(&mut self.fc.bias)));
        fields
    }
}

impl ConvNetConfig {
    /// Creates the network of this configuration with the weights of a file: of [`ConvNet::save`], or of PyTorch's
    /// `safetensors.torch.save_file(net.state_dict(), ...)`, as [`ConvNet::load_with`] reads it.
    ///
    /// # Errors
    /// If the file is missing or damaged, or its tensors are not those of this network.
    pub fn load(&self, path: impl AsRef<Path>, device: &Device) -> Result<ConvNet> {
        let path = path.as_ref();
        self.build(path, read(path)?.0, device)
    }

    /// The network with the given tensors, all of them and no other.
    pub(crate) fn build(&self, path: &Path, mut entries: Entries, device: &Device) -> Result<ConvNet> {
        self.validate()?;
        let mismatch = |what: String| {
            let message = format!(
                "{} holds another network than {} of {}x{side}x{side}, {} classes: {what}",
                path.display(),
                self.activation_text(),
                self.channels,
                self.classes,
                side = self.side,
            );
            Error::new(ErrorKind::ModelMismatch, message)
        };
        // A damaged configuration must not ask for more memory than the file accounts for.
        let values: usize = entries.values().map(|entry| entry.values.len()).sum();
        if self.size().is_none_or(|size| size > values) {
            return Err(mismatch(format!("its tensors have {values} values, too few")));
        }
        let mut net = self.init(device)?;
        for (name, field) in net.fields() {
            let Some(entry) = entries.remove(&name) else {
                return Err(mismatch(foreign::missing(&name, &entries)));
            };
            let shape = field.shape();
            if entry.shape != shape {
                let other = || format!("tensor {name} is {:?}, not {shape:?}", entry.shape);
                return Err(mismatch(foreign::slopes(&name, &entry.shape).unwrap_or_else(other)));
            }
            field.set(entry);
        }
        match entries.keys().next() {
            Some(name) => Err(mismatch(format!("it has no tensor {name}"))),
            None => Ok(net),
        }
    }

    fn from_metadata(path: &Path, json: &str) -> Result<Self> {
        let corrupt = |what: String| Error::new(ErrorKind::CorruptFile, format!("{} {what}", path.display()));
        if trainer::is_state(json) {
            return Err(corrupt("is the state of a training, not the weights of a network".into()));
        }
        let damaged = |e: &dyn std::fmt::Display| corrupt(format!("has a damaged configuration: {e}"));
        let config: Self = serde_json::from_str(json).map_err(|e| damaged(&e))?;
        config.validate().map_err(|e| damaged(&e))?;
        Ok(config)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a configuration of numbers and names is valid JSON")
    }
}

/// The tensors of a file of weights by the names of this network, and the configuration if there is one.
fn read(path: &Path) -> Result<(Entries, Option<String>)> {
    let (entries, metadata) = file::read(path)?;
    Ok((foreign::unwrap_names(path, entries)?, metadata))
}

impl Field<'_> {
    fn shape(&self) -> Vec<usize> {
        match self {
            Self::Vector(p) => p.dims().to_vec(),
            Self::Matrix(p) => p.dims().to_vec(),
            Self::Kernel(p) => p.dims().to_vec(),
            Self::Statistic(s) => s.val().dims().to_vec(),
        }
    }

    /// The parameter's identity; a statistic has none that matters.
    fn id(&self) -> Option<ParamId> {
        match self {
            Self::Vector(p) => Some(p.id),
            Self::Matrix(p) => Some(p.id),
            Self::Kernel(p) => Some(p.id),
            Self::Statistic(_) => None,
        }
    }

    fn entry(&self) -> Entry {
        let data = match self {
            Self::Vector(p) => p.val().into_data(),
            Self::Matrix(p) => p.val().into_data(),
            Self::Kernel(p) => p.val().into_data(),
            Self::Statistic(s) => s.val().into_data(),
        };
        Entry { shape: self.shape(), values: data.iter::<f32>().collect() }
    }

    /// Puts other values in place, of the same shape.
    fn set(self, entry: Entry) {
        let data = TensorData::new(entry.values, entry.shape);
        match self {
            Self::Vector(p) => *p = with_data(p, data),
            Self::Matrix(p) => *p = with_data(p, data),
            Self::Kernel(p) => *p = with_data(p, data),
            Self::Statistic(s) => *s = Statistic::new(Tensor::from_data(data, &s.val().device())),
        }
    }
}

/// The parameter with other values.
fn with_data<const D: usize>(parameter: &Param<Tensor<D>>, data: TensorData) -> Param<Tensor<D>> {
    parameter
        .clone()
        .map(|old| Tensor::from_data(data, &old.device()).set_require_grad(old.is_require_grad()))
}
