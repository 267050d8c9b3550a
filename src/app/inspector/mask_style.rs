//! The controls for masks and photo: style, opacity, confidence, palette, brightness.

use egui::{
    Align2, Button, CollapsingHeader, FontId, Popup, Response, Role, Sense, Slider, StrokeKind, TextStyle,
    TextWrapMode, Ui, WidgetInfo, WidgetText, pos2, vec2,
};

use crate::app::command::Command;
use crate::app::state::{MaskFill, Palette, ViewState};
use crate::app::theme::{Icon, height};
use crate::app::widgets::{Segment, labelled, percent_row, segmented, slider_row, swatches, tick};
use crate::labels::ClassSet;

/// Width of an outline that is switched on without a width, in points.
const USUAL_OUTLINE: f32 = 1.5;

/// Switches outlines on or off.
pub(in crate::app) fn toggle_outline(view: &mut ViewState) {
    view.outline = if view.outline > 0.0 { 0.0 } else { USUAL_OUTLINE };
}

/// Changes how the inside of masks is drawn. Without a fill, the outline is switched on.
pub(in crate::app) fn set_fill(view: &mut ViewState, fill: MaskFill) {
    view.fill = fill;
    if fill == MaskFill::Empty && view.outline == 0.0 {
        view.outline = USUAL_OUTLINE;
    }
}

/// Draws the frequently used controls.
///
/// Returns whether the user asks for a palette from a file.
pub(in crate::app) fn masks(ui: &mut Ui, view: &mut ViewState, classes: Option<&ClassSet>) -> bool {
    let choices = [
        (MaskFill::Fill, "Fill", "Fill the masks"),
        (
            MaskFill::Hatching,
            "Hatch",
            "Stripe the masks, each class in its own direction",
        ),
        (MaskFill::Empty, "Lines", "Draw only the outlines of the masks"),
    ];
    let segments = choices.map(|(fill, title, name)| Segment {
        icon: None,
        title,
        name,
        chosen: view.fill == fill,
        enabled: true,
    });
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height::BUTTON), Sense::hover());
    let responses = segmented(ui, rect, &[1.0; 3], &segments, false);
    for (response, (fill, _, hint)) in responses.into_iter().zip(choices) {
        if response.on_hover_text(hint).clicked() {
            set_fill(view, fill);
        }
    }
    percent_row(ui, "Opacity", "Opacity of all masks", &mut view.opacity, 0.0..=1.0);
    let slider = Slider::new(&mut view.outline, 0.0..=6.0).fixed_decimals(1);
    let slider = slider.custom_formatter(|width, _| outline_text(width));
    let hint = "Width of the outlines; 0 turns them off";
    slider_row(ui, "Outline", hint, slider.custom_parser(outline_of));
    classes.is_some_and(|classes| palette_row(ui, view, classes))
}

/// Draws the palette in use as a strip of its colours, which opens the list of palettes.
///
/// Returns whether the user asks for a palette from a file.
fn palette_row(ui: &mut Ui, view: &mut ViewState, classes: &ClassSet) -> bool {
    let mut opens_file = false;
    labelled(ui, "Palette", |ui| {
        let size = vec2(ui.available_width(), height::CONTROL);
        let (rect, button) = ui.allocate_exact_size(size, Sense::click());
        button.widget_info(|| WidgetInfo {
            current_text_value: Some(palette_title(view, view.palette)),
            ..WidgetInfo::labeled(Role::ComboBox, true, "Palette")
        });
        let visuals = *ui.style().interact(&button);
        let painter = ui.painter();
        painter.rect(
            rect,
            visuals.corner_radius,
            visuals.weak_bg_fill,
            visuals.bg_stroke,
            StrokeKind::Inside,
        );
        let strip = rect.with_max_x(rect.right() - 28.0).shrink2(vec2(8.0, 7.0));
        swatches(painter, strip, &view.palette_colors(view.palette, classes));
        let at = pos2(rect.right() - 14.0, rect.center().y - 2.0);
        let font = FontId::proportional(16.0);
        painter.text(
            at,
            Align2::CENTER_CENTER,
            Icon::ChevronDown.unicode(),
            font,
            visuals.text_color(),
        );
        Popup::menu(&button).width(PALETTES).show(|ui| {
            let own = view.own_palette.is_some().then_some(Palette::File);
            for palette in Palette::BUILT_IN.into_iter().chain(own) {
                if palette_line(ui, view, palette, classes).clicked() {
                    view.palette = palette;
                    ui.close();
                }
            }
            ui.separator();
            if ui
                .button(Command::OpenPalette.title())
                .on_hover_text(Command::OpenPalette.explanation())
                .clicked()
            {
                opens_file = true;
                ui.close();
            }
        });
        button
    });
    opens_file
}

/// Width of the list of palettes, in points.
const PALETTES: f32 = 320.0;

/// The name of a palette in the list; that of its file, if it comes from one.
fn palette_title(view: &ViewState, palette: Palette) -> String {
    match (palette, &view.own_palette) {
        (Palette::File, Some(own)) => own.title.clone(),
        _ => palette.title().to_owned(),
    }
}

/// Draws the name of a palette and its colours.
fn palette_line(ui: &mut Ui, view: &ViewState, palette: Palette, classes: &ClassSet) -> Response {
    let size = vec2(ui.available_width(), 40.0);
    let title = palette_title(view, palette);
    let button = Button::selectable(view.palette == palette, "").min_size(size);
    let button = ui.add(button);
    button.widget_info(|| WidgetInfo::selected(Role::Button, true, view.palette == palette, &title));
    let (name, strip) = button
        .rect
        .shrink2(vec2(10.0, 0.0))
        .split_left_right_at_x(button.rect.left() + 124.0);
    let font = TextStyle::Body.resolve(ui.style());
    let color = ui.visuals().text_color();
    let text = WidgetText::from(title).into_galley(ui, Some(TextWrapMode::Truncate), name.width() - 8.0, font);
    let at = pos2(name.left(), name.center().y - 0.5 * text.size().y);
    ui.painter().galley(at, text, color);
    swatches(
        ui.painter(),
        strip.shrink2(vec2(0.0, 12.0)),
        &view.palette_colors(palette, classes),
    );
    button.on_hover_text(palette.hint())
}

/// The text of an outline's width: `off` or `2 px`.
fn outline_text(width: f64) -> String {
    let tenths = (width * 10.0).round();
    if tenths == 0.0 {
        return "off".into();
    }
    format!("{} px", tenths / 10.0)
}

/// The width that a user types: a number with or without its unit, or `off`.
fn outline_of(text: &str) -> Option<f64> {
    match text.trim().trim_end_matches("px").trim_end() {
        "off" => Some(0.0),
        number => number.parse().ok(),
    }
}

/// Draws the less frequently used controls.
pub(in crate::app) fn more(ui: &mut Ui, view: &mut ViewState) {
    CollapsingHeader::new("Confidence").show(ui, |ui| {
        tick(ui, &mut view.fade, "Fade by confidence").on_hover_text("The lower the confidence, the fainter the mask");
        percent_row(
            ui,
            "Hide below",
            "Do not draw pixels whose class has a lower probability",
            &mut view.threshold,
            0.0..=1.0,
        );
    });
    CollapsingHeader::new("Photo").show(ui, |ui| {
        percent_row(
            ui,
            "Brightness",
            "Added to the photo, on the screen only",
            &mut view.brightness,
            -1.0..=1.0,
        );
        percent_row(
            ui,
            "Contrast",
            "Of the photo, on the screen only",
            &mut view.contrast,
            -1.0..=1.0,
        );
        if ui.button("Reset photo").clicked() {
            view.brightness = 0.0;
            view.contrast = 0.0;
        }
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;

    use super::*;

    #[test]
    fn rows_are_no_wider_than_the_panel() {
        for width in [240.0, 300.0, 480.0] {
            let view = ViewState {
                opacity: 1.0,
                ..ViewState::default()
            };
            let mut harness = Harness::builder()
                .with_size([width, 600.0])
                .with_context_setup(crate::app::testing::looks)
                .build_ui_state(
                    |ui, (view, room, used): &mut (ViewState, f32, f32)| {
                        *room = ui.available_width();
                        let classes = crate::datasets::classes_of("camvid");
                        masks(ui, view, classes.as_ref());
                        *used = ui.min_rect().width();
                    },
                    (view, 0.0, 0.0),
                );
            harness.run();
            let (_, room, used) = harness.state();
            assert!(*used <= room + 0.5, "{used} of {room} points");
        }
    }
}
