//! The background thread: devices, jobs, progress, cancel, results. The only room that owns a burn device at run time.

mod cache;
mod device;
mod job;
mod memory;
mod numbers;
mod progress;
mod session;
mod worker;

pub use crate::segment::{Prediction, Settings};
pub use device::{Adapter, AdapterKind, DeviceChoice, DeviceError, OpenDevice, adapters, open_device, self_check};
pub use job::{Event, ExportJob, Job, OpenPhoto, PhotoSource, Segmented};
pub use memory::peak_memory_mib;
pub use progress::{OnProgress, Progress};
pub use session::{ModelInfo, ModelSource, Session, SessionError};
pub use worker::{Busy, Engine, Wake};

/// Waits for wgpu's futures, which are ready at once on a desktop.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}
