//! The window: state, commands, canvas, panels. It draws and sends messages; it never computes, waits or reads a file.

mod action;
mod apply;
mod canvas;
mod chrome;
mod command;
mod display;
mod frame;
mod gpu;
mod inspector;
mod persistence;
mod services;
mod settings;
mod start;
mod state;
#[cfg(test)]
mod testing;
mod theme;
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
use settings::{Session, Settings};
pub use start::{NoWindow, Start, run};
use state::AppState;
use workspaces::Workspaces;

/// The program behind the window.
pub struct App {
    /// Live handles: threads, dialogs, clipboard.
    services: Services,
    /// What is open and shown.
    state: AppState,
    workspaces: Workspaces,
    /// Bars, lists, dialogs, small windows and messages.
    chrome: Chrome,
    /// `None` without a wgpu renderer: everything but the picture is drawn then.
    gpu: Option<Gpu>,
    /// Settings as they are in force, and the session as it was written.
    persistence: Persistence,
    /// Which commands make sense in this frame.
    commands: CommandStates,
    /// What was asked for and has not been done.
    inbox: Receiver<Action>,
}

impl App {
    /// Starts the worker, and asks for the pictures and the model to begin with.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(cc: &CreationContext, start: Start) -> std::io::Result<Self> {
        let kept = start.store.as_ref().map(Store::load).unwrap_or_default();
        Self::with(cc, start, kept)
    }

    /// The same with settings, session and their damages, read before.
    fn with(
        cc: &CreationContext,
        start: Start,
        (settings, session, damages): (Settings, Session, Vec<String>),
    ) -> std::io::Result<Self> {
        let context = &cc.egui_ctx;
        theme::apply(context, settings.theme.preference(), settings.interface_scale);
        let gpu = cc.wgpu_render_state.as_ref().map(Gpu::of);
        let persistence = Persistence::new(&settings, &session, start.device);
        let services = Services::start(context, gpu.clone(), &start, persistence.computing())?;
        let mut chrome = Chrome::new(&start)?;
        chrome.export.set_defaults(&settings.export);
        let workspaces = Workspaces::new();
        let (actions, inbox) = Actions::new();
        let mut state = AppState::new(settings, session, workspaces.first(), gpu.is_some(), actions);
        state.device.named = start.device;
        let summary = "Settings or session are damaged; what could be read holds";
        if let Some(toast) = Toast::problems(summary, &damages) {
            chrome.toasts.push(toast);
        }
        state.begin(start.pictures, start.model);
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
        // What is opened at first is asked for before the first frame.
        app.apply_actions(context);
        Ok(app)
    }
}
