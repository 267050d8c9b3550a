//! Splits rows into tasks, and lends each task its scratch memory.

use std::sync::{Mutex, PoisonError};

use crate::numeric::TILE_ROWS;

/// Maximum number of rows of a task: all weights are read once for them, and what the layers of a block hand on stays
/// near.
const MAX_ROWS: usize = 43 * TILE_ROWS;

/// Rows of a task: whole tiles, so that as far as that allows every thread gets the same number of tasks of the same
/// size.
pub(super) fn rows_per_task(rows: usize) -> usize {
    let threads = rayon::current_num_threads();
    let rows = rows.max(1);
    let tasks = rows.div_ceil(MAX_ROWS).next_multiple_of(threads);
    rows.div_ceil(tasks).next_multiple_of(TILE_ROWS)
}

/// Scratch memory that tasks borrow. As much is made as tasks run at the same time.
pub(super) struct Pool<T> {
    free: Mutex<Vec<T>>,
}

impl<T> Pool<T> {
    pub(super) fn new() -> Self {
        Self {
            free: Mutex::new(Vec::new()),
        }
    }

    /// Calls `work` with memory that is free, or that `make` makes.
    pub(super) fn with<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let lent = free().pop();
        let mut memory = lent.unwrap_or_else(make);
        let result = work(&mut memory);
        free().push(memory);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_whole_tiles_and_no_larger_than_allowed() {
        for threads in [1, 2, 3, 16] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            for rows in [1, 12, 577, 1025, 1174, 4097, 16_384] {
                let size = pool.install(|| rows_per_task(rows));
                assert!(size % TILE_ROWS == 0 && size <= MAX_ROWS, "{threads} {rows}: {size}");
                if rows >= threads * threads * TILE_ROWS {
                    assert_eq!(rows.div_ceil(size) % threads, 0, "{threads} {rows}: {size}");
                }
            }
        }
    }
}
