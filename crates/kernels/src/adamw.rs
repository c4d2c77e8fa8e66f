//! AdamW (Loshchilov and Hutter 2019): one pass over parameter, gradient and both moments.

use crate::check::length;
use crate::simd::{WIDTH, vectorised};
use rayon::prelude::*;

/// The optimizer's constants. The defaults are PyTorch's, and the paper's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate. Default 1e-3.
    pub lr: f64,
    /// Decay of the first moment. Default 0.9.
    pub beta1: f64,
    /// Decay of the second moment. Default 0.999.
    pub beta2: f64,
    /// Added to the root of the second moment. Default 1e-8.
    pub eps: f64,
    /// Decoupled weight decay. Default 0.01.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

const CHUNK: usize = 16 * 1024;

impl AdamW {
    /// What the moments of step `t` (the first is 1) are divided by, because they start at 0: `1 - beta^t`.
    pub fn corrections(&self, t: u64) -> [f64; 2] {
        [self.beta1, self.beta2].map(|beta| 1.0 - libm::pow(beta, t as f64))
    }

    /// Step `t` (the first is 1): updates `param` and the moments `m` and `v` in place.
    ///
    /// # Panics
    /// If the lengths differ or `t` is 0.
    pub fn step(&self, t: u64, param: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32]) {
        assert!(t > 0, "the first step is 1");
        for (name, values) in [("grad", grad), ("m", m), ("v", v)] {
            length(name, values.len(), param.len());
        }
        let [first, second] = self.corrections(t);
        let factors = Factors {
            keep: (1.0 - self.lr * self.weight_decay) as f32,
            beta1: self.beta1 as f32,
            rest1: (1.0 - self.beta1) as f32,
            beta2: self.beta2 as f32,
            rest2: (1.0 - self.beta2) as f32,
            rate: (self.lr / first) as f32,
            root: (1.0 / second.sqrt()) as f32,
            eps: self.eps as f32,
        };
        param
            .par_chunks_mut(CHUNK)
            .zip(grad.par_chunks(CHUNK))
            .zip(m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK)))
            .for_each(|((param, grad), (m, v))| update(factors, param, grad, m, v));
    }
}

#[derive(Clone, Copy)]
struct Factors {
    keep: f32,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    rate: f32,
    root: f32,
    eps: f32,
}

vectorised! {
    fn update<V>(f: Factors, param: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32]) {
        for len in [grad.len(), m.len(), v.len()] {
            length("a slice", len, param.len());
        }
        let mut i = 0;
        while i < param.len() {
            let n = WIDTH.min(param.len() - i);
            // SAFETY: i + n is inside the slices
            unsafe {
                let g = V::load_partial(grad.as_ptr().add(i), n);
                let first = V::load_partial(m.as_ptr().add(i), n).mul_add(V::splat(f.beta1), g.mul(V::splat(f.rest1)));
                let second = V::load_partial(v.as_ptr().add(i), n).mul_add(V::splat(f.beta2), g.mul(g).mul(V::splat(f.rest2)));
                let root = second.sqrt().mul_add(V::splat(f.root), V::splat(f.eps));
                let p = V::load_partial(param.as_ptr().add(i), n).mul(V::splat(f.keep));
                let p = first.mul(V::splat(f.rate)).div(root).neg_mul_add(V::splat(1.0), p);
                first.store_partial(m.as_mut_ptr().add(i), n);
                second.store_partial(v.as_mut_ptr().add(i), n);
                p.store_partial(param.as_mut_ptr().add(i), n);
            }
            i += WIDTH;
        }
    }
}
