//! The page of the settings. Every change applies at once.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use egui::{Button, Grid, Id, Label, RichText, ScrollArea, Slider, Ui};

use super::{INTERFACE_SCALES, MEMORY_LIMITS, Settings, Theme};
use crate::app::chrome::format_choice::choose_format;
use crate::app::services::Ask;
use crate::app::theme::heading;
use crate::app::widgets::tick;
use crate::engine::{DeviceChoice, PrecisionChoice};
use crate::export::{FigureFormat, Format};

/// Width of the page, in points.
const WIDTH: f32 = 440.0;

/// Width of the column of labels, in points.
const NAMES: f32 = 132.0;

/// Height of the window's frame and the footer of the page, in points.
const AROUND: f32 = 220.0;

/// Information that the page shows besides the settings.
pub(in crate::app) struct PageInfo<'a> {
    /// Cores of the processor: the largest number of threads that is offered.
    pub(in crate::app) cores: usize,
    /// File of the settings; `None` if they are not persisted.
    pub(in crate::app) settings_file: Option<&'a Path>,
}

/// Draws the page, which changes `settings`; the caller compares them with their previous values.
pub(in crate::app) fn show(ui: &mut Ui, settings: &mut Settings, info: &PageInfo) -> Option<Ask> {
    let mut asked = None;
    ui.set_width(WIDTH);
    ui.spacing_mut().slider_width = 150.0;
    ScrollArea::vertical()
        .max_height((ui.content_rect().height() - AROUND).max(120.0))
        .auto_shrink([false, true])
        .show(ui, |ui| {
            section(ui, "Appearance", |ui| appearance(ui, settings));
            section(ui, "Computing", |ui| computing(ui, settings, info.cores));
            section(ui, "Models", |ui| {
                let folder = &mut settings.model_folder;
                if folder_row(ui, "Model folder", folder, "None chosen") {
                    asked = Some(Ask::ModelsFolder);
                }
            });
            section(ui, "Export", |ui| {
                if export(ui, settings) {
                    asked = Some(Ask::UsualExportFolder);
                }
            });
            section(ui, "Files", |ui| {
                ui.label("");
                let reload = &mut settings.reload_changed_images;
                tick(ui, reload, "Reload photos changed on disk");
                ui.end_row();
                ui.label("");
                let stretch = &mut settings.stretch_dark_images;
                tick(ui, stretch, "Make dark 16-bit photos bright").on_hover_text(
                    "Cameras and scanners that measure 10 or 12 bits leave the highest of 16 bits unused",
                );
                ui.end_row();
            });
        });
    ui.separator();
    let reset = ui.add_enabled(*settings != Settings::default(), Button::new("Reset to defaults"));
    if reset.clicked() {
        *settings = Settings::default();
    }
    let place = match info.settings_file {
        Some(path) => format!("Saved in {}", path.display()),
        None => "Not saved: no folder for settings found on this system".into(),
    };
    ui.add(Label::new(RichText::new(place).small()).selectable(true).wrap());
    asked
}

/// A heading, and rows of a label and a control.
fn section(ui: &mut Ui, title: &str, rows: impl FnOnce(&mut Ui)) {
    ui.label(heading(title));
    Grid::new(title)
        .num_columns(2)
        .min_col_width(NAMES)
        .max_col_width(WIDTH - NAMES - 16.0)
        .show(ui, rows);
    ui.add_space(8.0);
}

/// Starts a row with its label, which also names the control that is drawn next.
fn name(ui: &mut Ui, name: &str) -> Id {
    ui.label(name).id
}

fn appearance(ui: &mut Ui, settings: &mut Settings) {
    name(ui, "Theme");
    ui.horizontal(|ui| {
        for (theme, title) in [
            (Theme::System, "System"),
            (Theme::Light, "Light"),
            (Theme::Dark, "Dark"),
        ] {
            ui.selectable_value(&mut settings.theme, theme, title)
                .accessible_name(format!("{title} theme"));
        }
    });
    ui.end_row();
    let label = name(ui, "Interface scale");
    ui.horizontal(|ui| {
        let mut percent = f64::from(settings.interface_scale * 100.0).round();
        let range = f64::from(INTERFACE_SCALES.start() * 100.0)..=f64::from(INTERFACE_SCALES.end() * 100.0);
        let changed = number_row(ui, label, &mut percent, range, |slider| {
            slider.step_by(5.0).suffix(" %")
        });
        if changed {
            settings.interface_scale = (percent / 100.0) as f32;
        }
        let usual = Settings::default().interface_scale;
        let reset = ui.add_enabled(settings.interface_scale != usual, Button::new("Reset").small());
        if reset.accessible_name("Reset interface scale").clicked() {
            settings.interface_scale = usual;
        }
    });
    ui.end_row();
    name(ui, "Motion");
    tick(ui, &mut settings.less_motion, "Less motion");
    ui.end_row();
}

fn computing(ui: &mut Ui, settings: &mut Settings, cores: usize) {
    name(ui, "Device");
    ui.vertical(|ui| {
        ui.horizontal(|ui| {
            for (device, title) in [
                (DeviceChoice::Auto, "Automatic"),
                (DeviceChoice::Gpu, "GPU"),
                (DeviceChoice::Cpu, "CPU"),
            ] {
                ui.selectable_value(&mut settings.device, device, title)
                    .accessible_name(format!("{title} device"));
            }
        });
        ui.weak(match settings.device {
            DeviceChoice::Auto => "GPU if it passes a self-test, otherwise CPU",
            DeviceChoice::Gpu => "GPU; an error if there is none",
            DeviceChoice::Cpu => "CPU, even if there is a GPU",
        });
    });
    ui.end_row();
    name(ui, "Precision");
    ui.vertical(|ui| {
        ui.horizontal(|ui| {
            for (precision, title) in [
                (PrecisionChoice::Auto, "Automatic"),
                (PrecisionChoice::F32, "f32"),
                (PrecisionChoice::Bf16, "bf16"),
                (PrecisionChoice::Int8, "int8"),
            ] {
                ui.selectable_value(&mut settings.precision, precision, title)
                    .accessible_name(format!("{title} precision"));
            }
        });
        ui.weak(match settings.precision {
            PrecisionChoice::Auto => "bf16 if the CPU multiplies it, otherwise f32",
            PrecisionChoice::F32 => "The published results, up to rounding",
            PrecisionChoice::Bf16 => "Half the memory; about one label in 2,000 differs",
            PrecisionChoice::Int8 => "Least memory; one label in 400 differs",
        });
    });
    ui.end_row();
    let label = name(ui, "CPU threads");
    let cores = cores.max(1) as f64;
    let mut threads = settings.threads.map_or(cores, |threads| threads as f64);
    let changed = number_row(ui, label, &mut threads, 1.0..=cores, |slider| {
        let slider = slider.integer();
        slider
            .custom_formatter(move |value, _| match value >= cores {
                true => "all".into(),
                false => format!("{value}"),
            })
            .custom_parser(move |text| match text.trim() {
                "all" => Some(cores),
                number => number.parse().ok(),
            })
    });
    if changed {
        settings.threads = (threads < cores).then_some(threads as usize);
    }
    ui.end_row();
    memory_row(ui, "Memory for results", &mut settings.result_memory_mib);
    memory_row(ui, "Memory for encoder results", &mut settings.feature_memory_mib);
    memory_row(ui, "Memory for models", &mut settings.model_memory_mib);
}

fn memory_row(ui: &mut Ui, title: &str, mib: &mut usize) {
    let label = name(ui, title);
    let mut value = *mib as f64;
    let range = *MEMORY_LIMITS.start() as f64..=*MEMORY_LIMITS.end() as f64;
    let changed = number_row(ui, label, &mut value, range, |slider| {
        slider.logarithmic(true).step_by(64.0).suffix(" MiB")
    });
    if changed {
        *mib = value as usize;
    }
    ui.end_row();
}

/// Draws a slider; true when its number changes. A change applies only when dragging or typing ends: otherwise the page
/// would jump under the cursor, or a drag through a smaller limit would drop cached results.
fn number_row(
    ui: &mut Ui,
    label: Id,
    value: &mut f64,
    range: RangeInclusive<f64>,
    style: impl for<'a> FnOnce(Slider<'a>) -> Slider<'a>,
) -> bool {
    let draft_id = label.with("draft");
    let draft: Option<f64> = ui.data(|data| data.get_temp(draft_id));
    let mut shown = draft.unwrap_or(*value);
    let slider = Slider::new(&mut shown, range).update_while_editing(false);
    let response = ui.add(style(slider)).labelled_by(label);
    if draft.is_none() && !response.changed() {
        return false;
    }
    if ui.input(|input| input.pointer.any_down()) {
        ui.data_mut(|data| data.insert_temp(draft_id, shown));
        return false;
    }
    ui.data_mut(|data| data.remove::<f64>(draft_id));
    *value = shown;
    true
}

/// Draws the export defaults; true if the user asks for a dialog to choose the folder.
fn export(ui: &mut Ui, settings: &mut Settings) -> bool {
    let export = &mut settings.export;
    name(ui, "Formats");
    ui.vertical(|ui| {
        for format in Format::ALL {
            choose_format(ui, &mut export.formats, format);
        }
        tick(ui, &mut export.legend, "Legend beside the overlay");
    });
    ui.end_row();
    name(ui, "Figures");
    ui.horizontal(|ui| {
        for format in FigureFormat::ALL {
            ui.selectable_value(&mut export.figures, format, format.title());
        }
    });
    ui.end_row();
    let label = name(ui, "File names");
    let field = egui::TextEdit::singleline(&mut export.naming).desired_width(180.0);
    ui.add(field)
        .labelled_by(label)
        .on_hover_text("{name} is the photo's name, {model} the model's title");
    ui.end_row();
    folder_row(ui, "Export folder", &mut export.folder, "Beside each photo")
}

/// Draws a folder; true if the user asks for a dialog to choose it.
fn folder_row(ui: &mut Ui, title: &str, folder: &mut Option<PathBuf>, unset: &str) -> bool {
    name(ui, title);
    let choose = ui
        .horizontal(|ui| {
            let choose = ui.button("Choose…").accessible_name(format!("Choose… {title}"));
            let clear = ui.add_enabled(folder.is_some(), Button::new("Clear"));
            if clear.accessible_name(format!("Clear {title}")).clicked() {
                *folder = None;
            }
            match folder {
                Some(path) => {
                    let text = path.display().to_string();
                    ui.add(Label::new(&text).truncate()).on_hover_text(text);
                }
                None => {
                    ui.weak(unset);
                }
            }
            choose.clicked()
        })
        .inner;
    ui.end_row();
    choose
}

#[cfg(test)]
mod tests {
    use egui::accesskit::Role;
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;

    #[derive(Default)]
    struct State {
        settings: Settings,
        asked: Vec<Ask>,
    }

    fn page(settings: Settings) -> Harness<'static, State> {
        let state = State {
            settings,
            ..State::default()
        };
        Harness::builder().with_size([900.0, 600.0]).build_ui_state(
            |ui, state: &mut State| {
                egui::Window::new("Settings").resizable(false).show(ui.ctx(), |ui| {
                    let info = PageInfo {
                        cores: 8,
                        settings_file: Some(Path::new("/somewhere/settings.toml")),
                    };
                    state.asked.extend(show(ui, &mut state.settings, &info));
                });
            },
            state,
        )
    }

    #[test]
    fn a_click_applies_at_once_and_reset_reverts_it() {
        let mut harness = page(Settings::default());
        for label in ["Dark theme", "CPU device", "Choose… Model folder"] {
            harness.get_by_label(label).click();
            harness.run();
        }
        assert_eq!(harness.state().settings.theme, Theme::Dark);
        assert_eq!(harness.state().settings.device, DeviceChoice::Cpu);
        assert_eq!(harness.state().asked, [Ask::ModelsFolder]);
        assert!(harness.query_by_label_contains("/somewhere/settings.toml").is_some());
        harness.get_by_label("Reset to defaults").click();
        harness.run();
        assert_eq!(harness.state().settings, Settings::default());
    }

    #[test]
    fn the_scale_applies_when_the_drag_ends() {
        let mut harness = page(Settings::default());
        harness.run();
        let slider = harness.get_by_role_and_label(Role::Slider, "Interface scale").rect();
        harness.drag_at(slider.left_center() + egui::vec2(4.0, 0.0));
        harness.run();
        harness.hover_at(slider.left_center() + egui::vec2(1.0, 0.0));
        harness.run();
        assert_eq!(harness.state().settings.interface_scale, 1.0);
        harness.drop_at(slider.left_center() + egui::vec2(1.0, 0.0));
        harness.run();
        assert_eq!(harness.state().settings.interface_scale, 0.5);
        harness.get_by_label("Reset interface scale").click();
        harness.run();
        assert_eq!(harness.state().settings, Settings::default());
    }

    #[test]
    fn keys_move_the_sliders() {
        let mut harness = page(Settings::default());
        harness.run();
        for (label, key) in [
            ("CPU threads", egui::Key::ArrowLeft),
            ("Memory for results", egui::Key::ArrowRight),
            ("Memory for models", egui::Key::ArrowLeft),
        ] {
            harness.get_by_role_and_label(Role::Slider, label).focus();
            harness.run();
            harness.key_press(key);
            harness.run();
        }
        let settings = &harness.state().settings;
        assert_eq!(settings.threads, Some(7));
        assert!(settings.result_memory_mib > 512, "{settings:?}");
        assert!(settings.model_memory_mib < 4096, "{settings:?}");
        assert_eq!(settings.feature_memory_mib, 512);
    }

    #[test]
    fn every_control_has_a_name_and_the_page_is_narrow() {
        let mut harness = page(Settings {
            model_folder: Some(format!("/{}", "long folder/".repeat(40)).into()),
            ..Settings::default()
        });
        harness.run();
        let controls = [
            Role::Button,
            Role::CheckBox,
            Role::Slider,
            Role::SpinButton,
            Role::TextInput,
        ];
        let mut count = 0;
        for role in controls {
            for node in harness.query_all_by_role(role) {
                let name = node.accesskit_node().label().unwrap_or_default();
                assert!(!name.is_empty(), "{role:?} at {:?}", node.rect());
                count += 1;
            }
        }
        assert!(count >= 20, "{count}");
        let window = harness.get_by_role(Role::Window).rect();
        assert!(window.width() <= 480.0 && window.height() <= 600.0, "{window:?}");
    }
}
