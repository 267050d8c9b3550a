//! Means over square windows, as running sums: of columns down the rows, then along each row.
//!
//! Four values of a pixel are summed side by side, in f64, so that a large image's last rows are as exact as its first.

use std::ops::Range;

use multiversion::multiversion;

/// Four values of a pixel.
pub(super) type Four = [f32; 4];

/// What to do with the sums over rows.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Add(usize),
    Remove(usize),
    Emit,
}

/// Calls `act` with what has to be done for the windows around each of these rows of an image of some height: rows to
/// be added and removed, and then that the sums are those of the row.
pub(super) fn over_rows(rows: Range<usize>, [height, radius]: [usize; 2], mut act: impl FnMut(usize, Step)) {
    let radius = radius as isize;
    for y in rows.clone() {
        let at = y as isize;
        if y == rows.start {
            (at - radius..=at + radius).for_each(|row| act(y, Step::Add(folded(row, height))));
        } else {
            act(y, Step::Add(folded(at + radius, height)));
            act(y, Step::Remove(folded(at - radius - 1, height)));
        }
        act(y, Step::Emit);
    }
}

/// The index inside an image that an index outside is reflected to, the outermost first.
fn folded(at: isize, side: usize) -> usize {
    let at = at.rem_euclid(2 * side as isize) as usize;
    at.min(2 * side - 1 - at)
}

/// Sums over the rows of a window, for each column, with the reflected columns on both sides.
pub(super) struct Sums {
    columns: Vec<[f64; 4]>,
    radius: usize,
    width: usize,
}

impl Sums {
    /// No rows yet.
    pub(super) fn new(width: usize, radius: usize) -> Self {
        Self {
            columns: vec![[0.0; 4]; width + 2 * radius],
            radius,
            width,
        }
    }

    fn inner(&mut self) -> &mut [[f64; 4]] {
        &mut self.columns[self.radius..][..self.width]
    }

    /// Adds a row, or takes it away.
    pub(super) fn add(&mut self, row: &[Four], sign: f64) {
        add_row(self.inner(), row, sign);
    }

    /// Adds a row of values, each times the four of its pixel, or takes it away.
    pub(super) fn add_products(&mut self, values: &[f32], colors: &[Four], sign: f64) {
        add_products(self.inner(), values, colors, sign);
    }

    /// Adds a row of pixels, one of the four times all of them, or takes it away.
    pub(super) fn add_colors(&mut self, colors: &[Four], which: usize, sign: f64) {
        for (to, color) in self.inner().iter_mut().zip(colors) {
            for (to, other) in to.iter_mut().zip(color) {
                *to += sign * f64::from(color[which]) * f64::from(*other);
            }
        }
    }

    /// Fills the reflected columns.
    fn reflect(&mut self) {
        let (radius, width) = (self.radius, self.width);
        for i in 1..=radius as isize {
            let left = folded(-i, width) + radius;
            let right = folded(width as isize - 1 + i, width) + radius;
            self.columns[radius - i as usize] = self.columns[left];
            self.columns[radius + width - 1 + i as usize] = self.columns[right];
        }
    }

    fn factor(&self) -> f64 {
        let side = (2 * self.radius + 1) as f64;
        1.0 / (side * side)
    }

    /// Calls `emit` with each column and the means of the window around it.
    pub(super) fn slide(&mut self, emit: impl FnMut(usize, [f64; 4])) {
        self.reflect();
        slide(&self.columns, self.radius, self.factor(), emit);
    }

    /// The same, as a row of f32.
    pub(super) fn means(&mut self, to: &mut [Four]) {
        self.reflect();
        write_means(&self.columns, self.radius, self.factor(), to);
    }
}

/// The means of the windows around each column.
#[inline(always)]
fn slide(columns: &[[f64; 4]], radius: usize, factor: f64, mut emit: impl FnMut(usize, [f64; 4])) {
    let side = 2 * radius + 1;
    let mut sum = [0f64; 4];
    for column in &columns[..side - 1] {
        sum = std::array::from_fn(|n| sum[n] + column[n]);
    }
    for (x, (column, gone)) in columns[side - 1..].iter().zip(columns).enumerate() {
        let all: [f64; 4] = std::array::from_fn(|n| sum[n] + column[n]);
        emit(x, all.map(|value| value * factor));
        sum = std::array::from_fn(|n| all[n] - gone[n]);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn write_means(columns: &[[f64; 4]], radius: usize, factor: f64, to: &mut [Four]) {
    slide(columns, radius, factor, |x, mean| {
        to[x] = mean.map(|value| value as f32)
    });
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_row(to: &mut [[f64; 4]], row: &[Four], sign: f64) {
    for (to, row) in to.iter_mut().zip(row) {
        *to = std::array::from_fn(|n| to[n] + sign * f64::from(row[n]));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_products(to: &mut [[f64; 4]], values: &[f32], colors: &[Four], sign: f64) {
    for ((to, value), color) in to.iter_mut().zip(values).zip(colors) {
        let value = sign * f64::from(*value);
        *to = std::array::from_fn(|n| to[n] + value * f64::from(color[n]));
    }
}
