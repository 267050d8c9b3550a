//! The attention trace of a pass, and the positions of its tokens.

use super::softmax::Normalisers;
use std::sync::OnceLock;

/// A part of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetworkPart {
    /// The Vision Transformer.
    Encoder,
    /// The mask transformer.
    Decoder,
}

/// A block of one part of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerId {
    /// The part of the network.
    pub part: NetworkPart,
    /// Index of the block, counted from 0.
    pub layer: usize,
}

/// A token, by kind and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// A patch token, counted row by row.
    Patch(usize),
    /// A token of the encoder before the patches: 0 is the class token, 1 is DeiT's distillation token.
    Extra(usize),
    /// A class embedding of the mask transformer.
    Class(usize),
}

impl Token {
    /// The part in which the token is traced: only the mask transformer has class embeddings.
    pub fn part(self) -> NetworkPart {
        match self {
            Self::Class(_) => NetworkPart::Decoder,
            Self::Patch(_) | Self::Extra(_) => NetworkPart::Encoder,
        }
    }
}

/// Queries, keys and tokens of one pass; plain data.
#[derive(Debug, Default)]
pub struct AttentionTrace {
    /// Number of rows and columns of patches.
    pub grid: [usize; 2],
    /// Patch size in pixels of the network's input image.
    pub patch: usize,
    /// Number of the encoder's tokens before the patches.
    pub extra: usize,
    /// Number of the mask transformer's class embeddings; 0 without a mask transformer.
    pub classes: usize,
    /// The encoder's blocks.
    pub encoder: Vec<TracedLayer>,
    /// The mask transformer's blocks.
    pub decoder: Vec<TracedLayer>,
}

/// The queries, keys and tokens of one block.
#[derive(Debug)]
pub struct TracedLayer {
    /// Already scaled by the attention scale.
    pub(super) queries: Vectors,
    pub(super) keys: Vectors,
    /// Output tokens of the block, stored as one head.
    pub(super) states: Vectors,
    /// Normalisers of every row of attention, computed when a column is first requested.
    pub(super) normalisers: OnceLock<Normalisers>,
}

impl AttentionTrace {
    /// Number of patches.
    pub fn patches(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The blocks of one part of the network.
    pub fn layers(&self, part: NetworkPart) -> &[TracedLayer] {
        match part {
            NetworkPart::Encoder => &self.encoder,
            NetworkPart::Decoder => &self.decoder,
        }
    }

    /// A block, if there is one.
    pub fn layer(&self, place: LayerId) -> Option<&TracedLayer> {
        self.layers(place.part).get(place.layer)
    }

    /// Position of a token in the sequence of one part; `None` if the token is not in it.
    ///
    /// The encoder has its extra tokens first, the mask transformer its class embeddings last (rstrudel
    /// segm/model/vit.py, segm/model/decoder.py).
    pub fn index(&self, part: NetworkPart, token: Token) -> Option<usize> {
        let (before, after) = match part {
            NetworkPart::Encoder => (self.extra, 0),
            NetworkPart::Decoder => (0, self.classes),
        };
        match token {
            Token::Patch(patch) => (patch < self.patches()).then_some(before + patch),
            Token::Extra(extra) => (extra < before).then_some(extra),
            Token::Class(class) => (class < after).then_some(self.patches() + class),
        }
    }

    /// Positions of the patches in the token sequence of one part.
    pub fn patch_range(&self, part: NetworkPart) -> std::ops::Range<usize> {
        let before = match part {
            NetworkPart::Encoder => self.extra,
            NetworkPart::Decoder => 0,
        };
        before..before + self.patches()
    }

    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        let layers = self.encoder.iter().chain(&self.decoder);
        layers
            .map(|layer| layer.queries.bytes() + layer.keys.bytes() + layer.states.bytes())
            .sum()
    }
}

impl TracedLayer {
    /// Creates a layer from values `[heads, tokens, head width]` (queries, keys) and `[tokens, dim]` (states).
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

/// Keys minus the mean key of their head. This shifts all scores of a row by the same amount, which does not change the
/// softmax, and makes the values smaller, which reduces the rounding error.
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

/// One vector per head and token, each stored as 16-bit integers and a factor.
///
/// This takes as much memory as half precision and is about thirty times more accurate, because the values of a vector
/// have similar magnitudes.
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
    /// Quantises values `[heads, tokens, width]`.
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

    /// The vector of a head and token.
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

    /// Dot products of all vectors of a head with `other`, one per token.
    pub(super) fn products(&self, head: usize, other: &[f32]) -> Vec<f32> {
        let factors = &self.factors[head * self.tokens..][..self.tokens];
        let values = &self.values[head * self.tokens * self.width..][..self.tokens * self.width];
        let mut out = vec![0.0; self.tokens];
        products(values, factors, other, &mut out);
        out
    }
}

/// Number of partial sums: with one per vector lane, the compiler can vectorise without reordering a sum.
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
    fn quantised_vectors_and_products_are_accurate() {
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
    fn zero_vectors_are_exact() {
        let kept = Vectors::new(1, 1, 4, &[0.0; 4]);
        assert_eq!(kept.vector(0, 0), [0.0; 4]);
    }

    #[test]
    fn token_positions_match_the_published_code() {
        let trace = AttentionTrace {
            grid: [2, 3],
            extra: 2,
            classes: 4,
            ..AttentionTrace::default()
        };
        assert_eq!(trace.index(NetworkPart::Encoder, Token::Patch(5)), Some(7));
        assert_eq!(trace.index(NetworkPart::Encoder, Token::Patch(6)), None);
        assert_eq!(trace.index(NetworkPart::Encoder, Token::Extra(1)), Some(1));
        assert_eq!(trace.index(NetworkPart::Encoder, Token::Class(0)), None);
        assert_eq!(trace.index(NetworkPart::Decoder, Token::Patch(0)), Some(0));
        assert_eq!(trace.index(NetworkPart::Decoder, Token::Class(3)), Some(9));
        assert_eq!(trace.index(NetworkPart::Decoder, Token::Extra(0)), None);
        assert_eq!(trace.patch_range(NetworkPart::Encoder), 2..8);
    }
}
