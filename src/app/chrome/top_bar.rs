//! The top bar: the menu and file actions on the left, the workspaces in the middle, search and export on the right.

use std::path::PathBuf;

use egui::{Align, Align2, Button, FontId, Layout, Popup, Rect, Response, Sense, StrokeKind, Ui, pos2, vec2};

use super::models_menu::open_models_menu;
use crate::app::action::Action;
use crate::app::command::{Command, Section};
use crate::app::theme::{Icon, Tokens, height, medium, radius, size};
use crate::app::widgets::{Segment, icon_button, primary_button, segmented, width_of};
use crate::app::workspaces::{Ctx, WORKSPACES};

/// Widths in points from which words fit beside the icons of the search field, of file actions, and of all workspaces.
const ROOM_FOR_SEARCH: f32 = 1440.0;
const ROOM_FOR_WORDS: f32 = 1280.0;
const ROOM_FOR_WORKSPACES: f32 = 1100.0;

/// Width in points from which all buttons fit. Undo, redo and the settings are also in the menu.
const ROOM_FOR_ALL: f32 = 900.0;

/// Width of the search field, in points.
const SEARCH: f32 = 216.0;

/// Draws the bar.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx, undo_names: Option<[Option<String>; 2]>) {
    let bar = ui.max_rect();
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        file_actions(ui, ctx, bar.width(), undo_names);
        let left = ui.min_rect().right();
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            right_end(ui, ctx, bar.width());
            let right = ui.min_rect().left();
            workspaces(ui, ctx, bar, [left + 8.0, right - 8.0]);
        });
    });
}

fn file_actions(ui: &mut Ui, ctx: &Ctx, width: f32, undo_names: Option<[Option<String>; 2]>) {
    let menu = icon_button(ui, Icon::Menu, "Menu", height::BUTTON, false).on_hover_text("All commands");
    Popup::menu(&menu).show(|ui| menus(ui, ctx));
    if width >= ROOM_FOR_WORDS {
        let open = Button::new((Icon::FolderOpen.unicode().to_string(), medium("Open")));
        let open = ui.add(open.frame_when_inactive(false).min_size(vec2(0.0, height::BUTTON)));
        let open = open.accessible_name(Command::OpenImage.title());
        if open.on_hover_text(Command::OpenImage.tooltip(ui)).clicked() {
            ctx.perform(Command::OpenImage);
        }
    } else {
        ctx.icon(ui, Icon::FolderOpen, Command::OpenImage, height::BUTTON);
    }
    if width >= ROOM_FOR_ALL {
        let view = &ctx.state.view;
        let names = undo_names.as_ref();
        undo_icon(ui, ctx, Icon::Undo2, Command::Undo, || {
            names.map_or_else(|| view.undo_name(), |[undo, _]| undo.clone())
        });
        undo_icon(ui, ctx, Icon::Redo2, Command::Redo, || {
            names.map_or_else(|| view.redo_name(), |[_, redo]| redo.clone())
        });
    }
}

/// Undo or redo, with what it changes in the tooltip.
fn undo_icon(ui: &mut Ui, ctx: &Ctx, icon: Icon, command: Command, name: impl FnOnce() -> Option<String>) {
    let enabled = ctx.commands.enabled(command);
    let button = ui.add_enabled_ui(enabled, |ui| {
        icon_button(ui, icon, command.title(), height::BUTTON, false)
    });
    let button = button.inner.on_hover_ui(|ui| {
        let key = command.shortcut_text(ui);
        let name = name().unwrap_or_default();
        ui.label(format!("{} {name} ({key})", command.title()));
    });
    if button.on_disabled_hover_text(command.explanation()).clicked() {
        ctx.perform(command);
    }
}

/// Export, settings and search, from the right end on.
fn right_end(ui: &mut Ui, ctx: &Ctx, width: f32) {
    let word = if width >= ROOM_FOR_WORKSPACES { "Export" } else { "" };
    let enabled = ctx.commands.enabled(Command::Export);
    let export = match enabled {
        true => primary_button(ui, Icon::Share, word),
        false => Button::new((Icon::Share.unicode().to_string(), word)).min_size(vec2(0.0, height::BUTTON)),
    };
    let export = ui.add_enabled(enabled, export).accessible_name(Command::Export.title());
    let export = export.on_hover_text(Command::Export.tooltip(ui));
    if export.on_disabled_hover_text(Command::Export.explanation()).clicked() {
        ctx.perform(Command::Export);
    }
    if width >= ROOM_FOR_ALL {
        ctx.icon(ui, Icon::Settings, Command::Settings, height::BUTTON);
    }
    if width < ROOM_FOR_SEARCH {
        ctx.icon(ui, Icon::Search, Command::Palette, height::BUTTON);
    } else if search_field(ui).clicked() {
        ctx.perform(Command::Palette);
    }
}

/// A button in the shape of a field, which opens the command search.
fn search_field(ui: &mut Ui) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(SEARCH, height::BUTTON), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, Command::Palette.title()));
    let tokens = Tokens::of(ui);
    let visuals = ui.style().interact(&response);
    let painter = ui.painter();
    painter.rect(
        rect,
        radius::CONTROL,
        visuals.weak_bg_fill,
        visuals.bg_stroke,
        StrokeKind::Inside,
    );
    let text = |at, align, text: &str, size| {
        painter.text(at, align, text, FontId::proportional(size), tokens.second);
    };
    let y = rect.center().y;
    text(
        pos2(rect.left() + 10.0, y - 2.0),
        Align2::LEFT_CENTER,
        &Icon::Search.unicode().to_string(),
        16.0,
    );
    text(
        pos2(rect.left() + 34.0, y),
        Align2::LEFT_CENTER,
        "Search commands",
        size::BODY,
    );
    text(
        pos2(rect.right() - 10.0, y),
        Align2::RIGHT_CENTER,
        &Command::Palette.shortcut_text(ui),
        size::SMALL,
    );
    response.on_hover_text(Command::Palette.explanation())
}

/// Draws the workspaces in the middle of the bar, or as near to it as there is room between `left` and `right`.
fn workspaces(ui: &mut Ui, ctx: &Ctx, bar: Rect, [left, right]: [f32; 2]) {
    let all_words = bar.width() >= ROOM_FOR_WORKSPACES;
    let segment = |with_word: bool, entry: &crate::app::workspaces::WorkspaceEntry| Segment {
        icon: Some(entry.icon),
        title: if with_word { entry.title } else { "" },
        name: entry.command.title(),
        chosen: ctx.is_open(entry.title),
        enabled: true,
    };
    let padding = if bar.width() >= ROOM_FOR_SEARCH { 14.0 } else { 10.0 };
    let segments: Vec<Segment> = WORKSPACES
        .iter()
        .map(|entry| segment(all_words || ctx.is_open(entry.title), entry))
        .collect();
    let widths: Vec<f32> = segments.iter().map(|segment| width_of(ui, segment, padding)).collect();
    let width = widths.iter().sum::<f32>();
    if width > right - left {
        return drop_down(ui, ctx);
    }
    let middle = (bar.center().x).clamp(left + 0.5 * width, right - 0.5 * width);
    let rect = Rect::from_center_size(pos2(middle, bar.center().y), vec2(width, height::BUTTON));
    let responses = segmented(ui, rect, &widths, &segments, true);
    for (response, entry) in responses.into_iter().zip(&WORKSPACES) {
        if response.on_hover_text(entry.command.tooltip(ui)).clicked() {
            ctx.perform(entry.command);
        }
    }
}

/// The workspaces as a menu.
fn drop_down(ui: &mut Ui, ctx: &Ctx) {
    let menu = ui.menu_button(medium(ctx.state.workspace.id), |ui| {
        for entry in &WORKSPACES {
            ctx.menu_item(ui, entry.command);
        }
    });
    menu.response.accessible_name("Workspace");
}

/// Draws a menu for each section, one below the other.
fn menus(ui: &mut Ui, ctx: &Ctx) {
    ui.set_min_width(150.0);
    for section in Section::ALL {
        ui.menu_button(section.title(), |ui| menu(ui, section, ctx));
    }
}

/// Draws the commands of a section, and the other entries of its menu.
fn menu(ui: &mut Ui, section: Section, ctx: &Ctx) {
    ui.set_min_width(230.0);
    for &command in Command::ALL {
        if command.section() == section && !command.is_hidden() {
            ctx.menu_item(ui, command);
        }
    }
    let session = &ctx.state.session;
    match section {
        Section::File => recent_menu(ui, "Recent photos", &session.recent_images, ctx),
        Section::Model => {
            open_models_menu(ui, ctx);
            recent_menu(ui, "Recent models", &session.recent_models, ctx);
        }
        _ => {}
    }
}

fn recent_menu(ui: &mut Ui, title: &str, paths: &[PathBuf], ctx: &Ctx) {
    ui.separator();
    ui.add_enabled_ui(!paths.is_empty(), |ui| {
        ui.menu_button(title, |ui| {
            ui.set_max_width(420.0);
            for path in paths {
                let name = path
                    .file_name()
                    .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into());
                let button = ui.add(Button::new(name).truncate());
                if button.on_hover_text(path.display().to_string()).clicked() {
                    ctx.send(Action::Find(vec![path.clone()]));
                    ui.close();
                }
            }
        });
    });
}
