//! Flags for the device that networks run on.

use crate::runtime::{DeviceChoice, PrecisionChoice, Session};

/// The device, and the precision on it.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct DeviceFlags {
    /// Device to compute on
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceChoice,
    /// Precision to compute in on the CPU
    #[arg(long, value_enum, default_value = "auto")]
    precision: PrecisionChoice,
}

impl DeviceFlags {
    /// A session with them.
    pub(super) fn session(self) -> Session {
        Session::new(self.device, self.precision)
    }
}
