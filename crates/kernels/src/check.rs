//! The checks that every public function makes before anything unsafe relies on them.

/// Panics unless an argument has the length that the other arguments ask for.
#[track_caller]
pub(crate) fn length(argument: &str, got: usize, want: usize) {
    assert!(got == want, "{argument} has {got} values instead of {want}");
}
