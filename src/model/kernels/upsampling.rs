//! Bilinear upsampling over host memory, of a whole map or a row at a time.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::numeric::Interpolation;

/// A map in host memory.
pub(super) struct Map<'a> {
    /// `[rows, columns, channels]`.
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) channels: usize,
}

/// The interpolations of an upsampled map.
struct Resampling {
    /// Per row of the upsampled map.
    rows: Vec<Interpolation>,
    /// Per column.
    columns: Vec<Interpolation>,
}

impl Resampling {
    fn new(map: &Map, [rows, columns]: [usize; 2], align_corners: bool) -> Self {
        let along = |from: usize, to: usize| (0..to).map(|i| Interpolation::of(i, from, to, align_corners)).collect();
        Self {
            rows: along(map.rows, rows),
            columns: along(map.columns, columns),
        }
    }

    /// Writes row `y` of the upsampled map to `out`; `line` is scratch memory for a row of the map itself.
    fn row(&self, map: &Map, y: usize, line: &mut [f32], out: &mut [f32]) {
        let pitch = map.columns * map.channels;
        let Interpolation { low, high, weight } = self.rows[y];
        mix(
            &map.values[low * pitch..][..pitch],
            &map.values[high * pitch..][..pitch],
            weight,
            line,
        );
        let channels = map.channels;
        for (out, across) in out.chunks_exact_mut(channels).zip(&self.columns) {
            mix(
                &line[across.low * channels..][..channels],
                &line[across.high * channels..][..channels],
                across.weight,
                out,
            );
        }
    }
}

/// A map resized to another size; only the rows that are requested are computed.
pub(super) struct Upsampled<'a> {
    map: &'a Map<'a>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// `None` if the size stays the same.
    resampling: Option<Resampling>,
}

impl<'a> Upsampled<'a> {
    /// `map` at `size` (rows and columns).
    pub(super) fn new(map: &'a Map<'a>, size: [usize; 2], align_corners: bool) -> Self {
        let [rows, columns] = size;
        Self {
            map,
            rows,
            columns,
            resampling: (size != [map.rows, map.columns]).then(|| Resampling::new(map, size, align_corners)),
        }
    }

    pub(super) fn channels(&self) -> usize {
        self.map.channels
    }

    /// Scratch memory for [`Upsampled::row`].
    pub(super) fn line(&self) -> Vec<f32> {
        vec![0.0; self.map.columns * self.map.channels]
    }

    /// Writes the row `above` rows above row `y`, `[columns, channels]`, to `out`; zeros above the first row and below
    /// the last.
    pub(super) fn row(&self, y: usize, above: usize, line: &mut [f32], out: &mut [f32]) {
        match y.checked_sub(above).filter(|y| *y < self.rows) {
            None => out.fill(0.0),
            Some(y) => match &self.resampling {
                Some(resampling) => resampling.row(self.map, y, line, out),
                None => {
                    let pitch = self.columns * self.map.channels;
                    out.copy_from_slice(&self.map.values[y * pitch..][..pitch]);
                }
            },
        }
    }
}

/// Resizes `map` to `size` (rows and columns) into `out`.
pub(super) fn upsample(map: &Map, size: [usize; 2], align_corners: bool, out: &mut [f32]) {
    let resampling = Resampling::new(map, size, align_corners);
    out.par_chunks_exact_mut(size[1] * map.channels)
        .enumerate()
        .for_each_init(
            || vec![0.0; map.columns * map.channels],
            |line, (y, out)| resampling.row(map, y, line, out),
        );
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn mix(low: &[f32], high: &[f32], weight: f32, out: &mut [f32]) {
    for ((o, l), h) in out.iter_mut().zip(low).zip(high) {
        *o = (*h - *l).mul_add(weight, *l);
    }
}
