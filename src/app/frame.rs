//! One frame: take news, apply actions, update workspaces, draw.

use egui::{CentralPanel, Context, Ui};

use super::App;
use super::action::Action;
use super::chrome::{Chrome, FrameTimes, welcome};
use super::command::{self, Command};
use super::workspaces::{Ctx, WORKSPACES};

impl eframe::App for App {
    fn logic(&mut self, context: &Context, _frame: &mut eframe::Frame) {
        let started = FrameTimes::start();
        self.services.poll(context, &self.state.actions);
        self.take_dropped_files(context);
        // While the palette is open, it takes all keys, and so does the page of keys while one is set.
        if !self.chrome.windows.palette.is_open() && !self.chrome.windows.shortcuts.sets_key() {
            for command in command::pressed(context, |command| self.enabled(command)) {
                self.state.actions.perform(command);
            }
        }
        self.apply_actions(context);
        self.state.update_listed();
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        for workspace in self.workspaces.iter_mut() {
            workspace.update(&ctx);
        }
        self.commands = self.command_states();
        self.update_title(context);
        self.repaint_for_actions(context);
        self.chrome
            .windows
            .frame_times
            .stop(started, context.cumulative_frame_nr());
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let started = FrameTimes::start();
        let context = ui.ctx().clone();
        self.draw(ui);
        self.state.view.settle(&context);
        self.persistence
            .keep(&mut self.state, &mut self.chrome, &self.services, &context);
        self.services.fonts.update(&context);
        self.repaint_for_actions(&context);
        self.chrome
            .windows
            .frame_times
            .stop(started, context.cumulative_frame_nr());
    }
}

impl App {
    fn draw(&mut self, ui: &mut Ui) {
        let Self {
            state,
            chrome,
            workspaces,
            gpu,
            commands,
            ..
        } = self;
        let ctx = Ctx {
            state,
            gpu: gpu.as_ref(),
            commands,
        };
        let busy: Vec<(Command, String)> = WORKSPACES
            .iter()
            .zip(workspaces.iter())
            .filter_map(|(entry, workspace)| Some((entry.command, workspace.status()?)))
            .collect();
        let open = workspaces.iter().find(|open| ctx.is_open(open.id()));
        let undo_names = open.and_then(|open| open.undo_names());
        Chrome::bars(ui, &ctx, &busy, undo_names);
        if let Some(open) = workspaces.get_mut(state.workspace.id) {
            chrome.side_panels(ui, &ctx, &mut **open);
            Chrome::canvas_head(ui, &ctx, &mut **open);
            let has_view = state.canvas_content.document.is_some() || !open.needs_image();
            CentralPanel::no_frame().show(ui, |ui| match has_view {
                true => open.view(ui, &ctx),
                false => {
                    ctx.set_cursor(None);
                    ctx.set_canvas_area(None);
                    let wanted = state.library.images.wanted();
                    welcome(ui, &ctx, wanted.and_then(|source| chrome.images.thumbnail(source)));
                }
            });
        }
        chrome.overlays(ui, &ctx);
    }

    /// Requests another frame if actions were queued while this one was drawn.
    fn repaint_for_actions(&self, context: &Context) {
        if !self.inbox.is_empty() {
            context.request_repaint();
        }
    }

    /// Opens dropped files and folders of any kind.
    fn take_dropped_files(&self, context: &Context) {
        if self.chrome.dialog_is_open() {
            return;
        }
        let dropped: Vec<_> = context.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        if !dropped.is_empty() {
            self.state.actions.send(Action::Find(dropped));
        }
    }

    /// Sets the title, `NAME - 11 classes - Segscope`, which a task bar shows and a script can wait for. NAME is the
    /// image on the canvas, or the chosen one that cannot be shown.
    fn update_title(&mut self, context: &Context) {
        let title = self.state.title();
        if title != self.chrome.title {
            self.chrome.title.clone_from(&title);
            context.send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
    }
}
