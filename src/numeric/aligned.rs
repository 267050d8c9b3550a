//! Memory for the matrix kernels.

/// Values in a cache line.
const LINE: usize = 64 / size_of::<u32>();

/// Units, zero at first, that begin at the start of a cache line: vectors across two lines cost twice as much to load.
#[derive(Default)]
pub(crate) struct Aligned {
    values: Vec<u32>,
    start: usize,
    count: usize,
}

impl Aligned {
    pub(crate) fn new(count: usize) -> Self {
        let values = vec![0u32; count + LINE];
        // A vector that is moved keeps its memory; one that is cloned would not, so there is no `Clone`. Without alignment
        // the results are the same.
        let start = values.as_ptr().align_offset(64).min(LINE);
        Self { values, start, count }
    }

    pub(crate) fn units(&self) -> &[u32] {
        &self.values[self.start..][..self.count]
    }

    pub(crate) fn units_mut(&mut self) -> &mut [u32] {
        &mut self.values[self.start..][..self.count]
    }
}
