//! What the shapes of a Vision Transformer's tensors say about its sizes.

use super::source::Shapes;

/// Every published variant's heads are 64 wide.
const HEAD_WIDTH: usize = 64;

/// Heads of a published transformer of this width.
pub(super) fn usual_heads(dim: usize) -> usize {
    (dim / HEAD_WIDTH).max(1)
}

/// The shape of a tensor that has to have `rank` dimensions.
pub(super) fn shape<'a>(shapes: &'a Shapes, name: &str, rank: usize) -> Result<&'a [usize], String> {
    match shapes.get(name) {
        Some(shape) if shape.len() == rank => Ok(shape),
        Some(shape) => Err(format!("expected {rank} dimensions for {name}, found {shape:?}")),
        None => Err(format!("expected the tensor {name}, found none")),
    }
}

/// Side of the square grid that `positions` position embeddings, `extra` of which belong to no patch, are for.
pub(super) fn grid_side(positions: usize, extra: usize) -> Result<usize, String> {
    let side = positions.saturating_sub(extra).isqrt();
    if side == 0 || side * side + extra != positions {
        return Err(format!(
            "expected a square grid of position embeddings and {extra} more, found {positions} in all"
        ));
    }
    Ok(side)
}

/// One more than the largest number that follows `prefix`, up to the next dot.
pub(super) fn count_of(shapes: &Shapes, prefix: &str) -> usize {
    shapes
        .keys()
        .filter_map(|name| name.strip_prefix(prefix)?.split('.').next()?.parse::<usize>().ok())
        .max()
        .map_or(0, |last| last.saturating_add(1))
}
