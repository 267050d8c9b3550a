//! The panel of the workspace: whose attention, where, and how it is drawn.

use egui::{CollapsingHeader, ComboBox, Panel, ProgressBar, ScrollArea, Slider, Ui};

use super::{Attention, Shown};
use crate::app::workspaces::Ctx;
use crate::engine::{Answer, Certainty, Direction, Fusion, ModelInfo, Part, Question, Region, Token, patch_place};
use crate::export::{ColorMap, Curve};

/// How patches are numbered, as in figures and by the command line.
const COUNTED: &str = "Rows and columns of patches are counted from 0, from the top left corner";

impl Attention {
    /// Draws the panel.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let frame = egui::Frame::NONE.inner_margin(egui::Margin::symmetric(0, 4));
        Panel::bottom("attention reading")
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| {
                ui.strong("Under the cursor");
                let text = self.under_cursor(ctx);
                ui.label(
                    text.as_deref()
                        .unwrap_or("Point at the picture; a click or a drag chooses a patch"),
                )
                .on_hover_text(COUNTED);
            });
        let windows = window_count(ctx);
        ScrollArea::vertical().id_salt("attention").show(ui, |ui| {
            ui.add_space(4.0);
            ui.strong("Attention");
            self.state(ui);
            let model = ctx.state.library.models.used();
            let Some(model) = model.filter(|_| self.inspection.is_some()) else {
                return self.area(ui, windows);
            };
            self.query(ui, model);
            self.layer(ui);
            self.which_map(ui);
            self.certainty(ui, model);
            ui.add_space(4.0);
            if matches!(self.shown, Shown::Mean | Shown::Most | Shown::Head(_)) {
                ui.scope(|ui| self.head_tiles(ui));
                self.what_is_cut(ui);
                self.class_bars(ui, model, &ctx.state.view.colors(&model.classes));
            }
            self.rollout_choice(ui);
            ui.add_space(4.0);
            let pictures = ctx.state.library.pictures.len();
            let all = CollapsingHeader::new("All layers and heads").show(ui, |ui| self.matrix(ui));
            self.show_matrix = all.fully_open() || all.openness > 0.0;
            let figures = CollapsingHeader::new("Distance and entropy").show(ui, |ui| self.figures(ui, pictures));
            self.show_figures = figures.fully_open() || figures.openness > 0.0;
            CollapsingHeader::new("Class embeddings").show(ui, |ui| self.embedding(ui, model));
            CollapsingHeader::new("Colours and area").show(ui, |ui| self.look(ui, windows));
            CollapsingHeader::new("Exported figures").show(ui, |ui| self.export_choice(ui));
        });
    }

    /// How far the pass is, or why there is none.
    fn state(&mut self, ui: &mut Ui) {
        if let Some(looking) = &self.looking {
            let fraction = looking.progress.map_or(0.0, |p| p.fraction);
            ui.add(ProgressBar::new(fraction).show_percentage())
                .accessible_name("Progress of looking inside");
        } else if let Some((_, why)) = &self.failed {
            ui.colored_label(ui.visuals().error_fg_color, why);
            if ui.button("Try again").clicked() {
                self.look_again();
            }
        } else if self.inspection.is_none() {
            ui.weak("Open a picture and a model to look inside");
        }
    }

    fn query(&mut self, ui: &mut Ui, model: &ModelInfo) {
        let Some(inspection) = self.inspection.clone() else {
            return;
        };
        let inside = &inspection.inside;
        let name = |token: Token| match token {
            Token::Patch(patch) => format!("Patch in {}", patch_place(patch, inside.grid[1])),
            Token::Extra(0) => "Class token".to_owned(),
            Token::Extra(_) => "Distillation token".to_owned(),
            Token::Class(class) => model
                .classes
                .classes
                .get(class)
                .map_or_else(|| format!("Class {class}"), |class| class.name.clone()),
        };
        ui.horizontal(|ui| {
            let label = ui.label("Query");
            let list = ComboBox::from_id_salt("query")
                .selected_text(name(self.token))
                .width((ui.available_width() - 8.0).max(80.0))
                .truncate();
            let shown = list.show_ui(ui, |ui| {
                let patch = Token::Patch(self.patch.unwrap_or(0));
                ui.selectable_value(&mut self.token, patch, name(patch));
                for token in (0..inside.extra).map(Token::Extra) {
                    if ui.selectable_value(&mut self.token, token, name(token)).clicked() {
                        self.go_to_stage(Part::Encoder);
                    }
                }
                for token in (0..inside.classes).map(Token::Class) {
                    if ui.selectable_value(&mut self.token, token, name(token)).clicked() {
                        self.go_to_stage(Part::Decoder);
                    }
                }
            });
            shown.response.labelled_by(label.id).on_hover_text(COUNTED);
        });
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.direction, Direction::From, "Looks at")
                .on_hover_text("What the query looks at: a row of the attention, whose sum is 1");
            ui.selectable_value(&mut self.direction, Direction::To, "Looked at by")
                .on_hover_text("Who looks at the query: a column of the attention");
        });
    }

    fn layer(&mut self, ui: &mut Ui) {
        let Some(inspection) = self.inspection.clone() else {
            return;
        };
        let inside = &inspection.inside;
        if !inside.decoder.is_empty() {
            ui.horizontal(|ui| {
                for (part, title) in [(Part::Encoder, "Encoder"), (Part::Decoder, "Decoder")] {
                    if ui.selectable_label(self.place.part == part, title).clicked() {
                        self.go_to_stage(part);
                        self.keep_possible();
                    }
                }
            });
        }
        let count = inside.layers(self.place.part).len();
        ui.horizontal(|ui| {
            let label = ui.label("Layer");
            let mut layer = self.place.layer + 1;
            ui.spacing_mut().slider_width = (ui.available_width() - 60.0).max(60.0);
            if ui
                .add(Slider::new(&mut layer, 1..=count.max(1)))
                .labelled_by(label.id)
                .changed()
            {
                self.place.layer = layer - 1;
            }
        });
    }

    fn which_map(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let maps = [
                (Shown::Mean, "Mean", "Mean over the heads"),
                (Shown::Most, "Max", "The largest of the heads"),
                (
                    Shown::Rollout,
                    "Rollout",
                    "What the query's final state is made of, through all layers",
                ),
                (Shown::Similarity, "Similar", "Cosine of the tokens after this layer"),
                (
                    Shown::Colours,
                    "PCA",
                    "Three principal components of the patches after this layer, as colours",
                ),
            ];
            for (shown, title, hint) in maps {
                ui.selectable_value(&mut self.shown, shown, title).on_hover_text(hint);
            }
        });
    }

    /// The masks before the best class is taken.
    fn certainty(&mut self, ui: &mut Ui, model: &ModelInfo) {
        let name = |what: Certainty| match what {
            Certainty::Class(class) => {
                let class = model.classes.classes.get(usize::from(class));
                class.map_or_else(String::new, |class| format!("Mask of {}", class.name))
            }
            Certainty::Entropy => "Entropy of the classes".into(),
            Certainty::Margin => "Margin of the best class".into(),
        };
        ui.horizontal(|ui| {
            let label = ui.label("Masks");
            let text = match self.shown {
                Shown::Certainty(what) => name(what),
                _ => "Before argmax…".into(),
            };
            let list = ComboBox::from_id_salt("certainty")
                .selected_text(text)
                .width(150.0)
                .truncate();
            let shown = list.show_ui(ui, |ui| {
                let classes = (0..model.classes.len() as u16).map(Certainty::Class);
                for what in [Certainty::Entropy, Certainty::Margin].into_iter().chain(classes) {
                    ui.selectable_value(&mut self.shown, Shown::Certainty(what), name(what));
                }
            });
            shown.response.labelled_by(label.id);
        });
    }

    /// How much of the row lies on tokens that are no patches.
    fn what_is_cut(&self, ui: &mut Ui) {
        let Some(inspection) = &self.inspection else { return };
        let Some((Question::Rows(place, _, Direction::From), Answer::Rows(rows))) =
            self.answer(|q| matches!(q, Question::Rows(..)))
        else {
            return;
        };
        let row = match self.shown {
            Shown::Head(head) if head < rows.heads() => rows.head(head).to_vec(),
            Shown::Mean => rows.mean(),
            // The largest of the heads have no sum.
            _ => return,
        };
        let range = inspection.inside.patch_range(place.part);
        let on_patches: f32 = row.get(range).unwrap_or(&[]).iter().sum();
        let others = match place.part {
            Part::Encoder if inspection.inside.extra == 0 => return,
            Part::Encoder if inspection.inside.extra == 1 => "the class token",
            Part::Encoder => "the class and distillation tokens",
            Part::Decoder => "class tokens",
        };
        let share = (1.0 - on_patches).max(0.0) * 100.0;
        ui.weak(format!("{share:.1} % lies on {others} and is not drawn"));
    }

    fn rollout_choice(&mut self, ui: &mut Ui) {
        if self.shown != Shown::Rollout {
            return;
        }
        ui.horizontal(|ui| {
            ui.label("Heads");
            for (fusion, title) in [(Fusion::Mean, "Mean"), (Fusion::Max, "Max"), (Fusion::Min, "Min")] {
                ui.selectable_value(&mut self.rollout.fusion, fusion, title);
            }
        });
        ui.horizontal(|ui| {
            let label = ui.label("Discard");
            let slider = Slider::new(&mut self.rollout.discard, 0.0..=0.95).fixed_decimals(2);
            ui.add(slider)
                .labelled_by(label.id)
                .on_hover_text("Share of each row's smallest values that is dropped");
        });
    }

    fn look(&mut self, ui: &mut Ui, windows: usize) {
        ui.horizontal(|ui| {
            let label = ui.label("Colours");
            let list = ComboBox::from_id_salt("colour map").selected_text(self.map.title());
            let list = list.show_ui(ui, |ui| {
                for map in ColorMap::ALL {
                    ui.selectable_value(&mut self.map, map, map.title());
                }
            });
            list.response.labelled_by(label.id);
        });
        ui.horizontal(|ui| {
            ui.label("Values");
            for curve in Curve::ALL {
                ui.selectable_value(&mut self.curve, curve, curve.title());
            }
        });
        ui.checkbox(&mut self.common, "One scale for all heads")
            .on_hover_text("Heads can be compared; without it each map goes from 0 to its own largest value");
        ui.checkbox(&mut self.smooth, "Smooth")
            .on_hover_text("Interpolate between patches");
        ui.horizontal(|ui| {
            let label = ui.label("Opacity");
            ui.add(Slider::new(&mut self.opacity, 0.0..=1.0).show_value(false))
                .labelled_by(label.id);
        });
        self.area(ui, windows);
    }

    /// Which part of the photo is looked into.
    fn area(&mut self, ui: &mut Ui, windows: usize) {
        ui.horizontal(|ui| {
            let label = ui.label("Area");
            let title = |region: Region| match region {
                Region::Whole => "Whole picture".to_owned(),
                Region::Window(window) => format!("Window {}", window + 1),
            };
            let list = ComboBox::from_id_salt("area").selected_text(title(self.region));
            let list = list.show_ui(ui, |ui| {
                for region in std::iter::once(Region::Whole).chain((0..windows).map(Region::Window)) {
                    ui.selectable_value(&mut self.region, region, title(region));
                }
            });
            list.response.labelled_by(label.id);
        });
    }
}

/// Windows of the plain run over the shown photo.
fn window_count(ctx: &Ctx) -> usize {
    let photo = ctx.document().map(|document| &document.photo.photo);
    let settings = ctx.state.run_settings();
    photo
        .zip(settings)
        .map_or(1, |(photo, settings)| settings.windows(photo))
}
