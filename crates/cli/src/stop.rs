//! Ctrl-C: the first one ends the work at the next step, the second one at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::out;

/// The exit code of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

static STOP: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C (and SIGTERM) sets the flag that is returned.
pub fn on_ctrl_c() -> &'static AtomicBool {
    let installed = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        out::note("stopping; what is finished is on disk (Ctrl-C again stops at once)");
    });
    // Without a handler Ctrl-C ends the process at once, and what is finished is on disk all the same.
    drop(installed);
    &STOP
}
