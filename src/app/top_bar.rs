//! Menus, and buttons for what is done most.

use std::path::Path;

use egui::{Align, Button, Label, Layout, MenuBar, RichText, Ui};

use super::App;
use super::command::{Command, Section};
use super::models::about;
use super::workspace::Workspace;

/// From this width on there is room for the picture's size beside its name.
const WIDE: f32 = 860.0;

/// From this width on there is room for the workspaces beside the menus.
const ROOM_FOR_TABS: f32 = 760.0;

/// From this width on there is room for all menus side by side, and for buttons that have keys and menu lines too.
const ROOM_FOR_MENUS: f32 = 600.0;

impl App {
    pub(super) fn top_bar(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let roomy = ui.ctx().content_rect().width() >= ROOM_FOR_MENUS;
        let separator = |ui: &mut Ui| {
            if roomy {
                ui.separator();
            }
        };
        MenuBar::new().ui(ui, |ui| {
            if roomy {
                self.menus(ui, asked);
            } else {
                ui.menu_button("Menu", |ui| self.menus(ui, asked));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.command_button(ui, Command::Palette, asked);
                ui.separator();
                self.workspace_switch(ui, asked);
            });
        });
        ui.horizontal(|ui| {
            self.titled_button(ui, "Open…", Command::OpenPicture, asked);
            self.model_button(ui, asked);
            separator(ui);
            self.command_button(ui, Command::Segment, asked);
            self.command_button(ui, Command::Export, asked);
            separator(ui);
            if roomy {
                self.command_button(ui, Command::Fit, asked);
                self.command_button(ui, Command::ActualSize, asked);
            }
            if self.pictures.len() > 1 {
                separator(ui);
                self.titled_button(ui, "<", Command::PreviousPicture, asked);
                self.titled_button(ui, ">", Command::NextPicture, asked);
            }
            self.output_switch(ui);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if self.models.is_loading() {
                    return self.loading_bar(ui, asked);
                }
                let Some(document) = &self.document else {
                    return self.missed_picture(ui);
                };
                let name = document.photo.source.name();
                let photo = &document.photo.photo;
                // The size first: a long name may be cut, the size may not.
                if ui.ctx().content_rect().width() >= WIDE {
                    ui.label(format!("{} x {}", photo.width, photo.height));
                }
                ui.add(Label::new(&name).truncate()).on_hover_text(&name);
            });
        });
        ui.add_space(2.0);
    }

    /// A menu for each section: side by side in the bar, one below the other inside of a menu.
    fn menus(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        for section in Section::ALL {
            ui.menu_button(section.title(), |ui| self.menu(ui, section, asked));
        }
    }

    /// Names the chosen picture where it cannot be shown.
    fn missed_picture(&self, ui: &mut Ui) {
        if let Some(wanted) = self.pictures.wanted().filter(|_| self.misses_wanted()) {
            let name = wanted.name();
            ui.add(Label::new(RichText::new(&name).weak()).truncate())
                .on_hover_text(&name);
        }
    }

    /// The workspaces side by side, or in a list that drops down where there is no room.
    fn workspace_switch(&self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let workspaces = [
            ("Masks", Command::ShowMasks, Workspace::Masks),
            ("Attention", Command::ShowAttention, Workspace::Attention),
            ("Compare", Command::ShowCompare, Workspace::Compare),
            ("Evaluate", Command::ShowEvaluate, Workspace::Evaluate),
        ];
        if ui.ctx().content_rect().width() < ROOM_FOR_TABS {
            let shown = workspaces.iter().find(|(.., workspace)| *workspace == self.workspace);
            let menu = ui.menu_button(shown.map_or("", |(title, ..)| title), |ui| {
                for (_, command, _) in workspaces {
                    self.menu_item(ui, command, asked);
                }
            });
            menu.response.accessible_name("Workspace");
            return;
        }
        for (title, command, workspace) in workspaces.into_iter().rev() {
            let on = self.workspace == workspace;
            let tab = ui.add(Button::selectable(on, title)).accessible_name(command.title());
            if tab.on_hover_text(command.tooltip(ui)).clicked() {
                asked.push(command);
            }
        }
    }

    /// The commands of a section, and what else belongs there.
    fn menu(&mut self, ui: &mut Ui, section: Section, asked: &mut Vec<Command>) {
        ui.set_min_width(230.0);
        for &command in Command::ALL {
            if command.section() == section && !command.is_hidden() {
                self.menu_item(ui, command, asked);
            }
        }
        match section {
            Section::File => self.recent_menu(ui, "Recent pictures", Self::recent_pictures, Self::open_recent),
            Section::Model => {
                self.open_models_menu(ui);
                self.recent_menu(ui, "Recent models", Self::recent_models, Self::open_recent);
            }
            _ => {}
        }
    }

    /// A menu line: a tick for what is on, the key at the right.
    pub(super) fn menu_item(&self, ui: &mut Ui, command: Command, asked: &mut Vec<Command>) {
        let key = command.shortcut_text(ui);
        let button = match self.is_on(command) {
            Some(on) => Button::selectable(on, command.title()),
            None => Button::new(command.title()),
        };
        // Else its name would end with the key, or with a blank where there is none.
        let item = ui
            .add_enabled(self.enabled(command), button.shortcut_text(key))
            .accessible_name(command.title());
        if item.on_hover_text(command.explanation()).clicked() {
            asked.push(command);
            ui.close();
        }
    }

    fn recent_menu(
        &mut self,
        ui: &mut Ui,
        title: &str,
        paths: impl Fn(&Self) -> Vec<std::path::PathBuf>,
        open: impl Fn(&mut Self, &Path),
    ) {
        let paths = paths(self);
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
                        open(self, &path);
                        ui.close();
                    }
                }
            });
        });
    }

    /// A button for a command, greyed out while it makes no sense.
    pub(super) fn command_button(&self, ui: &mut Ui, command: Command, asked: &mut Vec<Command>) {
        self.titled_button(ui, command.title(), command, asked);
    }

    /// The same under a shorter title; screen readers say the command's own.
    pub(super) fn titled_button(&self, ui: &mut Ui, title: &str, command: Command, asked: &mut Vec<Command>) {
        let button = ui
            .add_enabled(self.enabled(command), Button::new(title))
            .accessible_name(command.title());
        if button
            .on_hover_text(command.tooltip(ui))
            .on_disabled_hover_text(command.explanation())
            .clicked()
        {
            asked.push(command);
        }
    }

    fn model_button(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let multi_scale = if self.is_multi_scale() { ", multi-scale" } else { "" };
        let model = self.model.clone();
        let name = model
            .as_ref()
            .map_or_else(|| "Model".into(), |model| format!("Model: {}", model.title));
        // The switch of decoders says what is in use.
        let title = if self.has_switch() { "Model" } else { &name };
        let menu = ui.menu_button(format!("{title}{multi_scale}"), |ui| {
            self.menu(ui, Section::Model, asked)
        });
        let button = menu.response.accessible_name(format!("{name}{multi_scale}"));
        if let Some(model) = model {
            button.on_hover_text(format!("{}\n{}", model.title, about(&model)));
        }
    }

    /// Whether a command that switches something has it on.
    fn is_on(&self, command: Command) -> Option<bool> {
        use super::settings::Theme;
        use super::view_state::Palette;
        let view = &self.view;
        Some(match command {
            Command::ShowMasks => self.workspace == Workspace::Masks,
            Command::ShowAttention => self.workspace == Workspace::Attention,
            Command::ShowCompare => self.workspace == Workspace::Compare,
            Command::ShowEvaluate => self.workspace == Workspace::Evaluate,
            Command::ToggleMasks => view.masks,
            Command::ToggleOutline => view.outline > 0.0,
            Command::TogglePalette => view.palette == Palette::ColorBlindSafe,
            Command::ToggleFade => view.fade,
            Command::TogglePixelGrid => view.pixel_grid,
            Command::TogglePatchGrid => view.patch_grid,
            Command::ToggleMinimap => view.minimap,
            Command::ToggleMagnifier => view.magnifier,
            Command::ToggleStretch => self.settings.stretch_dark_pictures,
            Command::ToggleWipe => self.compare.is_wipe(),
            Command::ToggleDifferences => self.compare.shows_differences(),
            Command::ToggleTable => self.compare.shows_table(),
            Command::ToggleMultiScale => self.is_multi_scale(),
            Command::TogglePictureList => self.session.panels.pictures,
            Command::ToggleInspector => self.session.panels.inspector,
            Command::ThemeLight => self.settings.theme == Theme::Light,
            Command::ThemeDark => self.settings.theme == Theme::Dark,
            Command::ThemeSystem => self.settings.theme == Theme::System,
            _ => return None,
        })
    }
}
