//! Training a network step by step.

mod state_file;
mod update;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use burn::module::ParamId;
use burn::tensor::{Device, Gradients};

use crate::activation::Inside;
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::{Evaluate, Evaluation, check_targets};
use crate::network::{Inputs, Network, NetworkConfig};
use crate::networks::ConvNet;
use crate::ops;
use crate::optim::Recipe;
use crate::pass::Pass;
use crate::places::Place;
use crate::search::{Draw, Moment, Which, leave, with_weights};
use crate::share::{share_those, shared};

pub use state_file::STATE_FILE;
use update::{InMixtures, Trained, Update, clip_factor};

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
    /// A network with its initial weights. Its mixtures get the gate of the recipe's search, where that needs another than the softmax.
    ///
    /// # Errors
    /// If the configuration or the recipe is not valid.
    pub fn new(config: &impl NetworkConfig<Network = N>, recipe: impl Into<Recipe>) -> Result<Self> {
        let recipe = recipe.into();
        let activations = recipe.search.activations(config.activations());
        Self::from_net(config.clone().with_activations(activations).init(&device())?, recipe)
    }

    /// A network as it is, for instance one that was loaded, on whichever device. It moves to Burn's Flex backend with
    /// autodiff; what was frozen stays so.
    ///
    /// # Errors
    /// If the recipe is not valid, its search begins with what is no candidate, or needs mixtures of another
    /// [`Gate`](crate::Gate).
    pub fn from_net(net: N, recipe: impl Into<Recipe>) -> Result<Self> {
        let recipe = recipe.into();
        recipe.validate()?;
        let net = net.train().fork(&device());
        for place in net.places() {
            if let Some(mixture) = &place.mixture {
                recipe.search.check(&place.path, mixture)?;
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
        let search = &self.recipe.search;
        // While a search has not begun, nothing of its mixtures moves, and nothing decays.
        let rest = search.frozen || search.moment(self.steps).warming.is_some();
        let trained = if rest { Trained::Rest } else { Trained::All };
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
        let optimizer = match self.recipe.search.moment(self.steps).warming {
            Some(_) => Duration::ZERO,
            None => self.update(grads, Trained::Mixtures),
        };
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
        let logits = ops::autocast(self.recipe.precision, || net.logits(inputs, &pass))?;
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
            inside: Inside::default(),
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
        let net = self.settled();
        ops::autocast(self.recipe.precision, || net.evaluate(inputs, targets))
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
