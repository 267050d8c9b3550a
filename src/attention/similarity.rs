//! How alike two tokens are after a block.

use super::kept::{Inside, Place, Token};

impl Inside {
    /// Cosine of a token with every token of its half after a block, -1..=1; `None` when there is no such block or
    /// token.
    pub fn similarity(&self, place: Place, token: Token) -> Option<Vec<f32>> {
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
