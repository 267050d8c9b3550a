//! Distributes tasks over threads, with scratch memory that each thread allocates once.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

/// Calls `work` with every chunk and its number. Rayon's own `for_each_init` allocates its memory again each time it
/// splits the tasks, which for megabytes costs as much as the work.
pub(super) fn share_out<'a, S>(
    chunks: impl Iterator<Item = &'a mut [f32]> + Send,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [f32]) + Sync,
) {
    let chunks = Mutex::new(chunks.enumerate());
    let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
    (0..rayon::current_num_threads()).into_par_iter().for_each(|_| {
        let mut memory = None;
        while let Some((number, chunk)) = next() {
            work(memory.get_or_insert_with(&scratch), number, chunk);
        }
    });
}
