//! The window: state, commands, canvas, panels. It draws and sends messages; it never computes, waits or reads a file.

mod action;
mod apply;
mod canvas;
mod chrome;
mod command;
mod frame;
mod gpu;
mod inspector;
mod linux_display;
mod persistence;
mod services;
mod settings;
mod start;
mod state;
#[cfg(test)]
mod testing;
mod theme;
mod widgets;
mod workspaces;

use crossbeam_channel::Receiver;
use eframe::CreationContext;

use action::{Action, Actions};
use chrome::{Chrome, Toast};
use command::CommandStates;
use gpu::Gpu;
use persistence::Persistence;
use services::Services;
pub use settings::Store;
use settings::{SavedSession, Settings};
pub use start::{NoWindow, Start, run};
use state::AppState;
use workspaces::Workspaces;

/// The program behind the window.
pub struct App {
    /// Handles of threads, dialogs and the clipboard.
    services: Services,
    /// What is open and shown.
    state: AppState,
    workspaces: Workspaces,
    /// Bars, lists, dialogs, small windows and messages.
    chrome: Chrome,
    /// `None` without a wgpu renderer: then everything but the image is drawn.
    gpu: Option<Gpu>,
    /// The settings in force, and the session as last written.
    persistence: Persistence,
    /// Which commands are enabled in this frame.
    commands: CommandStates,
    /// Actions that are not carried out yet.
    inbox: Receiver<Action>,
}

impl App {
    /// Starts the engine, and asks for the first images and model.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn new(cc: &CreationContext, start: Start) -> std::io::Result<Self> {
        let kept = start.store.as_ref().map(Store::load).unwrap_or_default();
        Self::with(cc, start, kept)
    }

    /// Like [`Self::new`], with settings, session and the problems found in their files, which have been read before.
    fn with(
        cc: &CreationContext,
        start: Start,
        (settings, session, damages): (Settings, SavedSession, Vec<String>),
    ) -> std::io::Result<Self> {
        let context = &cc.egui_ctx;
        theme::install_fonts(context);
        theme::apply(context, settings.theme.preference(), settings.interface_scale);
        theme::set_motion(context, !settings.less_motion);
        let gpu = cc.wgpu_render_state.as_ref().map(Gpu::of);
        let persistence = Persistence::new(&settings, &session, start.device);
        let services = Services::start(context, gpu.clone(), &start, persistence.computing())?;
        let mut chrome = Chrome::new(&start)?;
        chrome.export.set_defaults(&settings.export);
        let workspaces = Workspaces::new();
        let (actions, inbox) = Actions::new();
        let mut state = AppState::new(settings, session, workspaces.first(), gpu.is_some(), actions);
        state.device.named = start.device;
        state.sample_folder = start.images_folder.join("segscope");
        let summary = "The settings or session file is damaged; the readable part is used";
        if let Some(toast) = Toast::problems(summary, &damages) {
            chrome.toasts.push(toast);
        }
        persistence::install_keys(&state, context);
        state.begin(start.images, start.model);
        let mut app = Self {
            services,
            state,
            workspaces,
            chrome,
            gpu,
            persistence,
            commands: CommandStates::default(),
            inbox,
        };
        // Asks for the first images and model before the first frame.
        app.apply_actions(context);
        Ok(app)
    }
}
