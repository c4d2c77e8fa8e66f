//! A block of a convolutional network as one operation: convolution, batch normalisation, residual sum, activation or
//! mixture, and 2 x 2 max pooling; all but the convolution are optional.
//!
//! The forward pass writes the convolution's output once and takes its moments while it is in the cache; a second pass
//! normalises, adds the residual, activates and pools. Kept for the backward pass are the convolution's output and, for each pooled element,
//! which of its four inputs won and with what value: the activation's gradient needs a quarter of the elements. The backward
//! pass makes the gradient of the convolution's output image by image, as its products ask for it, and never stores it.

use crate::activation::Activation;
use crate::check::length;
use crate::conv::{self, ConvSpec, GradSource, Prepared};
use crate::function::{Function, FunctionGrads, FunctionVisitor, Pointwise};
use crate::norm::{Affine, Moments, inverse_deviation, moments};
use crate::pointwise::{self, Layout};
use crate::workspace::{Buffer, Workspace};
use rayon::prelude::*;

/// The shape of a block. Pooling needs a convolution's output of 2 x 2 at least; functions panic otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockSpec {
    /// The convolution.
    pub conv: ConvSpec,
    /// Whether 2 x 2 max pooling with stride 2 follows. An odd last row or column is dropped, as PyTorch does.
    pub pool: bool,
    /// Added to the variance. PyTorch's default is 1e-5.
    pub eps: f32,
}

impl BlockSpec {
    /// Rows and columns of an output image.
    pub fn out_size(&self) -> (usize, usize) {
        let by = if self.pool { 2 } else { 1 };
        (self.conv.out_height() / by, self.conv.out_width() / by)
    }

    /// Numbers of an output image.
    pub fn out_image(&self) -> usize {
        let (height, width) = self.out_size();
        height * width * self.conv.out_channels
    }

    /// Panics unless the passes can compute this block.
    fn check(&self) {
        self.conv.check();
        let room = self.conv.out_height().min(self.conv.out_width());
        assert!(!self.pool || room >= 2, "2 x 2 pooling of a map that is smaller: {self:?}");
    }

    /// As [`BlockSpec::check`], of the input and the parameters too.
    fn check_lengths(&self, x: &[f32], params: &BlockParams<'_>) {
        self.check();
        length("x", x.len(), self.conv.batch * self.conv.in_image());
        params.check(&self.conv);
        assert!(
            !self.pool || params.residual.is_none(),
            "a block with a residual sum doesn't pool: {self:?}"
        );
    }

    fn layout(&self) -> Layout {
        Layout {
            height: self.conv.out_height(),
            width: self.conv.out_width(),
            channels: self.conv.out_channels,
            pool: self.pool,
        }
    }
}

/// The parameters of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockParams<'a> {
    /// out x in x kernel x kernel.
    pub weight: &'a [f32],
    /// The convolution's bias, one a channel; empty: none.
    pub bias: &'a [f32],
    /// Batch normalisation's weight and bias, one a channel each; `None`: no normalisation.
    pub gamma_beta: Option<(&'a [f32], &'a [f32])>,
    /// Added after the normalisation and before the function (He et al. 2015), N x H' x W' x out; `None`: nothing. Not together
    /// with pooling.
    pub residual: Option<&'a [f32]>,
    /// The activation or mixture; `None`: the identity.
    pub function: Option<Function<'a>>,
}

impl<'a> BlockParams<'a> {
    fn function(&self) -> Function<'a> {
        self.function.unwrap_or_else(|| Function::single(&Activation::Identity))
    }

    /// Panics unless the parameters fit the shape.
    fn check(&self, conv: &ConvSpec) {
        length("weight", self.weight.len(), conv.weights());
        if !self.bias.is_empty() {
            length("bias", self.bias.len(), conv.out_channels);
        }
        if let Some(residual) = self.residual {
            length("residual", residual.len(), conv.batch * conv.out_image());
        }
        if let Some((gamma, beta)) = self.gamma_beta {
            length("gamma", gamma.len(), conv.out_channels);
            length("beta", beta.len(), conv.out_channels);
        }
    }
}

/// What a forward pass keeps for the backward pass.
#[derive(Debug)]
pub struct Saved {
    /// The convolution's output.
    y: Buffer,
    /// Which of the four inputs each pooled element took (bytes), and its value in `y`.
    winners: Option<(Buffer, Buffer)>,
    mean: Vec<f32>,
    var: Vec<f32>,
}

impl Saved {
    /// Panics unless this was kept by a forward pass of the shape, with or without normalisation.
    fn check(&self, spec: &BlockSpec, norm: bool) {
        length("saved: the convolution's output", self.y.len(), spec.conv.batch * spec.conv.out_image());
        let pooled = self.winners.as_ref().map_or(0, |(_, values)| values.len());
        let want = if spec.pool { spec.conv.batch * spec.out_image() } else { 0 };
        length("saved: what pooling took", pooled, want);
        let want = if norm { spec.conv.out_channels } else { 0 };
        length("saved: the batch's mean", self.mean.len(), want);
    }
}

/// The result of a forward pass in training.
#[derive(Debug)]
pub struct Forward {
    /// N x H' x W' x out.
    pub out: Buffer,
    /// The batch's mean, one a channel; empty without normalisation.
    pub mean: Vec<f32>,
    /// The batch's variance, biased (divided by N H W); empty without normalisation.
    pub var: Vec<f32>,
    /// For the backward pass.
    pub saved: Saved,
}

/// A block in training: normalisation by the batch's own statistics.
///
/// RReLU's slope of an element depends on its position in the convolution's output.
///
/// # Panics
/// If the shape is none (see [`BlockSpec`]), a length doesn't fit it, or a residual sum meets pooling.
pub fn forward(ws: &Workspace, spec: &BlockSpec, x: &[f32], params: &BlockParams<'_>) -> Forward {
    spec.check_lengths(x, params);
    let (conv, channels) = (&spec.conv, spec.conv.out_channels);
    let mut y = ws.take(conv.batch * conv.out_image());
    let mut parts = vec![Moments::default(); conv.batch * channels];
    let norm = params.gamma_beta.is_some();
    let each = |y: &[f32], parts: &mut [Moments]| {
        if norm {
            moments(y, channels, parts);
        }
    };
    let bias = Some(params.bias).filter(|bias| !bias.is_empty());
    conv::forward_into(ws, conv, x, params.weight, bias, &mut y, &mut parts, &each);
    let (mut mean, mut var) = (Vec::new(), Vec::new());
    let affine = match params.gamma_beta {
        None => Affine::identity(channels),
        Some((gamma, beta)) => {
            for c in 0..channels {
                let all = parts.iter().skip(c).step_by(channels);
                let all = all.fold(Moments::default(), |a, &b| a.join(b));
                mean.push(all.mean as f32);
                var.push((all.squares / all.count) as f32);
            }
            Affine::new(&mean, &var, gamma, beta, spec.eps)
        }
    };
    let mut out = ws.take(conv.batch * spec.out_image());
    let mut winners = spec.pool.then(|| (ws.take(out.len().div_ceil(4)), ws.take(out.len())));
    params.function().visit(Activate {
        layout: spec.layout(),
        affine: &affine,
        y: &y,
        residual: params.residual,
        out: &mut out,
        winners: winners.as_mut().map(|(index, value)| (index.as_bytes_mut(), &mut value[..])),
    });
    let saved = Saved { y, winners, mean: mean.clone(), var: var.clone() };
    Forward { out, mean, var, saved }
}

/// The second pass of [`forward`], for a function whose type is known.
struct Activate<'a> {
    layout: Layout,
    affine: &'a Affine,
    y: &'a [f32],
    residual: Option<&'a [f32]>,
    out: &'a mut [f32],
    winners: Option<(&'a mut [u8], &'a mut [f32])>,
}

impl FunctionVisitor for Activate<'_> {
    type Output = ();
    fn visit<F: Pointwise>(self, f: F) {
        let Self { layout, affine, y, residual, out, winners } = self;
        let images = out.par_chunks_mut(layout.out_len()).zip(y.par_chunks(layout.len())).enumerate();
        match winners {
            None => images.for_each(|(i, (out, y))| {
                let residual = residual.map(|all| layout.image(all, i));
                pointwise::apply(f, layout, affine, i, y, residual, out);
            }),
            Some((index, value)) => images
                .zip(index.par_chunks_mut(layout.out_len()).zip(value.par_chunks_mut(layout.out_len())))
                .for_each(|((i, (out, y)), (index, value))| {
                    pointwise::apply_and_pool::<F, true>(f, layout, affine, i, y, out, index, value);
                }),
        }
    }
}

/// A block in evaluation: normalisation by running statistics, folded into the convolution. Nothing is kept.
///
/// # Panics
/// As [`forward`].
pub fn forward_eval(
    ws: &Workspace,
    spec: &BlockSpec,
    x: &[f32],
    params: &BlockParams<'_>,
    running_mean: &[f32],
    running_var: &[f32],
) -> Buffer {
    spec.check_lengths(x, params);
    let channels = spec.conv.out_channels;
    if params.gamma_beta.is_some() {
        length("running_mean", running_mean.len(), channels);
        length("running_var", running_var.len(), channels);
    }
    let mut weight = ws.take(spec.conv.weights());
    weight.copy_from_slice(params.weight);
    let mut bias = if params.bias.is_empty() { vec![0.0; channels] } else { params.bias.to_vec() };
    if let Some((gamma, beta)) = params.gamma_beta {
        let affine = Affine::new(running_mean, running_var, gamma, beta, spec.eps);
        for (c, kernel) in weight.chunks_exact_mut(spec.conv.weights() / channels).enumerate() {
            kernel.iter_mut().for_each(|w| *w *= affine.scale[c]);
            bias[c] = bias[c].mul_add(affine.scale[c], affine.shift[c]);
        }
    }
    let prepared = Prepared::new(ws, &spec.conv, &weight);
    let mut out = ws.take(spec.conv.batch * spec.out_image());
    params.function().visit(Evaluate {
        ws,
        spec,
        prepared: &prepared,
        bias: &bias,
        residual: params.residual,
        x,
        out: &mut out,
    });
    out
}

struct Evaluate<'a> {
    ws: &'a Workspace,
    spec: &'a BlockSpec,
    prepared: &'a Prepared,
    bias: &'a [f32],
    residual: Option<&'a [f32]>,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl FunctionVisitor for Evaluate<'_> {
    type Output = ();
    fn visit<F: Pointwise>(self, f: F) {
        let Self { ws, spec, prepared, bias, residual, x, out } = self;
        let (layout, group) = (spec.layout(), prepared.group());
        let identity = Affine::identity(layout.channels);
        let tasks =
            out.par_chunks_mut(group * layout.out_len()).zip(x.par_chunks(group * spec.conv.in_image()));
        tasks.enumerate().for_each(|(task, (out, x))| {
            let images = out.len() / layout.out_len();
            let mut y = ws.take(images * layout.len());
            prepared.run(ws, x, Some(bias), &mut y);
            for (i, (out, y)) in
                out.chunks_exact_mut(layout.out_len()).zip(y.chunks_exact(layout.len())).enumerate()
            {
                let image = task * group + i;
                if layout.pool {
                    pointwise::apply_and_pool::<F, false>(
                        f,
                        layout,
                        &identity,
                        image,
                        y,
                        out,
                        &mut [],
                        &mut [],
                    );
                } else {
                    let residual = residual.map(|all| layout.image(all, image));
                    pointwise::apply(f, layout, &identity, image, y, residual, out);
                }
            }
        });
    }
}

/// Gradients of a block.
#[derive(Debug)]
pub struct Grads {
    /// Of the input, where asked for.
    pub dx: Option<Buffer>,
    /// Of the convolution's weights.
    pub weight: Vec<f32>,
    /// Of the convolution's bias: exactly 0 before a normalisation, which takes the mean away; empty without a bias.
    pub bias: Vec<f32>,
    /// Of the normalisation's weight; empty without one.
    pub gamma: Vec<f32>,
    /// Of the normalisation's bias; empty without one.
    pub beta: Vec<f32>,
    /// Of the residual, where there is one: N x H' x W' x out.
    pub residual: Option<Buffer>,
    /// Of the mixture's weights and PReLU's slope.
    pub function: FunctionGrads,
}

/// The gradients for the output's gradient `dout`. `x` and `params` are those of the forward pass, its noise and residual
/// included, and `saved` is what it kept.
///
/// # Panics
/// As [`forward`].
pub fn backward(
    ws: &Workspace,
    spec: &BlockSpec,
    x: &[f32],
    params: &BlockParams<'_>,
    saved: &Saved,
    dout: &[f32],
    need_dx: bool,
) -> Grads {
    spec.check_lengths(x, params);
    length("dout", dout.len(), spec.conv.batch * spec.out_image());
    saved.check(spec, params.gamma_beta.is_some());
    let (layout, channels) = (spec.layout(), spec.conv.out_channels);
    let norm = params.gamma_beta;
    let affine = match norm {
        None => Affine::identity(channels),
        Some((gamma, beta)) => Affine::new(&saved.mean, &saved.var, gamma, beta, spec.eps),
    };
    // the gradient of the normalised values, where it isn't 0, and its sums a channel
    let mut dz = ws.take(dout.len());
    let function = params.function();
    let values = saved.winners.as_ref().map_or(&saved.y[..], |(_, values)| values);
    let index = saved.winners.as_ref().map(|(index, _)| index.as_bytes());
    let (sums, by_channel) = function.visit(Differentiate {
        layout,
        affine: &affine,
        values,
        residual: params.residual,
        index,
        dout,
        dz: &mut dz,
    });
    let count = (spec.conv.batch * layout.height * layout.width) as f64;
    let (mut beta, mut gamma) = (Vec::new(), Vec::new());
    // dy = scale dz + slope y + constant
    let (mut slope, mut constant) = (vec![0.0; channels], vec![0.0; channels]);
    for c in 0..channels {
        let (sum, with_y) = (by_channel[c], by_channel[channels + c]);
        beta.push(sum as f32);
        if let Some((weight, _)) = norm {
            let (mean, inverse) = (f64::from(saved.mean[c]), inverse_deviation(saved.var[c], spec.eps));
            let with_normalised = (with_y - mean * sum) * inverse;
            gamma.push(with_normalised as f32);
            let scale = f64::from(weight[c]) * inverse;
            let s = -scale * inverse * with_normalised / count;
            slope[c] = s as f32;
            constant[c] = (-scale * sum / count - s * mean) as f32;
        }
    }
    let mut bias = if norm.is_some() { vec![0.0; channels] } else { std::mem::take(&mut beta) };
    if params.bias.is_empty() {
        bias.clear();
    }
    let source = Regenerate {
        layout,
        scale: &affine.scale,
        slope: &slope,
        constant: &constant,
        y: norm.is_some().then_some(&saved.y[..]),
        dz: &dz,
        index,
    };
    let (dx, weight) = conv::backward_from(ws, &spec.conv, x, params.weight, &source, need_dx);
    // the residual is added to the normalised values: it has their gradient
    let residual = params.residual.is_some().then_some(dz);
    Grads { dx, weight, bias, gamma, beta, residual, function: function.gradients(&sums) }
}

/// The first part of [`backward`], for a function whose type is known: fills `dz` and returns the function's sums and, a
/// channel, the sums of dz and of dz y.
struct Differentiate<'a> {
    layout: Layout,
    affine: &'a Affine,
    values: &'a [f32],
    residual: Option<&'a [f32]>,
    index: Option<&'a [u8]>,
    dout: &'a [f32],
    dz: &'a mut [f32],
}

impl FunctionVisitor for Differentiate<'_> {
    type Output = (Vec<f64>, Vec<f64>);
    fn visit<F: Pointwise>(self, f: F) -> Self::Output {
        let Self { layout, affine, values, residual, index, dout, dz } = self;
        let (one, per_image) = (layout.out_len(), F::SUMS + 2 * layout.channels);
        let mut parts = vec![0.0; dout.len() / one * per_image];
        dz.par_chunks_mut(one)
            .zip(dout.par_chunks(one).zip(values.par_chunks(one)))
            .zip(parts.par_chunks_mut(per_image))
            .enumerate()
            .for_each(|(i, ((dz, (dout, values)), parts))| {
                let index = index.map(|index| &index[i * one..][..one]);
                let residual = residual.map(|all| layout.image(all, i));
                pointwise::differentiate(f, layout, affine, i, values, residual, index, dout, dz, parts);
            });
        let mut total = vec![0.0; per_image];
        for parts in parts.chunks_exact(per_image) {
            total.iter_mut().zip(parts).for_each(|(t, p)| *t += p);
        }
        let by_channel = total.split_off(F::SUMS);
        (total, by_channel)
    }
}

/// Makes the gradient of the convolution's output anew for an image.
struct Regenerate<'a> {
    layout: Layout,
    scale: &'a [f32],
    slope: &'a [f32],
    constant: &'a [f32],
    y: Option<&'a [f32]>,
    dz: &'a [f32],
    index: Option<&'a [u8]>,
}

impl GradSource for Regenerate<'_> {
    fn fill(&self, image: usize, dy: &mut [f32]) {
        let (len, out) = (self.layout.len(), self.layout.out_len());
        let y = self.y.map(|y| &y[image * len..][..len]);
        let dz = &self.dz[image * out..][..out];
        let index = self.index.map(|index| &index[image * out..][..out]);
        pointwise::regenerate(self.layout, self.scale, self.slope, self.constant, y, dz, index, dy);
    }
}
