//! Tests of the room: with numbers from an independent program, and of the edges of what can come.

mod edges;
mod files;
mod reference;
mod speed;

use super::{Stroke, Tokens};
use crate::photo::Photo;

/// Numbers from 0 to 1 that the independent program draws too (a linear congruential generator).
pub(super) struct Draws(pub(super) u32);

impl Draws {
    pub(super) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 16_777_216.0
    }

    pub(super) fn many(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// Tokens of 20 channels of a 40 x 24 image, patch 8.
pub(super) fn few_tokens() -> Tokens {
    let mut values = Draws(7).many(3 * 5 * 20);
    for (token, values) in values.chunks_exact_mut(20).enumerate() {
        for (channel, value) in values.iter_mut().enumerate() {
            let slope = f64::from(*value) * 4.0 - 1.0;
            let along = -1.0 + 2.0 * channel as f64 / 19.0;
            *value = (slope + (token % 5) as f64 * along * 0.3) as f32;
        }
    }
    Tokens::new(values, 20, 8, [40, 24], [40, 24]).expect("tokens")
}

pub(super) fn few_strokes() -> Vec<Stroke> {
    vec![
        Stroke::new(0, 3.0, vec![[2.0, 2.0], [9.0, 13.0]]),
        Stroke::new(1, 2.5, vec![[20.0, 4.0], [24.0, 20.0]]),
        Stroke::new(2, 1.0, vec![[36.0, 10.0]]),
        Stroke::new(0, 4.0, vec![[5.0, 21.0], [14.0, 22.0], [15.0, 17.0]]),
    ]
}

/// Random colours, darker and less different on the right.
pub(super) fn noisy_photo(draws: &mut Draws) -> Photo {
    let mut rgb: Vec<u8> = (0..20 * 30 * 3).map(|_| (draws.next() * 256.0).floor() as u8).collect();
    for (at, value) in rgb.iter_mut().enumerate() {
        if at / 3 % 30 >= 15 {
            *value = *value / 4 + 60;
        }
    }
    Photo::new(30, 20, rgb)
}

/// Tokens and colours of an image whose left, middle and right differ, and the patch size 8.
pub(super) fn three_parts(width: usize, height: usize, channels: usize) -> (Tokens, Photo) {
    let mut draws = Draws(5);
    let [columns, rows] = [width.div_ceil(8), height.div_ceil(8)];
    let part = |x: f64, side: usize| ((x * 3.0 / side as f64) as usize).min(2);
    let mut values = Vec::new();
    for token in 0..rows * columns {
        let of = part((token % columns) as f64 + 0.5, columns);
        values.extend((0..channels).map(|channel| draws.next() + if channel % 3 == of { 1.0 } else { 0.0 }));
    }
    let color = |at: usize| [[200, 40, 40], [40, 200, 40], [40, 40, 200]][part((at % width) as f64 + 0.5, width)];
    let rgb = (0..width * height).flat_map(color).collect();
    let tokens = Tokens::new(values, channels, 8, [width, height], [width, height]).expect("tokens");
    (tokens, Photo::new(width, height, rgb))
}
