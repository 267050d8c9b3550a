//! The centre: the canvas, or how to begin.

use std::sync::Arc;

use egui::{Label, Painter, PointerButton, Rect, RichText, Ui, vec2};

use super::App;
use super::canvas::{self, Drawing, Patches, Place, Scene};
use super::command::Command;
use super::document::Document;
use super::gpu::{GpuLabels, Highlight, Look, Tone};
use super::workspace::Workspace;
use crate::engine::PhotoSource;
use crate::labels::ClassSet;

/// What a right click on the picture offers.
const CONTEXT_MENU: [Command; 9] = [
    Command::ToggleClassUnderCursor,
    Command::SoloClassUnderCursor,
    Command::ShowAllClasses,
    Command::Fit,
    Command::ActualSize,
    Command::CopyView,
    Command::CopyOverlay,
    Command::Segment,
    Command::Export,
];

/// Whether the bare photo is wanted: while the key is held down, and not typed into a field.
pub(super) fn bare(ui: &Ui) -> bool {
    ui.input(|i| i.key_down(egui::Key::B) && !i.modifiers.any()) && !ui.ctx().text_edit_focused()
}

/// Says over the canvas that another picture is on its way.
fn opening_note(ui: &Ui, canvas: Rect, name: &str) {
    let text = format!("Opening {name}…");
    let painter = ui.painter_at(canvas);
    let galley = painter.layout(
        text,
        egui::FontId::proportional(15.0),
        ui.visuals().text_color(),
        canvas.width() * 0.8,
    );
    let place = Rect::from_center_size(canvas.center(), galley.size());
    painter.rect_filled(place.expand(10.0), 6.0, ui.visuals().panel_fill);
    painter.galley(place.min, galley, ui.visuals().text_color());
}

impl App {
    pub(super) fn central(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        if self.document.is_some() {
            self.canvas = Some(ui.available_rect_before_wrap());
        }
        let overlay = self.attention_overlay(ui).filter(|_| !bare(ui));
        let Some(document) = &self.document else {
            self.cursor = None;
            self.canvas = None;
            return self.welcome(ui, asked);
        };
        if self.workspace == Workspace::Compare {
            return self.compare_view(ui, asked);
        }
        if self.workspace == Workspace::Evaluate {
            return self.evaluate_view(ui, asked);
        }
        let document_id = document.photo.id;
        let regions = document.masks.as_ref().map(|m| m.result.regions.clone());
        let highlight_at = |pixel| Highlight::at(regions.as_deref()?, pixel);
        let patches = document
            .result
            .as_ref()
            .filter(|_| self.view.patch_grid)
            .and_then(|result| {
                // The first pass is the one at the model's own size, or the smallest of several.
                let field = result.prediction.fields.first()?;
                Some(Patches {
                    size: field.size,
                    patch: result.model.spec.encoder.patch,
                    columns: &field.columns,
                    rows: &field.rows,
                })
            });
        let paint_overlay = |painter: &Painter, photo: Rect| {
            if let Some(overlay) = &overlay {
                overlay.paint(painter, photo);
            }
        };
        let in_attention = self.workspace == Workspace::Attention;
        let scene = Scene {
            place: Place::Canvas,
            name: "Picture canvas",
            size: [document.photo.photo.width, document.photo.photo.height],
            drawing: self.drawing(ui, document),
            beside: None,
            highlight_at: &highlight_at,
            patches,
            pinned: self.pin.filter(|_| !in_attention),
            pixel_grid: self.view.pixel_grid,
            minimap: self.view.minimap,
            magnifier: self.view.magnifier,
            overlay: overlay.is_some().then_some(&paint_overlay),
            drag_moves: !in_attention,
        };
        let mut camera = self.camera;
        let happened = canvas::show(ui, &mut camera, scene);
        if let Some(source) = self.slowly_opening(ui.ctx()) {
            opening_note(ui, happened.response.rect, &source.name());
        }
        self.camera = camera;
        let before = std::mem::replace(&mut self.cursor, happened.cursor);
        let response = happened.response;
        if in_attention {
            let chooses = response.clicked_by(PointerButton::Primary) || response.dragged_by(PointerButton::Primary);
            if let Some(pixel) = happened.cursor.filter(|_| chooses) {
                self.choose_patch(pixel);
                ui.ctx().request_repaint();
            }
        } else if response.clicked_by(PointerButton::Primary)
            && let Some(pixel) = happened.cursor
        {
            // Not a press of Space or Enter while the canvas has the focus. A second click on the same pixel takes the
            // pin away; so does the first of a double click.
            self.pin = if self.pin == Some(pixel) { None } else { Some(pixel) };
        }
        if response.double_clicked() {
            asked.push(if self.camera.is_fit() {
                Command::ActualSize
            } else {
                Command::Fit
            });
        }
        // The menu is about the pixel that was clicked, not about the one under the open menu.
        if response.secondary_clicked() {
            self.menu_pixel = happened.cursor.map(|pixel| (document_id, pixel));
        }
        response.context_menu(|ui| {
            ui.set_min_width(220.0);
            self.cursor = self
                .menu_pixel
                .filter(|(id, _)| *id == document_id)
                .map(|(_, pixel)| pixel);
            for command in CONTEXT_MENU {
                self.menu_item(ui, command, asked);
            }
        });
        if self.cursor != before {
            // The panels were drawn before the canvas.
            ui.ctx().request_repaint();
        }
    }

    /// What to draw of a document; `None` while its photo is not on the GPU.
    fn drawing(&self, ui: &Ui, document: &Document) -> Option<Drawing> {
        let shown = document.masks.as_ref().filter(|_| self.workspace == Workspace::Masks);
        let masks = shown.map(|m| (m.labels.clone(), self.look(&m.result.model.classes)));
        self.drawing_with(ui, document, masks)
    }

    /// The photo of a document with some masks, as far as they are shown.
    pub(super) fn drawing_with(
        &self,
        ui: &Ui,
        document: &Document,
        masks: Option<(Arc<GpuLabels>, Look)>,
    ) -> Option<Drawing> {
        let bare = bare(ui);
        Some(Drawing {
            gpu: self.gpu.clone()?,
            photo: document.texture.clone()?,
            masks: masks.filter(|_| self.view.masks && !bare && self.slowly_opening(ui.ctx()).is_none()),
            tone: if bare {
                Tone::default()
            } else {
                Tone {
                    brightness: self.view.brightness,
                    contrast: self.view.contrast,
                }
            },
        })
    }

    /// How masks of these classes look.
    pub(super) fn look(&self, classes: &ClassSet) -> Look {
        let colors = self.view.colors(classes).into_iter();
        let palette = colors
            .zip(self.view.opacities(classes))
            .map(|([r, g, b], opacity)| [r, g, b, opacity]);
        Look {
            palette: palette.collect(),
            opacity: self.view.opacity,
            inside: self.view.inside,
            outline: self.view.outline,
            fade: self.view.fade,
            threshold: self.view.threshold,
            highlight: self.class_list.hovered().map(|class| Highlight { class, region: None }),
        }
    }

    fn welcome(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        // There is no canvas to fill the centre.
        ui.painter().rect_filled(ui.max_rect(), 0.0, ui.visuals().panel_fill);
        ui.vertical_centered(|ui| {
            ui.add_space((ui.available_height() * 0.3).min(220.0));
            if self.opening.is_some() || self.finding || self.incoming.is_some() {
                ui.spinner();
                ui.label("Opening");
                return;
            }
            let state = self.pictures.state(self.pictures.current());
            if let Some(why) = state.and_then(|state| state.failure().map(str::to_owned)) {
                let name = self.pictures.wanted().map(PhotoSource::name).unwrap_or_default();
                ui.set_max_width(520.0);
                ui.add(Label::new(RichText::new(format!("{name} cannot be shown")).heading()).truncate());
                ui.colored_label(ui.visuals().error_fg_color, why);
                ui.add_space(8.0);
                self.titled_button(ui, "Try again", Command::ReloadPicture, asked);
                self.command_button(ui, Command::OpenPicture, asked);
                return;
            }
            ui.heading("See what a segmentation transformer sees");
            ui.label("Drop pictures, a folder or a model here, or open them.");
            ui.add_space(10.0);
            for command in [Command::OpenPicture, Command::OpenFolder, Command::OpenSample] {
                let button = ui.add_sized(vec2(220.0, 28.0), egui::Button::new(command.title()));
                if button.on_hover_text(command.tooltip(ui)).clicked() {
                    asked.push(command);
                }
            }
            let recent = self.recent_pictures();
            if !recent.is_empty() {
                ui.add_space(14.0);
                ui.weak("Recent");
                for path in recent.iter().take(5) {
                    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                    let link = ui.add(egui::Link::new(name.as_ref()));
                    if link.on_hover_text(path.display().to_string()).clicked() {
                        self.open_recent(path);
                    }
                }
            }
        });
    }
}
