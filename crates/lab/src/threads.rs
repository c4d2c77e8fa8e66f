//! Pools of threads. Everything is computed inside of one, and gives the same bits with any number of threads.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// A pool of `threads` threads, one at least.
///
/// # Errors
/// If the system has no threads left.
pub fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .build()
        .map_err(|e| Error::failure(format!("{threads} threads can't be started: {e}")))
}
