//! Everything around the workspace: bars, the list of images, dialogs, small windows and messages.

mod about;
mod activity;
mod batch_dialog;
mod canvas_head;
mod coach_marks;
mod export_dialog;
pub(super) mod format_choice;
mod frame_log;
mod frame_times;
mod honesty_strip;
mod image_list;
mod image_list_head;
mod log_book;
mod log_page;
mod mask_thumbnails;
mod model_chip;
mod models_menu;
mod models_page;
pub(super) mod page;
mod path_field;
mod performance;
mod status_bar;
mod toast;
mod toasts;
mod top_bar;
mod welcome;
mod whats_this;
mod windows;

use egui::{Frame, Margin, Panel, Rect, Sense, Ui, UiBuilder};

use super::Start;
use super::action::{Action, Request};
use super::command::Command;
use super::theme::{Tokens, height};
use super::workspaces::{Ctx, Workspace};
use batch_dialog::BatchDialog;
use coach_marks::CoachMarks;
use export_dialog::ExportDialog;
pub(super) use frame_times::FrameTimes;
use image_list::ImageList;
pub(super) use models_menu::about;
pub(super) use status_bar::time_left;
#[cfg(test)]
pub(super) use toast::Severity;
pub(super) use toast::{Toast, ToastAction};
use toasts::Toasts;
pub(super) use welcome::welcome;
use windows::Windows;

/// Width in points from which the list of images fits beside the panel on the right. In a narrower window the list is
/// hidden, to leave room for the image.
const ROOM_FOR_BOTH_PANELS: f32 = 600.0;

fn bar_frame(ui: &Ui) -> Frame {
    Frame::new()
        .fill(Tokens::of(ui).panel)
        .inner_margin(Margin::symmetric(12, 0))
}

fn panel_frame(ui: &Ui) -> Frame {
    let margin = Margin::same(PANEL_MARGIN as i8);
    Frame::new().fill(Tokens::of(ui).panel).inner_margin(margin)
}

/// Margin of side panels, in points.
const PANEL_MARGIN: f32 = 12.0;

/// Width in points from which names fit in the list of images. In a narrower window it is a rail of thumbnails.
const ROOM_FOR_LIST: f32 = 1100.0;

/// Width of a panel that needs more than others, in points.
const WIDE_PANEL: f32 = 420.0;

/// Width of the rail, in points.
const RAIL: f32 = 76.0;

/// Everything around the workspace.
pub(super) struct Chrome {
    pub(super) windows: Windows,
    pub(super) export: ExportDialog,
    pub(super) batch: BatchDialog,
    pub(super) images: ImageList,
    pub(super) toasts: Toasts,
    /// `None` where nothing is kept, and the hints would come again at every start.
    coach: Option<CoachMarks>,
    /// The window's title that the system was given last.
    pub(super) title: String,
}

impl Chrome {
    /// Starts with nothing open.
    ///
    /// # Errors
    /// When the file for frame times cannot be created.
    pub(super) fn new(start: &Start) -> std::io::Result<Self> {
        Ok(Self {
            windows: Windows::new(start.store.clone(), start.frame_log.as_deref())?,
            export: ExportDialog::new(start.images_folder.clone()),
            batch: BatchDialog::default(),
            images: ImageList::default(),
            toasts: Toasts::default(),
            coach: start.store.is_some().then(CoachMarks::default),
            title: String::new(),
        })
    }

    /// Whether a dialog waits for an answer.
    pub(super) fn dialog_is_open(&self) -> bool {
        self.export.is_open() || self.batch.is_open()
    }

    /// Closes the open dialog; true if there was one.
    pub(super) fn close_dialog(&mut self) -> bool {
        let open = self.dialog_is_open();
        self.export.close();
        self.batch.close();
        open
    }

    /// Draws the bars. `busy` is what workspaces are doing, each with the command that opens the workspace.
    ///
    /// `undo_names` says what undo and redo would change, if they do not act on the view.
    pub(super) fn bars(ui: &mut Ui, ctx: &Ctx, busy: &[(Command, String)], undo_names: Option<[Option<String>; 2]>) {
        Panel::top("top bar")
            .exact_size(height::TOP_BAR)
            .frame(bar_frame(ui))
            .show(ui, |ui| top_bar::show(ui, ctx, undo_names));
        Panel::bottom("status bar")
            .exact_size(height::STATUS_BAR)
            .frame(bar_frame(ui))
            .show(ui, |ui| status_bar::show(ui, ctx, busy));
    }

    /// Draws the head of the canvas, between the side panels.
    pub(super) fn canvas_head(ui: &mut Ui, ctx: &Ctx, open: &mut dyn Workspace) {
        Panel::top("canvas head")
            .exact_size(height::CANVAS_HEAD)
            .frame(bar_frame(ui))
            .show(ui, |ui| canvas_head::show(ui, ctx, open));
        honesty_strip::show(ui, ctx);
    }

    /// Draws the open side panels: the list of images, and that of the open workspace.
    pub(super) fn side_panels(&mut self, ui: &mut Ui, ctx: &Ctx, open: &mut dyn Workspace) {
        let width = ui.available_width();
        let both = width >= ROOM_FOR_BOTH_PANELS;
        let panels = &ctx.state.session.panels;
        let mut widths = [panels.images_width, panels.inspector_width];
        if panels.images && (both || !panels.inspector) {
            if width < ROOM_FOR_LIST {
                Panel::left("rail")
                    .exact_size(RAIL)
                    .frame(panel_frame(ui).inner_margin(Margin::same(6)))
                    .show(ui, |ui| self.images.show(ui, ctx, true));
            } else {
                let panel = Panel::left("pictures")
                    .frame(panel_frame(ui))
                    .default_size(panels.images_width)
                    .size_range(170.0..=420.0)
                    .show(ui, |ui| self.images.show(ui, ctx, false));
                widths[0] = panel.response.rect.width();
            }
        }
        if panels.inspector {
            let most = if both { 0.34 } else { 0.48 } * width;
            let frame = panel_frame(ui);
            if open.wide_panel() {
                Panel::right("wide inspector")
                    .frame(frame)
                    .default_size(WIDE_PANEL.min(0.3 * width))
                    .size_range(240.0_f32.min(most)..=most.min(640.0))
                    .show(ui, |ui| in_its_width(ui, |ui| open.side_panel(ui, ctx)));
            } else {
                let panel = Panel::right("inspector")
                    .frame(frame)
                    .default_size(panels.inspector_width)
                    .size_range(240.0_f32.min(most)..=most.min(480.0))
                    .show(ui, |ui| in_its_width(ui, |ui| open.side_panel(ui, ctx)));
                if width >= ROOM_FOR_LIST {
                    widths[1] = panel.response.rect.width();
                }
            }
        }
        if widths != [panels.images_width, panels.inspector_width] {
            ctx.send(Action::PanelWidths(widths));
        }
    }

    /// Draws dialogs, small windows and messages.
    pub(super) fn overlays(&mut self, ui: &mut Ui, ctx: &Ctx) {
        // Hints would lie over small windows and take their clicks.
        let is_free = !self.windows.any_open() && !self.dialog_is_open();
        if let Some(coach) = self.coach.as_mut().filter(|_| is_free) {
            coach.show(ui, ctx);
        }
        self.export.show(ui, ctx);
        self.batch.show(ui, ctx);
        self.windows.show(ui, ctx);
        // Messages stay within the canvas, above the status bar.
        let bounds: Rect = ctx.state.canvas.area.unwrap_or_else(|| ui.ctx().content_rect());
        match self.toasts.show(ui, bounds) {
            Some(ToastAction::OpenFolder(folder)) => ctx.request(Request::OpenOutside(folder)),
            Some(ToastAction::Perform(command)) => ctx.perform(command),
            None => {}
        }
    }
}

/// Draws content that does not widen the panel, even if a part of it is wider: otherwise the photo would move from one
/// workspace to another.
fn in_its_width(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let room = ui.available_rect_before_wrap();
    let mut inside = ui.new_child(UiBuilder::new().max_rect(room));
    inside.set_clip_rect(room.expand(PANEL_MARGIN).intersect(ui.clip_rect()));
    content(&mut inside);
    ui.allocate_rect(room, Sense::hover());
}
