//! Batch normalisation (Ioffe and Szegedy 2015): statistics, and the coefficients that the fused passes use.

use crate::check::length;
use crate::simd::{WIDTH, vectorised};

/// Mean and squared deviations of one channel over some pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub squares: f64,
    pub count: f64,
}

impl Moments {
    /// The moments of both parts together (Chan, Golub and LeVeque 1979): nothing cancels.
    pub fn join(self, o: Moments) -> Moments {
        let count = self.count + o.count;
        if count == 0.0 {
            return self;
        }
        let shift = o.mean - self.mean;
        Moments {
            mean: self.mean + shift * o.count / count,
            squares: self.squares + o.squares + shift * shift * self.count * o.count / count,
            count,
        }
    }
}

vectorised! {
    /// The moments of every channel of `y`, pixels x channels. Sums are shifted by the first pixel, so that a mean far from 0
    /// costs no digits.
    ///
    /// # Panics
    /// If there is no pixel.
    pub(crate) fn moments<V>(y: &[f32], channels: usize, out: &mut [Moments]) {
        let pixels = y.len() / channels;
        assert!(pixels > 0, "no pixel to take moments of");
        let mut c = 0;
        while c < channels {
            let n = WIDTH.min(channels - c);
            // SAFETY: c + n <= channels, and there are `pixels` of them
            unsafe {
                let p = y.as_ptr().add(c);
                let shift = V::load_partial(p, n);
                let mut sum = [V::splat(0.0); 4];
                let mut squares = [V::splat(0.0); 4];
                let mut i = 0;
                while i + 4 <= pixels {
                    for j in 0..4 {
                        let d = V::load_partial(p.add((i + j) * channels), n).sub(shift);
                        sum[j] = sum[j].add(d);
                        squares[j] = d.mul_add(d, squares[j]);
                    }
                    i += 4;
                }
                while i < pixels {
                    let d = V::load_partial(p.add(i * channels), n).sub(shift);
                    sum[0] = sum[0].add(d);
                    squares[0] = d.mul_add(d, squares[0]);
                    i += 1;
                }
                let sum = sum[0].add(sum[1]).add(sum[2].add(sum[3])).to_array();
                let squares = squares[0].add(squares[1]).add(squares[2].add(squares[3])).to_array();
                let shift = shift.to_array();
                for l in 0..n {
                    let (s, count) = (f64::from(sum[l]), pixels as f64);
                    out[c + l] = Moments {
                        mean: f64::from(shift[l]) + s / count,
                        squares: (f64::from(squares[l]) - s * s / count).max(0.0),
                        count,
                    };
                }
            }
            c += n;
        }
    }
}

/// A channel's `z = scale * y + shift`.
pub(crate) struct Affine {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

impl Affine {
    /// gamma (y - mean) / sqrt(var + eps) + beta.
    pub fn new(mean: &[f32], var: &[f32], gamma: &[f32], beta: &[f32], eps: f32) -> Self {
        let channels = mean.len();
        assert!([var.len(), gamma.len(), beta.len()] == [channels; 3], "one value a channel");
        let scale: Vec<f32> =
            var.iter().zip(gamma).map(|(&v, &g)| (f64::from(g) * inverse_deviation(v, eps)) as f32).collect();
        let shift = (0..channels)
            .map(|c| {
                let scale = f64::from(gamma[c]) * inverse_deviation(var[c], eps);
                (f64::from(beta[c]) - f64::from(mean[c]) * scale) as f32
            })
            .collect();
        Self { scale, shift }
    }

    /// Panics unless there is a scale and a shift for each of so many channels.
    pub fn check(&self, channels: usize) {
        length("scale", self.scale.len(), channels);
        length("shift", self.shift.len(), channels);
    }

    /// z = y.
    pub fn identity(channels: usize) -> Self {
        Self { scale: vec![1.0; channels], shift: vec![0.0; channels] }
    }
}

/// 1 / sqrt(var + eps).
pub(crate) fn inverse_deviation(var: f32, eps: f32) -> f64 {
    1.0 / (f64::from(var) + f64::from(eps)).sqrt()
}
