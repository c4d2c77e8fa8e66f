//! Stochastic gradient descent with momentum, as PyTorch does it: one pass over parameter, gradient and momentum.

use rayon::prelude::*;

use crate::check::length;
use crate::simd::{WIDTH, vectorised};

/// The optimizer's constants. The defaults are PyTorch's, the learning rate its default since 2.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate. Default 1e-3.
    pub lr: f64,
    /// What the momentum keeps of itself in a step; 0 for none. Default 0.
    pub momentum: f64,
    /// Whether the step looks ahead by the momentum (Sutskever et al. 2013). Default false.
    pub nesterov: bool,
    /// Times the parameter, added to its gradient. Default 0.
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 1e-3, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

/// Numbers of a task.
const CHUNK: usize = 16 * 1024;

impl Sgd {
    /// Step `t` (the first is 1): updates `param` and its momentum `buffer` in place. The first step's momentum is the gradient.
    ///
    /// # Panics
    /// If the lengths differ or `t` is 0.
    ///
    /// ```
    /// use adact_kernels::sgd::Sgd;
    /// let sgd = Sgd { lr: 0.5, momentum: 0.5, ..Sgd::default() };
    /// let (mut param, mut buffer) = ([1.0], [0.0]);
    /// sgd.step(1, &mut param, &[1.0], &mut buffer);
    /// sgd.step(2, &mut param, &[1.0], &mut buffer);
    /// assert_eq!((param, buffer), ([-0.25], [1.5]));
    /// ```
    pub fn step(&self, t: u64, param: &mut [f32], grad: &[f32], buffer: &mut [f32]) {
        assert!(t > 0, "the first step is 1");
        length("grad", grad.len(), param.len());
        length("buffer", buffer.len(), param.len());
        let factors = Factors {
            lr: self.lr as f32,
            momentum: self.momentum as f32,
            decay: self.weight_decay as f32,
            first: t == 1,
            nesterov: self.nesterov,
        };
        param
            .par_chunks_mut(CHUNK)
            .zip(grad.par_chunks(CHUNK))
            .zip(buffer.par_chunks_mut(CHUNK))
            .for_each(|((param, grad), buffer)| update(factors, param, grad, buffer));
    }
}

#[derive(Clone, Copy)]
struct Factors {
    lr: f32,
    momentum: f32,
    decay: f32,
    first: bool,
    nesterov: bool,
}

vectorised! {
    fn update<V>(f: Factors, param: &mut [f32], grad: &[f32], buffer: &mut [f32]) {
        for len in [grad.len(), buffer.len()] {
            length("a slice", len, param.len());
        }
        let (rate, momentum, decay) = (V::splat(f.lr), V::splat(f.momentum), V::splat(f.decay));
        let mut i = 0;
        while i < param.len() {
            let n = WIDTH.min(param.len() - i);
            // SAFETY: i + n is inside the slices
            unsafe {
                let p = V::load_partial(param.as_ptr().add(i), n);
                let g = p.mul_add(decay, V::load_partial(grad.as_ptr().add(i), n));
                // what lies in the buffer before the first step may be anything
                let kept = if f.first { g } else { V::load_partial(buffer.as_ptr().add(i), n).mul_add(momentum, g) };
                let step = if f.nesterov { kept.mul_add(momentum, g) } else { kept };
                kept.store_partial(buffer.as_mut_ptr().add(i), n);
                step.neg_mul_add(rate, p).store_partial(param.as_mut_ptr().add(i), n);
            }
            i += WIDTH;
        }
    }
}
