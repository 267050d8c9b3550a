//! The controls of the tool in the head of the canvas.

use egui::{Align, Layout, Popup, Slider, Ui};

use super::Annotate;
use super::accepting::with_id;
use super::sheet::Saving;
use super::tool::{PaintOver, Tool};
use crate::annotate::tools::{Brush, Tip};
use crate::annotate::{ClassIds, UNLABELLED};
use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, height, size};
use crate::app::widgets::{icon_button, percent_row, slider_row, tick};
use crate::app::workspaces::Ctx;

/// Width of the slider of sizes, in points.
const SIZES: f32 = 84.0;

/// Width of the head, beside the model's chip, from which there is room for the state of the file.
const ROOM_FOR_STATE: f32 = 430.0;

/// Width of the head, beside the model's chip, from which there is room for the commands of the canvas.
const ROOM_FOR_CANVAS: f32 = 560.0;

impl Annotate {
    /// Draws the controls, from the right end on.
    pub(super) fn head(&mut self, ui: &mut Ui, ctx: &Ctx) {
        if self.sheet().is_none() {
            return;
        }
        let room = ui.available_width();
        if room >= ROOM_FOR_CANVAS {
            ctx.icon(ui, Icon::Maximize, Command::Fit, height::BUTTON);
            if ctx.state.library.images.len() > 1 {
                ctx.icon(ui, Icon::ChevronRight, Command::NextImage, height::BUTTON);
                ctx.icon(ui, Icon::ChevronLeft, Command::PreviousImage, height::BUTTON);
            }
        }
        if room >= ROOM_FOR_STATE {
            self.saving(ui);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            match self.tool {
                Tool::Brush | Tool::Eraser => self.tip_controls(ui, room),
                Tool::Teach => {
                    ui.spacing_mut().slider_width = SIZES;
                    let slider = Slider::new(&mut self.settings.stroke_width, 1..=60).suffix(" px");
                    ui.add(slider)
                        .on_hover_text("Width of the strokes. Short, thin strokes are enough")
                        .accessible_name("Stroke width");
                }
                Tool::Fill => {
                    tick(ui, &mut self.settings.fills_all, "All of the class")
                        .on_hover_text("Fill every area of the class, not only the one that is clicked");
                    self.holes(ui);
                }
                Tool::Region => self.holes(ui),
                Tool::Wand => self.wand_controls(ui, room),
                Tool::Cells => self.cell_controls(ui),
                Tool::Polygon | Tool::Lasso | Tool::Wire | Tool::Pick | Tool::Note | Tool::Hand => {}
            }
            if self.tool.can_select() {
                let hint = "Select the area instead of filling it: tools then change only what is selected. \
                            With Shift: add to the selection. With Alt: take out of it (Q)";
                let selects = self.settings.selects;
                let button = icon_button(
                    ui,
                    Icon::SquareDashed,
                    "Select instead of fill",
                    height::CONTROL,
                    selects,
                );
                if button.on_hover_text(hint).clicked() {
                    ctx.perform(Command::ToggleSelecting);
                }
            }
            if self.tool.edits() {
                self.over_menu(ui, ctx);
            }
        });
    }

    fn tip_controls(&mut self, ui: &mut Ui, room: f32) {
        for (tip, icon, name) in [
            (Tip::Round, Icon::Circle, "Round tip"),
            (Tip::Square, Icon::Square, "Square tip"),
        ] {
            let button = icon_button(ui, icon, name, height::CONTROL, self.settings.tip == tip);
            if button.on_hover_text(name).clicked() {
                self.settings.tip = tip;
            }
        }
        let [least, most] = Brush::SIZES;
        ui.spacing_mut().slider_width = SIZES;
        let slider = Slider::new(&mut self.settings.size, least..=most)
            .logarithmic(true)
            .suffix(" px");
        let hint = "Size of the tip: [ and ], Alt and the wheel, or Alt and a drag with the right button";
        ui.add(slider).on_hover_text(hint).accessible_name("Tip size");
        if self.pressure.is_some() {
            tick(ui, &mut self.settings.follows_pressure, "Pressure")
                .on_hover_text("The tip is smaller the more lightly the pen is pressed");
        }
        if self.tool == Tool::Brush && room > ROOM_FOR_STATE {
            let fills = icon_button(
                ui,
                Icon::CircleDashed,
                "Fill what a stroke surrounds",
                height::CONTROL,
                self.settings.fills_loops,
            );
            if fills.on_hover_text("Fill what a stroke surrounds").clicked() {
                self.settings.fills_loops = !self.settings.fills_loops;
            }
        }
    }

    fn wand_controls(&mut self, ui: &mut Ui, room: f32) {
        ui.spacing_mut().slider_width = SIZES;
        let hint = "How different pixels may be. Dragging with the wand changes it, too";
        if self.settings.wand_by_tokens {
            let slider = Slider::new(&mut self.settings.similarity, 0.0..=1.0)
                .custom_formatter(|share, _| format!("{:.0} %", share * 100.0));
            ui.add(slider).on_hover_text(hint).accessible_name("Least similarity");
        } else {
            ui.add(Slider::new(&mut self.settings.tolerance, 0..=128))
                .on_hover_text(hint)
                .accessible_name("Tolerance");
        }
        tick(ui, &mut self.settings.wand_by_tokens, "Tokens").on_hover_text("Go by what the model sees, not by colour");
        if room > ROOM_FOR_CANVAS {
            self.holes(ui);
        }
    }

    fn cell_controls(&mut self, ui: &mut Ui) {
        ui.spacing_mut().slider_width = SIZES;
        let slider = Slider::new(&mut self.settings.cell_side, 4..=200)
            .logarithmic(true)
            .suffix(" px");
        ui.add(slider)
            .on_hover_text("About how many pixels a superpixel is across")
            .accessible_name("Size of superpixels");
        tick(ui, &mut self.settings.cells_by_tokens, "Tokens")
            .on_hover_text("Borders follow what the model sees, not colour alone");
    }

    fn holes(&mut self, ui: &mut Ui) {
        let drag = egui::DragValue::new(&mut self.settings.holes)
            .range(0..=100_000)
            .speed(4.0)
            .suffix(" px");
        ui.weak("Holes up to");
        ui.add(drag)
            .on_hover_text("Holes of at most this many pixels are filled, too");
    }

    /// The menu of what may be written over.
    fn over_menu(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let text = match &self.settings.over {
            PaintOver::Any => "any class".to_owned(),
            PaintOver::Unlabelled => "unlabelled".into(),
            PaintOver::UnderPress => "class under the press".into(),
            PaintOver::Classes(ids) => match ids.iter().count() {
                0 => "no class: nothing changes".into(),
                1 => ids.iter().next().map_or_else(String::new, |id| self.name_of(id)),
                count => format!("{count} classes"),
            },
        };
        let mut limited = self
            .settings
            .unsure_below
            .map_or(String::new(), |_| ", where unsure".into());
        if let Some([low, high]) = self.settings.brightness {
            limited = format!("{limited}, {low} to {high} bright");
        }
        let label = format!("Over {text}{limited} {}", Icon::ChevronDown.unicode());
        let button = ui
            .add(egui::Button::new(label).truncate())
            .accessible_name("Paint over");
        let button = button.on_hover_text("Which pixels the tools may change");
        Popup::menu(&button)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| self.over_choices(ui, ctx));
    }

    fn over_choices(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ui.set_min_width(230.0);
        for (over, title) in [
            (PaintOver::Any, "Any class"),
            (PaintOver::Unlabelled, "Unlabelled only"),
            (PaintOver::UnderPress, "The class under the press"),
        ] {
            if ui.radio(self.settings.over == over, title).clicked() {
                self.settings.over = over;
            }
        }
        let chosen = match &self.settings.over {
            PaintOver::Classes(ids) => ids.clone(),
            _ => ClassIds::default(),
        };
        let is_list = matches!(self.settings.over, PaintOver::Classes(_));
        if ui.radio(is_list, "Only these:").clicked() {
            self.settings.over = PaintOver::Classes(chosen.clone());
        }
        let listed: Vec<(u16, String)> = self.project().into_iter().flat_map(|open| open.project.listed()).fold(
            vec![(UNLABELLED, "unlabelled".to_owned())],
            |mut listed, class| {
                listed.push((class.id, class.name.clone()));
                listed
            },
        );
        egui::ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
            for (id, name) in listed {
                let mut on = chosen.contains(id);
                if tick(ui, &mut on, &name).changed() {
                    self.settings.over = PaintOver::Classes(with_id(&chosen, id, on));
                }
            }
        });
        ui.separator();
        let has_result = super::accepting::result_of(ctx).is_some();
        let mut limited = self.settings.unsure_below.is_some();
        ui.add_enabled_ui(has_result, |ui| {
            if tick(ui, &mut limited, "Only where the model is unsure").changed() {
                self.settings.unsure_below = limited.then_some(0.8);
            }
        });
        if let Some(below) = &mut self.settings.unsure_below {
            percent_row(
                ui,
                "Below",
                "Only pixels with less confidence are changed",
                below,
                0.0..=1.0,
            );
        }
        let mut limited = self.settings.brightness.is_some();
        if tick(ui, &mut limited, "Only pixels of a brightness").changed() {
            self.settings.brightness = limited.then_some([0, 255]);
        }
        if let Some([low, high]) = &mut self.settings.brightness {
            for (title, value) in [("From", &mut *low), ("To", &mut *high)] {
                let hint = "0 is black, 255 is white";
                slider_row(ui, title, hint, Slider::new(value, 0..=255));
            }
            *high = (*high).max(*low);
        }
        ui.weak("Locked classes never change.");
    }

    /// Whether the label file is up to date.
    fn saving(&self, ui: &mut Ui) {
        let Some(sheet) = self.sheet() else { return };
        let tokens = Tokens::of(ui);
        let (icon, text, color) = match &sheet.saving {
            Saving::Saved if sheet.origin == crate::annotate::project::Origin::New && sheet.edits == 0 => {
                return;
            }
            Saving::Saved => (Icon::Check, "Saved", tokens.second),
            Saving::Unsaved => (Icon::LoaderCircle, "Saving", tokens.second),
            Saving::Failed { .. } => (Icon::TriangleAlert, "Not saved", tokens.warning),
        };
        let text = egui::RichText::new(format!("{} {text}", icon.unicode()))
            .size(size::SMALL)
            .color(color);
        let took = sheet.saved_in.as_secs_f64();
        ui.label(text).on_hover_text(format!(
            "{}\nThe last time, writing took {took:.2} s.",
            sheet.labels.display()
        ));
    }
}
