//! Random numbers that depend on their purpose and not on earlier draws.

use fastrand::Rng;

/// A generator for one purpose at one place.
pub(super) fn seeded(seed: u64, place: u64, purpose: u64) -> Rng {
    // Odd constants of SplitMix64 keep neighbouring seeds apart.
    let mixed = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(place.wrapping_mul(0xBF58_476D_1CE4_E5B9))
        .wrapping_add(purpose.wrapping_mul(0x94D0_49BB_1331_11EB));
    Rng::with_seed(mixed)
}
