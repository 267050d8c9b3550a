//! The threads that loops over host memory and the networks' matrix products spread over.
//!
//! burn-flex, gemm, the kernels of `model` and the label pass all use the rayon pool that they are called in, and none
//! has one of its own: what runs inside [`ThreadPool::install`] stays on the threads of that pool.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Stack of a thread; readers of nested files recurse.
pub(crate) const STACK_BYTES: usize = 16 << 20;

/// A pool of so many threads, `None` for one per core. Without one, where the system gives no threads, work stays on
/// rayon's global pool.
pub(crate) fn pool(threads: Option<usize>) -> Option<Arc<ThreadPool>> {
    let built = ThreadPoolBuilder::new()
        // rayon takes 0 as one per core.
        .num_threads(threads.unwrap_or(0))
        .thread_name(|i| format!("segscope core {i}"))
        .stack_size(STACK_BYTES)
        .build();
    match built {
        Ok(pool) => {
            log::info!("computing with {} threads", pool.current_num_threads());
            Some(Arc::new(pool))
        }
        Err(e) => {
            log::warn!("the threads cannot be set up ({e}); computing on all cores");
            None
        }
    }
}
