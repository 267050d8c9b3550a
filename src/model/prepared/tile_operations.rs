//! What becomes of a tile of products: loops over 12 rows of 32 columns, vectorised for each instruction set.

use multiversion::multiversion;

use crate::numeric::{Format, TILE_COLUMNS, TILE_ROWS, Tile, TilePlace, normal_tails, pair};

/// Bias, or another value per column, of the columns of a tile.
pub(super) type Columns = [f32; TILE_COLUMNS];

/// Adds `bias` to each row.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn add_bias(tile: &mut Tile, bias: &Columns) {
    for row in tile {
        for (x, b) in row.iter_mut().zip(bias) {
            *x += *b;
        }
    }
}

/// Replaces each value by the erf GELU of it and its bias.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn bias_gelu(tile: &mut Tile, bias: &Columns) {
    for row in tile {
        for (x, b) in row.iter_mut().zip(bias) {
            *x = gelu(*x + *b);
        }
    }
}

/// Adds the tile and `bias` to rows of `width` values, the first at the start of `rows`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn add_to_rows(tile: &Tile, place: TilePlace, bias: &Columns, rows: &mut [f32], width: usize) {
    let rows = rows.chunks_exact_mut(width).skip(place.row);
    for (row, sums) in rows.zip(tile).take(place.rows) {
        let row = &mut row[place.column..place.column + place.columns];
        for ((x, sum), b) in row.iter_mut().zip(sums).zip(bias) {
            *x += *sum + *b;
        }
    }
}

/// Writes the tile into rows of `stride` units, the first at the start of `rows`.
///
/// # Panics
/// For rows of bytes, whose scale depends on all of their values.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn write_to_rows(tile: &Tile, place: TilePlace, format: Format, rows: &mut [u32], stride: usize) {
    let from = format.units(place.column);
    let units = format.units(place.columns);
    let rows = rows.chunks_mut(stride).skip(place.row);
    for (row, sums) in rows.zip(tile).take(place.rows) {
        let row = &mut row[from..from + units];
        match format {
            Format::F32 => {
                for (unit, x) in row.iter_mut().zip(sums) {
                    *unit = x.to_bits();
                }
            }
            Format::Bf16 => {
                for (unit, [first, second]) in row.iter_mut().zip(sums.as_chunks::<2>().0) {
                    *unit = pair(*first, *second);
                }
            }
            Format::Int8 => unreachable!("rows of bytes are written as a whole"),
        }
    }
}

/// Replaces each score by `2^(score - shift)` and adds it to the row's sum of the same column. Columns from `columns`
/// on become 0.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn exponentials(tile: &mut Tile, columns: usize, shift: &[f32; TILE_ROWS], sums: &mut Tile) {
    for ((row, shift), sums) in tile.iter_mut().zip(shift).zip(sums) {
        for x in row.iter_mut() {
            *x = exp2(*x - *shift);
        }
        for x in row.iter_mut().skip(columns) {
            *x = 0.0;
        }
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += *x;
        }
    }
}

/// Raises the row's maxima of each column to the tile's values, without the columns from `columns` on.
pub(super) fn raise_maxima(tile: &Tile, columns: usize, maxima: &mut Tile) {
    for (row, maxima) in tile.iter().zip(maxima) {
        for (x, max) in row.iter().zip(maxima).take(columns) {
            *max = if *x > *max { *x } else { *max };
        }
    }
}

/// Multiplies each row by its factor.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn scale_rows(tile: &mut Tile, factors: &[f32; TILE_ROWS]) {
    for (row, factor) in tile.iter_mut().zip(factors) {
        for x in row {
            *x *= *factor;
        }
    }
}

/// `x Φ(x)`.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    let [tails, _] = normal_tails(x);
    // x Φ(x) is x - x tails / 2 for positive x and x tails / 2 for negative x.
    let part = 0.5 * x * tails;
    if x > 0.0 { x - part } else { part }
}

/// `2^x` with a relative error below 3e-7, for `-126 <= x <= 126`; the value at the nearer end beyond. NaN stays NaN.
///
/// `x = n + r` with `|r| <= 1/2`, then a Taylor polynomial of degree 6 in `r ln 2`, then `n` put into the exponent bits.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    /// `1.5 * 2^23`: adding it rounds to an integer and leaves that integer in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -126.0 { -126.0 } else { x };
    let x = if x > 126.0 { 126.0 } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let p = r.mul_add(1.540_353e-4, 1.333_355_8e-3);
    let p = p.mul_add(r, 9.618_129e-3);
    let p = p.mul_add(r, 5.550_411e-2);
    let p = p.mul_add(r, 2.402_265e-1);
    let p = p.mul_add(r, std::f32::consts::LN_2);
    let p = p.mul_add(r, 1.0);
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ by its series in f64, as an independent reference.
    fn reference(x: f64) -> f64 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-18 {
            n += 1.0;
            term *= x * x / (2.0 * n + 1.0);
            sum += term;
        }
        x * (0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt())
    }

    #[test]
    fn gelu_agrees_with_the_series() {
        // A row of x, a column of biases: every sum from -6 to 6 in steps of 0.005.
        for step in 0..75 {
            let mut tile: Tile = [[0.0; TILE_COLUMNS]; TILE_ROWS];
            let start = -6.0 + step as f32 * 0.16;
            for (i, row) in tile.iter_mut().enumerate() {
                row.fill(start + i as f32 * 0.005);
            }
            let bias: Columns = std::array::from_fn(|column| column as f32 * 0.005);
            let before = tile;
            bias_gelu(&mut tile, &bias);
            for (row, before) in tile.iter().zip(&before) {
                for ((found, x), bias) in row.iter().zip(before).zip(&bias) {
                    let expected = reference(f64::from(x + bias));
                    assert!(
                        (f64::from(*found) - expected).abs() < 1e-6,
                        "{x} {bias}: {found} {expected}"
                    );
                }
            }
        }
        let mut tile: Tile = [[0.0; TILE_COLUMNS]; TILE_ROWS];
        bias_gelu(&mut tile, &[-50.0; TILE_COLUMNS]);
        assert!(tile.as_flattened().iter().all(|x| x.abs() < 1e-30));
    }

    #[test]
    fn exp2_agrees_with_the_standard_library() {
        let mut x = -126.0f32;
        while x < 126.0 {
            let (ours, theirs) = (exp2(x), x.exp2());
            assert!(((ours - theirs) / theirs).abs() < 3e-7, "{x}: {ours} {theirs}");
            x += 0.0137;
        }
        assert_eq!([exp2(1e9), exp2(-1e9)], [exp2(126.0), exp2(-126.0)]);
        assert!(exp2(f32::NAN).is_nan());
    }
}
