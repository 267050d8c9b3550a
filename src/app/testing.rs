//! What the window's own tests share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use egui_kittest::SnapshotOptions;

/// One test at a time draws: some Vulkan loaders crash when instances come and go on several threads at once.
static DRAWING: Mutex<()> = Mutex::new(());

/// The right to draw, with a graphics adapter, also a software one. Without: says that the test is skipped, or fails
/// where everything is required.
pub(super) fn can_draw() -> Option<MutexGuard<'static, ()>> {
    let guard = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
    if !crate::runtime::adapters().is_empty() {
        return Some(guard);
    }
    assert!(
        std::env::var_os("SEGSCOPE_REQUIRE_ALL").is_none(),
        "cannot run: no graphics adapter"
    );
    println!("skipped: no graphics adapter (on Debian: mesa-vulkan-drivers)");
    None
}

/// The references were drawn by lavapipe of Mesa 22.3; other rasterisers round a few edge pixels differently.
pub(super) fn snapshot_options() -> SnapshotOptions {
    SnapshotOptions::new().max_failed_pixels(40)
}
