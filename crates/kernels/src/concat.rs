//! Two maps side by side in one, along the last dimension: channels of images whose channels lie last.

use rayon::prelude::*;

use crate::check::length;
use crate::workspace::{Buffer, Workspace};

/// Numbers of a task, about.
const CHUNK: usize = 64 * 1024;

/// Rows of `a` (rows x `channels[0]`), each followed by the row of `b` (rows x `channels[1]`).
///
/// # Panics
/// If one has no channels, or the lengths are not those of as many rows.
///
/// ```
/// use adact_kernels::{Workspace, concat};
/// let both = concat::forward(&Workspace::new(), [1, 2], &[1.0, 4.0], &[2.0, 3.0, 5.0, 6.0]);
/// assert_eq!(both[..], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// ```
pub fn forward(ws: &Workspace, channels: [usize; 2], a: &[f32], b: &[f32]) -> Buffer {
    let [first, second] = channels;
    check(channels);
    let rows = a.len() / first;
    length("a", a.len(), rows * first);
    length("b", b.len(), rows.saturating_mul(second));
    let mut out = ws.take(a.len() + b.len());
    let rows = CHUNK.div_ceil(first + second);
    let tasks = out.par_chunks_mut(rows * (first + second));
    tasks.zip(a.par_chunks(rows * first).zip(b.par_chunks(rows * second))).for_each(|(out, (a, b))| {
        let rows = out.chunks_exact_mut(first + second);
        for (out, (a, b)) in rows.zip(a.chunks_exact(first).zip(b.chunks_exact(second))) {
            out[..first].copy_from_slice(a);
            out[first..].copy_from_slice(b);
        }
    });
    out
}

/// The two maps that [`forward`] put together, or the gradients of both from that of the result.
///
/// # Panics
/// As [`forward`].
pub fn backward(ws: &Workspace, channels: [usize; 2], d: &[f32]) -> [Buffer; 2] {
    let [first, second] = channels;
    check(channels);
    let rows = d.len() / (first + second);
    length("d", d.len(), rows * (first + second));
    let (mut a, mut b) = (ws.take(rows * first), ws.take(rows * second));
    let rows = CHUNK.div_ceil(first + second);
    let tasks = a.par_chunks_mut(rows * first).zip(b.par_chunks_mut(rows * second));
    tasks.zip(d.par_chunks(rows * (first + second))).for_each(|((a, b), d)| {
        let rows = a.chunks_exact_mut(first).zip(b.chunks_exact_mut(second));
        for ((a, b), d) in rows.zip(d.chunks_exact(first + second)) {
            a.copy_from_slice(&d[..first]);
            b.copy_from_slice(&d[first..]);
        }
    });
    [a, b]
}

fn check(channels: [usize; 2]) {
    let sum = channels[0].checked_add(channels[1]);
    assert!(!channels.contains(&0) && sum.is_some(), "maps of {channels:?} channels");
}
