//! Settings and session: settings are applied as they change, and the session is written while the program runs.

use std::path::Path;
use std::time::{Duration, Instant};

use egui::Context;

use super::action::Request;
use super::chrome::Chrome;
use super::command::KeyMap;
use super::services::Services;
use super::settings::{self, SavedSession, Settings};
use super::state::AppState;
use super::theme;
use crate::engine::{DeviceChoice, EngineSettings, ImageSource};
use crate::photo::OpenOptions;

/// Shortest time between two writes of the session: the most that is lost if the program is killed.
const SESSION_PERIOD: Duration = Duration::from_secs(1);

/// The settings in force and the session as last written.
pub(super) struct Persistence {
    /// The settings in force.
    applied: Settings,
    /// The settings that the engine was given.
    computing: EngineSettings,
    written: SavedSession,
    looked_at: Instant,
}

/// The engine's part of the settings; `named` replaces the device.
fn computing(settings: &Settings, named: Option<DeviceChoice>) -> EngineSettings {
    EngineSettings {
        device: named.unwrap_or(settings.device),
        precision: settings.precision,
        threads: settings.threads,
        feature_bytes: settings.feature_memory_mib << 20,
        model_bytes: settings.model_memory_mib << 20,
        opening: OpenOptions {
            stretch: settings.stretch_dark_images,
        },
    }
}

impl Persistence {
    /// Takes settings and session as they were read; `named` is a device that replaces the one of the settings.
    pub(super) fn new(settings: &Settings, session: &SavedSession, named: Option<DeviceChoice>) -> Self {
        Self {
            applied: settings.clone(),
            computing: computing(settings, named),
            written: session.clone(),
            looked_at: Instant::now(),
        }
    }

    /// The engine's settings.
    pub(super) fn computing(&self) -> EngineSettings {
        self.computing.clone()
    }

    /// Once a frame: applies and writes what has changed.
    pub(super) fn keep(&mut self, state: &mut AppState, chrome: &mut Chrome, services: &Services, context: &Context) {
        self.apply_settings(state, chrome, services, context);
        self.configure_engine(state);
        self.keep_session(state, services, context);
    }

    /// Applies settings that have changed since the last frame to the window, and hands them to the writer.
    fn apply_settings(&mut self, state: &mut AppState, chrome: &mut Chrome, services: &Services, context: &Context) {
        if state.settings == self.applied {
            return;
        }
        let now = state.settings.clone();
        let before = std::mem::replace(&mut self.applied, now.clone());
        if before.theme != now.theme || before.interface_scale != now.interface_scale {
            theme::apply(context, now.theme.preference(), now.interface_scale);
        }
        if before.less_motion != now.less_motion {
            theme::set_motion(context, !now.less_motion);
        }
        if before.keys != now.keys {
            install_keys(state, context);
        }
        state.library.results.set_limit(now.result_memory_mib << 20);
        if before.export != now.export {
            chrome.export.set_defaults(&now.export);
        }
        if (before.device, before.precision) != (now.device, now.precision) {
            state.device.before = (before.device, before.precision);
        }
        if before.device != now.device {
            state.device.named = None;
        }
        if before.precision != now.precision {
            // Results of two precisions would be mixed in one evaluation or comparison.
            state.library.results.clear();
        }
        if let Some(writer) = &services.writer {
            writer.write_settings(now);
        }
    }

    /// Passes changed settings to the engine.
    fn configure_engine(&mut self, state: &mut AppState) {
        let wanted = computing(&state.settings, state.device.named);
        if wanted == self.computing {
            return;
        }
        let before = std::mem::replace(&mut self.computing, wanted.clone());
        let reads_otherwise = before.opening != wanted.opening;
        state.actions.request(Request::Configure(wanted));
        if reads_otherwise {
            // Open images were read in the old way.
            let sources: Vec<ImageSource> = state.library.images.sources().cloned().collect();
            sources.iter().for_each(|source| state.reload(source));
        }
    }

    /// Writes the session if it has changed: at most once a period, and when the window closes.
    fn keep_session(&mut self, state: &AppState, services: &Services, context: &Context) {
        let Some(writer) = &services.writer else { return };
        let closing = context.input(|i| i.viewport().close_requested());
        let since = self.looked_at.elapsed();
        if since < SESSION_PERIOD && !closing {
            // A change in this frame must be written even if nothing else causes another frame.
            context.request_repaint_after(SESSION_PERIOD - since);
            return;
        }
        self.looked_at = Instant::now();
        let session = session_now(state, context);
        if session != self.written {
            writer.write_session(session.clone());
            self.written = session;
        }
    }
}

/// Applies the keys of the settings, and says which of them mean nothing.
pub(super) fn install_keys(state: &AppState, context: &Context) {
    let (keys, unknown) = KeyMap::of_names(&state.settings.keys);
    keys.install(context);
    if !unknown.is_empty() {
        let text = format!(
            "Expected commands with keys such as Ctrl+Shift+O, found {}",
            unknown.join(", ")
        );
        state.actions.error(format!("{text}; correct [keys] in settings.toml"));
    }
}

/// The session of this frame.
fn session_now(state: &AppState, context: &Context) -> SavedSession {
    let mut session = state.session.clone();
    // Until the images of the last session are found, and if none is, the session keeps its current image.
    let wanted = state.library.images.wanted();
    if let Some(wanted) = wanted.filter(|_| !state.startup.restoring) {
        session.current = wanted.file().map(Path::to_owned);
    }
    let models = &state.library.models;
    if let Some(model) = models.used() {
        session.model = model.source.path().map(Path::to_owned);
        let decoder = model.spec.decoders.get(models.output().decoder);
        session.decoder = decoder.map(|decoder| decoder.key.clone());
    }
    session.view = (*state.view).clone();
    let camera = &state.canvas.camera;
    session.camera = settings::Camera {
        fit: camera.is_fit(),
        zoom: camera.zoom(),
        center: camera.center(),
    };
    // Sizes are stored in points at scale 1, because a window is created with these.
    let scale = context.zoom_factor();
    context.input(|i| {
        let viewport = i.viewport();
        let place = &mut session.window;
        place.maximized = viewport.maximized.unwrap_or(false);
        if let Some(inner) = viewport.inner_rect.filter(|_| !place.maximized) {
            place.size = (inner.size() * scale).into();
        }
        if let Some(outer) = viewport.outer_rect.filter(|_| !place.maximized) {
            place.position = Some((outer.min.to_vec2() * scale).into());
        }
    });
    session
}
