//! Opening the window.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use egui::{ViewportBuilder, vec2};

use super::App;
use super::display;
use super::settings::{Session, Store};
use crate::engine::DeviceChoice;

/// How the window starts.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Pictures and folders to open; those of the last session without any, and the sample at the first start.
    pub pictures: Vec<PathBuf>,
    /// Model to open; that of the last session without it, else the embedded one.
    pub model: Option<PathBuf>,
    /// Where to compute; as in the settings without it.
    pub device: Option<DeviceChoice>,
    /// Where settings and session are kept; `None` keeps nothing, as in tests.
    pub store: Option<Store>,
    /// The person's own folder for pictures: an export of the sample goes there. Empty for the current folder.
    pub pictures_folder: PathBuf,
    /// A file for the times of every frame, for measuring.
    pub frame_log: Option<PathBuf>,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[error("the window cannot open ({0}); without a display, use: segscope segment PICTURE --out DIR")]
pub struct NoWindow(String);

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When there is no display, or no graphics adapter that can draw a window.
pub fn run(mut start: Start) -> Result<(), NoWindow> {
    // They are kept, and the next start may be from another folder.
    for path in start.pictures.iter_mut().chain(&mut start.model) {
        if let Ok(absolute) = std::path::absolute(&*path) {
            *path = absolute;
        }
    }
    // Read here, before there is a window that would have to wait.
    let kept = start.store.as_ref().map(Store::load).unwrap_or_default();
    let options = eframe::NativeOptions {
        viewport: viewport(&kept.1),
        wgpu_options: graphics(),
        // The window has its own.
        system_font_fallback: false,
        event_loop_builder: display::event_loop_builder(),
        ..Default::default()
    };
    let create: eframe::AppCreator = Box::new(|cc| Ok(Box::new(App::with(cc, start, kept)?)));
    let window = AssertUnwindSafe(|| eframe::run_native("segscope", options, create));
    match catch_unwind(window) {
        Ok(Ok(())) => Ok(()),
        // The window library's own text names a line of its source.
        Ok(Err(eframe::Error::WinitEventLoop(_))) => Err(NoWindow("there is no display to open it on".into())),
        Ok(Err(other)) => Err(NoWindow(other.to_string())),
        // It panics where a system library is missing, such as libxkbcommon-x11.
        Err(_) => Err(NoWindow("the window library stopped, see above".into())),
    }
}

/// The window where it was the last time.
fn viewport(session: &Session) -> ViewportBuilder {
    let window = &session.window;
    let builder = ViewportBuilder::default()
        .with_title("Segscope")
        .with_app_id("segscope")
        .with_inner_size(vec2(window.size[0], window.size[1]))
        .with_min_inner_size([640.0, 420.0])
        .with_maximized(window.maximized)
        .with_clamp_size_to_monitor_size(true)
        .with_drag_and_drop(true);
    match window.position {
        Some([x, y]) => builder.with_position([x, y]),
        None => builder,
    }
}

/// egui's own device, with textures as large as the adapter takes: a photo is one texture.
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
