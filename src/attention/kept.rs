//! What is kept of a pass, and how its tokens are counted.

use super::softmax::Normalisers;
use std::sync::OnceLock;

/// Which half of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The Vision Transformer.
    Encoder,
    /// The mask transformer.
    Decoder,
}

/// A block of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which half.
    pub part: Part,
    /// Block, from 0.
    pub layer: usize,
}

/// A token, as people count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// A patch, row by row.
    Patch(usize),
    /// One of the encoder's tokens before the patches: 0 is the class token, 1 DeiT's distillation token.
    Extra(usize),
    /// A class token of the mask transformer.
    Class(usize),
}

impl Token {
    /// The half that it is followed in: classes are in the mask transformer alone.
    pub fn part(self) -> Part {
        match self {
            Self::Class(_) => Part::Decoder,
            Self::Patch(_) | Self::Extra(_) => Part::Encoder,
        }
    }
}

/// Everything that one pass kept; plain data.
#[derive(Debug, Default)]
pub struct Inside {
    /// Rows and columns of patches.
    pub grid: [usize; 2],
    /// Side of a patch in pixels of the picture that the network saw.
    pub patch: usize,
    /// The encoder's tokens before the patches.
    pub extra: usize,
    /// The mask transformer's class tokens; 0 without one.
    pub classes: usize,
    /// The encoder's blocks.
    pub encoder: Vec<Layer>,
    /// The mask transformer's blocks.
    pub decoder: Vec<Layer>,
}

/// What is kept of a block.
#[derive(Debug)]
pub struct Layer {
    /// Scaled already.
    pub(super) queries: Vectors,
    pub(super) keys: Vectors,
    /// Its tokens as it put them out, as one head.
    pub(super) states: Vectors,
    /// Of every row of attention, made when a column is first asked for.
    pub(super) normalisers: OnceLock<Normalisers>,
}

impl Inside {
    /// The number of patches.
    pub fn patches(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The blocks of one half.
    pub fn layers(&self, part: Part) -> &[Layer] {
        match part {
            Part::Encoder => &self.encoder,
            Part::Decoder => &self.decoder,
        }
    }

    /// A block, if there is one.
    pub fn layer(&self, place: Place) -> Option<&Layer> {
        self.layers(place.part).get(place.layer)
    }

    /// Where a token stands in one half, if it is there: the encoder has its extra tokens first, the mask transformer
    /// its classes last (rstrudel segm/model/vit.py, segm/model/decoder.py).
    pub fn index(&self, part: Part, token: Token) -> Option<usize> {
        let (before, after) = match part {
            Part::Encoder => (self.extra, 0),
            Part::Decoder => (0, self.classes),
        };
        match token {
            Token::Patch(patch) => (patch < self.patches()).then_some(before + patch),
            Token::Extra(extra) => (extra < before).then_some(extra),
            Token::Class(class) => (class < after).then_some(self.patches() + class),
        }
    }

    /// Where the patches stand among the tokens of one half.
    pub fn patch_range(&self, part: Part) -> std::ops::Range<usize> {
        let before = match part {
            Part::Encoder => self.extra,
            Part::Decoder => 0,
        };
        before..before + self.patches()
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        let layers = self.encoder.iter().chain(&self.decoder);
        layers
            .map(|layer| layer.queries.bytes() + layer.keys.bytes() + layer.states.bytes())
            .sum()
    }
}

impl Layer {
    /// From values `[heads, tokens, head width]` (queries, keys) and `[tokens, dim]` (states).
    pub(super) fn new(shape: [usize; 3], queries: &[f32], keys: &[f32], states: &[f32]) -> Self {
        let [heads, tokens, width] = shape;
        Self {
            queries: Vectors::new(heads, tokens, width, queries),
            keys: Vectors::new(heads, tokens, width, &centred(tokens, width, keys)),
            states: Vectors::new(1, tokens, states.len() / tokens, states),
            normalisers: OnceLock::new(),
        }
    }

    /// Number of heads.
    pub fn heads(&self) -> usize {
        self.queries.heads
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.queries.tokens
    }
}

/// Keys less the mean key of their head: that moves all scores of a row alike, which softmax does not see, and leaves
/// smaller values to be rounded.
fn centred(tokens: usize, width: usize, keys: &[f32]) -> Vec<f32> {
    let mut out = keys.to_vec();
    for head in out.chunks_exact_mut(tokens * width) {
        let mut mean = vec![0.0; width];
        for key in head.chunks_exact(width) {
            mean.iter_mut().zip(key).for_each(|(m, v)| *m += v / tokens as f32);
        }
        for key in head.chunks_exact_mut(width) {
            key.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
        }
    }
    out
}

/// A vector per head and token, each as 16-bit integers and a factor.
///
/// That is as small as half precision and, because a vector's values are of one magnitude, some thirty times closer.
#[derive(Debug)]
pub(super) struct Vectors {
    pub(super) heads: usize,
    pub(super) tokens: usize,
    pub(super) width: usize,
    /// `[heads, tokens, width]`.
    values: Vec<i16>,
    /// `[heads, tokens]`.
    factors: Vec<f32>,
}

impl Vectors {
    /// From `[heads, tokens, width]`.
    fn new(heads: usize, tokens: usize, width: usize, from: &[f32]) -> Self {
        let mut values = Vec::with_capacity(from.len());
        let mut factors = Vec::with_capacity(heads * tokens);
        for vector in from.chunks_exact(width) {
            let most = vector.iter().fold(0.0f32, |most, v| most.max(v.abs()));
            let most = if most > 0.0 { most } else { 1.0 };
            let up = f32::from(i16::MAX) / most;
            factors.push(most / f32::from(i16::MAX));
            values.extend(vector.iter().map(|v| (v * up).round() as i16));
        }
        Self {
            heads,
            tokens,
            width,
            values,
            factors,
        }
    }

    fn bytes(&self) -> usize {
        self.values.len() * size_of::<i16>() + self.factors.len() * size_of::<f32>()
    }

    /// One vector.
    pub(super) fn vector(&self, head: usize, token: usize) -> Vec<f32> {
        let at = head * self.tokens + token;
        let factor = self.factors[at];
        let values = &self.values[at * self.width..][..self.width];
        values.iter().map(|v| f32::from(*v) * factor).collect()
    }

    /// All vectors of a head, `[tokens, width]`.
    pub(super) fn head(&self, head: usize) -> Vec<f32> {
        let factors = &self.factors[head * self.tokens..][..self.tokens];
        let values = &self.values[head * self.tokens * self.width..][..self.tokens * self.width];
        let vectors = values.chunks_exact(self.width).zip(factors);
        vectors
            .flat_map(|(vector, factor)| vector.iter().map(move |v| f32::from(*v) * factor))
            .collect()
    }

    /// The products of all vectors of a head with `other`.
    pub(super) fn products(&self, head: usize, other: &[f32]) -> Vec<f32> {
        let factors = &self.factors[head * self.tokens..][..self.tokens];
        let values = &self.values[head * self.tokens * self.width..][..self.tokens * self.width];
        let mut out = vec![0.0; self.tokens];
        products(values, factors, other, &mut out);
        out
    }
}

/// Lanes of a sum: with one per lane the compiler may vectorise without reordering a sum.
const LANES: usize = 16;

#[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn products(values: &[i16], factors: &[f32], other: &[f32], out: &mut [f32]) {
    let (body, rest) = other.as_chunks::<LANES>();
    for ((vector, factor), out) in values.chunks_exact(other.len()).zip(factors).zip(out) {
        let (parts, tail) = vector.as_chunks::<LANES>();
        let mut sums = [0.0f32; LANES];
        for (part, other) in parts.iter().zip(body) {
            for i in 0..LANES {
                sums[i] = f32::from(part[i]).mul_add(other[i], sums[i]);
            }
        }
        let mut sum: f32 = sums.iter().sum();
        for (v, other) in tail.iter().zip(rest) {
            sum = f32::from(*v).mul_add(*other, sum);
        }
        *out = sum * factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_back_to_five_digits_and_products_are_those_of_the_values() {
        let values: Vec<f32> = (0..2 * 3 * 20).map(|i| ((i * 37 % 101) as f32 - 50.0) * 0.3).collect();
        let kept = Vectors::new(2, 3, 20, &values);
        for (i, vector) in values.chunks_exact(20).enumerate() {
            let found = kept.vector(i / 3, i % 3);
            let most = vector.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            assert!(
                found.iter().zip(vector).all(|(a, b)| (a - b).abs() <= most * 1.6e-5),
                "{i}"
            );
        }
        let other: Vec<f32> = (0..20).map(|i| i as f32 - 8.0).collect();
        let expected: Vec<f32> = (3..6)
            .map(|i| values[i * 20..][..20].iter().zip(&other).map(|(a, b)| a * b).sum())
            .collect();
        for (found, expected) in kept.products(1, &other).iter().zip(expected) {
            assert!((found - expected).abs() < 0.02, "{found} {expected}");
        }
        assert_eq!(kept.head(1)[20..40], kept.vector(1, 1));
    }

    #[test]
    fn zeros_stay_zeros() {
        let kept = Vectors::new(1, 1, 4, &[0.0; 4]);
        assert_eq!(kept.vector(0, 0), [0.0; 4]);
    }

    #[test]
    fn tokens_stand_where_the_published_code_puts_them() {
        let inside = Inside {
            grid: [2, 3],
            extra: 2,
            classes: 4,
            ..Inside::default()
        };
        assert_eq!(inside.index(Part::Encoder, Token::Patch(5)), Some(7));
        assert_eq!(inside.index(Part::Encoder, Token::Patch(6)), None);
        assert_eq!(inside.index(Part::Encoder, Token::Extra(1)), Some(1));
        assert_eq!(inside.index(Part::Encoder, Token::Class(0)), None);
        assert_eq!(inside.index(Part::Decoder, Token::Patch(0)), Some(0));
        assert_eq!(inside.index(Part::Decoder, Token::Class(3)), Some(9));
        assert_eq!(inside.index(Part::Decoder, Token::Extra(0)), None);
        assert_eq!(inside.patch_range(Part::Encoder), 2..8);
    }
}
