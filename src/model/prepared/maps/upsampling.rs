//! Bilinear upsampling, of a whole map or a row at a time.

use multiversion::multiversion;
use rayon::prelude::*;

use super::super::partition::Pool;
use super::Map;
use crate::model::layers::Upsampling;
use crate::numeric::Interpolation;

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

/// An upsampled map; only the rows that are requested are computed.
pub(super) struct Upsampled<'a> {
    map: &'a Map,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// `None` if the size stays the same.
    resampling: Option<Resampling>,
}

impl<'a> Upsampled<'a> {
    pub(super) fn new(map: &'a Map, upsampling: Upsampling) -> Self {
        let size = [map.rows, map.columns].map(|side| side * upsampling.factor);
        Self {
            map,
            rows: size[0],
            columns: size[1],
            resampling: (upsampling.factor > 1).then(|| Resampling::new(map, size, upsampling.align_corners)),
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

/// `map`, upsampled as a whole.
pub(super) fn upsampled(map: &Map, upsampling: Upsampling) -> Map {
    let source = Upsampled::new(map, upsampling);
    let mut out = Map::zeros([source.rows, source.columns], map.channels);
    let rows = out.values.par_chunks_exact_mut(source.columns * map.channels);
    let pool = Pool::new();
    rows.enumerate()
        .for_each(|(y, out)| pool.with(|| source.line(), |line| source.row(y, 0, line, out)));
    out
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn mix(low: &[f32], high: &[f32], weight: f32, out: &mut [f32]) {
    for ((o, l), h) in out.iter_mut().zip(low).zip(high) {
        *o = (*h - *l).mul_add(weight, *l);
    }
}
