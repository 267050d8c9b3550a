//! What outlives the window: settings applied as they change, and the session written as it goes.

use std::path::Path;
use std::time::{Duration, Instant};

use egui::Context;

use super::action::Request;
use super::chrome::Chrome;
use super::services::Services;
use super::settings::{self, Session, Settings};
use super::state::AppState;
use super::theme;
use crate::engine::{DeviceChoice, EngineSettings, PhotoSource};
use crate::photo::OpenOptions;

/// A session is written at most this often; so much is lost when the program is killed.
const SESSION_PERIOD: Duration = Duration::from_secs(1);

/// What is in force and what is written.
pub(super) struct Persistence {
    /// The settings that are in force.
    applied: Settings,
    /// What the engine has of them.
    computing: EngineSettings,
    written: Session,
    looked_at: Instant,
}

/// What of the settings is about computing.
fn computing(settings: &Settings, named: Option<DeviceChoice>) -> EngineSettings {
    EngineSettings {
        device: named.unwrap_or(settings.device),
        threads: settings.threads,
        feature_bytes: settings.feature_memory_mib << 20,
        model_bytes: settings.model_memory_mib << 20,
        opening: OpenOptions {
            stretch: settings.stretch_dark_pictures,
        },
    }
}

impl Persistence {
    /// With settings and session as they were read; `named` is a device that holds in place of the setting.
    pub(super) fn new(settings: &Settings, session: &Session, named: Option<DeviceChoice>) -> Self {
        Self {
            applied: settings.clone(),
            computing: computing(settings, named),
            written: session.clone(),
            looked_at: Instant::now(),
        }
    }

    /// How the engine is to compute.
    pub(super) fn computing(&self) -> EngineSettings {
        self.computing.clone()
    }

    /// Once a frame: applies and writes what has changed.
    pub(super) fn keep(&mut self, state: &mut AppState, chrome: &mut Chrome, services: &Services, context: &Context) {
        self.apply_settings(state, chrome, services, context);
        self.configure_engine(state);
        self.keep_session(state, services, context);
    }

    /// Applies settings that have changed since the last frame to the window, and has them written.
    fn apply_settings(&mut self, state: &mut AppState, chrome: &mut Chrome, services: &Services, context: &Context) {
        if state.settings == self.applied {
            return;
        }
        let now = state.settings.clone();
        let before = std::mem::replace(&mut self.applied, now.clone());
        if before.theme != now.theme || before.interface_scale != now.interface_scale {
            theme::apply(context, now.theme.preference(), now.interface_scale);
        }
        state.library.results.set_limit(now.result_memory_mib << 20);
        if before.export != now.export {
            chrome.export.set_defaults(&now.export);
        }
        if before.device != now.device {
            state.device.before = before.device;
            state.device.named = None;
        }
        if let Some(writer) = &services.writer {
            writer.write_settings(now);
        }
    }

    /// Has the engine compute as the settings say.
    fn configure_engine(&mut self, state: &mut AppState) {
        let wanted = computing(&state.settings, state.device.named);
        if wanted == self.computing {
            return;
        }
        let before = std::mem::replace(&mut self.computing, wanted.clone());
        let reads_otherwise = before.opening != wanted.opening;
        state.actions.request(Request::Configure(wanted));
        if reads_otherwise {
            // Whatever is read from now on is read in the new way.
            let sources: Vec<PhotoSource> = state.library.pictures.sources().cloned().collect();
            sources.iter().for_each(|source| state.reload(source));
        }
    }

    /// Has the session written when it has changed, at most once a period, and when the window closes.
    fn keep_session(&mut self, state: &AppState, services: &Services, context: &Context) {
        let Some(writer) = &services.writer else { return };
        let closing = context.input(|i| i.viewport().close_requested());
        let since = self.looked_at.elapsed();
        if since < SESSION_PERIOD && !closing {
            // Whatever happens in this frame is written, also when no frame follows by itself.
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

/// The session as it is in this frame.
fn session_now(state: &AppState, context: &Context) -> Session {
    let mut session = state.session.clone();
    // Before the kept pictures have been found again, and when none could be, the session stays as it was.
    let wanted = state.library.pictures.wanted();
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
    // Sizes are kept in points of scale 1, for that is how a window is asked for.
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
