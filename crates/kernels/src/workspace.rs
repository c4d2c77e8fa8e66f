//! Buffers that live on between steps.
//!
//! A training step needs the same buffers again and again. Freed to the system and asked for anew, each of them costs
//! page faults: some ten milliseconds a step. A workspace keeps them, as long as they are few beside those in use; results
//! that grow with the batch are buffers of it too.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A pool of `f32` buffers. Clones share the pool.
///
/// Free buffers are at most twice as many floats as were in use at the same time lately. A step of training keeps all of
/// its buffers by that; shapes that change from step to step don't pile up.
///
/// ```
/// use adact_kernels::Workspace;
/// let workspace = Workspace::new();
/// let first = workspace.take(1000);
/// let place = first.as_ptr();
/// drop(first);
/// assert_eq!(workspace.take(900).as_ptr(), place);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    pool: Arc<Mutex<Pool>>,
}

/// Lengths are counted in floats.
#[derive(Debug, Default)]
struct Pool {
    /// The free buffers; the one that was used last comes last.
    free: Vec<Vec<f32>>,
    free_len: usize,
    used_len: usize,
    /// The largest `used_len` of this period and of the one before.
    most_used: [usize; 2],
    /// Buffers handed out in this period.
    taken: u32,
}

/// Buffers handed out until what was in use before the last period is forgotten: more than a step of training takes.
const PERIOD: u32 = 10_000;

impl Pool {
    /// The free buffer for `len` floats, if there is one.
    fn find(&mut self, len: usize) -> Option<Vec<f32>> {
        let most = len.saturating_mul(2).saturating_add(1024);
        let last = self.free.iter().rposition(|v| v.len() >= len && v.len() <= most)?;
        let data = self.free.remove(last);
        self.free_len -= data.len();
        Some(data)
    }

    /// Counts a buffer as in use.
    fn lend(&mut self, len: usize) {
        self.used_len += len;
        self.taken += 1;
        if self.taken == PERIOD {
            self.taken = 0;
            self.most_used = [0, self.most_used[0]];
        }
        self.most_used[0] = self.most_used[0].max(self.used_len);
    }

    /// Takes a buffer back, and returns the buffers that are too many: those that were used longest ago.
    fn put(&mut self, data: Vec<f32>) -> Vec<Vec<f32>> {
        self.used_len -= data.len();
        self.free_len += data.len();
        self.free.push(data);
        let limit = 2 * self.most_used[0].max(self.most_used[1]);
        let mut count = 0;
        while self.free_len > limit {
            self.free_len -= self.free[count].len();
            count += 1;
        }
        self.free.drain(..count).collect()
    }
}

impl Workspace {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of `len` floats **of any value**: the free one that was used last, if it is not more than twice too large (what
    /// was used last may still be in the cache), else a new one.
    pub fn take(&self, len: usize) -> Buffer {
        let found = self.pool().find(len);
        let data = found.unwrap_or_else(|| vec![0.0; len]);
        self.pool().lend(data.len());
        Buffer { data, len, home: self.clone() }
    }

    /// A buffer of `len` zeros.
    pub fn zeros(&self, len: usize) -> Buffer {
        let mut b = self.take(len);
        b.fill(0.0);
        b
    }

    /// Bytes in the free buffers that the pool keeps.
    pub fn kept_bytes(&self) -> usize {
        self.pool().free_len * size_of::<f32>()
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer of a [`Workspace`], which gets it back when it is dropped.
#[derive(Debug)]
pub struct Buffer {
    data: Vec<f32>,
    len: usize,
    home: Workspace,
}

impl Buffer {
    /// The buffer as bytes, four a float.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: every byte of a float is initialised, and any alignment does for bytes
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len * size_of::<f32>()) }
    }

    /// The buffer as bytes to write, four a float: any bytes are a float.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), self.len * size_of::<f32>()) }
    }

    /// The contents as a vector of its own; the workspace loses the buffer.
    pub fn into_vec(mut self) -> Vec<f32> {
        let mut data = std::mem::take(&mut self.data);
        self.home.pool().used_len -= data.len();
        data.truncate(self.len);
        data
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.data[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        if !data.is_empty() {
            let too_many = self.home.pool().put(data);
            drop(too_many); // to the system, outside of the lock
        }
    }
}
