//! How everything is computed: device, threads and memory.

use super::device::DeviceChoice;
use super::session::{FEATURE_BYTES, MODEL_BYTES};
use crate::photo::OpenOptions;

/// How everything is computed. All of it can change while the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Where networks run.
    pub device: DeviceChoice,
    /// CPU threads that work at once; `None` for one per core. Beside a GPU, what is left to the CPU takes all cores.
    pub threads: Option<usize>,
    /// Bytes of encoder features that are kept, so that another decoder costs only the decoder.
    pub feature_bytes: usize,
    /// Bytes of the models that are kept beside the one in use; a single one may take more.
    pub model_bytes: usize,
    /// How pictures are read where there is a choice.
    pub opening: OpenOptions,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            device: DeviceChoice::default(),
            threads: None,
            feature_bytes: FEATURE_BYTES,
            model_bytes: MODEL_BYTES,
            opening: OpenOptions::default(),
        }
    }
}
