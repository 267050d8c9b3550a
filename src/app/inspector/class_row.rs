//! A row of the class list: swatch, name, eye and solo, and the share of the photo as a number and as a bar behind it.

use egui::{
    Align2, Color32, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, TextWrapMode, Ui, UiBuilder, WidgetInfo,
    WidgetText, pos2, vec2,
};

use super::class_list::percent;
use crate::app::state::ViewState;
use crate::app::theme::{Icon, Tokens, data_color, height, medium, radius, size};
use crate::app::widgets::icon_button;

/// Width of the column of shares, and side of swatch and icons, in points.
const SHARES: f32 = 56.0;
const SWATCH: f32 = 14.0;
const ICON_BUTTON: f32 = 24.0;

/// What a row shows.
pub(super) struct ClassRow<'a> {
    pub(super) name: &'a str,
    pub(super) color: [u8; 3],
    /// Share of the photo, if there is a result.
    pub(super) share: Option<f64>,
    pub(super) selected: bool,
    /// Whether the cursor is on the class in the photo.
    pub(super) lit: bool,
    /// While the pointer is dragged over eyes: whether it shows or hides.
    pub(super) painting: Option<bool>,
}

/// What the user did with a row.
#[derive(Default)]
pub(super) struct Happened {
    pub(super) hovered: bool,
    pub(super) clicked: bool,
    pub(super) soloed: bool,
    pub(super) toggled: bool,
    /// A drag over eyes has begun, which shows or hides.
    pub(super) painting: Option<bool>,
}

/// Draws the row.
pub(super) fn show(ui: &mut Ui, view: &mut ViewState, row: &ClassRow) -> Happened {
    let tokens = Tokens::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height::CLASS_ROW), Sense::click());
    response.widget_info(|| {
        let mut info = WidgetInfo::selected(Role::Button, true, row.selected, row.name);
        info.current_text_value = row.share.map(percent);
        info
    });
    let hovered = ui.rect_contains_pointer(rect);
    let draws = view.draws(row.name);
    background(ui, rect, row, hovered, &response);
    let swatch = Rect::from_center_size(pos2(rect.left() + 16.0, rect.center().y), vec2(SWATCH, SWATCH));
    color_button(&mut child(ui, swatch), view, row.name, row.color);
    let present = row.share.is_none_or(|share| share > 0.0);
    let color = if draws && present { tokens.text } else { tokens.faint };
    if let Some(share) = row.share {
        let at = pos2(rect.right() - 8.0, rect.center().y);
        let font = FontId::proportional(size::BODY);
        let color = if draws { tokens.second } else { tokens.faint };
        ui.painter().text(at, Align2::RIGHT_CENTER, percent(share), font, color);
    }
    let mut happened = Happened {
        hovered,
        clicked: response.clicked(),
        soloed: response.double_clicked(),
        ..Happened::default()
    };
    let eye = Rect::from_center_size(
        pos2(rect.right() - SHARES - 16.0, rect.center().y),
        vec2(ICON_BUTTON, ICON_BUTTON),
    );
    let solo = eye.translate(vec2(-ICON_BUTTON, 0.0));
    let is_solo = view.solo.as_deref() == Some(row.name);
    eye_button(ui, row, draws, (eye, hovered || response.has_focus()), &mut happened);
    if hovered || is_solo || response.has_focus() {
        let name = format!("Show only {}", row.name);
        let button = icon_button(&mut child(ui, solo), Icon::Target, &name, ICON_BUTTON, is_solo);
        happened.soloed |= button.on_hover_text("Show only this class").clicked();
    }
    let room = solo.left() - swatch.right() - 14.0;
    let text = WidgetText::from(medium(row.name).color(color));
    let galley = text.into_galley(ui, Some(TextWrapMode::Truncate), room, egui::TextStyle::Body);
    let at = pos2(swatch.right() + 10.0, rect.center().y - 0.5 * galley.size().y);
    ui.painter().galley(at, galley, color);
    response.context_menu(|ui| class_menu(ui, view, row.name));
    happened
}

/// A part of the row, which does not move what follows.
fn child(ui: &mut Ui, rect: Rect) -> Ui {
    ui.new_child(UiBuilder::new().max_rect(rect))
}

/// Fills the row: with the share of the photo in the class's colour, and with what says that it is selected or hovered.
fn background(ui: &Ui, rect: Rect, row: &ClassRow, hovered: bool, response: &Response) {
    let tokens = Tokens::of(ui);
    let painter = ui.painter();
    let fill = match (row.selected, hovered || row.lit) {
        (true, _) => tokens.selection,
        (false, true) => tokens.hover,
        (false, false) => Color32::TRANSPARENT,
    };
    let edge = match (response.has_focus(), row.selected) {
        (true, _) => Stroke::new(1.5, tokens.accent_line),
        (false, true) => Stroke::new(1.0, tokens.accent_line),
        (false, false) => Stroke::NONE,
    };
    painter.rect_filled(rect, radius::CONTROL, fill);
    if let Some(share) = row.share {
        let [r, g, b] = row.color;
        let strength = if ui.visuals().dark_mode { 0.2 } else { 0.3 };
        let bar = rect.with_max_x(rect.left() + rect.width() * share as f32);
        painter.rect_filled(bar, radius::CONTROL, data_color([r, g, b]).gamma_multiply(strength));
    }
    painter.rect_stroke(rect, radius::CONTROL, edge, StrokeKind::Inside);
}

/// The eye, which is drawn while the pointer is on the row and as long as the class is hidden. Dragging over the eyes of
/// several rows shows or hides all of them.
fn eye_button(ui: &mut Ui, row: &ClassRow, draws: bool, (rect, near): (Rect, bool), happened: &mut Happened) {
    let eye = ui.interact(rect, ui.scope_id().with(("eye", row.name)), Sense::click_and_drag());
    let name = format!("Show {}", row.name);
    eye.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, draws, &name));
    let tokens = Tokens::of(ui);
    if near || !draws || eye.has_focus() {
        if eye.hovered() || eye.has_focus() {
            ui.painter().rect_filled(rect, radius::CONTROL, tokens.raised);
        }
        let icon = if draws { Icon::Eye } else { Icon::EyeOff };
        let at = rect.center() - vec2(0.0, 2.0);
        let font = FontId::proportional(16.0);
        ui.painter()
            .text(at, Align2::CENTER_CENTER, icon.unicode(), font, tokens.second);
    }
    let over = ui.rect_contains_pointer(rect.expand2(vec2(6.0, 2.0)));
    if eye.drag_started() {
        happened.painting = Some(!draws);
        happened.toggled = true;
    } else if let Some(shows) = row.painting {
        happened.toggled = over && draws != shows;
    } else if eye.clicked() {
        match ui.input(|i| i.modifiers.alt) {
            true => happened.soloed = true,
            false => happened.toggled = true,
        }
    }
    eye.on_hover_text("Show this class. With Alt: only this class");
}

/// A swatch that opens a colour picker.
fn color_button(ui: &mut Ui, view: &mut ViewState, name: &str, mut color: [u8; 3]) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size = vec2(SWATCH, SWATCH);
        ui.visuals_mut().widgets.inactive.corner_radius = radius::SMALL.into();
        let swatch = ui
            .color_edit_button_srgb(&mut color)
            .accessible_name(format!("Colour of {name}"))
            .on_hover_text("Change the colour");
        if swatch.changed() {
            view.change_class(name, |style| style.color = Some(color));
        }
    });
}

fn class_menu(ui: &mut Ui, view: &mut ViewState, name: &str) {
    let hide = if view.draws(name) { "Hide" } else { "Show" };
    if ui.button(hide).clicked() {
        view.toggle_class(name);
        ui.close();
    }
    let solo = if view.solo.as_deref() == Some(name) {
        "End solo"
    } else {
        "Show only this class"
    };
    if ui.button(solo).clicked() {
        view.toggle_solo(name);
        ui.close();
    }
    if ui.button("Reset colour and opacity").clicked() {
        view.change_class(name, |style| {
            style.color = None;
            style.opacity = 1.0;
        });
        ui.close();
    }
    if ui.button("Copy name").clicked() {
        ui.copy_text(name.to_owned());
        ui.close();
    }
}
