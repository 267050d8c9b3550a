//! What the window's own tests share.

use egui_kittest::SnapshotOptions;

/// True with a graphics adapter, also a software one. Without: says that the test is skipped, or fails where
/// everything is required.
pub(super) fn can_draw() -> bool {
    if !crate::engine::adapters().is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("SEGSCOPE_REQUIRE_ALL").is_none(),
        "cannot run: no graphics adapter"
    );
    println!("skipped: no graphics adapter (on Debian: mesa-vulkan-drivers)");
    false
}

/// The references were drawn by lavapipe of Mesa 22.3; other rasterisers round a few edge pixels differently.
pub(super) fn snapshot_options() -> SnapshotOptions {
    SnapshotOptions::new().max_failed_pixels(40)
}
