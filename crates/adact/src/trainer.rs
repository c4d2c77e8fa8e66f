//! Training a network step by step.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use adact_kernels::clip;
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor};
use serde::{Deserialize, Serialize};

use crate::activation::RAW_WEIGHTS;
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::{Evaluate, Evaluation, check_targets};
use crate::file::{self, Entries, Entry};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::networks::ConvNet;
use crate::ops;
use crate::optim::{Decay, Recipe};
use crate::pass::Pass;
use crate::share::{share_those, shared};
use crate::state;
use crate::weights;

/// The file of [`Trainer::save_state`] in its folder.
pub const STATE_FILE: &str = "state.safetensors";

/// A network in training: forward, loss, backward and optimizer on Burn's Flex backend.
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
pub struct Trainer<N: Network = ConvNet> {
    /// None only inside of [`step`](Self::step), while the optimizer owns it.
    net: Option<N>,
    /// What several places of the network share.
    shared: HashSet<ParamId>,
    recipe: Recipe,
    /// What the optimizer remembers of each parameter.
    memory: HashMap<ParamId, Vec<Vec<f32>>>,
    steps: u64,
}

/// What a training step did.
#[derive(Clone, Copy, Debug)]
pub struct StepResult {
    /// The mean loss of the batch, before the step.
    pub loss: f64,
    /// How many rows of the batch (images, pixels or tokens) were right.
    pub correct: usize,
    /// Where the time went.
    pub times: StepTimes,
}

/// The parts of a training step.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepTimes {
    /// From the inputs to the loss.
    pub forward: Duration,
    /// From the loss to the gradients.
    pub backward: Duration,
    /// From the gradients to the new weights.
    pub optimizer: Duration,
}

/// What a state's file says beside its tensors.
#[derive(Serialize, Deserialize)]
struct Metadata {
    /// The network's configuration.
    config: serde_json::Value,
    #[serde(flatten)]
    recipe: Recipe,
    steps: u64,
}

impl<N: Network> Trainer<N> {
    /// A network with its initial weights.
    ///
    /// # Errors
    /// If the configuration or the recipe is not valid.
    pub fn new(config: &impl NetworkConfig<Network = N>, recipe: impl Into<Recipe>) -> Result<Self> {
        Self::from_net(config.init(&device())?, recipe)
    }

    /// A network as it is, for instance one that was loaded, on whichever device. It moves to Burn's Flex backend with
    /// autodiff; what was frozen stays so.
    ///
    /// # Errors
    /// If the recipe is not valid.
    pub fn from_net(net: N, recipe: impl Into<Recipe>) -> Result<Self> {
        let recipe = recipe.into();
        recipe.validate()?;
        let net = net.train().fork(&device());
        let shared = shared(&net);
        let net = Some(share_those(&shared, net));
        Ok(Self { net, shared, recipe, memory: HashMap::new(), steps: 0 })
    }

    /// The network.
    pub fn net(&self) -> &N {
        self.net.as_ref().expect("the network is back when a step ends")
    }

    /// How gradients become new weights.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step on a batch: the inputs, and the class of each image, pixel or token.
    ///
    /// RReLU's slopes are a function of the configuration's seed and the number of the step.
    ///
    /// # Errors
    /// If the sizes don't fit, a target is no class, or the loss is not finite. The weights are then as they were; after a
    /// loss that is not finite the running statistics are not, so go on from a saved state.
    pub fn step(&mut self, inputs: impl Into<Inputs>, targets: &[i32]) -> Result<StepResult> {
        let start = Instant::now();
        let net = self.net();
        let pass = Pass::of_step(net.config().seed(), self.steps);
        let logits = net.logits(inputs.into(), &pass)?;
        check_targets(&logits, targets)?;
        let (tensor, loss) = ops::cross_entropy_counted(logits, targets);
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
        let scale = self.recipe.clip_grad.map_or(1.0, |most| clip_factor(self.net(), &grads, most));
        let lr = self.recipe.lr(self.steps);
        self.steps += 1;
        let mut update = Update {
            recipe: &self.recipe,
            lr,
            scale,
            step: self.steps,
            grads: &mut grads,
            memory: &mut self.memory,
            in_weights: false,
        };
        self.net = self.net.take().map(|net| share_those(&self.shared, net.map(&mut update)));
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
    /// If the sizes don't fit or a target is no class.
    pub fn evaluate(&self, inputs: impl Into<Inputs>, targets: &[i32]) -> Result<Evaluation> {
        self.net().evaluate(inputs, targets)
    }

    /// Writes all that [`load_state`](Self::load_state) needs to go on with the same bits, as one file in a folder that
    /// exists.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_state(&self, folder: impl AsRef<Path>) -> Result<()> {
        let net = self.net();
        let mut entries = state::entries(net);
        for (name, id, _) in state::parameters(net) {
            let Some(memory) = self.memory.get(&id) else { continue };
            let shape = entries[&name].shape.clone();
            for (prefix, values) in self.recipe.optimizer.memories().iter().zip(memory) {
                let entry = Entry { shape: shape.clone(), values: values.clone() };
                entries.insert(format!("{prefix}.{name}"), entry);
            }
        }
        let config = serde_json::to_value(net.config()).expect("numbers and names are valid JSON");
        let metadata = Metadata { config, recipe: self.recipe.clone(), steps: self.steps };
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
        let config = metadata.as_ref().and_then(|m| serde_json::from_value(m.config.clone()).ok());
        let both: Option<(Metadata, N::Config)> = metadata.zip(config);
        let (metadata, config) = both.ok_or_else(|| corrupt("is not the state of a training"))?;
        let valid = config.validate().and_then(|()| metadata.recipe.validate());
        valid.map_err(|e| corrupt(&format!("has a damaged configuration: {e}")))?;
        if metadata.steps > MAX_STEPS {
            return Err(corrupt(&format!("counts {} steps, more than any training has", metadata.steps)));
        }
        let prefixes = metadata.recipe.optimizer.memories();
        let mut memories: Vec<Entries> =
            prefixes.iter().map(|prefix| take_prefixed(&mut entries, &format!("{prefix}."))).collect();
        let shapes: HashMap<String, Vec<usize>> =
            entries.iter().map(|(name, entry)| (name.clone(), entry.shape.clone())).collect();
        let net = weights::build(&config, &path, entries, &device())?;
        let mut trainer = Self::from_net(net, metadata.recipe)?;
        trainer.steps = metadata.steps;
        for (name, id, _) in state::parameters(trainer.net()) {
            let found: Vec<Option<Entry>> =
                memories.iter_mut().map(|entries| entries.remove(&name)).collect();
            if metadata.steps == 0 && found.iter().all(Option::is_none) {
                continue;
            }
            let found: Option<Vec<Entry>> = found.into_iter().collect();
            let found = found.ok_or_else(|| corrupt(&format!("lacks a moment of {name}")))?;
            let shape = &shapes[&name];
            if let Some(other) = found.iter().map(|entry| &entry.shape).find(|other| *other != shape) {
                return Err(corrupt(&format!("has a moment of {name} that is {other:?}, not {shape:?}")));
            }
            trainer.memory.insert(id, found.into_iter().map(|entry| entry.values).collect());
        }
        if let Some(name) = memories.iter().flat_map(|entries| entries.keys()).next() {
            return Err(corrupt(&format!("has a moment of {name}, which is no parameter")));
        }
        Ok(trainer)
    }
}

/// Where trainings run.
fn device() -> Device {
    Device::flex().autodiff()
}

/// Whether a file's metadata are those of a state.
pub(crate) fn is_state(json: &str) -> bool {
    serde_json::from_str::<Metadata>(json).is_ok()
}

/// More steps than a training can have; what says so is damaged.
const MAX_STEPS: u64 = 1 << 53;

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

/// The factor that brings the norm of all gradients together to `most`, where it is larger.
fn clip_factor<N: Network>(net: &N, grads: &Gradients, most: f64) -> f32 {
    struct Norm<'a> {
        grads: &'a Gradients,
        squares: f64,
    }
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = param.val().grad(self.grads) {
                self.squares += ops::sum_of_squares(grad);
            }
        }
    }
    let mut norm = Norm { grads, squares: 0.0 };
    net.visit(&mut norm);
    clip::coefficient(norm.squares.sqrt(), most)
}

/// A step of the optimizer on every parameter that has a gradient.
struct Update<'a> {
    recipe: &'a Recipe,
    lr: f64,
    /// What gradients are multiplied by.
    scale: f32,
    step: u64,
    grads: &'a mut Gradients,
    memory: &'a mut HashMap<ParamId, Vec<Vec<f32>>>,
    /// Whether the visit is inside of a mixture's weights.
    in_weights: bool,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, _: &str, container: &str) {
        self.in_weights |= container == RAW_WEIGHTS;
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.in_weights &= container != RAW_WEIGHTS;
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // The only handle on the values from here on, so that they change in place.
        let (id, tensor, mapper) = param.consume();
        let grad = if tensor.is_require_grad() { tensor.grad_remove(self.grads) } else { None };
        let Some(grad) = grad else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let optimizer = &self.recipe.optimizer;
        let memory = self.memory.entry(id).or_insert_with(|| {
            let zeros = || vec![0.0; tensor.shape().num_elements()];
            optimizer.memories().iter().map(|_| zeros()).collect()
        });
        let decays = self.recipe.decay == Decay::All || (D > 1 && !self.in_weights);
        let tensor = ops::in_place(tensor.inner(), grad, |param, grad| {
            if self.scale != 1.0 {
                clip::scale(grad, self.scale);
            }
            optimizer.step(self.step, self.lr, decays, param, grad, memory);
        });
        Param::from_mapped_value(id, Tensor::from_inner(tensor).require_grad(), mapper)
    }
}
