//! Sizes of a Vision Transformer from the shapes of its tensors.

use super::source::Shapes;

/// Width of an attention head in every published variant.
const HEAD_WIDTH: usize = 64;

/// Number of attention heads of a published transformer of this width.
pub(super) fn usual_heads(dim: usize) -> usize {
    (dim / HEAD_WIDTH).max(1)
}

/// The shape of a tensor that must have `rank` dimensions.
pub(super) fn shape<'a>(shapes: &'a Shapes, name: &str, rank: usize) -> Result<&'a [usize], String> {
    match shapes.get(name) {
        Some(shape) if shape.len() == rank => Ok(shape),
        Some(shape) => Err(format!("expected {rank} dimensions for {name}, found {shape:?}")),
        None => Err(format!("expected the tensor {name}, found none")),
    }
}

/// Rows and columns of the grid of `positions` position embeddings, `extra` of which belong to no patch: `said` if it
/// has as many patches, else a square.
pub(super) fn grid_of(positions: usize, extra: usize, said: Option<[usize; 2]>) -> Result<[usize; 2], String> {
    let patches = positions.saturating_sub(extra);
    let are_as_many = |[rows, columns]: &[usize; 2]| patches > 0 && rows.checked_mul(*columns) == Some(patches);
    if let Some(grid) = said.filter(are_as_many) {
        return Ok(grid);
    }
    let side = patches.isqrt();
    if side == 0 || side * side != patches || positions < extra {
        return Err(format!(
            "expected a square grid of position embeddings and {extra} more, found {positions} in all; a model that was \
             trained on rectangles needs its sizes beside the tensors (variant.yml or a configuration)"
        ));
    }
    Ok([side; 2])
}

/// One more than the largest number that follows `prefix`, up to the next dot.
pub(super) fn count_of(shapes: &Shapes, prefix: &str) -> usize {
    shapes
        .keys()
        .filter_map(|name| name.strip_prefix(prefix)?.split('.').next()?.parse::<usize>().ok())
        .max()
        .map_or(0, |last| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::grid_of;

    #[test]
    fn a_grid_is_the_stated_one_if_it_fits_else_a_square() {
        assert_eq!(grid_of(17, 1, None), Ok([4, 4]));
        assert_eq!(grid_of(9, 1, Some([2, 4])), Ok([2, 4]));
        assert_eq!(grid_of(17, 1, Some([2, 8])), Ok([2, 8]));
        assert_eq!(grid_of(17, 1, Some([3, 5])), Ok([4, 4]));
        for (positions, extra) in [(9, 1), (0, 1), (1, 1), (1, 2)] {
            assert!(grid_of(positions, extra, None).is_err(), "{positions} {extra}");
        }
        assert!(grid_of(9, 1, Some([usize::MAX, 2])).is_err());
    }
}
