//! Helpers for the window's unit tests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use egui_kittest::SnapshotOptions;

/// Lets one test at a time draw: some Vulkan loaders crash when instances are created and destroyed on several threads
/// at once.
static DRAWING: Mutex<()> = Mutex::new(());

/// The right to draw, if there is a graphics adapter, even a software one. Otherwise prints that the test is skipped,
/// or panics if `SEGSCOPE_REQUIRE_ALL` is set.
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

/// Gives a context the fonts and the style of the window.
pub(super) fn looks(context: &egui::Context) {
    super::theme::install_fonts(context);
    super::theme::apply(context, egui::ThemePreference::Dark, 1.0);
}

/// Tolerance of snapshots: the references were drawn by lavapipe of Mesa 22.3, and other rasterisers round a few edge
/// pixels differently.
pub(super) fn snapshot_options() -> SnapshotOptions {
    SnapshotOptions::new().max_failed_pixels(40)
}
