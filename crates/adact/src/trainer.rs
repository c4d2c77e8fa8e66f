//! Training a [`ConvNet`] step by step.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor};
use serde::{Deserialize, Serialize};

use crate::conv_net::{ConvNet, ConvNetConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::Evaluation;
use crate::file::{self, Entries, Entry};
use crate::ops;
use crate::optim::AdamW;

/// The file of [`Trainer::save_state`] in its folder.
pub const STATE_FILE: &str = "state.safetensors";

/// A network in training: forward, loss, backward and AdamW on Burn's Flex backend.
///
/// Everything is a function of the initial weights, the seed and the batches: a run that was saved and loaded goes on
/// with the same bits.
///
/// ```
/// use adact::{AdamW, ConvNetConfig, Trainer};
/// let config = ConvNetConfig::new(1, 16, 2).with_widths(vec![8, 8]);
/// let mut trainer = Trainer::new(&config, AdamW::new())?;
/// // Two images of 16 x 16: a dark one of class 0 and a bright one of class 1.
/// let pixels: Vec<f32> = [-0.5; 256].into_iter().chain([0.5; 256]).collect();
/// let first = trainer.step(pixels.clone(), &[0, 1])?;
/// for _ in 0..20 {
///     trainer.step(pixels.clone(), &[0, 1])?;
/// }
/// let evaluation = trainer.evaluate(pixels, &[0, 1])?;
/// assert!(evaluation.loss_sum / 2.0 < first.loss);
/// # Ok::<(), adact::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    /// None only inside of [`step`](Self::step), while the optimizer owns it.
    net: Option<ConvNet>,
    optimizer: AdamW,
    moments: HashMap<ParamId, Moments>,
    steps: u64,
    device: Device,
}

/// The decaying means of a parameter's gradient and of its square.
#[derive(Debug)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// What a training step did.
#[derive(Clone, Copy, Debug)]
pub struct StepResult {
    /// The mean loss of the batch, before the step.
    pub loss: f64,
    /// How many images of the batch were right.
    pub correct: usize,
    /// Where the time went.
    pub times: StepTimes,
}

/// The parts of a training step.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepTimes {
    /// From the pixels to the loss.
    pub forward: Duration,
    /// From the loss to the gradients.
    pub backward: Duration,
    /// From the gradients to the new weights.
    pub optimizer: Duration,
}

/// What a state's file says beside its tensors.
#[derive(Serialize, Deserialize)]
struct Metadata {
    config: ConvNetConfig,
    optimizer: AdamW,
    steps: u64,
}

impl Trainer {
    /// A network with its initial weights.
    ///
    /// # Errors
    /// If the configuration or the optimizer is not valid.
    pub fn new(config: &ConvNetConfig, optimizer: AdamW) -> Result<Self> {
        Self::from_net(config.init(&Device::flex().autodiff())?, optimizer)
    }

    /// A network as it is, for instance one that was loaded, on whichever device. It moves to Burn's Flex backend with
    /// autodiff; what was frozen stays so.
    ///
    /// # Errors
    /// If the optimizer is not valid.
    pub fn from_net(net: ConvNet, optimizer: AdamW) -> Result<Self> {
        optimizer.validate()?;
        let device = Device::flex().autodiff();
        Ok(Self {
            net: Some(net.train().fork(&device)),
            optimizer,
            moments: HashMap::new(),
            steps: 0,
            device,
        })
    }

    /// The network.
    pub fn net(&self) -> &ConvNet {
        self.net.as_ref().expect("the network is back when a step ends")
    }

    /// The optimizer.
    pub fn optimizer(&self) -> &AdamW {
        &self.optimizer
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step on a batch: pixels (batch, side, side, channels), normalised, and the class of each image.
    ///
    /// RReLU's slopes are a function of the configuration's seed and the number of the step.
    ///
    /// # Errors
    /// If the sizes don't fit, a label is no class, or the loss is not finite. The weights are then as they were; after a
    /// loss that is not finite the running statistics are not, so go on from a saved state.
    pub fn step(&mut self, pixels: Vec<f32>, labels: &[i32]) -> Result<StepResult> {
        let start = Instant::now();
        let net = self.net();
        let images = net.images(pixels, &self.device)?;
        net.check_labels(&images, labels)?;
        let logits = net.forward_step(images, net.config().seed, self.steps);
        let (tensor, loss) = ops::cross_entropy_counted(logits, labels);
        let forward = start.elapsed();
        if !loss.mean.is_finite() {
            let message = format!("the loss became {} at step {}", loss.mean, self.steps + 1);
            return Err(Error::new(ErrorKind::Diverged, message));
        }

        let start = Instant::now();
        let mut grads = tensor.backward();
        drop(tensor);
        let backward = start.elapsed();

        let start = Instant::now();
        self.steps += 1;
        let mut update = Update {
            kernel: self.optimizer.kernel(self.optimizer.lr),
            step: self.steps,
            grads: &mut grads,
            moments: &mut self.moments,
        };
        self.net = self.net.take().map(|net| net.map(&mut update));
        let optimizer = start.elapsed();
        Ok(StepResult {
            loss: loss.mean,
            correct: loss.correct,
            times: StepTimes { forward, backward, optimizer },
        })
    }

    /// Evaluates a batch as [`step`](Self::step) takes it: batch norm by its running statistics, RReLU by its mean.
    ///
    /// # Errors
    /// If the sizes don't fit or a label is no class.
    pub fn evaluate(&self, pixels: Vec<f32>, labels: &[i32]) -> Result<Evaluation> {
        self.net().evaluate(pixels, labels)
    }

    /// Writes all that [`load_state`](Self::load_state) needs to go on with the same bits, as one file in a folder that
    /// exists.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_state(&self, folder: impl AsRef<Path>) -> Result<()> {
        let net = self.net();
        let mut entries = net.entries();
        for (name, id) in net.parameter_names() {
            if let Some(Moments { first, second }) = self.moments.get(&id) {
                let shape = entries[&name].shape.clone();
                let moments = [(FIRST, first), (SECOND, second)];
                entries.extend(moments.map(|(prefix, values)| {
                    (format!("{prefix}{name}"), Entry { shape: shape.clone(), values: values.clone() })
                }));
            }
        }
        let metadata =
            Metadata { config: net.config().clone(), optimizer: self.optimizer.clone(), steps: self.steps };
        let metadata = serde_json::to_string(&metadata).expect("numbers and names are valid JSON");
        file::write(&folder.as_ref().join(STATE_FILE), &entries, metadata)
    }

    /// Reads what [`save_state`](Self::save_state) wrote.
    ///
    /// # Errors
    /// If the file is missing, damaged or of something else.
    pub fn load_state(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref().join(STATE_FILE);
        let (mut entries, metadata) = file::read(&path)?;
        let corrupt = |what: &str| Error::new(ErrorKind::CorruptFile, format!("{} {what}", path.display()));
        let metadata: Option<Metadata> = metadata.and_then(|json| serde_json::from_str(&json).ok());
        let metadata = metadata.ok_or_else(|| corrupt("is not the state of a training"))?;
        let valid = metadata.config.validate().and_then(|()| metadata.optimizer.validate());
        valid.map_err(|e| corrupt(&format!("has a damaged configuration: {e}")))?;
        if metadata.steps > MAX_STEPS {
            return Err(corrupt(&format!("counts {} steps, more than any training has", metadata.steps)));
        }
        let mut first = take_prefixed(&mut entries, FIRST);
        let mut second = take_prefixed(&mut entries, SECOND);
        let shapes: HashMap<String, Vec<usize>> =
            entries.iter().map(|(name, entry)| (name.clone(), entry.shape.clone())).collect();
        let net = metadata.config.build(&path, entries, &Device::flex().autodiff())?;
        let mut trainer = Self::from_net(net, metadata.optimizer)?;
        trainer.steps = metadata.steps;
        for (name, id) in trainer.net().parameter_names() {
            let (first, second) = match (first.remove(&name), second.remove(&name)) {
                (None, None) if metadata.steps == 0 => continue,
                (Some(first), Some(second)) => (first, second),
                _ => return Err(corrupt(&format!("lacks a moment of {name}"))),
            };
            let shape = &shapes[&name];
            if let Some(other) = [&first.shape, &second.shape].into_iter().find(|other| *other != shape) {
                return Err(corrupt(&format!("has a moment of {name} that is {other:?}, not {shape:?}")));
            }
            trainer.moments.insert(id, Moments { first: first.values, second: second.values });
        }
        if let Some(name) = first.keys().chain(second.keys()).next() {
            return Err(corrupt(&format!("has a moment of {name}, which is no parameter")));
        }
        Ok(trainer)
    }
}

/// Whether a file's metadata are those of a state.
pub(crate) fn is_state(json: &str) -> bool {
    serde_json::from_str::<Metadata>(json).is_ok()
}

/// More steps than a training can have; what says so is damaged.
const MAX_STEPS: u64 = 1 << 53;

/// The prefixes of the moments' names in a state's file.
const FIRST: &str = "first_moment.";
const SECOND: &str = "second_moment.";

/// Removes the entries whose names begin with a prefix, and the prefix.
fn take_prefixed(entries: &mut Entries, prefix: &str) -> Entries {
    let mut taken = Entries::new();
    entries.retain(|name, entry| match name.strip_prefix(prefix) {
        Some(rest) => {
            let values = std::mem::take(&mut entry.values);
            taken.insert(rest.to_string(), Entry { shape: entry.shape.clone(), values });
            false
        }
        None => true,
    });
    taken
}

/// A step of AdamW on every parameter that has a gradient.
struct Update<'a> {
    kernel: adact_kernels::adamw::AdamW,
    step: u64,
    grads: &'a mut Gradients,
    moments: &'a mut HashMap<ParamId, Moments>,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // The only handle on the values from here on, so that they change in place.
        let (id, tensor, mapper) = param.consume();
        let grad = if tensor.is_require_grad() { tensor.grad_remove(self.grads) } else { None };
        let Some(grad) = grad else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let moments = self.moments.entry(id).or_insert_with(|| {
            let zeros = || vec![0.0; tensor.shape().num_elements()];
            Moments { first: zeros(), second: zeros() }
        });
        let Moments { first, second } = moments;
        let tensor = ops::adamw_in_place(&self.kernel, self.step, tensor.inner(), grad, first, second);
        Param::from_mapped_value(id, Tensor::from_inner(tensor).require_grad(), mapper)
    }
}
