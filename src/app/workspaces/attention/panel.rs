//! The panel of the workspace: the query, the layer, the map, and how it is drawn.

use egui::{CollapsingHeader, ComboBox, Panel, ProgressBar, ScrollArea, Slider, Ui};

use super::{Attention, MapChoice};
use crate::app::theme::heading;
use crate::app::widgets::tick;
use crate::app::workspaces::Ctx;
use crate::engine::{
    Direction, Fusion, ModelInfo, NetworkPart, Region, Token, TraceAnswer, TraceQuestion, Uncertainty, patch_place,
};
use crate::export::{ColorMap, Curve};

/// How patches are numbered, which is the same in exported figures and on the command line.
const COUNTED: &str = "Rows and columns of patches are counted from 0, from the top left corner";

impl Attention {
    /// Draws the panel.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let frame = egui::Frame::NONE.inner_margin(egui::Margin::symmetric(0, 4));
        Panel::bottom("attention reading")
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| {
                ui.label(heading("Under the cursor"));
                let text = self.under_cursor(ctx);
                ui.label(
                    text.as_deref()
                        .unwrap_or("Point at the photo to read it. Click or drag to choose a patch."),
                )
                .on_hover_text(COUNTED);
            });
        let windows = window_count(ctx);
        ScrollArea::vertical().id_salt("attention").show(ui, |ui| {
            ui.add_space(4.0);
            ui.label(heading("Attention"));
            self.state(ui);
            let model = ctx.state.library.models.used();
            let Some(model) = model.filter(|_| self.traced.is_some()) else {
                return self.area(ui, windows);
            };
            self.query(ui, model);
            self.layer(ui);
            self.which_map(ui);
            self.uncertainty(ui, model);
            ui.add_space(4.0);
            let is_of_heads = matches!(self.shown, MapChoice::Mean | MapChoice::Most | MapChoice::Head(_));
            if is_of_heads || self.shown == MapChoice::Similarity {
                ui.scope(|ui| self.head_tiles(ui));
            }
            if is_of_heads {
                self.what_is_cut(ui);
                self.class_bars(ui, model, &ctx.state.view.colors(&model.classes));
            }
            self.rollout_choice(ui);
            ui.add_space(4.0);
            let images = ctx.state.library.images.len();
            let all = CollapsingHeader::new("All layers and heads").show(ui, |ui| self.matrix(ui));
            self.show_matrix = all.fully_open() || all.openness > 0.0;
            let figures = CollapsingHeader::new("Distance and entropy").show(ui, |ui| self.figures(ui, images));
            self.show_figures = figures.fully_open() || figures.openness > 0.0;
            CollapsingHeader::new("Class embeddings").show(ui, |ui| self.embedding(ui, model));
            CollapsingHeader::new("Colours and area").show(ui, |ui| self.request(ui, windows));
            CollapsingHeader::new("Exported figures").show(ui, |ui| self.export_choice(ui));
        });
    }

    /// Draws the progress of the trace, or why there is none.
    fn state(&mut self, ui: &mut Ui) {
        if let Some(pending) = &self.pending {
            let fraction = pending.progress.map_or(0.0, |p| p.fraction);
            ui.add(ProgressBar::new(fraction).show_percentage())
                .accessible_name("Progress of reading attention");
        } else if let Some((_, why)) = &self.failed {
            ui.colored_label(ui.visuals().error_fg_color, why);
            if ui.button("Try again").clicked() {
                self.trace_again();
            }
        } else if self.traced.is_none() {
            ui.weak("Open a photo and a model to see attention");
        }
    }

    fn query(&mut self, ui: &mut Ui, model: &ModelInfo) {
        let Some(traced) = self.traced.clone() else {
            return;
        };
        let trace = &traced.trace;
        let name = |token: Token| match token {
            Token::Patch(patch) => format!("Patch in {}", patch_place(patch, trace.grid[1])),
            Token::Extra(0) => "Class token".to_owned(),
            Token::Extra(_) => "Distillation token".to_owned(),
            Token::Class(class) => model
                .classes
                .classes
                .get(class)
                .map_or_else(|| format!("Class {class}"), |class| class.name.clone()),
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let label = ui.label("From");
            let room = (ui.available_width() - 1.0).floor().max(80.0);
            let list = ComboBox::from_id_salt("query")
                .selected_text(name(self.token))
                .width(room - 8.0)
                .truncate();
            // Without a limit the list widens the panel by a fraction of a point, which moves the photo.
            let limited = ui.scope(|ui| {
                ui.set_max_width(room);
                list.show_ui(ui, |ui| {
                    let patch = Token::Patch(self.patch.unwrap_or(0));
                    ui.selectable_value(&mut self.token, patch, name(patch));
                    for token in (0..trace.extra).map(Token::Extra) {
                        if ui.selectable_value(&mut self.token, token, name(token)).clicked() {
                            self.go_to_stage(NetworkPart::Encoder);
                        }
                    }
                    for token in (0..trace.classes).map(Token::Class) {
                        if ui.selectable_value(&mut self.token, token, name(token)).clicked() {
                            self.go_to_stage(NetworkPart::Decoder);
                        }
                    }
                })
            });
            let shown = limited.inner;
            shown.response.labelled_by(label.id).on_hover_text(COUNTED);
        });
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.direction, Direction::From, "Where it looks")
                .on_hover_text("Where the query looks: a row of the attention, which sums to 1");
            ui.selectable_value(&mut self.direction, Direction::To, "Who looks at it")
                .on_hover_text("Who looks at the query: a column of the attention");
        });
    }

    fn layer(&mut self, ui: &mut Ui) {
        let Some(traced) = self.traced.clone() else {
            return;
        };
        let trace = &traced.trace;
        if !trace.decoder.is_empty() {
            ui.horizontal(|ui| {
                for (part, title) in [(NetworkPart::Encoder, "Encoder"), (NetworkPart::Decoder, "Decoder")] {
                    if ui.selectable_label(self.place.part == part, title).clicked() {
                        self.go_to_stage(part);
                        self.keep_possible();
                    }
                }
            });
        }
        let count = trace.layers(self.place.part).len();
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
                (MapChoice::Mean, "Mean", "Mean over the heads"),
                (MapChoice::Most, "Max", "Maximum over the heads"),
                (
                    MapChoice::Rollout,
                    "Rollout",
                    "How much each patch contributes to the query's final state, through all layers",
                ),
                (
                    MapChoice::Similarity,
                    "Similar",
                    "Cosine similarity of each patch with the query after this layer",
                ),
                (
                    MapChoice::Colours,
                    "PCA",
                    "First three principal components of the patches after this layer, as colours",
                ),
            ];
            for (shown, title, hint) in maps {
                ui.selectable_value(&mut self.shown, shown, title).on_hover_text(hint);
            }
        });
    }

    /// Draws the choice of class scores, which are taken before the argmax.
    fn uncertainty(&mut self, ui: &mut Ui, model: &ModelInfo) {
        let name = |what: Uncertainty| match what {
            Uncertainty::Class(class) => {
                let class = model.classes.classes.get(usize::from(class));
                class.map_or_else(String::new, |class| format!("Probability of {}", class.name))
            }
            Uncertainty::Entropy => "Entropy over the classes".into(),
            Uncertainty::Margin => "Margin of the best class".into(),
        };
        ui.horizontal(|ui| {
            let label = ui.label("Class scores");
            let text = match self.shown {
                MapChoice::Uncertainty(what) => name(what),
                _ => "Choose…".into(),
            };
            let list = ComboBox::from_id_salt("uncertainty")
                .selected_text(text)
                .width(150.0)
                .truncate();
            let shown = list.show_ui(ui, |ui| {
                let classes = (0..model.classes.len() as u16).map(Uncertainty::Class);
                for what in [Uncertainty::Entropy, Uncertainty::Margin].into_iter().chain(classes) {
                    ui.selectable_value(&mut self.shown, MapChoice::Uncertainty(what), name(what));
                }
            });
            shown.response.labelled_by(label.id);
        });
    }

    /// Shows how much of the row goes to tokens that are not patches.
    fn what_is_cut(&self, ui: &mut Ui) {
        let Some(traced) = &self.traced else { return };
        let Some((TraceQuestion::Rows(place, _, Direction::From), TraceAnswer::Rows(rows))) =
            self.answer(|q| matches!(q, TraceQuestion::Rows(..)))
        else {
            return;
        };
        let row = match self.shown {
            MapChoice::Head(head) if head < rows.heads() => rows.head(head).to_vec(),
            MapChoice::Mean => rows.mean(),
            // The maxima over the heads do not sum to 1.
            _ => return,
        };
        let range = traced.trace.patch_range(place.part);
        let on_patches: f32 = row.get(range).unwrap_or(&[]).iter().sum();
        let others = match place.part {
            NetworkPart::Encoder if traced.trace.extra == 0 => return,
            NetworkPart::Encoder if traced.trace.extra == 1 => "the class token",
            NetworkPart::Encoder => "the class and distillation tokens",
            NetworkPart::Decoder => "class tokens",
        };
        let share = (1.0 - on_patches).max(0.0) * 100.0;
        ui.weak(format!("{share:.1} % goes to {others} (not shown)"));
    }

    fn rollout_choice(&mut self, ui: &mut Ui) {
        if self.shown != MapChoice::Rollout {
            return;
        }
        ui.horizontal(|ui| {
            ui.label("Heads");
            for (fusion, title) in [(Fusion::Mean, "Mean"), (Fusion::Max, "Max"), (Fusion::Min, "Min")] {
                ui.selectable_value(&mut self.rollout.fusion, fusion, title);
            }
        });
        ui.horizontal(|ui| {
            let label = ui.label("Drop weakest");
            let slider = Slider::new(&mut self.rollout.discard, 0.0..=0.95).fixed_decimals(2);
            ui.add(slider)
                .labelled_by(label.id)
                .on_hover_text("Share of the smallest values in each row that is dropped");
        });
    }

    fn request(&mut self, ui: &mut Ui, windows: usize) {
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
            ui.label("Contrast");
            for curve in Curve::ALL {
                ui.selectable_value(&mut self.curve, curve, curve.title());
            }
        });
        tick(ui, &mut self.common, "One scale for all heads")
            .on_hover_text("Makes heads comparable. Otherwise each map is scaled from 0 to its own largest value");
        tick(ui, &mut self.smooth, "Smooth").on_hover_text("Interpolate between patches");
        ui.horizontal(|ui| {
            let label = ui.label("Opacity");
            ui.add(Slider::new(&mut self.opacity, 0.0..=1.0).show_value(false))
                .labelled_by(label.id);
        });
        self.area(ui, windows);
    }

    /// Draws the choice of the traced area: the whole image or one window.
    fn area(&mut self, ui: &mut Ui, windows: usize) {
        ui.horizontal(|ui| {
            let label = ui.label("Area");
            let title = |region: Region| match region {
                Region::Whole => "Whole photo".to_owned(),
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

/// Number of windows in a plain run over the shown image.
fn window_count(ctx: &Ctx) -> usize {
    let photo = ctx.document().map(|document| &document.photo.photo);
    let settings = ctx.state.run_settings();
    photo
        .zip(settings)
        .map_or(1, |(photo, settings)| settings.windows(photo))
}
