//! The panel of the workspace: what is shown, from where, and how it is drawn.

use egui::{ProgressBar, ScrollArea, Slider, Ui};

use super::{Attention, MapChoice};
use crate::app::theme::Icon;
use crate::app::widgets::{
    Card, cards, choice_row, folded, list_row, percent_row, section_head, section_line, slider_row, tick, wide_list,
};
use crate::app::workspaces::Ctx;
use crate::engine::{
    Direction, Fusion, ModelInfo, NetworkPart, Region, Token, TraceAnswer, TraceQuestion, Uncertainty, patch_place,
};
use crate::export::ColorMap;

/// How patches are numbered, which is the same in exported figures and on the command line.
const COUNTED: &str = "Rows and columns of patches are counted from 0, from the top left corner";

/// What a card shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Similar,
    LooksAt,
    SeenBy,
    Class,
    Rollout,
    Colours,
}

/// Every card: view, icon, title, second line, and hint.
const VIEWS: [(View, Icon, &str, &str, &str); 6] = [
    (
        View::Similar,
        Icon::Blend,
        "Similar",
        "Like this one",
        "Cosine similarity of each patch with the query after this layer",
    ),
    (
        View::LooksAt,
        Icon::ArrowUpRight,
        "Looks at",
        "Reads from",
        "Where the query looks: a row of the attention, which sums to 1",
    ),
    (
        View::SeenBy,
        Icon::ArrowDownLeft,
        "Seen by",
        "Read by",
        "Who looks at the query: a column of the attention",
    ),
    (
        View::Class,
        Icon::Tag,
        "Class",
        "What it gathers",
        "Where the class token of a mask transformer looks",
    ),
    (
        View::Rollout,
        Icon::Waypoints,
        "Rollout",
        "All layers",
        "How much each patch contributes to the query's final state, through all layers",
    ),
    (
        View::Colours,
        Icon::Palette,
        "PCA",
        "As colours",
        "First three principal components of the patches after this layer, as colours",
    ),
];

impl Attention {
    /// Draws the panel.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let windows = window_count(ctx);
        ScrollArea::vertical().id_salt("attention").show(ui, |ui| {
            ui.add_space(4.0);
            section_head(ui, "Show", "");
            self.state(ui);
            let model = ctx.state.library.models.used();
            let Some(model) = model.filter(|_| self.traced.is_some()) else {
                return self.area(ui, windows);
            };
            self.views(ui, ctx);
            section_line(ui);
            self.from(ui, model);
            section_line(ui);
            if matches!(
                self.view(),
                Some(View::LooksAt | View::SeenBy | View::Class | View::Similar)
            ) {
                self.head_tiles(ui);
                self.what_is_cut(ui);
                self.class_bars(ui, model, &ctx.state.view.colors(&model.classes));
                section_line(ui);
            }
            self.rollout_choice(ui);
            self.looks(ui, model, windows);
            section_line(ui);
            let images = ctx.state.library.images.len();
            self.show_figures = folded(ui, "Distance and entropy", |ui| self.figures(ui, images));
            folded(ui, "Class embeddings", |ui| self.embedding(ui, model));
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

    /// The chosen card; `None` for class scores.
    fn view(&self) -> Option<View> {
        Some(match self.shown {
            MapChoice::Similarity => View::Similar,
            MapChoice::Rollout => View::Rollout,
            MapChoice::Colours => View::Colours,
            MapChoice::Uncertainty(_) => return None,
            MapChoice::Mean | MapChoice::Most | MapChoice::Head(_) => match (self.token, self.direction) {
                (Token::Class(_), Direction::From) => View::Class,
                (_, Direction::From) => View::LooksAt,
                (_, Direction::To) => View::SeenBy,
            },
        })
    }

    fn views(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let Some(traced) = self.traced.clone() else { return };
        let has_classes = traced.trace.classes > 0;
        let chosen = self.view();
        let list = VIEWS.map(|(view, icon, title, below, _)| {
            let card = Card {
                icon,
                title,
                below,
                chosen: chosen == Some(view),
            };
            (card, view != View::Class || has_classes)
        });
        for (response, (view, .., hint)) in cards(ui, &list).into_iter().zip(VIEWS) {
            let response = response.on_hover_text(hint);
            let response =
                response.on_disabled_hover_text("This decoder has no class tokens. Choose a mask transformer.");
            if response.clicked() {
                self.choose(view, ctx);
            }
        }
    }

    fn choose(&mut self, view: View, ctx: &Ctx) {
        let of_heads = matches!(self.shown, MapChoice::Mean | MapChoice::Most | MapChoice::Head(_));
        let heads = if of_heads { self.shown } else { MapChoice::Mean };
        let patch = Token::Patch(self.patch.unwrap_or(0));
        match view {
            View::Similar => self.shown = MapChoice::Similarity,
            View::Rollout => self.shown = MapChoice::Rollout,
            View::Colours => self.shown = MapChoice::Colours,
            View::LooksAt => {
                (self.shown, self.direction) = (heads, Direction::From);
                if matches!(self.token, Token::Class(_)) {
                    self.token = patch;
                    self.go_to_stage(NetworkPart::Encoder);
                }
            }
            View::SeenBy => (self.shown, self.direction) = (heads, Direction::To),
            View::Class => {
                (self.shown, self.direction) = (heads, Direction::From);
                self.token = Token::Class(self.class_of_patch(ctx).unwrap_or(0));
                self.go_to_stage(NetworkPart::Decoder);
            }
        }
        self.shows_wall &= !matches!(view, View::Similar | View::Rollout | View::Colours);
        self.keep_possible();
    }

    /// The class that is predicted in the middle of the chosen patch.
    fn class_of_patch(&self, ctx: &Ctx) -> Option<usize> {
        let traced = self.traced.as_ref()?;
        let [left, top, right, bottom] = traced.frame.patch(self.patch?, traced.trace.grid);
        let middle = [0.5 * (left + right), 0.5 * (top + bottom)].map(|v| v.max(0.0) as usize);
        ctx.document()?.label_at(middle).map(usize::from)
    }

    /// Draws the query and the layer.
    fn from(&mut self, ui: &mut Ui, model: &ModelInfo) {
        let Some(traced) = self.traced.clone() else { return };
        let trace = &traced.trace;
        let has_query = self.has_query();
        section_head(ui, "From", if has_query { "drag on the photo" } else { "" });
        if has_query {
            let name = |token: Token| token_name(token, trace.grid[1], model);
            let list = wide_list(ui, "From", name(self.token), |ui| {
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
            });
            list.on_hover_text(COUNTED);
            // A class belongs to the decoder, which has fewer layers.
            self.keep_possible();
        }
        if matches!(self.shown, MapChoice::Rollout | MapChoice::Uncertainty(_)) {
            // These are of all layers, or of none.
            return;
        }
        if !trace.decoder.is_empty() {
            let mut part = self.place.part;
            let parts = [
                (NetworkPart::Encoder, "Encoder", "The blocks that all decoders share"),
                (NetworkPart::Decoder, "Decoder", "The blocks of the mask transformer"),
            ];
            if choice_row(ui, "Part", &mut part, &parts) {
                self.go_to_stage(part);
                self.keep_possible();
            }
        }
        let count = trace.layers(self.place.part).len();
        let mut layer = self.place.layer + 1;
        let slider = Slider::new(&mut layer, 1..=count.max(1));
        if slider_row(ui, "Layer", "Keys [ and ]", slider).changed() {
            self.place.layer = layer - 1;
        }
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
        let fusions = [
            (Fusion::Mean, "Mean", "Mean over the heads"),
            (Fusion::Max, "Max", "Maximum over the heads"),
            (Fusion::Min, "Min", "Minimum over the heads"),
        ];
        choice_row(ui, "Heads", &mut self.rollout.fusion, &fusions);
        let slider = Slider::new(&mut self.rollout.discard, 0.0..=0.95).fixed_decimals(2);
        let hint = "Share of the smallest values in each row that is dropped";
        slider_row(ui, "Drop weakest", hint, slider);
        section_line(ui);
    }

    /// Draws how the map is drawn, and the maps of class scores.
    fn looks(&mut self, ui: &mut Ui, model: &ModelInfo, windows: usize) {
        section_head(ui, "Map", "");
        if self.shows_wall {
            let slider = Slider::new(&mut self.wall_size, 96.0..=320.0)
                .suffix(" px")
                .fixed_decimals(0);
            slider_row(ui, "Size", "Width of a map", slider);
        } else {
            percent_row(ui, "Opacity", "Opacity of the map", &mut self.opacity, 0.0..=1.0);
        }
        let of_heads = matches!(self.shown, MapChoice::Mean | MapChoice::Most | MapChoice::Head(_));
        if of_heads && !self.shows_wall {
            let hint = "Share of the patches at which the colours end; the few above have the last colour";
            percent_row(ui, "Clip at", hint, &mut self.clip, 0.9..=1.0);
        }
        if of_heads && self.direction == Direction::From {
            let count = self.left_out(self.place.part).get(self.place.layer).map_or(0, Vec::len);
            ui.horizontal(|ui| {
                tick(ui, &mut self.without_sinks, "Leave out sink patches").on_hover_text(
                    "Patches among the strongest 0.5 % for more than half of all queries. \
                     They say nothing about the photo.",
                );
                if self.without_sinks && !self.shows_wall {
                    ui.weak(format!("{count} left out"));
                }
            });
        }
        if of_heads {
            tick(ui, &mut self.common, "One scale for all heads")
                .on_hover_text("Makes heads comparable. Otherwise each map has its own scale");
        }
        if !self.shows_wall {
            tick(ui, &mut self.smooth, "Smooth").on_hover_text("Interpolate between patches");
        }
        let colours = list_row(ui, "Colours", self.map.title().to_owned(), |ui| {
            for map in ColorMap::ALL {
                ui.selectable_value(&mut self.map, map, map.title());
            }
        });
        colours.on_hover_text("Colours from low to high");
        self.class_scores(ui, model);
        self.area(ui, windows);
    }

    /// Draws the choice of class scores, which are taken before the argmax.
    fn class_scores(&mut self, ui: &mut Ui, model: &ModelInfo) {
        let name = |what: Uncertainty| match what {
            Uncertainty::Class(class) => {
                let class = model.classes.classes.get(usize::from(class));
                class.map_or_else(String::new, |class| format!("Probability of {}", class.name))
            }
            Uncertainty::Entropy => "Entropy over the classes".into(),
            Uncertainty::Margin => "Margin of the best class".into(),
        };
        let text = match self.shown {
            MapChoice::Uncertainty(what) => name(what),
            _ => "Choose…".into(),
        };
        let list = list_row(ui, "Class scores", text, |ui| {
            let classes = (0..model.classes.len() as u16).map(Uncertainty::Class);
            for what in [Uncertainty::Entropy, Uncertainty::Margin].into_iter().chain(classes) {
                if ui
                    .selectable_value(&mut self.shown, MapChoice::Uncertainty(what), name(what))
                    .clicked()
                {
                    self.shows_wall = false;
                }
            }
        });
        list.on_hover_text("Show what the model says before it decides");
    }

    /// Draws the choice of the traced area: the whole image or one window.
    fn area(&mut self, ui: &mut Ui, windows: usize) {
        let title = |region: Region| match region {
            Region::Whole => "Whole photo".to_owned(),
            Region::Window(window) => format!("Window {}", window + 1),
        };
        list_row(ui, "Area", title(self.region), |ui| {
            for region in std::iter::once(Region::Whole).chain((0..windows).map(Region::Window)) {
                ui.selectable_value(&mut self.region, region, title(region));
            }
        });
    }
}

/// The name of a query.
fn token_name(token: Token, columns: usize, model: &ModelInfo) -> String {
    match token {
        Token::Patch(patch) => format!("Patch in {}", patch_place(patch, columns)),
        Token::Extra(0) => "Class token".to_owned(),
        Token::Extra(_) => "Distillation token".to_owned(),
        Token::Class(class) => model
            .classes
            .classes
            .get(class)
            .map_or_else(|| format!("Class {class}"), |class| class.name.clone()),
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
