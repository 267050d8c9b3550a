//! Settings of the engine: device, threads and memory.

use super::device::DeviceChoice;
use super::precision::PrecisionChoice;
use super::session::{FEATURE_BYTES, MODEL_BYTES};
use crate::photo::OpenOptions;

/// Settings of the engine. All of them can change while the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// The device that networks run on.
    pub device: DeviceChoice,
    /// The precision that networks compute in on the CPU.
    pub precision: PrecisionChoice,
    /// Number of CPU threads; `None` for one per core. With a GPU, the work left to the CPU uses all cores.
    pub threads: Option<usize>,
    /// Size limit of the cached encoder features in bytes. With cached features, a change of decoder runs only the
    /// decoder.
    pub feature_bytes: usize,
    /// Size limit of the models in memory in bytes; a single model may exceed it.
    pub model_bytes: usize,
    /// Options for reading images.
    pub opening: OpenOptions,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            device: DeviceChoice::default(),
            precision: PrecisionChoice::default(),
            threads: None,
            feature_bytes: FEATURE_BYTES,
            model_bytes: MODEL_BYTES,
            opening: OpenOptions::default(),
        }
    }
}
