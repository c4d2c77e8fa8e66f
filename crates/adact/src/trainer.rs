//! Training a network step by step.

mod state_file;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use adact_kernels::clip;
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor};

use crate::activation::{MIXTURE, RAW_WEIGHTS};
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::{Evaluate, Evaluation, check_targets};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::networks::ConvNet;
use crate::ops;
use crate::optim::{Decay, Optimizer, Recipe};
use crate::pass::Pass;
use crate::places::Place;
use crate::search::{Draw, LEFT, Moment, Warm, Which, has_left, leave, with_weights};
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
    /// If the recipe is not valid, or its search begins with what is no candidate.
    pub fn from_net(net: N, recipe: impl Into<Recipe>) -> Result<Self> {
        let recipe = recipe.into();
        recipe.validate()?;
        let net = net.train().fork(&device());
        if let Some(Warm { activation, .. }) = recipe.search.warm {
            let lacks = |place: &Place| {
                place.mixture.as_ref().is_some_and(|mixture| !mixture.candidates.contains(&activation))
            };
            if let Some(place) = net.places().into_iter().find(lacks) {
                let message = format!(
                    "the search can't begin with {activation}: {activation} is no candidate of {}",
                    place.path
                );
                return Err(Error::config(message));
            }
        }
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
        let (mut found, grads) = self.gradients(inputs.into(), targets, 0)?;
        let trained = if self.recipe.search.frozen { Trained::Rest } else { Trained::All };
        found.times.optimizer = self.update(grads, trained);
        self.advance();
        Ok(found)
    }

    /// A step on two levels: the weights and slopes of mixtures learn from `held_out`, all other parameters then from `batch`, each the
    /// inputs and their classes. What is told is of the latter (Liu et al. 2019, "DARTS", first order).
    ///
    /// # Errors
    /// As [`step`](Self::step); the mixtures may have moved already.
    pub fn step_bilevel(
        &mut self,
        batch: (Inputs, &[i32]),
        held_out: (Inputs, &[i32]),
    ) -> Result<StepResult> {
        let (search, grads) = self.gradients(held_out.0, held_out.1, 1)?;
        let optimizer = self.update(grads, Trained::Mixtures);
        let (mut found, grads) = self.gradients(batch.0, batch.1, 0)?;
        found.times.optimizer = optimizer + self.update(grads, Trained::Rest);
        found.times.forward += search.times.forward;
        found.times.backward += search.times.backward;
        self.advance();
        Ok(found)
    }

    /// The loss of a batch, and its gradients; `level` tells the passes of one step apart.
    fn gradients(&self, inputs: Inputs, targets: &[i32], level: u64) -> Result<(StepResult, Gradients)> {
        let start = Instant::now();
        let net = self.net();
        let (search, seed) = (&self.recipe.search, net.config().seed());
        let draw = Draw::of_step(search, seed, self.steps);
        let pass = Pass::of_level(seed, self.steps, level).searching(draw.map(|draw| draw.of_level(level)));
        let logits = net.logits(inputs, &pass)?;
        check_targets(&logits, targets)?;
        let (tensor, loss) = ops::cross_entropy_counted(logits, targets);
        let forward = start.elapsed();
        if !loss.mean.is_finite() {
            let message = format!("the loss became {} at step {}", loss.mean, self.steps + 1);
            return Err(Error::new(ErrorKind::Diverged, message));
        }
        let start = Instant::now();
        let grads = tensor.backward();
        let times = StepTimes { forward, backward: start.elapsed(), optimizer: Duration::ZERO };
        Ok((StepResult { loss: loss.mean, correct: loss.correct, times }, grads))
    }

    /// Changes parameters by their gradients; says how long it took.
    fn update(&mut self, mut grads: Gradients, trained: Trained) -> Duration {
        let start = Instant::now();
        let clip = |most| clip_factor(self.net(), &grads, most, trained);
        let scale = self.recipe.clip_grad.map_or(1.0, clip);
        let mut update = Update {
            recipe: &self.recipe,
            lr: self.recipe.lr(self.steps),
            scale,
            step: self.steps + 1,
            grads: &mut grads,
            memory: &mut self.memory,
            trained,
            in_mixtures: InMixtures {
                optimizer: self.recipe.search_optimizer(),
                lr: self.recipe.search_lr(self.steps),
                moment: self.recipe.search.moment(self.steps),
            },
            in_mixture: false,
            in_weights: false,
        };
        self.net = self.net.take().map(|net| share_those(&self.shared, net.map(&mut update)));
        start.elapsed()
    }

    /// A step is done: candidates whose time has come leave.
    fn advance(&mut self) {
        self.steps += 1;
        if self.recipe.search.shrink {
            let progress = self.recipe.search.progress(self.steps);
            self.net = self.net.take().map(|net| share_those(&self.shared, leave(net, progress)));
        }
    }

    /// Evaluates a batch as [`step`](Self::step) takes it: batch norm by its running statistics, RReLU by its mean.
    ///
    /// # Errors
    /// If the sizes don't fit or a target is no class.
    pub fn evaluate(&self, inputs: impl Into<Inputs>, targets: &[i32]) -> Result<Evaluation> {
        self.settled().evaluate(inputs, targets)
    }

    /// The network that the training stands for by now: the one to evaluate and to keep, which draws nothing. In a
    /// [`Search`](crate::Search) the shares of its mixtures are those that the way to mix means; the network itself else.
    pub fn settled(&self) -> N {
        with_weights(self.net().clone(), self.last_moment(), Which::Settled)
    }

    /// The places of the network, with how likely a [`Search`](crate::Search) holds each candidate of a mixture by now.
    pub fn places(&self) -> Vec<Place> {
        with_weights(self.net().clone(), self.last_moment(), Which::Likely).places()
    }

    /// Where the search was in the last step.
    fn last_moment(&self) -> Moment {
        self.recipe.search.moment(self.steps.saturating_sub(1))
    }
}

/// Where trainings run.
fn device() -> Device {
    Device::flex().autodiff()
}

/// The factor that brings the norm of all gradients together to `most`, where it is larger: of those that are trained.
fn clip_factor<N: Network>(net: &N, grads: &Gradients, most: f64, trained: Trained) -> f32 {
    struct Norm<'a> {
        grads: &'a Gradients,
        squares: f64,
        trained: Trained,
        in_mixture: bool,
    }
    impl ModuleVisitor for Norm<'_> {
        fn enter_module(&mut self, _: &str, container: &str) {
            self.in_mixture |= container == MIXTURE;
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.in_mixture &= container != MIXTURE;
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !self.trained.includes(self.in_mixture) {
                return;
            }
            if let Some(grad) = param.val().grad(self.grads) {
                self.squares += ops::sum_of_squares(grad);
            }
        }
    }
    let mut norm = Norm { grads, squares: 0.0, trained, in_mixture: false };
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
    /// Which parameters change.
    trained: Trained,
    in_mixtures: InMixtures,
    /// Whether the visit is inside of a mixture.
    in_mixture: bool,
    /// Whether it is inside of its weights.
    in_weights: bool,
}

/// Which parameters a step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trained {
    All,
    /// The weights and slopes of mixtures.
    Mixtures,
    /// All others.
    Rest,
}

impl Trained {
    /// Whether a parameter changes that is inside of a mixture or not.
    fn includes(self, in_mixture: bool) -> bool {
        match self {
            Self::All => true,
            Self::Mixtures => in_mixture,
            Self::Rest => !in_mixture,
        }
    }
}

/// How the weights and slopes of mixtures are trained in a step.
struct InMixtures {
    optimizer: Optimizer,
    lr: f64,
    moment: Moment,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, _: &str, container: &str) {
        self.in_mixture |= container == MIXTURE;
        self.in_weights |= container == RAW_WEIGHTS;
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.in_mixture &= container != MIXTURE;
        self.in_weights &= container != RAW_WEIGHTS;
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.trained.includes(self.in_mixture) {
            return param;
        }
        // The only handle on the values from here on, so that they change in place.
        let (id, tensor, mapper) = param.consume();
        let grad = if tensor.is_require_grad() { tensor.grad_remove(self.grads) } else { None };
        let Some(grad) = grad else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let (optimizer, lr) = match self.in_mixture {
            true => (&self.in_mixtures.optimizer, self.in_mixtures.lr),
            false => (&self.recipe.optimizer, self.lr),
        };
        let moment = self.in_mixtures.moment;
        let memory = self.memory.entry(id).or_insert_with(|| {
            let zeros = || vec![0.0; tensor.shape().num_elements()];
            optimizer.memories().iter().map(|_| zeros()).collect()
        });
        let candidates = tensor.dims()[D - 1];
        let decays = self.recipe.decay == Decay::All || (D > 1 && !self.in_weights);
        let tensor = ops::in_place(tensor.inner(), grad, |param, grad| {
            if self.scale != 1.0 {
                clip::scale(grad, self.scale);
            }
            if !self.in_weights {
                return optimizer.step(self.step, lr, decays, param, grad, memory);
            }
            if moment.penalty > 0.0 {
                add_penalty(&moment, candidates, param, grad);
            }
            let left: Vec<bool> = param.iter().map(|&w| has_left(w)).collect();
            optimizer.step(self.step, lr, decays, param, grad, memory);
            // What has left stays away, whatever the optimizer remembers of it.
            param.iter_mut().zip(left).filter(|(_, left)| *left).for_each(|(w, _)| *w = LEFT);
        });
        Param::from_mapped_value(id, Tensor::from_inner(tensor).require_grad(), mapper)
    }
}

/// Adds the gradient of the penalty on the entropy of a place's shares, the mean over the channels that have their own.
fn add_penalty(moment: &Moment, candidates: usize, w: &[f32], grad: &mut [f32]) {
    let rows = (w.len() / candidates.max(1)) as f64;
    for (w, grad) in w.chunks(candidates.max(1)).zip(grad.chunks_mut(candidates.max(1))) {
        let own = moment.penalty_gradient(w);
        grad.iter_mut().zip(own).for_each(|(grad, own)| *grad += (own / rows) as f32);
    }
}
