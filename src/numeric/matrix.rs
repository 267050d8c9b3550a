//! Products of matrices that lie somewhere in host memory.

use gemm::Parallelism;

/// A matrix somewhere in a slice; `row` and `column` are the steps to the next row and column.
pub(crate) struct Strided<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl Strided<'_> {
    fn last(&self) -> usize {
        (self.rows - 1) * self.row + (self.columns - 1) * self.column
    }
}

/// `out = a b`, or `out += a b` when `add`; the rows of `out` are `out_row` values apart. Runs on this thread alone.
#[expect(unsafe_code, reason = "the gemm crate takes pointers; the bounds are checked here")]
pub(crate) fn multiply(a: &Strided, b: &Strided, out: &mut [f32], out_row: usize, add: bool) {
    assert!(a.columns == b.rows && a.rows > 0 && a.columns > 0 && b.columns > 0);
    assert!(a.last() < a.values.len() && b.last() < b.values.len());
    assert!((a.rows - 1) * out_row + b.columns <= out.len());
    // SAFETY: the three assertions above bound every index that the product reads or writes, and `out` is borrowed
    // mutably while `a` and `b` are shared, so they cannot overlap.
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
