//! Buffers that live on between steps.
//!
//! A training step needs the same buffers again and again. Freed to the system and asked for anew, each of them costs
//! page faults: some ten milliseconds a step. A workspace keeps them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// A pool of `f32` buffers. Clones share the pool.
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
    free: Arc<Mutex<Vec<Vec<f32>>>>,
}

impl Workspace {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of `len` floats **of any value**: the free one that was used last, if it is not more than twice too large (what
    /// was used last may still be in the cache), else a new one.
    pub fn take(&self, len: usize) -> Buffer {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |v: &Vec<f32>| v.len() >= len && v.len() <= 2 * len + 1024;
        let last = free.iter().rposition(fits);
        let data = last.map(|i| free.remove(i));
        drop(free);
        let data = data.unwrap_or_else(|| vec![0.0; len]);
        Buffer { data, len, home: self.clone() }
    }

    /// A buffer of `len` zeros.
    pub fn zeros(&self, len: usize) -> Buffer {
        let mut b = self.take(len);
        b.fill(0.0);
        b
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
            self.home.free.lock().unwrap_or_else(PoisonError::into_inner).push(data);
        }
    }
}
