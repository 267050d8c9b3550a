//! Text over a pane: the class under the cursor, and the state of its labels.

use egui::{Align2, Color32, FontId, Label, Rect, Ui, UiBuilder, Vec2, pos2, vec2};

use super::Compare;
use super::filling::PaneState;
use super::pane::Content;
use super::view::PaneAction;
use crate::app::theme::{data_color, shade};
use crate::app::workspaces::Ctx;

impl Compare {
    /// Draws the class at a pixel into the corner of a pane.
    pub(super) fn class_chip(&self, ui: &Ui, area: Rect, place: usize, pixel: [usize; 2], ctx: &Ctx) {
        let Some((text, color)) = self.class_text(place, pixel, ctx) else {
            return;
        };
        let painter = ui.painter_at(area);
        let font = FontId::proportional(13.0);
        let galley = painter.layout_no_wrap(text, font, Color32::WHITE);
        let size = galley.size() + vec2(26.0, 8.0);
        let chip = Rect::from_min_size(pos2(area.left() + 6.0, area.bottom() - size.y - 6.0), size);
        painter.rect_filled(chip, 4.0, shade(190));
        let swatch = Rect::from_center_size(pos2(chip.left() + 11.0, chip.center().y), Vec2::splat(10.0));
        painter.rect_filled(swatch, 2.0, color);
        painter.galley(pos2(chip.left() + 20.0, chip.top() + 4.0), galley, Color32::WHITE);
    }

    /// Class and probability at a pixel of a pane, with the colour of the class.
    fn class_text(&self, place: usize, [x, y]: [usize; 2], ctx: &Ctx) -> Option<(String, Color32)> {
        let labelled = self.panes.get(place)?.labelled.as_ref()?;
        let map = labelled.labels.map();
        let id = map.get(x, y)?;
        let classes = self.panes.get(place)?.classes()?;
        let Some(class) = classes.classes.get(usize::from(id)) else {
            return Some((format!("not labelled ({id})"), Color32::GRAY));
        };
        let [r, g, b] = ctx.state.view.colors(classes)[usize::from(id)];
        let confidence = labelled.labels.confidence();
        let confidence = confidence.and_then(|values| values.get(y * map.width + x));
        let text = match confidence {
            Some(value) => format!("{} {:.0} %", class.name, f64::from(*value) / 655.35),
            None => class.name.clone(),
        };
        Some((text, data_color([r, g, b])))
    }

    /// Draws the message over a pane that shows no labels yet.
    pub(super) fn pane_message(
        &self,
        ui: &mut Ui,
        place: usize,
        area: Rect,
        state: PaneState,
        action: &mut Option<PaneAction>,
    ) {
        let painter = ui.painter_at(area);
        let chip = |text: String| {
            let galley = painter.layout_no_wrap(text, FontId::proportional(13.0), Color32::WHITE);
            let chip = Rect::from_center_size(area.center(), galley.size() + vec2(20.0, 10.0));
            painter.rect_filled(chip, 4.0, shade(200));
            painter.galley(chip.min + vec2(10.0, 5.0), galley, Color32::WHITE);
        };
        match state {
            PaneState::Ready => {}
            PaneState::Opening => chip("Opening".into()),
            PaneState::Waiting => chip("Waiting".into()),
            PaneState::Running(share) => chip(format!("Segmenting, {:.0} %", share * 100.0)),
            PaneState::Paused => {
                if message(ui, area, "Stopped", Some("Resume")) {
                    *action = Some(PaneAction::TryAgain);
                }
            }
            PaneState::Failed(why) => {
                if message(ui, area, &why, Some("Try again")) {
                    *action = Some(PaneAction::TryAgain);
                }
            }
            PaneState::Missing => {
                message(ui, area, "No label map found for this photo; add one", None);
            }
            PaneState::Closed => {
                if message(ui, area, "This model is not open", Some("Open it"))
                    && let Some(Content::Model { source, .. }) = self.panes.get(place).map(|pane| &pane.content)
                {
                    *action = Some(PaneAction::Open(source.clone()));
                }
            }
        }
    }
}

/// Draws a text over a pane, and a button below it. Returns whether the button was clicked.
fn message(ui: &mut Ui, area: Rect, text: &str, button: Option<&str>) -> bool {
    let size = vec2(
        (area.width() - 24.0).clamp(40.0, 360.0),
        (area.height() - 16.0).clamp(20.0, 120.0),
    );
    let place = Align2::CENTER_CENTER.align_size_within_rect(size, area);
    let mut clicked = false;
    ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
        egui::Frame::popup(ui.style()).show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ui.add(Label::new(text).wrap());
                if let Some(button) = button {
                    clicked = ui.button(button).clicked();
                }
            });
        });
    });
    clicked
}
