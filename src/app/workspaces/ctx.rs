//! The context for workspaces, panels and menus: the state, read-only, and a way to request changes.

use std::sync::Arc;

use egui::{Button, Ui};

use super::{ListedClasses, WorkspaceId};
use crate::app::action::{Action, Actions, Request};
use crate::app::canvas::{Camera, Drawing};
use crate::app::command::{Command, CommandStates};
use crate::app::gpu::{Gpu, GpuLabels, Highlight, MaskStyle, Tone};
use crate::app::inspector::ClassList;
use crate::app::state::{AppState, Document, ViewState};
use crate::app::theme::{Icon, height};
use crate::app::widgets::icon_button;
use crate::export::Options;
use crate::labels::ClassSet;

/// Read-only access to the state, and a way to request changes.
#[derive(Clone, Copy)]
pub(in crate::app) struct Ctx<'a> {
    pub(in crate::app) state: &'a AppState,
    /// `None` without a graphics device; then everything except the image is drawn.
    pub(in crate::app) gpu: Option<&'a Gpu>,
    /// Which commands are enabled, and which toggles are on.
    pub(in crate::app) commands: &'a CommandStates,
}

impl<'a> Ctx<'a> {
    /// The sender of actions.
    pub(in crate::app) fn actions(&self) -> &'a Actions {
        &self.state.actions
    }

    /// Requests a change of the state.
    pub(in crate::app) fn send(&self, action: Action) {
        self.state.actions.send(action);
    }

    /// Sends a request to a service.
    pub(in crate::app) fn request(&self, request: Request) {
        self.state.actions.request(request);
    }

    /// Requests that a command is performed.
    pub(in crate::app) fn perform(&self, command: Command) {
        self.state.actions.perform(command);
    }

    /// Whether a workspace is open.
    pub(in crate::app) fn is_open(&self, id: WorkspaceId) -> bool {
        self.state.workspace.id == id
    }

    /// The document on the canvas.
    pub(in crate::app) fn document(&self) -> Option<&'a Document> {
        self.state.canvas_content.document.as_ref()
    }

    /// The classes of the model in use, and which of them occur in the image.
    pub(in crate::app) fn listed_classes(&self) -> Option<ListedClasses> {
        let model = self.state.library.models.used()?;
        let found = self.document().and_then(Document::found);
        let present = found.map(|found| found.pixels.iter().map(|count| *count > 0).collect());
        Some(ListedClasses {
            classes: model.classes.clone(),
            present: present.unwrap_or_default(),
        })
    }

    /// The name of the class under the cursor, in the result of the output in use.
    pub(in crate::app) fn class_under_cursor(&self) -> Option<String> {
        let document = self.document()?;
        let id = document.label_at(self.state.canvas.cursor?)?;
        let classes = &document.result.as_ref()?.model.classes.classes;
        classes.get(usize::from(id)).map(|class| class.name.clone())
    }

    /// Requests a new view state, if it has changed. A change by dragging becomes an undo step once the value has been
    /// still for a while; any other change is an undo step at once.
    pub(in crate::app) fn set_view(&self, ui: &Ui, view: ViewState) {
        if view != *self.state.view {
            self.send(Action::View(view, !ui.ctx().egui_is_using_pointer()));
        }
    }

    /// Stores the state of the class list, if it has changed.
    pub(in crate::app) fn set_class_list(&self, list: ClassList) {
        if list != self.state.class_list {
            self.send(Action::ClassList(list));
        }
    }

    /// Stores the camera, if it has moved.
    pub(in crate::app) fn set_camera(&self, camera: Camera) {
        if camera != self.state.canvas.camera {
            self.send(Action::Camera(camera));
        }
    }

    /// Stores the image pixel under the cursor, if it has changed.
    pub(in crate::app) fn set_cursor(&self, cursor: Option<[usize; 2]>) {
        if cursor != self.state.canvas.cursor {
            self.send(Action::Cursor(cursor));
        }
    }

    /// Stores the area of the canvas, if it has changed.
    pub(in crate::app) fn set_canvas_area(&self, area: Option<egui::Rect>) {
        if area != self.state.canvas.area {
            self.send(Action::CanvasArea(area));
        }
    }

    /// The drawing of a document: its image, and `masks` if masks are shown; `None` while the image is not on the GPU.
    pub(in crate::app) fn drawing(
        &self,
        ui: &Ui,
        document: &Document,
        masks: Option<(Arc<GpuLabels>, MaskStyle)>,
    ) -> Option<Drawing> {
        let bare = self.bare(ui);
        let view = &self.state.view;
        Some(Drawing {
            gpu: self.gpu.cloned()?,
            photo: document.texture.clone()?,
            masks: masks.filter(|_| view.masks && !bare && self.state.slowly_opening(ui.ctx()).is_none()),
            tone: if bare {
                Tone::default()
            } else {
                Tone {
                    brightness: view.brightness,
                    contrast: view.contrast,
                    ..Tone::default()
                }
            },
        })
    }

    /// Whether the bare photo is shown: while B is held down, or V where B is the brush, and no text field has the focus.
    fn bare(&self, ui: &Ui) -> bool {
        match self.is_open("Annotate") {
            true => is_held(ui, egui::Key::V),
            false => bare(ui),
        }
    }

    /// The style for masks of these classes.
    pub(in crate::app) fn style(&self, classes: &ClassSet) -> MaskStyle {
        let view = &self.state.view;
        let colors = view.colors(classes).into_iter();
        let palette = colors
            .zip(view.opacities(classes))
            .map(|([r, g, b], opacity)| [r, g, b, opacity]);
        let hovered = self.state.class_list.hovered();
        MaskStyle {
            palette: palette.collect(),
            opacity: view.opacity,
            fill: view.fill,
            outline: view.outline,
            fade: view.fade,
            threshold: view.threshold,
            repeats_after: view.palette.repeats_after(classes),
            highlight: hovered.map(|class| Highlight { class, region: None }),
        }
    }

    /// Export options with the colours, visibility, opacity and confidence of the view for `classes`. Outlines and
    /// hatching are drawn on the screen only.
    pub(in crate::app) fn as_seen(&self, classes: &ClassSet, options: Options) -> Options {
        let view = &self.state.view;
        let opacities = view.opacities(classes);
        Options {
            opacity: view.opacity,
            hidden: opacities.iter().map(|opacity| *opacity == 0).collect(),
            class_opacities: opacities,
            threshold: view.threshold,
            fade: view.fade,
            colors: view.colors(classes),
            ..options
        }
    }

    /// A menu item for a command, with a tick if it is on and its shortcut on the right.
    pub(in crate::app) fn menu_item(&self, ui: &mut Ui, command: Command) {
        let key = command.shortcut_text(ui);
        let button = match self.commands.is_on(command) {
            Some(on) => Button::selectable(on, command.title()),
            None => Button::new(command.title()),
        };
        // Otherwise its accessible name would end with the shortcut, or with a space if there is none.
        let item = ui
            .add_enabled(self.commands.enabled(command), button.shortcut_text(key))
            .accessible_name(command.title());
        if item.on_hover_text(command.explanation()).clicked() {
            self.perform(command);
            ui.close();
        }
    }

    /// A button for a command, greyed out while the command is disabled.
    pub(in crate::app) fn command_button(&self, ui: &mut Ui, command: Command) {
        self.titled_button(ui, command.title(), command);
    }

    /// A button with a shorter title; its accessible name is the title of the command.
    pub(in crate::app) fn titled_button(&self, ui: &mut Ui, title: &str, command: Command) {
        let button = ui
            .add_enabled(self.commands.enabled(command), Button::new(title))
            .accessible_name(command.title());
        if button
            .on_hover_text(command.tooltip(ui))
            .on_disabled_hover_text(command.explanation())
            .clicked()
        {
            self.perform(command);
        }
    }

    /// A flat icon for a command.
    pub(in crate::app) fn icon(&self, ui: &mut Ui, icon: Icon, command: Command, side: f32) {
        let chosen = self.commands.is_on(command) == Some(true);
        let enabled = self.commands.enabled(command);
        let button = ui.add_enabled_ui(enabled, |ui| icon_button(ui, icon, command.title(), side, chosen));
        let button = button.inner.on_hover_text(command.tooltip(ui));
        if button.on_disabled_hover_text(command.explanation()).clicked() {
            self.perform(command);
        }
    }

    /// A small flat icon for a command, in the heading of a section.
    pub(in crate::app) fn small_icon(&self, ui: &mut Ui, icon: Icon, command: Command) {
        self.icon(ui, icon, command, height::CONTROL);
    }
}

/// Whether the bare image is shown: while B is held down and no text field has the focus.
pub(in crate::app) fn bare(ui: &Ui) -> bool {
    is_held(ui, egui::Key::B)
}

fn is_held(ui: &Ui, key: egui::Key) -> bool {
    ui.input(|i| i.key_down(key) && !i.modifiers.any()) && !ui.ctx().text_edit_focused()
}
