//! Cosine similarity of tokens after a block.

use super::trace::{AttentionTrace, LayerId, Token};

impl AttentionTrace {
    /// Cosine similarity, -1..=1, of a token with every token of its network part after a block; `None` if there is no
    /// such block or token.
    pub fn similarity(&self, place: LayerId, token: Token) -> Option<Vec<f32>> {
        let states = &self.layer(place)?.states;
        let own = states.vector(0, self.index(place.part, token)?);
        let length = |vector: &[f32]| vector.iter().map(|v| v * v).sum::<f32>().sqrt();
        let own_length = length(&own);
        let products = states.products(0, &own);
        let cosines = products.into_iter().enumerate().map(|(other, product)| {
            let lengths = own_length * length(&states.vector(0, other));
            if lengths > 0.0 { product / lengths } else { 0.0 }
        });
        Some(cosines.collect())
    }
}
