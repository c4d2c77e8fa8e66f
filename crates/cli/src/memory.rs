//! How memory is handed out.
//!
//! A training step allocates and frees the same large blocks again and again. The C library gives such blocks back to
//! the system each time and pays for every page when it asks for them anew; told to keep them, it doesn't.

/// Call once, before any threads start.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // From malloc.h: no block is too large for the heap, and the heap never shrinks.
        const M_TRIM_THRESHOLD: i32 = -1;
        const M_MMAP_MAX: i32 = -4;
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        // SAFETY: mallopt only sets a number; no other thread is running yet.
        unsafe {
            mallopt(M_MMAP_MAX, 0);
            mallopt(M_TRIM_THRESHOLD, i32::MAX);
        }
    }
}
