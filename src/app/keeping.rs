//! What outlives the window: settings applied as they change, and the session written as it goes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::Context;

use super::App;
use super::canvas::Camera;
use super::settings::{self, Session, Settings};
use super::theme;
use crate::engine::{DeviceChoice, EngineSettings, Job, PhotoSource};
use crate::photo::OpenOptions;

/// A session is written at most this often; so much is lost when the program is killed.
const SESSION_PERIOD: Duration = Duration::from_secs(1);

/// How soon the engine is asked again after its queue was full.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What of the settings is about computing.
pub(super) fn engine_settings(settings: &Settings, named: Option<DeviceChoice>) -> EngineSettings {
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

/// What the engine has taken of the settings.
pub(super) struct Configured(EngineSettings);

impl Configured {
    /// An engine that was started with these.
    pub(super) fn started_with(settings: EngineSettings) -> Self {
        Self(settings)
    }

    /// Hands over what is wanted, if the engine has something else. False when it did not take it and has to be asked
    /// again.
    fn hand_over(&mut self, wanted: EngineSettings, send: impl FnOnce(EngineSettings) -> bool) -> bool {
        if self.0 == wanted {
            return true;
        }
        let taken = send(wanted.clone());
        if taken {
            self.0 = wanted;
        }
        taken
    }
}

/// The camera as it was kept.
pub(super) fn camera(kept: &settings::Camera) -> Camera {
    Camera::restored(kept.fit, kept.zoom, kept.center)
}

impl App {
    /// Applies settings that have changed since the last frame to the window, and has them written.
    pub(super) fn apply_settings(&mut self, context: &Context) {
        if self.settings == self.applied {
            return;
        }
        let before = std::mem::replace(&mut self.applied, self.settings.clone());
        let now = self.settings.clone();
        if before.theme != now.theme || before.interface_scale != now.interface_scale {
            theme::apply(context, now.theme.preference(), now.interface_scale);
        }
        self.results.set_limit(now.result_memory_mib << 20);
        if before.export != now.export {
            self.set_export_defaults();
        }
        if before.device != now.device {
            self.device_before = before.device;
            self.named_device = None;
        }
        if let Some(writer) = &self.writer {
            writer.write_settings(now);
        }
    }

    /// Has the engine compute as the settings say. A full queue loses nothing and is not told: there is room soon.
    pub(super) fn configure_engine(&mut self, context: &Context) {
        let wanted = engine_settings(&self.settings, self.named_device);
        if self.configured.0 != wanted {
            self.interrupt_averaging();
        }
        let reads_otherwise = self.configured.0.opening != wanted.opening;
        let engine = &self.engine;
        let send = |settings| engine.send(Job::Configure(settings)).is_ok();
        if !self.configured.hand_over(wanted, send) {
            context.request_repaint_after(ASK_AGAIN);
        } else if reads_otherwise {
            // Behind the change in the engine's queue.
            let sources: Vec<PhotoSource> = self.pictures.sources().cloned().collect();
            sources.iter().for_each(|source| self.reload(source));
        }
    }

    pub(super) fn set_export_defaults(&mut self) {
        let usual = self.settings.export.clone();
        self.export
            .set_defaults(usual.formats, usual.folder, usual.legend, usual.naming);
    }

    /// Has the session written when it has changed, at most once a period, and when the window closes.
    pub(super) fn keep_session(&mut self, context: &Context) {
        let Some(writer) = &self.writer else { return };
        let closing = context.input(|i| i.viewport().close_requested());
        let since = self.session_looked_at.elapsed();
        if since < SESSION_PERIOD && !closing {
            // Whatever happens in this frame is written, also when no frame follows by itself.
            context.request_repaint_after(SESSION_PERIOD - since);
            return;
        }
        self.session_looked_at = Instant::now();
        let session = self.session_now(context);
        if session != self.written_session {
            writer.write_session(session.clone());
            self.written_session = session;
        }
    }

    /// The session as it is in this frame.
    fn session_now(&self, context: &Context) -> Session {
        let mut session = self.session.clone();
        // Before the kept pictures have been found again, and when none could be, the session stays as it was.
        if let Some(wanted) = self.pictures.wanted().filter(|_| !self.restoring) {
            session.current = wanted.file().map(Path::to_owned);
        }
        if let Some(model) = &self.model {
            session.model = model.source.path().map(Path::to_owned);
            let decoder = model.spec.decoders.get(self.models.output().decoder);
            session.decoder = decoder.map(|decoder| decoder.key.clone());
        }
        session.view = self.view.clone();
        session.camera = settings::Camera {
            fit: self.camera.is_fit(),
            zoom: self.camera.zoom(),
            center: self.camera.center(),
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

    pub(super) fn recent_pictures(&self) -> Vec<PathBuf> {
        self.session.recent_pictures.clone()
    }

    pub(super) fn recent_models(&self) -> Vec<PathBuf> {
        self.session.recent_models.clone()
    }

    /// Opens what was opened before, be it a picture, a folder or a model.
    pub(super) fn open_recent(&mut self, path: &Path) {
        self.find(vec![path.to_owned()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_handed_over_until_it_is_taken_and_then_no_more() {
        let mut configured = Configured::started_with(EngineSettings::default());
        let wanted = EngineSettings {
            threads: Some(3),
            ..EngineSettings::default()
        };
        let mut asked = 0;
        for room in [false, false, true, true] {
            let done = configured.hand_over(wanted.clone(), |settings| {
                asked += 1;
                assert_eq!(settings, wanted);
                room
            });
            assert_eq!(done, room);
        }
        assert_eq!(asked, 3, "what was taken is not sent again");
        // A change that is taken back before there is room is none.
        let refused = configured.hand_over(EngineSettings::default(), |_| false);
        assert!(!refused && configured.hand_over(wanted, |_| panic!("the engine has it already")));
    }
}
