//! Training a network step by step.

mod state_file;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use adact_kernels::clip;
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor};

use crate::activation::RAW_WEIGHTS;
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::{Evaluate, Evaluation, check_targets};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::networks::ConvNet;
use crate::ops;
use crate::optim::{Decay, Recipe};
use crate::pass::Pass;
use crate::share::{share_those, shared};

pub use state_file::STATE_FILE;

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
}

/// Where trainings run.
fn device() -> Device {
    Device::flex().autodiff()
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
