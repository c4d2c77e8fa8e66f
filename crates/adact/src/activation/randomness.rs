//! The random numbers of a module that is called without saying which training step it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use adact_kernels::Noise;
use adact_kernels::random::{Purpose, Stream};

/// How many modules without a seed this program has created.
static CREATED: AtomicU64 = AtomicU64::new(0);

/// A sequence of streams, one a call. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Randomness {
    seed: u64,
    calls: Arc<AtomicU64>,
}

impl Randomness {
    /// With a seed of its own, or with the number of the module.
    pub fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| CREATED.fetch_add(1, Ordering::Relaxed));
        Self { seed, calls: Arc::new(AtomicU64::new(0)) }
    }

    /// The randomness of the next call.
    pub fn next(&self) -> Noise {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Noise::Random(Stream::new(self.seed, Purpose::Rrelu, call))
    }
}
