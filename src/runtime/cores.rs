//! The thread pool for loops over host memory and for the networks' matrix products.
//!
//! burn-flex, gemm, the kernels of `model` and the label pass all use the rayon pool from which they are called and
//! never create another: work inside [`ThreadPool::install`] stays on the threads of that pool.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Stack size of a thread in bytes; readers of nested files recurse.
pub(crate) const STACK_BYTES: usize = 16 << 20;

/// A pool with this number of threads; `None` means one per core.
///
/// Returns `None` if the system cannot start the threads; work then stays on rayon's global pool.
pub(crate) fn pool(threads: Option<usize>) -> Option<Arc<ThreadPool>> {
    let built = ThreadPoolBuilder::new()
        // For rayon, 0 means one per core.
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
            log::warn!("cannot start the threads ({e}); computing on all cores");
            None
        }
    }
}
