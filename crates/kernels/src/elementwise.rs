//! A function applied to every element of a slice, and its gradients: one pass over memory each.

use crate::check::length;
use crate::element::Element;
use crate::function::{Function, FunctionGrads, FunctionVisitor, Pointwise};
use crate::simd::{WIDTH, vectorised};
use rayon::prelude::*;

/// Elements a task. It fixes where partial sums end, so it must not depend on the number of threads.
const CHUNK: usize = 16 * 1024;

/// `y[i] = f(x[i])`, of `f32` or of half precision.
///
/// # Panics
/// If the lengths differ, or the function's shares are not one a candidate.
///
/// ```
/// use adact_kernels::{elementwise, Activation, Function};
/// let mut y = [0.0; 3];
/// elementwise::forward(&Function::single(&Activation::LeakyRelu), &[-1.0, 0.0, 2.0], &mut y);
/// assert_eq!(y, [-0.01, 0.0, 2.0]);
/// ```
pub fn forward<E: Element>(f: &Function<'_>, x: &[E], y: &mut [E]) {
    length("y", y.len(), x.len());
    struct Run<'a, E>(&'a [E], &'a mut [E]);
    impl<E: Element> FunctionVisitor for Run<'_, E> {
        type Output = ();
        fn visit<F: Pointwise>(self, f: F) {
            let chunks = self.1.par_chunks_mut(CHUNK).zip(self.0.par_chunks(CHUNK));
            chunks.enumerate().for_each(|(i, (y, x))| {
                E::map(x, y, |at, x, y| values(f, i * CHUNK + at, x, y));
            });
        }
    }
    f.visit(Run(x, y));
}

/// `dx[i] = dy[i] f'(x[i])`, and the gradients of the function's parameters, summed in a fixed order.
///
/// # Panics
/// As [`forward`].
pub fn backward<E: Element>(f: &Function<'_>, x: &[E], dy: &[E], dx: &mut [E]) -> FunctionGrads {
    length("dy", dy.len(), x.len());
    length("dx", dx.len(), x.len());
    struct Run<'a, E>(&'a [E], &'a [E], &'a mut [E]);
    impl<E: Element> FunctionVisitor for Run<'_, E> {
        type Output = Vec<f64>;
        fn visit<F: Pointwise>(self, f: F) -> Vec<f64> {
            let count = self.0.len().div_ceil(CHUNK);
            let mut partial = vec![0.0; count * F::SUMS];
            let chunks =
                self.2.par_chunks_mut(CHUNK).zip(self.0.par_chunks(CHUNK)).zip(self.1.par_chunks(CHUNK));
            let chunks = chunks.zip(partial.par_chunks_mut(F::SUMS)).enumerate();
            chunks.for_each(|(i, (((dx, x), dy), sums))| {
                E::map2(x, dy, dx, |at, x, dy, dx| gradients(f, i * CHUNK + at, x, dy, dx, sums));
            });
            let mut total = vec![0.0; F::SUMS];
            for sums in partial.chunks(F::SUMS) {
                total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
            }
            total
        }
    }
    f.gradients(&f.visit(Run(x, dy, dx)))
}

vectorised! {
    /// The values of a run of elements that begins at position `start` of the whole.
    pub(crate) fn values<V, F: Pointwise>(f: F, start: usize, x: &[f32], y: &mut [f32]) {
        length("y", y.len(), x.len());
        let p = *f.parameters();
        let mut i = 0;
        while i < x.len() {
            let n = WIDTH.min(x.len() - i);
            // SAFETY: i + n <= x.len() == y.len()
            unsafe {
                let noise = if F::NEEDS_NOISE {
                    let index = (start + i) as u64;
                    p.noise::<V>(V::counters(index as u32), (index >> 32) as u32)
                } else {
                    V::splat(0.0)
                };
                let v = V::load_partial(x.as_ptr().add(i), n);
                f.value(v, noise).store_partial(y.as_mut_ptr().add(i), n);
            }
            i += WIDTH;
        }
    }
}

vectorised! {
    /// The gradients of such a run; adds its sums to `out`.
    pub(crate) fn gradients<V, F: Pointwise>(f: F, start: usize, x: &[f32], dy: &[f32], dx: &mut [f32], out: &mut [f64]) {
        length("dy", dy.len(), x.len());
        length("dx", dx.len(), x.len());
        let p = *f.parameters();
        let mut sums = F::zeros::<V>();
        let mut i = 0;
        while i < x.len() {
            let n = WIDTH.min(x.len() - i);
            // SAFETY: i + n <= x.len() == dy.len() == dx.len(); lanes past the end have x = dy = 0 and add 0 to the sums
            unsafe {
                let noise = if F::NEEDS_NOISE {
                    let index = (start + i) as u64;
                    p.noise::<V>(V::counters(index as u32), (index >> 32) as u32)
                } else {
                    V::splat(0.0)
                };
                let v = V::load_partial(x.as_ptr().add(i), n);
                let g = V::load_partial(dy.as_ptr().add(i), n);
                f.gradient(v, noise, g, &mut sums).store_partial(dx.as_mut_ptr().add(i), n);
            }
            i += WIDTH;
        }
        for (out, sum) in out.iter_mut().zip(&sums.as_ref()[..f.sums()]) {
            *out += sum.sum();
        }
    }
}
