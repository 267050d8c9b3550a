//! The table of released models.

use egui::{Align, Button, Label, Layout, OpenUrl, Response, RichText, Ui, vec2};

use super::PageAction;
use crate::catalogue::{PresentModel, Released};

/// Points between columns.
const GAP: f32 = 10.0;

/// Width of the column of links, which has two buttons, in points.
const LINKS: f32 = 160.0;

/// The columns before the links, as (heading, what it means).
const COLUMNS: [(&str, &str); 7] = [
    (
        "Model",
        "As in the papers; a Segmenter without a decoder in its name has the linear one",
    ),
    ("Training", "Distinguishes models that are otherwise the same"),
    ("Data set", "The data set whose classes the model knows"),
    (
        "mIoU",
        "In percent on the validation split, as published: single scale / multi-scale with flip",
    ),
    ("Params", "Number of parameters in the file"),
    (
        "Size",
        "Of the download; ~ marks an estimate of four bytes per parameter",
    ),
    ("In folder", "Whether the model is in the models folder"),
];

/// Shares of the model and training columns in the width that the other columns leave.
const SHARES: [f32; 2] = [0.45, 0.55];

/// Widths of the other columns, in points.
const WIDTHS: [f32; 5] = [90.0, 80.0, 56.0, 62.0, 56.0];

/// The columns with figures, which are right-aligned.
const FIGURES: [usize; 3] = [3, 4, 5];

/// Widths of all columns but the links.
fn widths(ui: &Ui) -> [f32; COLUMNS.len()] {
    let gaps = GAP * COLUMNS.len() as f32;
    let left = (ui.available_width() - WIDTHS.iter().sum::<f32>() - gaps - LINKS).max(120.0);
    let [model, training] = SHARES.map(|share| (share * left).floor());
    let [data_set, miou, parameters, size, folder] = WIDTHS;
    [model, training, data_set, miou, parameters, size, folder]
}

/// Draws the headings.
pub(super) fn headings(ui: &mut Ui) {
    // The rows below have a scroll bar beside them.
    let bar = ui.spacing().scroll.allocated_width();
    ui.set_max_width(ui.available_width());
    ui.horizontal(|ui| {
        ui.set_max_width(ui.available_width() - bar);
        ui.spacing_mut().item_spacing.x = GAP;
        let widths = widths(ui);
        for (column, (title, meaning)) in COLUMNS.into_iter().enumerate() {
            cell(
                ui,
                widths[column],
                FIGURES.contains(&column),
                RichText::new(title).weak(),
            )
            .on_hover_text(meaning);
        }
    });
}

/// Draws a model. `present` are the files in the folder that may be this model.
pub(super) fn row(
    ui: &mut Ui,
    model: &Released,
    present: &[&PresentModel],
    striped: bool,
    action: &mut Option<PageAction>,
) {
    let name = model.full_name();
    ui.horizontal(|ui| {
        if striped {
            let area = ui.max_rect().expand2(vec2(2.0, 1.0));
            ui.painter().rect_filled(area, 3.0, ui.visuals().faint_bg_color);
        }
        ui.spacing_mut().item_spacing.x = GAP;
        let widths = widths(ui);
        let texts = [
            model.name.clone(),
            model.training.clone().unwrap_or_default(),
            model.data_set_title().to_owned(),
            model.miou_text(),
            model.parameters_text(),
            model.size_text(),
        ];
        for (column, text) in texts.into_iter().enumerate() {
            let text = match column {
                0 => RichText::new(text).strong(),
                _ => RichText::new(text),
            };
            let response = cell(ui, widths[column], FIGURES.contains(&column), text);
            if column < 2 {
                response.on_hover_ui(|ui| details(ui, model));
            }
        }
        let size = vec2(widths[6], ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(size.x);
            open_button(ui, &name, present, action);
        });
        links(ui, model, &name, action);
    });
}

/// Draws text in a column, truncated if it does not fit.
fn cell(ui: &mut Ui, width: f32, figure: bool, text: RichText) -> Response {
    let layout = match figure {
        true => Layout::right_to_left(Align::Center),
        false => Layout::left_to_right(Align::Center),
    };
    let size = vec2(width, ui.spacing().interact_size.y);
    let drawn = ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.set_min_width(width);
        ui.add(Label::new(text).truncate())
    });
    drawn.inner
}

/// Draws the details for which the row has no room.
fn details(ui: &mut Ui, model: &Released) {
    ui.label(model.full_name());
    ui.label(format!("Trained on crops of {0} x {0} pixels", model.crop));
    match &model.file {
        Some(file) => ui.label(format!("Published as {}, file {file}", model.config)),
        None => ui.label(format!("Published as {}", model.config)),
    };
    if let Some(remarks) = &model.remarks {
        ui.label(remarks);
    }
}

/// Draws a button that opens the model if it is in the folder, or a menu if several files may be this model.
fn open_button(ui: &mut Ui, name: &str, present: &[&PresentModel], action: &mut Option<PageAction>) {
    match present {
        [] => {}
        [file] => {
            let button = ui.button("Open").accessible_name(format!("Open {name}"));
            if button.on_hover_text(hint(file)).clicked() {
                *action = Some(PageAction::Open(file.path.clone()));
            }
        }
        files => {
            let menu = ui.menu_button("Open", |ui| {
                for file in files {
                    if ui.button(&file.name).on_hover_text(hint(file)).clicked() {
                        *action = Some(PageAction::Open(file.path.clone()));
                        ui.close();
                    }
                }
            });
            menu.response.accessible_name(format!("Open {name}"));
        }
    }
}

fn hint(file: &PresentModel) -> String {
    let path = file.path.display();
    match file.released.len() {
        0 | 1 => path.to_string(),
        twins => format!(
            "{path}\nThis model or one of {} others that differ only in training",
            twins - 1
        ),
    }
}

fn links(ui: &mut Ui, model: &Released, name: &str, action: &mut Option<PageAction>) {
    let links = model.links();
    let copy = ui
        .add(Button::new("Copy link"))
        .accessible_name(format!("Copy link of {name}"))
        .on_hover_text(links.join("\n"));
    if copy.clicked() {
        ui.copy_text(links.join("\n"));
        *action = Some(PageAction::Say(if links.len() == 1 {
            "Link copied"
        } else {
            "Links copied"
        }));
    }
    let open = ui
        .add(Button::new("Open page"))
        .accessible_name(format!("Open page of {name}"))
        .on_hover_text(format!("In your browser: {}", model.url));
    if open.clicked() {
        ui.open_url(OpenUrl::new_tab(&model.url));
    }
}
