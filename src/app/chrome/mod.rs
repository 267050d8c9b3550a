//! Everything around the workspace: bars, the list of images, dialogs, small windows and messages.

mod about;
mod batch_dialog;
mod canvas_head;
mod export_dialog;
pub(super) mod format_choice;
mod frame_log;
mod frame_times;
mod honesty_strip;
mod image_list;
mod log_book;
mod log_page;
mod model_chip;
mod models_menu;
mod models_page;
pub(super) mod page;
mod performance;
mod status_bar;
mod toast;
mod toasts;
mod top_bar;
mod welcome;
mod windows;

use egui::{Frame, Margin, Panel, Rect, Ui};

use super::Start;
use super::action::{Action, Request};
use super::command::Command;
use super::theme::{Tokens, height};
use super::workspaces::Ctx;
use batch_dialog::BatchDialog;
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
    Frame::new().fill(Tokens::of(ui).panel).inner_margin(Margin::same(12))
}

/// Width in points from which names fit in the list of images. In a narrower window it is a rail of thumbnails.
const ROOM_FOR_LIST: f32 = 1100.0;

/// Width of the rail, in points.
const RAIL: f32 = 76.0;

/// Everything around the workspace.
pub(super) struct Chrome {
    pub(super) windows: Windows,
    pub(super) export: ExportDialog,
    pub(super) batch: BatchDialog,
    pub(super) images: ImageList,
    pub(super) toasts: Toasts,
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
    pub(super) fn bars(ui: &mut Ui, ctx: &Ctx, busy: &[(Command, String)]) {
        Panel::top("top bar")
            .exact_size(height::TOP_BAR)
            .frame(bar_frame(ui))
            .show(ui, |ui| top_bar::show(ui, ctx));
        Panel::bottom("status bar")
            .exact_size(height::STATUS_BAR)
            .frame(bar_frame(ui))
            .show(ui, |ui| status_bar::show(ui, ctx, busy));
    }

    /// Draws the head of the canvas, between the side panels.
    pub(super) fn canvas_head(ui: &mut Ui, ctx: &Ctx) {
        Panel::top("canvas head")
            .exact_size(height::CANVAS_HEAD)
            .frame(bar_frame(ui))
            .show(ui, |ui| canvas_head::show(ui, ctx));
        honesty_strip::show(ui, ctx);
    }

    /// Draws the open side panels: the list of images, and the one that `side_panel` draws.
    pub(super) fn side_panels(&mut self, ui: &mut Ui, ctx: &Ctx, side_panel: impl FnOnce(&mut Ui)) {
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
            let panel = Panel::right("inspector")
                .frame(panel_frame(ui))
                .default_size(panels.inspector_width)
                .size_range(240.0_f32.min(most)..=most.min(480.0))
                .show(ui, side_panel);
            if width >= ROOM_FOR_LIST {
                widths[1] = panel.response.rect.width();
            }
        }
        if widths != [panels.images_width, panels.inspector_width] {
            ctx.send(Action::PanelWidths(widths));
        }
    }

    /// Draws dialogs, small windows and messages.
    pub(super) fn overlays(&mut self, ui: &mut Ui, ctx: &Ctx) {
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
