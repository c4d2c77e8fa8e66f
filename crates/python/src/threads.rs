//! Where the kernels run: as many threads as PyTorch has, the caller among them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

thread_local! {
    /// The pool that this thread is part of, and how many threads it was made for. A thread can be part of one pool only.
    ///
    /// It survives a fork: of the child's pool only the thread that forked lives, and it does all that is asked of it.
    static OWN: OnceCell<(usize, ThreadPool)> = const { OnceCell::new() };
}

/// Pools by process and number of threads.
type Pools = HashMap<(u32, usize), Arc<ThreadPool>>;

/// Pools of other sizes, for programs that change the number of threads.
static OTHERS: LazyLock<Mutex<Pools>> = LazyLock::new(Mutex::default);

/// Runs `work` on this many threads.
pub fn on<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let threads = threads.max(1);
    OWN.with(|own| {
        let (size, pool) = own.get_or_init(|| {
            let builder = ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
            (threads, builder.build().expect("a thread that is part of no other pool"))
        });
        if *size == threads {
            return pool.install(work);
        }
        let other = {
            let mut others = OTHERS.lock().unwrap_or_else(PoisonError::into_inner);
            let build =
                || ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
            // The threads of a pool that was made before a fork are gone.
            Arc::clone(others.entry((std::process::id(), threads)).or_insert_with(|| Arc::new(build())))
        };
        other.install(work)
    })
}
