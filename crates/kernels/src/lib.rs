//! The arithmetic of AdAct over slices: no framework, no input or output, no global state.
//!
//! Activations and their mixture ([`elementwise`]) are written once over [`real::Real`]; every kernel is written once over
//! vectors of sixteen lanes and compiled for AVX-512, AVX2 and any other processor. The same input gives the same bits on each of
//! them and with any number of threads: lanes are sixteen everywhere, multiplications and additions are fused
//! everywhere, tasks are cut without regard to the number of threads and their sums added in order.
//!
//! Parallel loops run in the current rayon pool.

// The same bits on every platform: see clippy.toml.
#![deny(clippy::disallowed_methods)]
// Kernels are loops over positions of several arrays at once, and take what they need.
#![allow(clippy::needless_range_loop, clippy::too_many_arguments)]

pub mod activation;
pub mod adamw;
pub mod add;
pub mod attention;
pub mod block;
pub mod channels;
mod check;
pub mod clip;
pub mod conv;
pub mod conv_transpose;
mod element;
pub mod elementwise;
pub mod embedding;
mod exp;
mod fingerprint;
pub mod function;
mod gemm;
pub mod layer_norm;
pub mod linear;
pub mod loss;
mod matmul;
mod norm;
mod pairs;
mod pointwise;
pub mod pool;
mod precision;
mod product;
pub mod random;
pub mod real;
pub mod sgd;
pub mod simd;
mod softmax;
mod sums;
mod workspace;

pub use activation::{Activation, Constants};
pub use conv::ConvSpec;
pub use element::Element;
pub use fingerprint::fingerprint;
pub use function::{Function, FunctionGrads, Noise};
pub use precision::Precision;
pub use softmax::{LEFT, has_left, softmax, softmax_gradient};
pub use workspace::{Buffer, Workspace};
