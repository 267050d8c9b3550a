//! Products of strided matrices in host memory.

use gemm::Parallelism;

/// A strided matrix in a slice; `row` and `column` are the steps to the next row and column, in values.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl<'a> Strided<'a> {
    /// The rows of `columns` values each that `values` has.
    pub(crate) fn rows(values: &'a [f32], columns: usize) -> Self {
        Self {
            values,
            rows: values.len() / columns.max(1),
            columns,
            row: columns,
            column: 1,
        }
    }

    /// The transposed matrix.
    pub(crate) fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row: self.column,
            column: self.row,
        }
    }

    /// Whether the matrix has a value, and all of its values are inside the slice.
    fn fits(&self) -> bool {
        let last = last_index([self.rows, self.columns], [self.row, self.column]);
        last.is_some_and(|last| last < self.values.len())
    }
}

/// Index of the last value of a matrix; `None` for a matrix without values, and if the index does not fit in a `usize`.
fn last_index(size: [usize; 2], steps: [usize; 2]) -> Option<usize> {
    let down = size[0].checked_sub(1)?.checked_mul(steps[0])?;
    let across = size[1].checked_sub(1)?.checked_mul(steps[1])?;
    down.checked_add(across)
}

/// Checks that `a b` is defined and that every value that the product reads or writes is inside its slice.
///
/// # Panics
/// When it is not, or a matrix has no values.
pub(super) fn check_product(a: &Strided, b: &Strided, out: &[f32], out_row: usize) {
    assert!(a.columns == b.rows);
    assert!(a.fits() && b.fits());
    let last = last_index([a.rows, b.columns], [out_row, 1]);
    assert!(last.is_some_and(|last| last < out.len()));
}

/// `out = a b`, or `out += a b` when `add`; the rows of `out` are `out_row` values apart. Runs on the calling thread
/// alone.
#[expect(unsafe_code, reason = "the gemm crate takes pointers; the bounds are checked here")]
pub(crate) fn multiply(a: &Strided, b: &Strided, out: &mut [f32], out_row: usize, add: bool) {
    check_product(a, b, out, out_row);
    // SAFETY: the assertions of the check bound every index that the product reads or writes, without wrapping around:
    // indices grow along rows and columns, and the last one is inside its slice. `out` is borrowed mutably while `a` and
    // `b` are shared, so they cannot overlap. A step that does not fit in an `isize` does not fit in a slice, so there is
    // only one row or column then and the step is not used.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            out_row as isize,
            add,
            a.values.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            if add { 1.0 } else { 0.0 },
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_index_does_not_wrap_around() {
        assert_eq!(last_index([2, 3], [10, 2]), Some(14));
        assert_eq!(last_index([1, 1], [usize::MAX, usize::MAX]), Some(0));
        assert_eq!(last_index([0, 3], [10, 2]), None);
        assert_eq!(last_index([2, 0], [10, 2]), None);
        // Each of these would wrap around to 0 in a `usize`.
        assert_eq!(last_index([3, 1], [1 << (usize::BITS - 1), 1]), None);
        assert_eq!(last_index([2, 2], [usize::MAX, 1]), None);
    }

    #[test]
    #[should_panic(expected = "a.fits()")]
    fn a_matrix_that_reaches_beyond_memory_is_refused() {
        let a = Strided {
            values: &[1.0; 4],
            rows: 3,
            columns: 1,
            row: 1 << (usize::BITS - 1),
            column: 1,
        };
        let b = Strided {
            values: &[1.0],
            rows: 1,
            columns: 1,
            row: 1,
            column: 1,
        };
        multiply(&a, &b, &mut [0.0; 3], 1, false);
    }
}
