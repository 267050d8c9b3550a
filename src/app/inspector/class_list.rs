//! The class list: which classes are shown, in which colour, and how much of the image each covers.

use egui::{Button, Label, Layout, RichText, ScrollArea, TextEdit, Ui};

use crate::app::state::{ClassOrder, ViewState};
use crate::labels::ClassSet;

/// Pixels and regions of each class in an image, by id.
#[derive(Clone, Copy)]
pub(in crate::app) struct ClassShares<'a> {
    pub(in crate::app) pixels: &'a [u64],
    pub(in crate::app) regions: &'a [u32],
}

impl ClassShares<'_> {
    fn pixels(&self, id: usize) -> u64 {
        self.pixels.get(id).copied().unwrap_or(0)
    }

    /// Number of classes in the image.
    pub(in crate::app) fn present(&self) -> usize {
        self.pixels.iter().filter(|count| **count > 0).count()
    }

    fn share(&self, id: usize) -> f64 {
        self.pixels(id) as f64 / self.pixels.iter().sum::<u64>().max(1) as f64
    }
}

/// State of the class list that is independent of the image.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::app) struct ClassList {
    search: String,
    /// Name of the class whose details are shown. It stays selected with another model that has it.
    selected: Option<String>,
    /// Id of the class whose row is under the cursor.
    hovered: Option<usize>,
    /// Ids sorted by their shares in the last image with a result.
    by_share: Vec<usize>,
}

impl ClassList {
    /// Clears the hovered row, for frames in which the list is not drawn.
    pub(in crate::app) fn leave(&mut self) {
        self.hovered = None;
    }

    /// The class whose row is under the cursor, which the canvas highlights.
    pub(in crate::app) fn hovered(&self) -> Option<u16> {
        self.hovered.and_then(|id| u16::try_from(id).ok())
    }

    /// Draws the search field and the choice of order.
    pub(in crate::app) fn tools(&mut self, ui: &mut Ui, view: &mut ViewState) {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                for (order, title, hint) in [
                    (ClassOrder::Name, "A to Z", "Sort by name"),
                    (ClassOrder::Share, "Largest first", "Sort by share of the photo"),
                ] {
                    let button = Button::selectable(view.class_order == order, title).small();
                    if ui.add(button).accessible_name(hint).on_hover_text(hint).clicked() {
                        view.class_order = order;
                    }
                }
                let field = TextEdit::singleline(&mut self.search)
                    .hint_text("Find a class")
                    .desired_width(f32::INFINITY);
                ui.add(field).accessible_name("Find a class");
            });
        });
    }

    /// Draws the rows; `highlighted` is the class under the cursor on the image.
    pub(in crate::app) fn rows(
        &mut self,
        ui: &mut Ui,
        view: &mut ViewState,
        classes: &ClassSet,
        found: Option<ClassShares>,
        highlighted: Option<u16>,
    ) {
        self.hovered = None;
        let order = self.order(view, classes, found);
        if order.is_empty() {
            ui.weak("No class has this name");
        }
        let colors = view.colors(classes);
        let height = ui.spacing().interact_size.y;
        ScrollArea::vertical()
            .auto_shrink([false, true])
            .show_rows(ui, height, order.len(), |ui, range| {
                for &id in &order[range] {
                    let color = colors.get(id).copied().unwrap_or_default();
                    let lit = highlighted.is_some_and(|h| usize::from(h) == id);
                    self.row(ui, view, &classes.classes[id].name, id, color, found, lit);
                }
            });
    }

    /// Ids of the listed classes, in the order of the list.
    fn order(&mut self, view: &ViewState, classes: &ClassSet, found: Option<ClassShares>) -> Vec<usize> {
        if let Some(found) = found {
            self.by_share = (0..classes.len()).collect();
            self.by_share.sort_by_key(|id| std::cmp::Reverse(found.pixels(*id)));
        } else if self.by_share.len() != classes.len() {
            self.by_share = (0..classes.len()).collect();
        }
        // While an image has no result yet, the order of the previous one stays, so that rows do not jump.
        let mut order = self.by_share.clone();
        if view.class_order == ClassOrder::Name {
            order.sort_by_key(|id| classes.classes[*id].name.to_lowercase());
        }
        let search = self.search.trim().to_lowercase();
        order.retain(|id| search.is_empty() || classes.classes[*id].name.to_lowercase().contains(&search));
        order.retain(|id| !view.present_only || found.is_none_or(|f| f.pixels(*id) > 0));
        order
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one row of a table: what it shows and what it changes"
    )]
    fn row(
        &mut self,
        ui: &mut Ui,
        view: &mut ViewState,
        name: &str,
        id: usize,
        color: [u8; 3],
        found: Option<ClassShares>,
        lit: bool,
    ) {
        let row = ui.horizontal(|ui| {
            if lit {
                let area = ui.max_rect().expand2(egui::vec2(2.0, 0.0));
                let fill = ui.visuals().widgets.hovered.weak_bg_fill;
                ui.painter().rect_filled(area, 3.0, fill);
            }
            let mut visible = view.draws(name);
            let eye = ui
                .checkbox(&mut visible, "")
                .accessible_name(format!("Show {name}"))
                .on_hover_text("Show this class. With Alt: only this class");
            if eye.clicked() {
                if ui.input(|i| i.modifiers.alt) {
                    view.toggle_solo(name);
                } else {
                    view.toggle_class(name);
                }
            }
            color_button(ui, view, name, color);
            let share = found.map(|f| f.share(id));
            let present = share.is_none_or(|s| s > 0.0);
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                if let Some(share) = share {
                    ui.label(RichText::new(percent(share)).weak().monospace());
                }
                // The name takes the remaining width.
                ui.with_layout(Layout::top_down_justified(egui::Align::LEFT), |ui| {
                    let text = RichText::new(name);
                    let text = if present { text } else { text.weak() };
                    let selected = self.selected.as_deref() == Some(name);
                    let button = Button::selectable(selected, text).truncate();
                    let label = ui.add(button);
                    if label.double_clicked() {
                        view.toggle_solo(name);
                    } else if label.clicked() {
                        self.selected = (!selected).then(|| name.to_owned());
                    }
                    label.context_menu(|ui| class_menu(ui, view, name));
                });
            });
        });
        if row.response.contains_pointer() {
            self.hovered = Some(id);
        }
    }

    /// Draws the details of the selected class, and its controls.
    pub(in crate::app) fn details(
        &mut self,
        ui: &mut Ui,
        view: &mut ViewState,
        classes: &ClassSet,
        found: Option<ClassShares>,
    ) {
        let is_selected = |name: &str| self.selected.as_deref() == Some(name);
        let mut named = classes.classes.iter().enumerate();
        let Some((id, class)) = named.find(|(_, class)| is_selected(&class.name)) else {
            return;
        };
        ui.separator();
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                let solo = view.solo.as_deref() == Some(&class.name);
                if ui.add(Button::selectable(solo, "Solo").small()).clicked() {
                    view.toggle_solo(&class.name);
                }
                let own_color = view.class(&class.name).color.is_some();
                if own_color && ui.small_button("Reset colour").clicked() {
                    view.change_class(&class.name, |style| style.color = None);
                }
                ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(Label::new(RichText::new(&class.name).strong()).truncate());
                });
            });
        });
        if let Some(found) = found {
            let regions = found.regions.get(id).copied().unwrap_or(0);
            let regions = if regions == 1 {
                "1 region".to_owned()
            } else {
                format!("{} regions", grouped(u64::from(regions)))
            };
            ui.label(format!(
                "{}, {} pixels, {regions}",
                percent(found.share(id)),
                grouped(found.pixels(id))
            ));
        }
        let mut opacity = view.class(&class.name).opacity * 100.0;
        ui.horizontal(|ui| {
            let label = ui.label("Opacity");
            let slider = egui::Slider::new(&mut opacity, 0.0..=100.0)
                .suffix(" %")
                .fixed_decimals(0);
            if ui.add(slider).labelled_by(label.id).changed() {
                view.change_class(&class.name, |style| style.opacity = opacity / 100.0);
            }
        });
    }
}

/// A swatch that opens a colour picker.
fn color_button(ui: &mut Ui, view: &mut ViewState, name: &str, mut color: [u8; 3]) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.x = 18.0;
        let swatch = ui
            .color_edit_button_srgb(&mut color)
            .accessible_name(format!("Colour of {name}"))
            .on_hover_text("Change the colour");
        if swatch.changed() {
            view.change_class(name, |style| style.color = Some(color));
        }
    });
}

fn class_menu(ui: &mut Ui, view: &mut ViewState, name: &str) {
    let hide = if view.draws(name) { "Hide" } else { "Show" };
    if ui.button(hide).clicked() {
        view.toggle_class(name);
        ui.close();
    }
    let solo = if view.solo.as_deref() == Some(name) {
        "End solo"
    } else {
        "Show only this class"
    };
    if ui.button(solo).clicked() {
        view.toggle_solo(name);
        ui.close();
    }
    if ui.button("Reset colour and opacity").clicked() {
        view.change_class(name, |style| {
            style.color = None;
            style.opacity = 1.0;
        });
        ui.close();
    }
    if ui.button("Copy name").clicked() {
        ui.copy_text(name.to_owned());
        ui.close();
    }
}

fn percent(share: f64) -> String {
    match share {
        0.0 => "–".into(),
        tiny if tiny < 0.0005 => "<0.1 %".into(),
        share => format!("{:.1} %", share * 100.0),
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;

    const FOUND: ClassShares = ClassShares {
        pixels: &[10, 0, 0, 30, 0, 0, 0, 0, 5, 0, 0],
        regions: &[1, 0, 0, 2, 0, 0, 0, 0, 4, 0, 0],
    };

    type State = (ClassList, ViewState);

    fn camvid() -> ClassSet {
        crate::datasets::classes_of("camvid").expect("a built-in set")
    }

    fn list(view: ViewState) -> Harness<'static, State> {
        Harness::builder().with_size([270.0, 420.0]).build_ui_state(
            |ui, (list, view): &mut State| {
                list.tools(ui, view);
                egui::Panel::bottom("details").show(ui, |ui| list.details(ui, view, &camvid(), Some(FOUND)));
                list.rows(ui, view, &camvid(), Some(FOUND), None);
            },
            (ClassList::default(), view),
        )
    }

    #[test]
    fn the_check_box_hides_its_class() {
        let mut harness = list(ViewState::default());
        harness.get_by_label("Show car").click();
        harness.run();
        assert_eq!(harness.state().1.opacities(&camvid())[8], 0);
        assert_eq!(harness.state().1.opacities(&camvid())[3], 255);
    }

    #[test]
    fn sorts_by_share_or_name() {
        let mut harness = list(ViewState::default());
        let top = |harness: &Harness<State>, name: &str| harness.get_by_label(&format!("Show {name}")).rect().top();
        assert!(top(&harness, "road") < top(&harness, "sky") && top(&harness, "sky") < top(&harness, "car"));
        assert!(harness.query_by_label("66.7 %").is_some());
        harness.get_by_label("Sort by name").click();
        harness.run();
        assert!(top(&harness, "car") < top(&harness, "road") && top(&harness, "road") < top(&harness, "sky"));
    }

    #[test]
    fn a_search_filters_the_rows() {
        let mut harness = list(ViewState::default());
        harness.get_by_label("Find a class").focus();
        harness.run();
        harness.get_by_label("Find a class").type_text("ro");
        harness.run();
        assert!(harness.query_by_label("Show road").is_some() && harness.query_by_label("Show sky").is_none());
    }

    #[test]
    fn details_show_pixels_and_regions_and_solo_draws_one_class() {
        let mut harness = list(ViewState::default());
        harness.get_by_label("car").click();
        harness.run();
        assert!(harness.query_by_label("11.1 %, 5 pixels, 4 regions").is_some());
        harness.get_by_label("Solo").click();
        harness.run();
        let drawn = harness.state().1.opacities(&camvid());
        assert_eq!(drawn.iter().filter(|o| **o > 0).count(), 1);
    }

    #[test]
    fn the_selected_class_is_identified_by_name() {
        let few = |names: &[&str]| {
            let mut classes = ClassSet::numbered(names.len());
            for (class, name) in classes.classes.iter_mut().zip(names) {
                class.name = (*name).to_owned();
            }
            classes
        };
        let camvid = camvid();
        // In CamVid the road is class 3.
        let sets = [camvid, few(&["tree", "road"]), few(&["a", "b", "c", "d"])];
        let mut harness = Harness::builder().with_size([270.0, 420.0]).build_ui_state(
            |ui, (list, view, classes): &mut (ClassList, ViewState, ClassSet)| {
                egui::Panel::bottom("details").show(ui, |ui| list.details(ui, view, classes, None));
                list.rows(ui, view, classes, None, None);
            },
            (ClassList::default(), ViewState::default(), sets[0].clone()),
        );
        harness.get_by_label("road").click();
        harness.run();
        assert_eq!(selected(&harness), ["road"]);
        for (classes, expected) in [(&sets[1], vec!["road"]), (&sets[2], vec![]), (&sets[0], vec!["road"])] {
            harness.state_mut().2 = classes.clone();
            harness.run();
            assert_eq!(selected(&harness), expected);
        }
    }

    /// Names of the classes whose rows are selected or whose details are shown.
    fn selected<T>(harness: &Harness<T>) -> Vec<String> {
        let rows = harness.query_all_by_role(egui::accesskit::Role::Button);
        let chosen = rows.filter(|row| format!("{:?}", row.accesskit_node().toggled()).contains("True"));
        let names = chosen.filter_map(|row| row.accesskit_node().label());
        names.collect()
    }

    #[test]
    fn matches_its_snapshot() {
        let Some(_drawing) = crate::app::testing::can_draw() else {
            return;
        };
        let mut view = ViewState::default();
        view.toggle_class("sky");
        let mut harness = list(view);
        harness.run();
        harness.snapshot_options("class_list", &crate::app::testing::snapshot_options());
    }

    #[test]
    fn groups_thousands() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(
            (grouped(0), grouped(999), grouped(1000)),
            ("0".into(), "999".into(), "1,000".into())
        );
    }
}
