//! The mixture on the memory of tensors.

use adact_kernels::channels::{self, ChannelSpec};
use adact_kernels::random::Stream;
use adact_kernels::{
    Activation, Constants, Element, Function, FunctionGrads, Noise, elementwise, softmax, softmax_gradient,
};
use half::{bf16, f16};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::threads;

/// What of a function is not a tensor: the candidates' names separated by commas, `softmax` or `shares`, and the
/// constants alpha of ELU, the slope of LeakyReLU, and RReLU's bounds.
type Description<'a> = (&'a str, &'a str, [f64; 4]);

/// The addresses of the raw weights (or shares) and of PReLU's slopes, and RReLU's seed.
type Parameters = (usize, usize, Option<i64>);

/// How a tensor lies in memory: its number of elements, its type (`float32`, `bfloat16`, `float16`) and, where each channel
/// has a function of its own, the elements outside of the channels, the channels, and the elements inside.
type Layout<'a> = (usize, &'a str, Option<(usize, usize, usize)>);

/// The names of the candidates that a text of names and sets stands for, as the program reads it.
#[pyfunction]
pub fn candidates(text: &str) -> PyResult<Vec<&'static str>> {
    let found = Activation::list(text).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(found.into_iter().map(Activation::name).collect())
}

/// The function `y = f(x)` of every element.
///
/// The addresses are of dense tensors of the layout's type and length; the parameters are `float32`.
#[pyfunction]
pub fn forward(
    py: Python<'_>,
    description: Description<'_>,
    parameters: Parameters,
    layout: Layout<'_>,
    addresses: (usize, usize),
    threads: usize,
) -> PyResult<()> {
    let ((len, dtype, channels), (x, y)) = (layout, addresses);
    let functions = Functions::new(&description, parameters, channels)?;
    match dtype {
        // SAFETY: the caller's promise.
        "float32" => unsafe { apply::<f32>(py, &functions, channels, len, x, y, threads) },
        "bfloat16" => unsafe { apply::<bf16>(py, &functions, channels, len, x, y, threads) },
        "float16" => unsafe { apply::<f16>(py, &functions, channels, len, x, y, threads) },
        _ => return Err(no_type(dtype)),
    }
    Ok(())
}

/// The gradients of x, of the raw weights (or shares) and of the slopes for that of y; the last two are `float32`.
#[pyfunction]
pub fn backward(
    py: Python<'_>,
    description: Description<'_>,
    parameters: Parameters,
    layout: Layout<'_>,
    addresses: (usize, usize, usize),
    gradients: (usize, usize),
    threads: usize,
) -> PyResult<()> {
    let ((len, dtype, channels), (dw, dslope)) = (layout, gradients);
    let functions = Functions::new(&description, parameters, channels)?;
    let own = match dtype {
        // SAFETY: the caller's promise.
        "float32" => unsafe { differentiate::<f32>(py, &functions, channels, len, addresses, threads) },
        "bfloat16" => unsafe { differentiate::<bf16>(py, &functions, channels, len, addresses, threads) },
        "float16" => unsafe { differentiate::<f16>(py, &functions, channels, len, addresses, threads) },
        _ => return Err(no_type(dtype)),
    };
    // SAFETY: the caller's promise.
    unsafe { functions.write_gradients(&own, dw, dslope) };
    Ok(())
}

fn no_type(dtype: &str) -> PyErr {
    PyValueError::new_err(format!("no kernel for {dtype}"))
}

/// The functions of all channels, or one.
struct Functions {
    candidates: Vec<Activation>,
    softmax: bool,
    shares: Vec<f64>,
    slopes: Vec<f32>,
    constants: Constants,
    noise: Noise,
    count: usize,
}

impl Functions {
    fn new(
        (names, mixing, [alpha, negative_slope, lower, upper]): &Description<'_>,
        (w, slope, seed): Parameters,
        channels: Option<(usize, usize, usize)>,
    ) -> PyResult<Self> {
        let candidates = names.split(',').map(str::parse).collect::<Result<Vec<Activation>, _>>();
        let candidates = candidates.map_err(|e| PyValueError::new_err(e.to_string()))?;
        let count = channels.map_or(1, |(_, count, _)| count);
        // SAFETY: the caller's promise.
        let w = unsafe { slice::<f32>(w, count * candidates.len()) };
        let shares = match *mixing {
            "softmax" => w.chunks(candidates.len()).flat_map(softmax).collect(),
            "shares" => w.iter().copied().map(f64::from).collect(),
            other => return Err(PyValueError::new_err(format!("no mixing {other}"))),
        };
        let learns = candidates.iter().any(|candidate| candidate.learns_slope());
        // SAFETY: the caller's promise.
        let slopes = unsafe { slice::<f32>(slope, if learns { count } else { 0 }) }.to_vec();
        let noise = seed.map_or(Noise::Mean, |seed| Noise::Random(Stream::from_key(seed as u64)));
        let constants = Constants {
            alpha: *alpha,
            negative_slope: *negative_slope,
            rrelu_lower: *lower,
            rrelu_upper: *upper,
        };
        Ok(Self { candidates, softmax: *mixing == "softmax", shares, slopes, constants, noise, count })
    }

    /// The function of a channel.
    fn of(&self, channel: usize) -> Function<'_> {
        let n = self.candidates.len();
        Function {
            candidates: &self.candidates,
            shares: Some(&self.shares[channel * n..][..n]),
            slope: self.slopes.get(channel).copied().unwrap_or(0.0),
            constants: self.constants,
            noise: self.noise,
        }
    }

    fn all(&self) -> Vec<Function<'_>> {
        (0..self.count).map(|channel| self.of(channel)).collect()
    }

    /// Writes the gradients of the raw weights or shares, and of the slopes.
    unsafe fn write_gradients(&self, own: &[FunctionGrads], dw: usize, dslope: usize) {
        let n = self.candidates.len();
        let dw = unsafe { slice_mut::<f32>(dw, self.count * n) };
        for ((dw, own), shares) in dw.chunks_mut(n).zip(own).zip(self.shares.chunks(n)) {
            if self.softmax {
                dw.copy_from_slice(&softmax_gradient(shares, &own.shares));
            } else {
                dw.iter_mut().zip(&own.shares).for_each(|(dw, &d)| *dw = d as f32);
            }
        }
        if !self.slopes.is_empty() {
            let dslope = unsafe { slice_mut::<f32>(dslope, self.count) };
            dslope.iter_mut().zip(own).for_each(|(to, own)| *to = own.slope);
        }
    }
}

unsafe fn apply<E: Element>(
    py: Python<'_>,
    functions: &Functions,
    channels: Option<(usize, usize, usize)>,
    len: usize,
    x: usize,
    y: usize,
    threads: usize,
) {
    py.detach(|| {
        threads::on(threads, || match channels {
            None => {
                let (x, y) = unsafe { (slice::<E>(x, len), slice_mut::<E>(y, len)) };
                elementwise::forward(&functions.of(0), x, y);
            }
            Some(spec) => {
                let (x, y) = unsafe { (slice::<f32>(x, len), slice_mut::<f32>(y, len)) };
                channels::forward(&channel_spec(spec), &functions.all(), x, y);
            }
        });
    });
}

unsafe fn differentiate<E: Element>(
    py: Python<'_>,
    functions: &Functions,
    channels: Option<(usize, usize, usize)>,
    len: usize,
    (x, dy, dx): (usize, usize, usize),
    threads: usize,
) -> Vec<FunctionGrads> {
    py.detach(|| {
        threads::on(threads, || match channels {
            None => {
                let (x, dy) = unsafe { (slice::<E>(x, len), slice::<E>(dy, len)) };
                let dx = unsafe { slice_mut::<E>(dx, len) };
                vec![elementwise::backward(&functions.of(0), x, dy, dx)]
            }
            Some(spec) => {
                let (x, dy) = unsafe { (slice::<f32>(x, len), slice::<f32>(dy, len)) };
                let dx = unsafe { slice_mut::<f32>(dx, len) };
                channels::backward(&channel_spec(spec), &functions.all(), x, dy, dx)
            }
        })
    })
}

fn channel_spec((outer, channels, inner): (usize, usize, usize)) -> ChannelSpec {
    ChannelSpec { outer, channels, inner }
}

/// The elements at an address.
unsafe fn slice<'a, E>(address: usize, len: usize) -> &'a [E] {
    if len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(address as *const E, len) } }
}

/// The elements at an address, to be written.
unsafe fn slice_mut<'a, E>(address: usize, len: usize) -> &'a mut [E] {
    if len == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(address as *mut E, len) } }
}
