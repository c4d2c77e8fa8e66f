//! One pass through a network.

use std::cell::{Cell, RefCell};

use adact_kernels::Noise;
use adact_kernels::random::{Purpose, Stream};
use burn::module::ParamId;
use burn::tensor::Tensor;

use crate::search::Draw;

/// One forward pass through a network: where the randomness of its activations comes from, and what is recorded of it.
///
/// Modules on an autodiff device train, others (see Burn's `Module::valid`) evaluate: the pass doesn't say which.
#[derive(Debug, Default)]
pub struct Pass {
    source: Source,
    /// How mixtures get their shares, where they don't make them themselves.
    draw: Option<Draw>,
    /// Places that were passed.
    places: Cell<u64>,
    /// What each place saw, where it is recorded.
    recorded: Option<RefCell<Recorded>>,
}

/// What places saw, by their identities.
type Recorded = Vec<(ParamId, Vec<f32>)>;

/// Where the slopes of RReLU come from, where it trains.
#[derive(Clone, Copy, Debug, Default)]
enum Source {
    /// Each module draws from a sequence of its own.
    #[default]
    Own,
    /// The stream of a training step.
    Step(Stream),
    /// There is no randomness.
    Mean,
}

/// Where the numbers of passes begin that are not a step's only one: above those of all places.
const LEVELS: u64 = 1 << 32;

impl Pass {
    /// A pass in which RReLU's slopes differ from call to call.
    pub fn new() -> Self {
        Self::default()
    }

    /// A pass in which RReLU's slopes are a function of the seed and the training step.
    pub fn of_step(seed: u64, step: u64) -> Self {
        Self { source: Source::Step(Stream::new(seed, Purpose::Rrelu, step)), ..Self::default() }
    }

    /// The same for one of several passes of a step.
    pub(crate) fn of_level(seed: u64, step: u64, level: u64) -> Self {
        match level {
            0 => Self::of_step(seed, step),
            _ => {
                let stream = Stream::new(seed, Purpose::Rrelu, step).child(LEVELS + level);
                Self { source: Source::Step(stream), ..Self::default() }
            }
        }
    }

    /// A pass in which RReLU has its mean slope, as in evaluation.
    pub fn of_means() -> Self {
        Self { source: Source::Mean, ..Self::default() }
    }

    /// A pass that records what each activation sees.
    pub(crate) fn recording() -> Self {
        Self { recorded: Some(RefCell::default()), ..Self::default() }
    }

    /// The pass of a search.
    pub(crate) fn searching(self, draw: Option<Draw>) -> Self {
        Self { draw, ..self }
    }

    /// What is random at the place that comes next; `own` is the module's own noise.
    pub(crate) fn next(&self, training: bool, own: impl FnOnce() -> Noise) -> (Noise, Option<Draw>) {
        let place = self.places.get();
        self.places.set(place + 1);
        let noise = match self.source {
            _ if !training => Noise::Mean,
            Source::Mean => Noise::Mean,
            Source::Step(stream) => Noise::Random(stream.child(place)),
            Source::Own => own(),
        };
        (noise, self.draw.filter(|_| training).map(|draw| draw.child(place)))
    }

    /// Whether it records.
    pub(crate) fn records(&self) -> bool {
        self.recorded.is_some()
    }

    /// Records what a place sees, if it records.
    pub(crate) fn record<const D: usize>(&self, place: ParamId, x: &Tensor<D>) {
        if let Some(recorded) = &self.recorded {
            recorded.borrow_mut().push((place, x.to_data().iter::<f32>().collect()));
        }
    }

    /// What was recorded, by the identities of the places.
    pub(crate) fn into_recorded(self) -> Recorded {
        self.recorded.map(RefCell::into_inner).unwrap_or_default()
    }
}
