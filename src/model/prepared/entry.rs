//! What enters a layer and is written part by part.

use super::linear::PreparedLinear;
use crate::numeric::{Aligned, Format, RowLayout};

/// Memory for rows that enter a layer, whose parts are written one after another.
///
/// Rows of bytes have a scale that depends on all of their values: they are written as other values first, and rounded
/// once they are complete.
pub(super) struct Entry {
    parts: Aligned,
    layout: RowLayout,
    bytes: Option<Bytes>,
}

struct Bytes {
    rows: Aligned,
    layout: RowLayout,
    /// A row of f32.
    row: Vec<f32>,
}

impl Entry {
    /// Memory for `count` rows that enter `layer`; `format` is that of parts of rows of bytes. There is also room for as
    /// many rows of each of the strides `also`.
    pub(super) fn new(layer: &PreparedLinear, format: Format, count: usize, also: &[usize]) -> Self {
        let read = layer.input_layout();
        let bytes = (read.format == Format::Int8).then(|| Bytes {
            rows: read.memory(count),
            layout: read,
            row: vec![0.0; layer.inputs()],
        });
        let layout = match bytes {
            Some(_) => RowLayout::of(format, layer.inputs()),
            None => read,
        };
        let stride = also.iter().copied().fold(layout.stride, usize::max);
        Self {
            parts: Aligned::new(count * stride),
            layout,
            bytes,
        }
    }

    /// Layout of the parts.
    pub(super) fn layout(&self) -> RowLayout {
        self.layout
    }

    /// Where parts are written.
    pub(super) fn parts_mut(&mut self) -> &mut [u32] {
        self.parts.units_mut()
    }

    /// What was written.
    pub(super) fn parts(&self) -> &[u32] {
        self.parts.units()
    }

    /// The first `count` rows as the layer reads them.
    pub(super) fn complete(&mut self, count: usize) -> &[u32] {
        let Some(bytes) = &mut self.bytes else {
            return self.parts.units();
        };
        let from = self.parts.units().chunks(self.layout.stride);
        let to = bytes.rows.units_mut().chunks_mut(bytes.layout.stride);
        for (from, to) in from.zip(to).take(count) {
            bytes.layout.write(to, 0, self.layout.widened(from, &mut bytes.row));
        }
        bytes.rows.units()
    }
}
