//! The background thread: devices, jobs, progress, cancel, results. The only room that owns a burn device at run time.

mod device;
mod memory;

pub use device::{Adapter, AdapterKind, DeviceChoice, DeviceError, OpenDevice, adapters, open_device, self_check};
pub use memory::peak_memory_mib;

/// Waits for wgpu's futures, which are ready at once on a desktop.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}
