//! From tokens to the classes' probabilities at pixels: a product on the token grid, bilinear logits, softmax.

use multiversion::multiversion;
use rayon::prelude::*;

use super::decoder::LinearDecoder;
use super::error::TeachError;
use super::products::logits_of;
use super::tokens::{Neighbours, Tokens};
use crate::numeric::exp;

/// Logits on the token grid.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogits {
    /// Number of classes.
    pub classes: usize,
    /// `[rows, classes, columns]`.
    pub values: Vec<f32>,
    columns: usize,
}

impl TokenLogits {
    /// The logits of all tokens.
    ///
    /// # Errors
    /// When the decoder reads tokens of another width.
    pub fn of(tokens: &Tokens, decoder: &LinearDecoder) -> Result<Self, TeachError> {
        if tokens.width != decoder.width {
            return Err(TeachError::Size {
                what: "tokens",
                expected: format!("{} values", decoder.width),
                found: format!("{}", tokens.width),
            });
        }
        let classes = decoder.classes;
        let by_token = logits_of(tokens, decoder);
        let mut values = vec![0f32; by_token.len()];
        let rows = values.chunks_exact_mut(classes * tokens.columns);
        for (to, of_row) in rows.zip(by_token.chunks_exact(classes * tokens.columns)) {
            for (column, of_token) in of_row.chunks_exact(classes).enumerate() {
                for (class, value) in of_token.iter().enumerate() {
                    to[class * tokens.columns + column] = *value;
                }
            }
        }
        Ok(Self {
            classes,
            values,
            columns: tokens.columns,
        })
    }

    /// The logits token by token, `[rows * columns, classes]`.
    pub fn by_token(&self) -> Vec<f32> {
        let mut all = vec![0f32; self.values.len()];
        let of_row = self.classes * self.columns;
        for (to, from) in all.chunks_exact_mut(of_row).zip(self.values.chunks_exact(of_row)) {
            for (class, values) in from.chunks_exact(self.columns).enumerate() {
                for (column, value) in values.iter().enumerate() {
                    to[column * self.classes + class] = *value;
                }
            }
        }
        all
    }

    /// The probabilities of the classes at the pixels of an image of `size` (width, height), which shows what `tokens`
    /// were encoded from: logits between tokens' centres bilinearly (half-pixel centres, clamped at the edges), then
    /// softmax. Takes `4 * classes` bytes per pixel.
    pub fn probabilities(&self, tokens: &Tokens, size: [usize; 2]) -> Probabilities {
        let [width, height] = size;
        let wide = width * self.classes;
        let stretched = self.stretched(tokens, width);
        let down = tokens.neighbours(1, height);
        let mut values = vec![0f32; height * wide];
        values.par_chunks_mut(wide).zip(&down).for_each(|(to, at)| {
            let [low, high] = [at.low, at.high].map(|row| &stretched[row * wide..][..wide]);
            softmax_of_rows(low, high, at.weight, width, to);
        });
        Probabilities {
            width,
            height,
            classes: self.classes,
            values,
        }
    }

    /// Ranks the same probabilities, row by row, without keeping them.
    pub fn rank(&self, tokens: &Tokens, size: [usize; 2]) -> Ranking {
        let [width, height] = size;
        let wide = width * self.classes;
        let stretched = self.stretched(tokens, width);
        let down = tokens.neighbours(1, height);
        let mut ranking = Ranking::new(width * height);
        let rows = ranking.pieces(width).zip(&down);
        rows.for_each_init(
            || vec![0f32; wide],
            |values, (mut row, at)| {
                let [low, high] = [at.low, at.high].map(|row| &stretched[row * wide..][..wide]);
                softmax_of_rows(low, high, at.weight, width, values);
                for (class, values) in values.chunks_exact(width).enumerate() {
                    row.offer(0, class as u16, values);
                }
            },
        );
        ranking
    }

    /// The rows of tokens at a photo's columns, `[rows, classes, width]`; its rows are then sums of two of these.
    fn stretched(&self, tokens: &Tokens, width: usize) -> Vec<f32> {
        let across = tokens.neighbours(0, width);
        let mut stretched = vec![0f32; self.values.len() / self.columns * width];
        let lines = stretched
            .par_chunks_mut(width)
            .zip(self.values.par_chunks(self.columns));
        lines.for_each(|(to, from)| {
            for (to, at) in to.iter_mut().zip(&across) {
                *to = from[at.low] + (from[at.high] - from[at.low]) * at.weight;
            }
        });
        stretched
    }
}

/// Writes the probabilities of a row of pixels, `[classes, width]`, from the logits above and below it.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn softmax_of_rows(low: &[f32], high: &[f32], weight: f32, width: usize, to: &mut [f32]) {
    for ((to, low), high) in to.iter_mut().zip(low).zip(high) {
        *to = low + (high - low) * weight;
    }
    let mut most = to[..width].to_vec();
    for of_class in to.chunks_exact(width).skip(1) {
        for (most, value) in most.iter_mut().zip(of_class) {
            *most = if *value > *most { *value } else { *most };
        }
    }
    let mut sum = vec![0f32; width];
    for of_class in to.chunks_exact_mut(width) {
        for ((value, most), sum) in of_class.iter_mut().zip(&most).zip(&mut sum) {
            *value = exp(*value - most);
            *sum += *value;
        }
    }
    sum.iter_mut().for_each(|sum| *sum = 1.0 / *sum);
    for of_class in to.chunks_exact_mut(width) {
        for (value, factor) in of_class.iter_mut().zip(&sum) {
            *value *= factor;
        }
    }
}

/// A number for each class and pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Number of classes.
    pub classes: usize,
    /// `[height, classes, width]`.
    pub values: Vec<f32>,
}

impl Probabilities {
    /// A row of one class, `[width]`.
    pub fn row(&self, class: usize, y: usize) -> &[f32] {
        &self.values[(y * self.classes + class) * self.width..][..self.width]
    }
}

/// The two best classes of pixels, found class by class. Takes 10 bytes per pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Row of the best class in the decoder; the first of equal ones.
    pub best: Vec<u16>,
    /// Its value.
    pub value: Vec<f32>,
    /// The second best class's value; minus infinity while there is one class.
    pub second: Vec<f32>,
}

impl Ranking {
    /// No class yet, for so many pixels.
    pub fn new(pixels: usize) -> Self {
        Self {
            best: vec![0; pixels],
            value: vec![f32::NEG_INFINITY; pixels],
            second: vec![f32::NEG_INFINITY; pixels],
        }
    }

    /// Pieces of so many pixels each, to be ranked in parallel.
    pub(super) fn pieces(&mut self, pixels: usize) -> impl IndexedParallelIterator<Item = Ranked<'_>> {
        let values = self
            .value
            .par_chunks_mut(pixels)
            .zip(self.second.par_chunks_mut(pixels));
        let all = self.best.par_chunks_mut(pixels).zip(values);
        all.map(|(best, (value, second))| Ranked { best, value, second })
    }
}

/// A part of a ranking.
pub(super) struct Ranked<'a> {
    best: &'a mut [u16],
    value: &'a mut [f32],
    second: &'a mut [f32],
}

impl Ranked<'_> {
    /// Ranks a class at the pixels from `start` on.
    pub(super) fn offer(&mut self, start: usize, class: u16, values: &[f32]) {
        let end = start + values.len();
        offer(
            class,
            values,
            &mut self.best[start..end],
            &mut self.value[start..end],
            &mut self.second[start..end],
        );
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn offer(class: u16, values: &[f32], best: &mut [u16], most: &mut [f32], second: &mut [f32]) {
    for (((value, best), most), second) in values.iter().zip(best).zip(most).zip(second) {
        let wins = *value > *most;
        let loser = if wins { *most } else { *value };
        *second = if loser > *second { loser } else { *second };
        *best = if wins { class } else { *best };
        *most = if wins { *value } else { *most };
    }
}

/// The neighbours of the pixels of a larger image among those of a smaller one, across and down.
pub(super) fn between(from: [usize; 2], to: [usize; 2]) -> [Vec<Neighbours>; 2] {
    [0, 1].map(|axis| Neighbours::half_pixel(from[axis], to[axis]))
}
