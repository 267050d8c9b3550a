//! The instruction sets that the matrix kernels are compiled for.

use std::fmt;
use std::str::FromStr;

/// An instruction set with kernels of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Any processor; the reference that the others are checked against.
    Portable,
    /// Any processor, with the roundings of [`Isa::Avx512Bf16`]. Slow; never chosen automatically.
    PortableBf16,
    /// NEON of 64-bit ARM processors: four lanes.
    Neon,
    /// AVX2 and FMA: eight lanes.
    Avx2,
    /// The same with AVX-VNNI: products of four bytes.
    Avx2Vnni,
    /// AVX-512 F: sixteen lanes.
    Avx512,
    /// The same with VNNI: products of four bytes.
    Avx512Vnni,
    /// The same with VNNI and BF16: products of four bytes and of bf16 pairs.
    Avx512Bf16,
}

impl Isa {
    /// All of them, the most capable first.
    pub const ALL: [Self; 8] = [
        Self::Avx512Bf16,
        Self::Avx512Vnni,
        Self::Avx512,
        Self::Avx2Vnni,
        Self::Avx2,
        Self::Neon,
        Self::Portable,
        Self::PortableBf16,
    ];

    /// Name in settings and reports.
    pub fn key(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::PortableBf16 => "portable-bf16",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx2Vnni => "avx2-vnni",
            Self::Avx512 => "avx512",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Avx512Bf16 => "avx512-bf16",
        }
    }

    /// Whether bf16 values are multiplied without widening them first.
    pub fn multiplies_bf16(self) -> bool {
        matches!(self, Self::Avx512Bf16 | Self::PortableBf16)
    }

    /// Whether this processor has it.
    pub(super) fn is_detected(self) -> bool {
        match self {
            Self::Portable | Self::PortableBf16 => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Vnni => Self::Avx2.is_detected() && is_x86_feature_detected!("avxvnni"),
            // Its products of bytes are those of AVX2.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Self::Avx2.is_detected() && is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => Self::Avx512Vnni.is_detected() && is_x86_feature_detected!("avx512bf16"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx2Vnni | Self::Avx512 | Self::Avx512Vnni | Self::Avx512Bf16 => false,
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable kernels",
            Self::PortableBf16 => "portable kernels with bf16",
            Self::Neon => "NEON",
            Self::Avx2 => "AVX2",
            Self::Avx2Vnni => "AVX2 with VNNI",
            Self::Avx512 => "AVX-512",
            Self::Avx512Vnni => "AVX-512 with VNNI",
            Self::Avx512Bf16 => "AVX-512 with BF16",
        })
    }
}

impl FromStr for Isa {
    type Err = String;

    fn from_str(key: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|isa| isa.key() == key).ok_or_else(|| {
            let keys = Self::ALL.map(Self::key).join(", ");
            format!("expected an instruction set ({keys}), found {key}")
        })
    }
}
