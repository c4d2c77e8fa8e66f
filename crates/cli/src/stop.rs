//! Signals. Ctrl-C ends the work at the next step, and a second one at once; SIGTERM does the same. So does SIGUSR1, with which
//! schedulers say that a job's time is nearly up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use crate::out;

/// The exit code of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static TIME_IS_UP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on signals set the flag that is returned.
pub fn on_signals() -> &'static AtomicBool {
    let installed = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        out::note("stopping; what is trained is kept (Ctrl-C again stops at once)");
    });
    // Without a handler Ctrl-C ends the process at once, and finished epochs are on disk all the same.
    drop(installed);
    #[cfg(unix)]
    for flag in [&TIME_IS_UP, &STOP] {
        let _ = signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(flag));
    }
    &STOP
}

/// Whether SIGUSR1 came.
pub fn time_is_up() -> bool {
    TIME_IS_UP.load(Ordering::Relaxed)
}
