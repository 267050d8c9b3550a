//! Runs the kernels on memory that ends where a page that cannot be read begins: a kernel that reads or writes further
//! than it should ends the test program.

#![expect(unsafe_code, reason = "maps memory whose end is guarded")]

use super::bf16::pair;
use super::kernels::{Operands, TILE_COLUMNS, TILE_ROWS, Tile};
use super::self_check::largest_beside_itself;
use super::{Arithmetic, Format, Kernels};

/// Units, zero at first, the last of which is at the end of readable memory. The memory is never given back.
fn guarded(count: usize) -> &'static mut [u32] {
    // SAFETY: a fresh private mapping that nothing else knows, of which all but the last page stay accessible; the
    // units are inside it, aligned because the end of a page is, and zero is a `u32`.
    unsafe {
        let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).expect("the size of a page");
        let bytes = count * size_of::<u32>();
        let room = bytes.next_multiple_of(page);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let start = libc::mmap(std::ptr::null_mut(), room + page, access, kind, -1, 0);
        assert_ne!(start, libc::MAP_FAILED, "memory");
        let start = start.cast::<u8>();
        assert_eq!(
            libc::mprotect(start.add(room).cast(), page, libc::PROT_NONE),
            0,
            "a guarded page"
        );
        std::slice::from_raw_parts_mut(start.add(room - bytes).cast::<u32>(), count)
    }
}

/// A tile at the end of readable memory.
fn guarded_tile() -> &'static mut Tile {
    let units = guarded(TILE_ROWS * TILE_COLUMNS);
    let values: &mut [f32] = bytemuck::cast_slice_mut(units);
    let (rows, _) = values.as_chunks_mut::<TILE_COLUMNS>();
    &mut rows.as_chunks_mut::<TILE_ROWS>().0[0]
}

/// Fills units with values from -1 to 1, or with bytes that `byte` makes.
fn fill(units: &mut [u32], format: Format, random: &mut fastrand::Rng, byte: impl Fn(&mut fastrand::Rng) -> u8) {
    fn value(random: &mut fastrand::Rng) -> f32 {
        random.f32() * 2.0 - 1.0
    }
    for unit in units {
        *unit = match format {
            Format::F32 => value(random).to_bits(),
            Format::Bf16 => pair(value(random), value(random)),
            Format::Int8 => u32::from_ne_bytes([(); 4].map(|()| byte(random))),
        };
    }
}

#[test]
fn kernels_stay_inside_their_operands_and_agree_with_the_portable_ones() {
    let portable = Kernels::portable();
    let mut random = fastrand::Rng::with_seed(5);
    let tile = guarded_tile();
    for kernels in Kernels::all() {
        for arithmetic in [Arithmetic::F32, Arithmetic::Widened, Arithmetic::Bf16, Arithmetic::Int8] {
            for count in 1..=TILE_ROWS {
                for depth in [0, 1, 2, 3, 7, 16, 39] {
                    let units = if arithmetic == Arithmetic::Widened {
                        2 * depth
                    } else {
                        depth
                    };
                    for gap in [0, 5] {
                        let stride = units + gap;
                        let rows = guarded((count - 1) * stride + units);
                        let panel = guarded(depth * TILE_COLUMNS);
                        let largest = largest_beside_itself(kernels.largest_pair());
                        // Every fourth byte and every fourth weight is an end of its range.
                        fill(rows, arithmetic.rows(), &mut random, |random| {
                            if random.u8(..4) == 0 { u8::MAX } else { random.u8(..) }
                        });
                        fill(panel, arithmetic.weights(), &mut random, |random| {
                            let weight = match random.u8(..8) {
                                0 => largest,
                                1 => -largest,
                                _ => random.i8(-largest..=largest),
                            };
                            weight.cast_unsigned()
                        });
                        let operands = Operands {
                            rows,
                            stride,
                            count,
                            panel,
                            depth,
                        };
                        kernels.tile(arithmetic, &operands, tile);
                        let mut expected = *tile;
                        portable.tile(arithmetic, &operands, &mut expected);
                        let pairs = tile.iter().zip(&expected).take(count);
                        let mut differences = pairs.flat_map(|(a, b)| a.iter().zip(b)).map(|(a, b)| (a - b).abs());
                        // Sums of at most 78 products below 1, each rounded; those of bytes are exact.
                        let bound = match arithmetic {
                            Arithmetic::Int8 => 0.0,
                            _ => 78.0 * 78.0 * 6e-8,
                        };
                        // NaN is not within the bound.
                        let agree = differences.all(|difference| difference <= bound);
                        assert!(agree, "{kernels:?} {arithmetic:?} {count} x {depth}");
                    }
                }
            }
        }
    }
}
