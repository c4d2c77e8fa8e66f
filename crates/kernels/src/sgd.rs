//! Stochastic gradient descent with momentum and L2 decay, as PyTorch's `SGD`: one pass over parameter, gradient and buffer.

use crate::check::length;
use crate::simd::{WIDTH, vectorised};
use rayon::prelude::*;

const CHUNK: usize = 16 * 1024;

/// A step, in place: d = grad + weight_decay param; buffer = momentum buffer + d; param -= lr buffer. In the `first` step, and
/// without momentum, the buffer is d, whatever it was before.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// let (mut param, mut buffer) = ([1.0], [0.0]);
/// adact_kernels::sgd::step(0.5, 0.5, 0.0, true, &mut param, &[1.0], &mut buffer);
/// assert_eq!((param, buffer), ([0.5], [1.0]));
/// adact_kernels::sgd::step(0.5, 0.5, 0.0, false, &mut param, &[1.0], &mut buffer);
/// assert_eq!((param, buffer), ([-0.25], [1.5]));
/// ```
pub fn step(
    lr: f64,
    momentum: f64,
    weight_decay: f64,
    first: bool,
    param: &mut [f32],
    grad: &[f32],
    buffer: &mut [f32],
) {
    length("grad", grad.len(), param.len());
    length("buffer", buffer.len(), param.len());
    let momentum = (!first && momentum != 0.0).then_some(momentum as f32);
    let chunks = param.par_chunks_mut(CHUNK).zip(grad.par_chunks(CHUNK)).zip(buffer.par_chunks_mut(CHUNK));
    chunks.for_each(|((param, grad), buffer)| {
        update(lr as f32, momentum, weight_decay as f32, param, grad, buffer);
    });
}

vectorised! {
    fn update<V>(lr: f32, momentum: Option<f32>, weight_decay: f32, param: &mut [f32], grad: &[f32], buffer: &mut [f32]) {
        for len in [grad.len(), buffer.len()] {
            length("a slice", len, param.len());
        }
        let mut i = 0;
        while i < param.len() {
            let n = WIDTH.min(param.len() - i);
            // SAFETY: i + n is inside the slices
            unsafe {
                let p = V::load_partial(param.as_ptr().add(i), n);
                let mut d = p.mul_add(V::splat(weight_decay), V::load_partial(grad.as_ptr().add(i), n));
                if let Some(momentum) = momentum {
                    d = V::load_partial(buffer.as_ptr().add(i), n).mul_add(V::splat(momentum), d);
                }
                d.store_partial(buffer.as_mut_ptr().add(i), n);
                d.neg_mul_add(V::splat(lr), p).store_partial(param.as_mut_ptr().add(i), n);
            }
            i += WIDTH;
        }
    }
}
