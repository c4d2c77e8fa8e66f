//! A panic in a training becomes that training's error: a mistake of ours ends one run, not its siblings.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, Once, PoisonError};

use crate::error::{Error, Result};

thread_local! {
    /// Whether panics on this thread become errors, so that nothing is printed for them.
    static HELD: Cell<bool> = const { Cell::new(false) };
}

/// What the last panics said and where they were. Rayon carries a panic's message to the thread that waits for
/// it, but not its place.
static SEEN: Mutex<VecDeque<(String, String)>> = Mutex::new(VecDeque::new());

/// More panics than can be on their way at once.
const MOST_SEEN: usize = 64;

/// Runs `work`, which `who` names. A panic in it, on this thread or on those of its pool, becomes an error that
/// says where it was and what it said; nothing is printed.
///
/// The first call puts a panic hook before the one that is there; panics elsewhere reach that one as ever.
///
/// # Errors
/// As `work`, or if it panics.
pub(crate) fn caught<T>(who: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| if HELD.get() { remember(info) } else { others(info) }));
    });
    let before = HELD.replace(true);
    // What `work` left half-done is dropped with it: a run goes on from what is on disk.
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    HELD.set(before);
    outcome.unwrap_or_else(|payload| Err(mistake(who, &*payload)))
}

/// From now on panics on this thread are left to [`caught`], which waits for its work on another one.
pub(crate) fn hold_thread() {
    HELD.set(true);
}

fn remember(info: &PanicHookInfo<'_>) {
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.len() == MOST_SEEN {
        seen.pop_front();
    }
    let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
    seen.push_back((words(info.payload()).into(), place));
}

fn mistake(who: &str, payload: &(dyn Any + Send)) -> Error {
    let what = words(payload);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let place = seen.iter().rposition(|(said, _)| said == what).and_then(|i| seen.remove(i));
    let place = place.map(|(_, place)| place).unwrap_or_default();
    let what = what.trim().replace('\n', "; ");
    Error::failure(format!("{who}: this is a mistake in the program{place}, please report it: {what}"))
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;

    #[test]
    fn a_panic_becomes_an_error_that_says_where_it_was() {
        let text = "index\nof nothing";
        let error = caught("work", || -> Result<()> { panic!("{text}") }).unwrap_err();
        let line = line!() - 1;
        let expected = format!(
            "work: this is a mistake in the program at {}:{line}, please report it: index; of nothing",
            file!()
        );
        assert_eq!((error.to_string(), error.is_input()), (expected, false));
        assert_eq!(caught("work", || Ok(3)).unwrap(), 3);
        assert!(caught("work", || -> Result<()> { Err(Error::input("mine")) }).unwrap_err().is_input());
    }

    #[test]
    fn so_does_one_on_a_thread_of_the_pool() {
        let halves = || Ok(rayon::join(|| (), || -> () { panic!("of the other half") }));
        let error = threads::install(2, "work", halves).unwrap_err().to_string();
        assert!(error.contains("panics.rs:") && error.ends_with("of the other half"), "{error}");
    }
}
