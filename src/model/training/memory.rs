//! Memory that passes use one after another: what the system clears for each pass costs a tenth of it.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Memory of the passes of a training, kept between steps.
#[derive(Clone, Debug, Default)]
pub struct TrainingMemory(Arc<Mutex<Free>>);

/// Memory that nothing uses, by its number of values.
type Free = HashMap<usize, Vec<Vec<f32>>>;

/// Values in memory that goes back to the [`TrainingMemory`] when they are dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    values: Vec<f32>,
    memory: TrainingMemory,
}

impl TrainingMemory {
    /// `count` values, which the caller overwrites: they may be those of an earlier use.
    pub(super) fn used(&self, count: usize) -> Buffer {
        let free = self.free(|free| free.get_mut(&count).and_then(Vec::pop));
        Buffer {
            values: free.unwrap_or_else(|| vec![0.0; count]),
            memory: self.clone(),
        }
    }

    /// `count` zeros.
    pub(super) fn zeros(&self, count: usize) -> Buffer {
        let mut buffer = self.used(count);
        buffer.fill(0.0);
        buffer
    }

    /// A copy of `values`.
    pub(super) fn copy(&self, values: &[f32]) -> Buffer {
        let mut buffer = self.used(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    fn free<T>(&self, work: impl FnOnce(&mut Free) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        self.memory
            .free(|free| free.entry(values.len()).or_default().push(values));
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_memory_is_used_again() {
        let memory = TrainingMemory::default();
        let mut first = memory.used(3);
        first[1] = 5.0;
        let second = memory.used(3);
        assert_eq!(*second, [0.0; 3]);
        drop(first);
        assert_eq!(*memory.used(3), [0.0, 5.0, 0.0]);
        assert_eq!(*memory.zeros(3), [0.0; 3]);
        assert_eq!(*memory.copy(&[1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
        assert_eq!(memory.used(2).len(), 2);
    }
}
