//! Counter-based random numbers: every draw is a pure function of (seed, purpose, step, index).
//!
//! Nothing is stored and nothing advances: backward passes draw the same numbers again, a resumed run
//! continues with the same numbers, and threads may draw in any order. The mixing function is the
//! 64-bit finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
//! generators").

/// What a stream of random numbers is for. Streams of different purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights of a network; the step is the index of the tensor.
    Init = 1,
    /// The order of the training images; the step is the epoch.
    Shuffle = 2,
    /// Splitting a data set in parts.
    Split = 3,
    /// RReLU's slopes; the step is the training step.
    Rrelu = 4,
    /// Random choices of activations.
    Choice = 5,
    /// Resampling in statistics.
    Resample = 6,
    /// Synthetic data, as benchmarks and tests use it.
    Synthetic = 7,
    /// Where in a text the windows of a batch begin; the step is the training step.
    Windows = 8,
    /// How images are moved before they are trained on; the step is the epoch.
    Augment = 9,
    /// What a search draws for its mixtures; the step is the training step.
    Search = 10,
}

/// A stream of random numbers, addressed by index.
///
/// ```
/// use adact_kernels::random::{Purpose, Stream};
/// let stream = Stream::new(0, Purpose::Shuffle, 3);
/// assert_eq!(stream.bits(5), Stream::new(0, Purpose::Shuffle, 3).bits(5));
/// let u = stream.uniform(7);
/// assert!((0.0..1.0).contains(&u));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream for a seed, a purpose and a step.
    pub fn new(seed: u64, purpose: Purpose, step: u64) -> Self {
        let key = mix(seed.wrapping_add(GOLDEN));
        let key = mix(key ^ (purpose as u64).wrapping_mul(GOLDEN));
        Self { key: mix(key.wrapping_add(step.wrapping_mul(GOLDEN))) }
    }

    /// The stream that a key identifies. Keys that another generator drew may not resemble each other.
    pub fn from_key(key: u64) -> Self {
        Self { key }
    }

    /// A stream of its own derived from this one, for instance one a layer.
    pub fn child(self, index: u64) -> Self {
        Self { key: mix(self.key ^ mix(index.wrapping_add(GOLDEN))) }
    }

    /// The 64 bits that identify the stream.
    pub fn key(self) -> u64 {
        self.key
    }

    /// 64 uniform random bits.
    pub fn bits(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// A uniform number in [0, 1), a multiple of 2^-53.
    pub fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A standard normal number (Box and Muller 1958; it uses the uniform numbers `2 index` and `2 index + 1`).
    pub fn normal(self, index: u64) -> f64 {
        let u = 1.0 - self.uniform(2 * index);
        let v = self.uniform(2 * index + 1);
        (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v)
    }

    /// A uniform integer in `0..n` (Lemire's multiply-shift; the bias is below n / 2^64).
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(self, index: u64, n: u64) -> u64 {
        assert!(n > 0, "below(0): no integer is below 0");
        ((self.bits(index) as u128 * n as u128) >> 64) as u64
    }

    /// A random permutation of `0..n` (Fisher and Yates).
    ///
    /// # Panics
    /// If `n` is above 2^32.
    pub fn permutation(self, n: usize) -> Vec<u32> {
        assert!(u64::try_from(n).is_ok_and(|n| n <= 1 << 32), "permutation({n}): its numbers have 32 bits");
        let mut order: Vec<u32> = (0..n).map(|i| i as u32).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i as u64, i as u64 + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let s = Stream::new(1, Purpose::Synthetic, 2);
        let n = 100_000;
        let (mut u, mut z, mut zz) = (0.0, 0.0, 0.0);
        for i in 0..n {
            u += s.uniform(i);
            let v = s.normal(i);
            z += v;
            zz += v * v;
        }
        let n = n as f64;
        assert!((u / n - 0.5).abs() < 5e-3);
        assert!((z / n).abs() < 1.5e-2);
        assert!((zz / n - 1.0).abs() < 2e-2);
    }

    #[test]
    fn permutations_hold_every_index_once_and_differ_by_step() {
        let a = Stream::new(7, Purpose::Shuffle, 0).permutation(1000);
        let b = Stream::new(7, Purpose::Shuffle, 1).permutation(1000);
        assert_ne!(a, b);
        let mut sorted = a.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(i, &v)| i as u32 == v));
    }

    #[test]
    fn purposes_seeds_and_children_differ() {
        let a = Stream::new(0, Purpose::Init, 0);
        assert_ne!(a.bits(0), Stream::new(0, Purpose::Rrelu, 0).bits(0));
        assert_ne!(a.bits(0), Stream::new(1, Purpose::Init, 0).bits(0));
        assert_ne!(a.child(0).bits(0), a.child(1).bits(0));
    }
}
