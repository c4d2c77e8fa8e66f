//! Two maps of the same pixels side by side: channels last, so each pixel's numbers are those of one and then of the other.

use rayon::prelude::*;

use crate::check::length;
use crate::workspace::{Buffer, Workspace};

/// Pixels of a task.
const PIXELS: usize = 512;

/// `a` (pixels x `channels[0]`) and `b` (pixels x `channels[1]`) as pixels x (channels\[0\] + channels\[1\]).
///
/// # Panics
/// If the lengths don't fit each other or a map has no channel.
///
/// ```
/// use adact_kernels::{Workspace, concat};
/// let ws = Workspace::new();
/// let both = concat::forward(&ws, [1, 2], &[1.0, 4.0], &[2.0, 3.0, 5.0, 6.0]);
/// assert_eq!(both[..], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(concat::backward(&ws, [1, 2], &both)[1][..], [2.0, 3.0, 5.0, 6.0]);
/// ```
pub fn forward(ws: &Workspace, channels: [usize; 2], a: &[f32], b: &[f32]) -> Buffer {
    let total = check(channels);
    let pixels = a.len() / channels[0];
    length("a", a.len(), pixels * channels[0]);
    length("b", b.len(), pixels.saturating_mul(channels[1]));
    let mut y = ws.take(pixels * total);
    let tasks = y.par_chunks_mut(PIXELS * total).zip(a.par_chunks(PIXELS * channels[0]));
    tasks.zip(b.par_chunks(PIXELS * channels[1])).for_each(|((y, a), b)| {
        let sources = a.chunks_exact(channels[0]).zip(b.chunks_exact(channels[1]));
        for (y, (a, b)) in y.chunks_exact_mut(total).zip(sources) {
            y[..a.len()].copy_from_slice(a);
            y[a.len()..].copy_from_slice(b);
        }
    });
    y
}

/// The gradients of both maps for the output's gradient `dy`.
///
/// # Panics
/// As [`forward`].
pub fn backward(ws: &Workspace, channels: [usize; 2], dy: &[f32]) -> [Buffer; 2] {
    let total = check(channels);
    let pixels = dy.len() / total;
    length("dy", dy.len(), pixels * total);
    let [mut da, mut db] = channels.map(|channels| ws.take(pixels * channels));
    let tasks = dy.par_chunks(PIXELS * total).zip(da.par_chunks_mut(PIXELS * channels[0]));
    tasks.zip(db.par_chunks_mut(PIXELS * channels[1])).for_each(|((dy, da), db)| {
        let targets = da.chunks_exact_mut(channels[0]).zip(db.chunks_exact_mut(channels[1]));
        for (dy, (a, b)) in dy.chunks_exact(total).zip(targets) {
            let (to_a, to_b) = dy.split_at(a.len());
            a.copy_from_slice(to_a);
            b.copy_from_slice(to_b);
        }
    });
    [da, db]
}

/// The channels of both.
fn check(channels: [usize; 2]) -> usize {
    assert!(!channels.contains(&0), "each of two maps has at least one channel");
    channels[0].checked_add(channels[1]).expect("channels that can be counted")
}
