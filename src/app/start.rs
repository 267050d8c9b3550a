//! Opening the window.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use egui::{ViewportBuilder, vec2};

use super::App;
use super::linux_display;
use super::settings::{SavedSession, Store};
use crate::engine::DeviceChoice;

/// Options for opening the window.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Images and folders to open. If empty, those of the last session are opened; at the first start, the sample.
    pub images: Vec<PathBuf>,
    /// Model to open. `None` opens that of the last session, or else the embedded one.
    pub model: Option<PathBuf>,
    /// Device to compute on, in place of the one in the settings.
    pub device: Option<DeviceChoice>,
    /// Files of settings and session; `None` persists nothing, as in tests.
    pub store: Option<Store>,
    /// The user's folder for images, where the sample is exported to. Empty for the current folder.
    pub images_folder: PathBuf,
    /// File to log the times of every frame to, for measurements.
    pub frame_log: Option<PathBuf>,
}

/// Why the window cannot open.
#[derive(Debug, thiserror::Error)]
#[error("the window cannot open ({0}); without a display, use: segscope segment IMAGE --out DIR")]
pub struct NoWindow(String);

/// Opens the window and returns when it is closed.
///
/// # Errors
/// If there is no display, or no graphics adapter that can draw a window.
pub fn run(mut start: Start) -> Result<(), NoWindow> {
    // The session stores these paths, and the next start may be from another folder.
    for path in start.images.iter_mut().chain(&mut start.model) {
        if let Ok(absolute) = std::path::absolute(&*path) {
            *path = absolute;
        }
    }
    // Read before the window opens, so that it does not have to wait for the disk.
    let kept = start.store.as_ref().map(Store::load).unwrap_or_default();
    let options = eframe::NativeOptions {
        viewport: viewport(&kept.1),
        wgpu_options: graphics(),
        // `services::system_fonts` loads them.
        system_font_fallback: false,
        event_loop_builder: linux_display::event_loop_builder(),
        ..Default::default()
    };
    let create: eframe::AppCreator = Box::new(|cc| Ok(Box::new(App::with(cc, start, kept)?)));
    let window = AssertUnwindSafe(|| eframe::run_native("segscope", options, create));
    match catch_unwind(window) {
        Ok(Ok(())) => Ok(()),
        // The window library's message is about a line of its source.
        Ok(Err(eframe::Error::WinitEventLoop(_))) => Err(NoWindow("no display found".into())),
        Ok(Err(other)) => Err(NoWindow(other.to_string())),
        // It panics if a system library is missing, such as libxkbcommon-x11.
        Err(_) => Err(NoWindow("the window library failed, see above".into())),
    }
}

/// The icon of the window, 256 x 256 pixels.
const ICON: &[u8] = include_bytes!("../../assets/icon/segscope.png");

/// The window with the size and position of the last session.
fn viewport(session: &SavedSession) -> ViewportBuilder {
    let window = &session.window;
    let builder = ViewportBuilder::default()
        .with_title("Segscope")
        .with_app_id("segscope")
        .with_inner_size(vec2(window.size[0], window.size[1]))
        .with_min_inner_size([640.0, 420.0])
        .with_maximized(window.maximized)
        .with_clamp_size_to_monitor_size(true)
        .with_drag_and_drop(true);
    let builder = match eframe::icon_data::from_png_bytes(ICON) {
        Ok(icon) => builder.with_icon(icon),
        Err(why) => {
            log::warn!("cannot read the window's icon: {why}");
            builder
        }
    };
    match window.position {
        Some([x, y]) => builder.with_position([x, y]),
        None => builder,
    }
}

/// egui's device, with the largest textures that the adapter supports: a photo is one texture.
fn graphics() -> eframe::egui_wgpu::WgpuConfiguration {
    use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    let usual = setup.device_descriptor.clone();
    setup.device_descriptor = std::sync::Arc::new(move |adapter| {
        let mut descriptor = usual(adapter);
        descriptor.required_limits.max_texture_dimension_2d = adapter.limits().max_texture_dimension_2d;
        descriptor
    });
    WgpuConfiguration {
        wgpu_setup: WgpuSetup::CreateNew(setup),
        ..Default::default()
    }
}
