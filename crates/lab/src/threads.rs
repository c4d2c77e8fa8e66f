//! Pools of threads. Everything is computed inside of one, and gives the same bits with any number of threads.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::panics::{caught, hold_thread};

/// Runs `work`, which `who` names in its errors, in a pool of `threads` threads, one at least.
///
/// # Errors
/// As `work`, if it panics, or if the system has no threads left.
pub fn install<T: Send>(threads: usize, who: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = pool(threads)?;
    caught(who, || pool.install(work))
}

/// A pool of `threads` threads, one at least, for work that is [`caught`].
pub(crate) fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .start_handler(|_| hold_thread())
        .build()
        .map_err(|e| Error::failure(format!("{threads} threads can't be started: {e}")))
}
