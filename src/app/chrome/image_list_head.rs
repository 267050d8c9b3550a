//! The head of the list of images, its menus, and the menu of a row.

use egui::{Align, Label, Layout, Popup, PopupCloseBehavior, RichText, ScrollArea, Ui};

use crate::app::action::{Action, Request};
use crate::app::command::Command;
use crate::app::state::{Arrangement, Image, Only, Sort};
use crate::app::theme::{Icon, heading, height};
use crate::app::widgets::icon_button;
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;

/// Draws the heading with the commands of the list.
pub(super) fn heading_row(ui: &mut Ui, ctx: &Ctx) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let is_plain = ctx.state.library.images.arrangement == Arrangement::default();
            let arrange = icon_button(ui, Icon::ListFilter, "Filter and sort", height::CONTROL, !is_plain);
            let arrange = arrange.on_hover_text("Filter and sort the photos");
            // Clicks inside choose; a click outside closes.
            Popup::menu(&arrange)
                .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
                .show(|ui| arrange_menu(ui, ctx));
            let add = icon_button(ui, Icon::Plus, "Add photos", height::CONTROL, false);
            let add = add.on_hover_text("Add photos or a folder to the list");
            Popup::menu(&add).show(|ui| {
                for command in [
                    Command::OpenImage,
                    Command::OpenFolder,
                    Command::OpenSample,
                    Command::CloseAll,
                ] {
                    ctx.menu_item(ui, command);
                }
            });
            ctx.small_icon(ui, Icon::Play, Command::SegmentAll);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                ui.label(heading("Photos"));
                position(ui, ctx);
            });
        });
    });
}

/// Draws the place of the chosen photo in the list.
pub(super) fn position(ui: &mut Ui, ctx: &Ctx) {
    let (state, images) = (ctx.state, &ctx.state.library.images);
    let count = images.len();
    let note = match state.shows_wanted() {
        true => "",
        false if state.misses_wanted() => ", not shown",
        false => ", opening",
    };
    if count > 0 {
        let text = format!("{} of {count}{note}", images.current() + 1);
        ui.add(Label::new(RichText::new(text).weak()).truncate());
    }
}

/// Says how many photos are listed, and offers to list all.
pub(super) fn shown_note(ui: &mut Ui, ctx: &Ctx, listed: usize) {
    let images = &ctx.state.library.images;
    ui.horizontal(|ui| {
        ui.weak(format!("{listed} of {} listed", images.len()));
        if ui.link("List all").clicked() {
            ctx.send(Action::Arrange(Arrangement {
                sort: images.arrangement.sort,
                ..Arrangement::default()
            }));
        }
    });
}

/// Draws the menu of filters and of the order.
fn arrange_menu(ui: &mut Ui, ctx: &Ctx) {
    let images = &ctx.state.library.images;
    let mut chosen = images.arrangement.clone();
    ui.set_min_width(200.0);
    ui.weak("Show");
    for only in Only::ALL {
        if only.is_of_annotation() && !images.has_annotated() {
            continue;
        }
        ui.radio_value(&mut chosen.only, only, only.title());
    }
    if let Some(model) = ctx.state.library.models.used() {
        ui.menu_button(
            match &chosen.class {
                Some(class) => format!("With {class}"),
                None => "With a class".into(),
            },
            |ui| {
                ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                    ui.radio_value(&mut chosen.class, None, "Any");
                    for class in &model.classes.classes {
                        ui.radio_value(&mut chosen.class, Some(class.name.clone()), &class.name);
                    }
                });
            },
        );
    }
    ui.separator();
    ui.weak("Sort");
    for sort in Sort::ALL {
        ui.radio_value(&mut chosen.sort, sort, sort.title());
    }
    if chosen != images.arrangement {
        ctx.send(Action::Arrange(chosen));
    }
}

/// Draws the commands for a photo of the list.
pub(super) fn row_menu(ui: &mut Ui, ctx: &Ctx, entry: &Image) {
    ui.set_min_width(180.0);
    let images = &ctx.state.library.images;
    let source = &entry.source;
    if ui.button("Open").clicked() {
        if let Some(place) = images.place(source) {
            ctx.send(Action::GoTo(place));
        }
        ui.close();
    }
    if let Some(file) = source.file() {
        if ui.button("Show in folder").clicked() {
            let folder = file.parent().map_or_else(|| file.to_owned(), std::path::Path::to_owned);
            ctx.request(Request::OpenOutside(folder));
            ui.close();
        }
        if ui.button("Copy path").clicked() {
            ctx.request(Request::CopyText(file.display().to_string(), "Path copied"));
            ui.close();
        }
    }
    ui.separator();
    if ui.button("Remove from list").clicked() {
        ctx.send(Action::RemoveImages(vec![source.clone()]));
        ui.close();
    }
    let others: Vec<ImageSource> = images.sources().filter(|other| *other != source).cloned().collect();
    if !others.is_empty() && ui.button("Remove all others").clicked() {
        ctx.send(Action::RemoveImages(others));
        ui.close();
    }
}
