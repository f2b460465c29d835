//! The threads that analyse. There is one set of them for the whole process: what a thread has allocated and given back is there for the
//! next step, and an editor's next question need not wait until threads have started.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;

/// Stack of each thread: syntax trees are walked recursively, and what `lex` does not call too deep must fit. What a thread reserves it
/// need not use.
const STACK_BYTES: usize = 512 << 20;

static THREADS: LazyLock<Option<ThreadPool>> =
    LazyLock::new(|| ThreadPoolBuilder::new().stack_size(STACK_BYTES).build().ok());

/// Runs `work` on one of the threads, which does what is parallel in it on all of them; here, where no threads can be had. A panic of
/// `work` is passed on.
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match &*THREADS {
        Some(threads) => threads.install(work),
        None => work(),
    }
}
