//! What a workspace, a panel or a menu sees of the window.

use std::sync::Arc;

use egui::{Button, Ui};

use super::{ListedClasses, WorkspaceId};
use crate::app::action::{Action, Actions, Request};
use crate::app::canvas::{Camera, Drawing};
use crate::app::command::{Command, CommandStates};
use crate::app::gpu::{Gpu, GpuLabels, Highlight, Look, Tone};
use crate::app::inspector::ClassList;
use crate::app::state::{AppState, Document, ViewState};
use crate::export::Options;
use crate::labels::ClassSet;

/// The state, read-only, and the way to ask for changes.
#[derive(Clone, Copy)]
pub(in crate::app) struct Ctx<'a> {
    pub(in crate::app) state: &'a AppState,
    /// `None` without a graphics device: everything but the picture is drawn then.
    pub(in crate::app) gpu: Option<&'a Gpu>,
    /// Which commands make sense.
    pub(in crate::app) commands: &'a CommandStates,
}

impl<'a> Ctx<'a> {
    /// Where actions go.
    pub(in crate::app) fn actions(&self) -> &'a Actions {
        &self.state.actions
    }

    /// Asks for a change.
    pub(in crate::app) fn send(&self, action: Action) {
        self.state.actions.send(action);
    }

    /// Asks a service for something.
    pub(in crate::app) fn request(&self, request: Request) {
        self.state.actions.request(request);
    }

    /// Has a command performed.
    pub(in crate::app) fn perform(&self, command: Command) {
        self.state.actions.perform(command);
    }

    /// Whether a workspace is in sight.
    pub(in crate::app) fn is_open(&self, id: WorkspaceId) -> bool {
        self.state.workspace.id == id
    }

    /// What the canvas shows.
    pub(in crate::app) fn document(&self) -> Option<&'a Document> {
        self.state.desk.document.as_ref()
    }

    /// The classes of the model in use, and which of them the picture has.
    pub(in crate::app) fn listed_classes(&self) -> Option<ListedClasses> {
        let model = self.state.library.models.used()?;
        let found = self.document().and_then(Document::found);
        let present = found.map(|found| found.pixels.iter().map(|count| *count > 0).collect());
        Some(ListedClasses {
            classes: model.classes.clone(),
            present: present.unwrap_or_default(),
        })
    }

    /// Name of the class under the cursor, in the result of the output in use.
    pub(in crate::app) fn class_under_cursor(&self) -> Option<String> {
        let document = self.document()?;
        let id = document.label_at(self.state.canvas.cursor?)?;
        let classes = &document.result.as_ref()?.model.classes.classes;
        classes.get(usize::from(id)).map(|class| class.name.clone())
    }

    /// Asks for another view, if it is another. What is dragged becomes a step for undo when it has been still for a
    /// while; everything else is one at once.
    pub(in crate::app) fn set_view(&self, ui: &Ui, view: ViewState) {
        if view != *self.state.view {
            self.send(Action::View(view, !ui.ctx().egui_is_using_pointer()));
        }
    }

    /// Keeps the list of classes as it is now, if it has changed.
    pub(in crate::app) fn set_class_list(&self, list: ClassList) {
        if list != self.state.class_list {
            self.send(Action::ClassList(list));
        }
    }

    /// Moves the camera, if it has moved.
    pub(in crate::app) fn set_camera(&self, camera: Camera) {
        if camera != self.state.canvas.camera {
            self.send(Action::Camera(camera));
        }
    }

    /// Notes the photo pixel under the cursor, if it is another.
    pub(in crate::app) fn set_cursor(&self, cursor: Option<[usize; 2]>) {
        if cursor != self.state.canvas.cursor {
            self.send(Action::Cursor(cursor));
        }
    }

    /// Notes where the canvas is, if it is elsewhere.
    pub(in crate::app) fn set_canvas_area(&self, area: Option<egui::Rect>) {
        if area != self.state.canvas.area {
            self.send(Action::CanvasArea(area));
        }
    }

    /// The photo of a document with some masks, as far as they are shown; `None` while it is not on the GPU.
    pub(in crate::app) fn drawing(
        &self,
        ui: &Ui,
        document: &Document,
        masks: Option<(Arc<GpuLabels>, Look)>,
    ) -> Option<Drawing> {
        let bare = bare(ui);
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
                }
            },
        })
    }

    /// How masks of these classes look.
    pub(in crate::app) fn look(&self, classes: &ClassSet) -> Look {
        let view = &self.state.view;
        let colors = view.colors(classes).into_iter();
        let palette = colors
            .zip(view.opacities(classes))
            .map(|([r, g, b], opacity)| [r, g, b, opacity]);
        let hovered = self.state.class_list.hovered();
        Look {
            palette: palette.collect(),
            opacity: view.opacity,
            inside: view.inside,
            outline: view.outline,
            fade: view.fade,
            threshold: view.threshold,
            highlight: hovered.map(|class| Highlight { class, region: None }),
        }
    }

    /// Export options with the look of the view for `classes`: colours, visibility, opacity and confidence. Outlines and
    /// hatching belong to the screen.
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

    /// A menu line: a tick for what is on, the key at the right.
    pub(in crate::app) fn menu_item(&self, ui: &mut Ui, command: Command) {
        let key = command.shortcut_text(ui);
        let button = match self.commands.is_on(command) {
            Some(on) => Button::selectable(on, command.title()),
            None => Button::new(command.title()),
        };
        // Else its name would end with the key, or with a blank where there is none.
        let item = ui
            .add_enabled(self.commands.enabled(command), button.shortcut_text(key))
            .accessible_name(command.title());
        if item.on_hover_text(command.explanation()).clicked() {
            self.perform(command);
            ui.close();
        }
    }

    /// A button for a command, greyed out while it makes no sense.
    pub(in crate::app) fn command_button(&self, ui: &mut Ui, command: Command) {
        self.titled_button(ui, command.title(), command);
    }

    /// The same under a shorter title; screen readers say the command's own.
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

    /// A small button for a command under a shorter title.
    pub(in crate::app) fn small_button(&self, ui: &mut Ui, title: &str, command: Command) {
        let button = ui.add_enabled(self.commands.enabled(command), Button::new(title).small());
        let button = button.accessible_name(command.title());
        if button.on_hover_text(command.tooltip(ui)).clicked() {
            self.perform(command);
        }
    }
}

/// Whether the bare photo is wanted: while the key is held down, and not typed into a field.
pub(in crate::app) fn bare(ui: &Ui) -> bool {
    ui.input(|i| i.key_down(egui::Key::B) && !i.modifiers.any()) && !ui.ctx().text_edit_focused()
}
