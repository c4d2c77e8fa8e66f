//! Two-dimensional convolution, channels last, and its gradients.
//!
//! Inputs and outputs are N x H x W x C; weights keep PyTorch's order, out x in x kernel x kernel. Two algorithms share one
//! matrix product: the direct one for every shape, and Winograd's for kernels of three with stride one, which needs a
//! quarter of the multiplications. Both work image by image on what fits the cache, so that a caller can make the
//! outputs' gradients on the fly.

mod direct;
mod winograd;

use crate::check::length;
use crate::simd::WIDTH;
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;

/// The shape of a convolution. Kernels are square. Only the padding can be 0, and the padded input must be as large as the
/// kernel at least: functions panic otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Images.
    pub batch: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
}

impl ConvSpec {
    /// A convolution with a 3 x 3 kernel, stride 1 and padding 1: outputs are as large as inputs.
    pub fn same3x3(batch: usize, side: (usize, usize), in_channels: usize, out_channels: usize) -> Self {
        let (height, width) = side;
        Self { batch, height, width, in_channels, out_channels, kernel: 3, stride: 1, padding: 1 }
    }

    /// Rows of an output image.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Columns of an output image.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Numbers of an input image.
    pub fn in_image(&self) -> usize {
        self.height * self.width * self.in_channels
    }

    /// Numbers of an output image.
    pub fn out_image(&self) -> usize {
        self.out_height() * self.out_width() * self.out_channels
    }

    /// Numbers of the weights.
    pub fn weights(&self) -> usize {
        self.out_channels * self.in_channels * self.kernel * self.kernel
    }

    /// Multiplications and additions of one pass by the definition, what GFLOP/s are counted from.
    pub fn flops(&self) -> f64 {
        2.0 * (self.batch * self.out_height() * self.out_width()) as f64 * self.weights() as f64
    }

    /// Panics unless the passes can compute this convolution.
    pub(crate) fn check(&self) {
        let Self { batch, height, width, in_channels, out_channels, kernel, stride, padding } = *self;
        let parts = [batch, height, width, in_channels, out_channels, kernel, stride];
        assert!(!parts.contains(&0), "only the padding of a convolution can be 0: {self:?}");
        let padded = |side: usize| padding.saturating_mul(2).saturating_add(side);
        assert!(
            padded(height).min(padded(width)) >= kernel,
            "the padded input is smaller than the kernel: {self:?}"
        );
        // the scratch memory is at most 64 times as large as the padded images or the weights
        let can_be_counted =
            |sizes: &[usize]| sizes.iter().try_fold(64usize, |p, &s| p.checked_mul(s)).is_some();
        let sides = [height, width].map(|side| padded(side).saturating_add(kernel));
        assert!(
            can_be_counted(&[batch, sides[0], sides[1], in_channels.max(out_channels)])
                && can_be_counted(&[out_channels, in_channels, kernel, kernel]),
            "a convolution is too large: {self:?}"
        );
    }

    /// As [`ConvSpec::check`], of the input and the weights too.
    fn check_lengths(&self, x: &[f32], weight: &[f32]) {
        self.check();
        length("x", x.len(), self.batch * self.in_image());
        length("weight", weight.len(), self.weights());
    }

    fn uses_winograd(&self) -> bool {
        let shape = self.kernel == 3 && self.stride == 1 && self.padding == 1;
        let channels = self.in_channels.is_multiple_of(WIDTH) && self.out_channels.is_multiple_of(WIDTH);
        shape && channels && winograd::pays(self)
    }
}

/// Where a backward pass gets the gradient of the convolution's output from, one image at a time.
pub(crate) trait GradSource: Sync {
    /// Writes the gradient of image `image`, `out_image()` numbers.
    fn fill(&self, image: usize, dy: &mut [f32]);
}

/// Weights in the form that a forward pass by images wants.
pub(crate) struct Prepared {
    spec: ConvSpec,
    weights: Buffer,
    winograd: bool,
}

impl Prepared {
    pub fn new(ws: &Workspace, spec: &ConvSpec, weight: &[f32]) -> Self {
        let winograd = spec.uses_winograd();
        let weights = if winograd {
            winograd::forward::weights(ws, spec, weight)
        } else {
            direct::pack(ws, spec, weight)
        };
        Self { spec: *spec, weights, winograd }
    }

    /// Images that [`Prepared::run`] should be given at once, whatever the number of threads.
    pub fn group(&self) -> usize {
        if self.winograd { winograd::forward::group(&self.spec) } else { 1 }
    }

    /// The convolution of some images of the batch.
    pub fn run(&self, ws: &Workspace, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let images = x.len() / self.spec.in_image();
        length("x", x.len(), images * self.spec.in_image());
        length("y", y.len(), images * self.spec.out_image());
        if self.winograd {
            winograd::forward::by_images(ws, &self.spec, &self.weights, x, bias, y);
        } else {
            direct::forward(ws, &self.spec, &self.weights, x, bias, y);
        }
    }
}

/// y = x * weight + bias. `y` is N x H' x W' x out.
///
/// # Panics
/// If the shape is none (see [`ConvSpec`]) or a length doesn't fit it.
pub fn forward(ws: &Workspace, spec: &ConvSpec, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Buffer {
    spec.check_lengths(x, weight);
    let mut y = ws.take(spec.batch * spec.out_image());
    let mut nothing: Vec<()> = vec![(); spec.batch];
    forward_into(ws, spec, x, weight, bias, &mut y, &mut nothing, &|_, _| {});
    y
}

/// The convolution into `y`; calls `each` with every image of it, early, while it is in the cache, and with the image's
/// part of `notes` (as many notes for every image).
pub(crate) fn forward_into<T: Send>(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
    notes: &mut [T],
    each: &(impl Fn(&[f32], &mut [T]) + Sync),
) {
    spec.check_lengths(x, weight);
    length("y", y.len(), spec.batch * spec.out_image());
    if let Some(bias) = bias {
        length("bias", bias.len(), spec.out_channels);
    }
    let (one, notes_each) = (spec.out_image(), notes.len() / spec.batch);
    if spec.uses_winograd() && winograd::forward::by_channels_if_better(ws, spec, x, weight, bias, y) {
        let images = y.par_chunks(one).zip(notes.par_chunks_mut(notes_each));
        return images.for_each(|(y, notes)| each(y, notes));
    }
    let prepared = Prepared::new(ws, spec, weight);
    let group = prepared.group();
    y.par_chunks_mut(group * one)
        .zip(x.par_chunks(group * spec.in_image()))
        .zip(notes.par_chunks_mut(group * notes_each))
        .for_each(|((y, x), notes)| {
            prepared.run(ws, x, bias, y);
            let images = y.chunks_exact(one).zip(notes.chunks_exact_mut(notes_each));
            images.for_each(|(y, notes)| each(y, notes));
        });
}

/// Gradients of a convolution.
#[derive(Debug)]
pub struct ConvGrads {
    /// Of the input, where asked for.
    pub dx: Option<Buffer>,
    /// Of the weights, out x in x kernel x kernel.
    pub weight: Vec<f32>,
    /// Of the bias.
    pub bias: Vec<f32>,
}

/// The gradients for the output's gradient `dy`.
///
/// # Panics
/// If the shape is none (see [`ConvSpec`]) or a length doesn't fit it.
pub fn backward(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    dy: &[f32],
    need_dx: bool,
) -> ConvGrads {
    struct Given<'a>(&'a [f32]);
    impl GradSource for Given<'_> {
        fn fill(&self, image: usize, dy: &mut [f32]) {
            dy.copy_from_slice(&self.0[image * dy.len()..][..dy.len()]);
        }
    }
    spec.check_lengths(x, weight);
    length("dy", dy.len(), spec.batch * spec.out_image());
    let (dx, dweight) = backward_from(ws, spec, x, weight, &Given(dy), need_dx);
    let of_image = |image: &[f32]| {
        let mut sums = vec![0.0f64; spec.out_channels];
        for pixel in image.chunks_exact(spec.out_channels) {
            sums.iter_mut().zip(pixel).for_each(|(sum, &d)| *sum += f64::from(d));
        }
        sums
    };
    let images: Vec<Vec<f64>> = dy.par_chunks(spec.out_image()).map(of_image).collect();
    let mut bias = vec![0.0f64; spec.out_channels];
    for sums in images {
        bias.iter_mut().zip(sums).for_each(|(b, sum)| *b += sum);
    }
    ConvGrads { dx, weight: dweight, bias: bias.into_iter().map(|b| b as f32).collect() }
}

/// The gradients of input and weights, the output's gradient coming image by image.
pub(crate) fn backward_from(
    ws: &Workspace,
    spec: &ConvSpec,
    x: &[f32],
    weight: &[f32],
    dy: &impl GradSource,
    need_dx: bool,
) -> (Option<Buffer>, Vec<f32>) {
    spec.check_lengths(x, weight);
    let mut dx = need_dx.then(|| ws.take(spec.batch * spec.in_image()));
    let dweight = if spec.uses_winograd() {
        winograd::backward(ws, spec, x, weight, dy, dx.as_deref_mut())
    } else {
        direct::backward(ws, spec, x, weight, dy, dx.as_deref_mut())
    };
    (dx, dweight)
}
