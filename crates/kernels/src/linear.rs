//! The linear layer with what follows it, y = f(x Wt + b) + residual, and its gradients. Weights keep PyTorch's order,
//! outputs x inputs.
//!
//! The function is applied to tiles of the product while they are in the cache. RReLU's slopes are numbered by the position
//! in the output.

use rayon::prelude::*;

use crate::check::length;
use crate::elementwise::gradients;
use crate::function::{Function, FunctionGrads, FunctionVisitor, Pointwise};
use crate::matmul::{Matrix, Tile, matmul, matmul_then};
use crate::precision::Precision;
use crate::simd::{WIDTH, vectorised};
use crate::sums::sum_rows;
use crate::workspace::{Buffer, Workspace};

/// Numbers of a task of the backward pass. It fixes where partial sums end, so it must not depend on the number of threads.
const CHUNK: usize = 16 * 1024;

/// The parameters of a linear layer.
#[derive(Clone, Copy, Debug)]
pub struct LinearParams<'a> {
    /// Numbers of an input.
    pub inputs: usize,
    /// Numbers of an output.
    pub outputs: usize,
    /// outputs x inputs.
    pub weight: &'a [f32],
    /// A number for each output.
    pub bias: Option<&'a [f32]>,
    /// What is applied to the sum; `None` for nothing.
    pub function: Option<Function<'a>>,
    /// That of the products.
    pub precision: Precision,
}

/// The result of a forward pass in training.
#[derive(Debug)]
pub struct Forward {
    /// rows x outputs.
    pub y: Buffer,
    /// What the function was applied to, rows x outputs, which [`backward`] needs. `None` without a function.
    pub z: Option<Buffer>,
}

/// Gradients of a linear layer. The residual's is the output's.
#[derive(Debug)]
pub struct LinearGrads {
    /// Of the input, rows x inputs, where asked for.
    pub dx: Option<Buffer>,
    /// Of the weights, outputs x inputs.
    pub weight: Buffer,
    /// Of the bias, if there is one.
    pub bias: Option<Vec<f32>>,
    /// Of the function's own parameters.
    pub function: FunctionGrads,
}

/// The output for `x` (rows x inputs), with a `residual` (rows x outputs) added after the function, and what the gradients
/// need.
///
/// # Panics
/// If the lengths don't fit each other, or there is no input or output.
///
/// ```
/// use adact_kernels::linear::{self, LinearParams};
/// use adact_kernels::{Activation, Function, Precision, Workspace};
/// let function = Some(Function::single(&Activation::Relu));
/// let params = LinearParams { inputs: 2, outputs: 1, weight: &[1.0, -1.0], bias: Some(&[0.5]), function, precision: Precision::F32 };
/// let x = [1.0, 4.0, 4.0, 1.0];
/// let forward = linear::forward(&Workspace::new(), &params, &x, Some(&[0.0, 10.0]));
/// assert_eq!(forward.y[..], [0.0, 13.5]);
/// assert_eq!(forward.z.unwrap()[..], [-2.5, 3.5]);
/// ```
pub fn forward(ws: &Workspace, params: &LinearParams<'_>, x: &[f32], residual: Option<&[f32]>) -> Forward {
    let len = params.check(x, residual) * params.outputs;
    let mut y = ws.take(len);
    if params.function.is_none() {
        run(ws, params, x, residual, &mut y, None);
        return Forward { y, z: None };
    }
    let mut z = ws.take(len);
    run(ws, params, x, residual, &mut z, Some(&mut y));
    Forward { y, z: Some(z) }
}

/// The output alone, as [`forward`] gives it.
///
/// # Panics
/// As [`forward`].
pub fn forward_eval(
    ws: &Workspace,
    params: &LinearParams<'_>,
    x: &[f32],
    residual: Option<&[f32]>,
) -> Buffer {
    let mut y = ws.take(params.check(x, residual) * params.outputs);
    run(ws, params, x, residual, &mut y, None);
    y
}

impl LinearParams<'_> {
    /// The rows of `x`.
    fn check(&self, x: &[f32], residual: Option<&[f32]>) -> usize {
        let (inputs, outputs) = (self.inputs, self.outputs);
        assert!(inputs > 0 && outputs > 0, "a linear layer has at least one input and one output");
        let rows = x.len() / inputs;
        length("x", x.len(), rows * inputs);
        length("weight", self.weight.len(), outputs.saturating_mul(inputs));
        if let Some(bias) = self.bias {
            length("bias", bias.len(), outputs);
        }
        if let Some(residual) = residual {
            length("residual", residual.len(), rows * outputs);
        }
        rows
    }
}

/// The product into `z` and what follows into `y`; without `y`, all in one place.
fn run(
    ws: &Workspace,
    params: &LinearParams<'_>,
    x: &[f32],
    residual: Option<&[f32]>,
    z: &mut [f32],
    y: Option<&mut [f32]>,
) {
    struct Run<'a> {
        ws: &'a Workspace,
        product: (Matrix<'a>, Matrix<'a>, Option<&'a [f32]>),
        precision: Precision,
        residual: Option<&'a [f32]>,
        z: &'a mut [f32],
        y: Option<&'a mut [f32]>,
    }
    impl FunctionVisitor for Run<'_> {
        type Output = ();
        fn visit<F: Pointwise>(self, f: F) {
            let (a, b, bias) = self.product;
            matmul_then(self.ws, a, b, self.precision, bias, self.z, self.y, &|tile| {
                finish(f, self.residual, tile)
            });
        }
    }
    if z.is_empty() {
        return;
    }
    let product =
        (Matrix::new(x, params.inputs), Matrix::new(params.weight, params.inputs).transposed(), params.bias);
    let precision = params.precision;
    match (params.function, residual) {
        (Some(f), _) => f.visit(Run { ws, product, precision, residual, z, y }),
        (None, None) => matmul_then(ws, product.0, product.1, precision, product.2, z, y, &|_| ()),
        (None, Some(residual)) => {
            matmul_then(ws, product.0, product.1, precision, product.2, z, y, &|tile| add(residual, tile));
        }
    }
}

vectorised! {
    /// Applies `f` to a tile and adds the residual.
    fn finish<V, F: Pointwise>(f: F, residual: Option<&[f32]>, tile: Tile<'_>) {
        let (rows, columns) = (tile.rows(), tile.columns);
        assert!((rows - 1) * tile.stride + columns <= tile.product.len(), "a tile inside the product");
        let residual = residual.map(|residual| &residual[tile.start..]);
        let out = match tile.out {
            Some(out) => {
                assert_eq!(out.len(), tile.product.len(), "both matrices of a tile");
                out.as_mut_ptr()
            }
            None => tile.product.as_mut_ptr(),
        };
        assert!(residual.is_none_or(|r| r.len() >= tile.product.len()), "the tile's residual");
        let p = *f.parameters();
        for row in 0..rows {
            let mut column = 0;
            while column < columns {
                let n = WIDTH.min(columns - column);
                let at = row * tile.stride + column;
                // SAFETY: at + n is inside the tile, whose lengths are checked
                unsafe {
                    let z = V::load_partial(tile.product.as_ptr().add(at), n);
                    let noise = if F::NEEDS_NOISE {
                        let index = (tile.start + at) as u64;
                        p.noise::<V>(V::counters(index as u32), (index >> 32) as u32)
                    } else {
                        V::splat(0.0)
                    };
                    let mut y = f.value(z, noise);
                    if let Some(residual) = residual {
                        y = y.add(V::load_partial(residual.as_ptr().add(at), n));
                    }
                    y.store_partial(out.add(at), n);
                }
                column += WIDTH;
            }
        }
    }
}

/// Adds the residual to a tile.
fn add(residual: &[f32], tile: Tile<'_>) {
    for row in 0..tile.rows() {
        let at = row * tile.stride;
        let residual = &residual[tile.start + at..][..tile.columns];
        tile.product[at..][..tile.columns].iter_mut().zip(residual).for_each(|(y, r)| *y += r);
    }
}

/// The gradients for the output's gradient `dy` (rows x outputs), with the `x` and the function's input `z` of [`forward`].
///
/// # Panics
/// As [`forward`], and if there is a function without its `z`.
pub fn backward(
    ws: &Workspace,
    params: &LinearParams<'_>,
    x: &[f32],
    z: Option<&[f32]>,
    dy: &[f32],
    need_dx: bool,
) -> LinearGrads {
    let rows = params.check(x, None);
    length("dy", dy.len(), rows * params.outputs);
    let chunks = dy.len().div_ceil(rows_of_task(params.outputs) * params.outputs);
    // the sums of dz over the rows of each task
    let mut columns = ws.take(chunks * params.outputs);
    let mut dz = None;
    let mut function = FunctionGrads::default();
    if let Some(f) = params.function {
        let z = z.expect("the backward pass of a function needs the z of its forward pass");
        length("z", z.len(), dy.len());
        let mut buffer = ws.take(dy.len());
        let outputs = params.outputs;
        let sums = f.visit(Differentiate { outputs, z, dy, dz: &mut buffer, columns: &mut columns });
        function = f.gradients(&sums);
        dz = Some(buffer);
    } else if params.bias.is_some() {
        let size = rows_of_task(params.outputs) * params.outputs;
        let tasks = columns.par_chunks_mut(params.outputs).zip(dy.par_chunks(size));
        tasks.for_each(|(columns, dy)| sum_rows(dy, 1.0, columns));
    }
    let bias = params.bias.map(|_| {
        let mut total = vec![0.0f64; params.outputs];
        for columns in columns.chunks_exact(params.outputs) {
            total.iter_mut().zip(columns).for_each(|(t, &c)| *t += f64::from(c));
        }
        total.into_iter().map(|t| t as f32).collect()
    });
    drop(columns);
    if rows == 0 {
        let (dx, weight) = (need_dx.then(|| ws.take(0)), ws.zeros(params.weight.len()));
        return LinearGrads { dx, weight, bias, function };
    }
    let (x, weight) = (Matrix::new(x, params.inputs), Matrix::new(params.weight, params.inputs));
    let dz = Matrix::new(dz.as_deref().unwrap_or(dy), params.outputs);
    let (dx, weight) = rayon::join(
        || need_dx.then(|| matmul(ws, dz, weight, params.precision)),
        || matmul(ws, dz.transposed(), x, params.precision),
    );
    LinearGrads { dx, weight, bias, function }
}

/// Rows that a task of the backward pass takes.
fn rows_of_task(outputs: usize) -> usize {
    (CHUNK / outputs).max(1)
}

/// dz = f'(z) dy, with the function's sums and those of dz over each task's rows.
struct Differentiate<'a> {
    outputs: usize,
    z: &'a [f32],
    dy: &'a [f32],
    dz: &'a mut [f32],
    columns: &'a mut [f32],
}

impl FunctionVisitor for Differentiate<'_> {
    type Output = Vec<f64>;
    fn visit<F: Pointwise>(self, f: F) -> Vec<f64> {
        let size = rows_of_task(self.outputs) * self.outputs;
        let mut partial = vec![0.0; self.dy.len().div_ceil(size) * F::SUMS];
        let tasks = self.dz.par_chunks_mut(size).zip(self.z.par_chunks(size)).zip(self.dy.par_chunks(size));
        let sums = partial.par_chunks_mut(F::SUMS).zip(self.columns.par_chunks_mut(self.outputs));
        tasks.zip(sums).enumerate().for_each(|(i, (((dz, z), dy), (sums, columns)))| {
            gradients(f, i * size, z, dy, dz, sums);
            sum_rows(dz, 1.0, columns);
        });
        let mut total = vec![0.0; F::SUMS];
        for sums in partial.chunks(F::SUMS) {
            total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
        }
        total
    }
}
