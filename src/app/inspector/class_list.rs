//! The class list: which classes are shown, in which colour, and how much of the image each covers.

use egui::{Button, Modifiers, RichText, ScrollArea, TextEdit, Ui};

use super::class_row::{self, ClassRow, Happened};
use crate::app::state::{ClassOrder, ViewState};
use crate::app::theme::{Icon, height};
use crate::app::widgets::icon_button;
use crate::labels::ClassSet;

/// Number of classes from which the search field is always there.
const SEARCH_FROM: usize = 14;

/// Pixels and regions of each class in an image, by id.
#[derive(Clone, Copy)]
pub(in crate::app) struct ClassShares<'a> {
    pub(in crate::app) pixels: &'a [u64],
    pub(in crate::app) regions: &'a [u32],
}

impl ClassShares<'_> {
    pub(super) fn pixels(&self, id: usize) -> u64 {
        self.pixels.get(id).copied().unwrap_or(0)
    }

    /// Number of classes in the image.
    pub(in crate::app) fn present(&self) -> usize {
        self.pixels.iter().filter(|count| **count > 0).count()
    }

    pub(super) fn share(&self, id: usize) -> f64 {
        self.pixels(id) as f64 / self.pixels.iter().sum::<u64>().max(1) as f64
    }
}

/// State of the class list that is independent of the image.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::app) struct ClassList {
    search: String,
    /// Names of the selected classes, the last one chosen at the end. They stay selected with another model that has
    /// them.
    selected: Vec<String>,
    /// Id of the class whose row is under the cursor.
    hovered: Option<usize>,
    /// Ids sorted by their shares in the last image with a result.
    by_share: Vec<usize>,
    /// Whether the search field is open although there are few classes.
    searching: bool,
    /// While the pointer is dragged over eyes: whether it shows or hides the classes.
    painting: Option<bool>,
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

    /// Draws the buttons that open the search field and choose the order, from the right end on.
    pub(in crate::app) fn tools(&mut self, ui: &mut Ui, view: &mut ViewState) {
        let (icon, name, other) = match view.class_order {
            ClassOrder::Share => (Icon::ArrowDownAZ, "Sort by name", ClassOrder::Name),
            ClassOrder::Name => (
                Icon::ArrowDownWideNarrow,
                "Sort by share of the photo",
                ClassOrder::Share,
            ),
        };
        if icon_button(ui, icon, name, height::CONTROL, false)
            .on_hover_text(name)
            .clicked()
        {
            view.class_order = other;
        }
        let search = icon_button(ui, Icon::Search, "Search classes", height::CONTROL, self.searching);
        if search.on_hover_text("Find a class by its name").clicked() {
            self.searching = !self.searching;
            self.search.clear();
        }
    }

    /// Draws the rows, below the search field if it is open; `highlighted` is the class under the cursor on the image.
    pub(in crate::app) fn rows(
        &mut self,
        ui: &mut Ui,
        view: &mut ViewState,
        classes: &ClassSet,
        found: Option<ClassShares>,
        highlighted: Option<u16>,
    ) {
        self.hovered = None;
        if self.searching || classes.len() >= SEARCH_FROM {
            let field = TextEdit::singleline(&mut self.search)
                .hint_text("Find a class")
                .desired_width(f32::INFINITY);
            ui.add(field).accessible_name("Find a class");
        }
        if !ui.input(|i| i.pointer.primary_down()) {
            self.painting = None;
        }
        let order = self.order(view, classes, found);
        let absent = found.map_or(0, |found| classes.len() - found.present());
        // One more row folds and unfolds the classes that are not in the photo.
        let fold = usize::from(absent > 0 && self.search.trim().is_empty());
        if order.is_empty() && fold == 0 {
            ui.weak("No class has this name");
        }
        let colors = view.colors(classes);
        ui.spacing_mut().item_spacing.y = 2.0;
        ScrollArea::vertical().auto_shrink([false, true]).show_rows(
            ui,
            height::CLASS_ROW,
            order.len() + fold,
            |ui, range| {
                for place in range {
                    let Some(&id) = order.get(place) else {
                        fold_row(ui, view, absent);
                        continue;
                    };
                    let name = classes.classes[id].name.as_str();
                    let row = ClassRow {
                        name,
                        color: colors.get(id).copied().unwrap_or_default(),
                        share: found.map(|found| found.share(id)),
                        selected: self.is_selected(name),
                        lit: highlighted.is_some_and(|highlighted| usize::from(highlighted) == id),
                        painting: self.painting,
                    };
                    let happened = class_row::show(ui, view, &row);
                    if happened.clicked && !happened.soloed {
                        let listed: Vec<&str> = order.iter().map(|id| classes.classes[*id].name.as_str()).collect();
                        self.select(name, &listed, ui.input(|input| input.modifiers));
                    }
                    self.react(view, (id, name), happened);
                }
            },
        );
    }

    fn react(&mut self, view: &mut ViewState, (id, name): (usize, &str), happened: Happened) {
        if happened.hovered {
            self.hovered = Some(id);
        }
        if let Some(shows) = happened.painting {
            self.painting = Some(shows);
        }
        if happened.toggled {
            let shows = !view.class(name).visible;
            view.toggle_class(name);
            if self.selected.len() > 1 && self.is_selected(name) {
                for other in &self.selected {
                    view.change_class(other, |style| style.visible = shows);
                }
            }
        }
        if happened.soloed {
            view.toggle_solo(name);
        }
    }

    pub(super) fn is_selected(&self, name: &str) -> bool {
        self.selected.iter().any(|selected| selected == name)
    }

    /// Selects a class: with Ctrl besides the others, with Shift all from the last one to it, otherwise alone. The only
    /// selected class is deselected.
    fn select(&mut self, name: &str, listed: &[&str], modifiers: Modifiers) {
        let place = |name: &str| listed.iter().position(|listed| *listed == name);
        let last = self.selected.last().and_then(|last| place(last));
        match (modifiers.command, modifiers.shift, last.zip(place(name))) {
            (true, _, _) if self.is_selected(name) => self.selected.retain(|selected| selected != name),
            (true, _, _) => self.selected.push(name.to_owned()),
            (false, true, Some((from, to))) => {
                let range = listed[from.min(to)..=from.max(to)].iter();
                let mut range: Vec<String> = range.map(|name| (*name).to_owned()).collect();
                if from > to {
                    range.reverse();
                }
                // The one that the range begins with stays the last chosen, for the next range.
                range.rotate_left(1);
                self.selected = range;
            }
            _ if self.selected == [name] => self.selected.clear(),
            _ => self.selected = vec![name.to_owned()],
        }
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
}

/// Draws the row that folds and unfolds the classes that are not in the photo.
fn fold_row(ui: &mut Ui, view: &mut ViewState, absent: usize) {
    let icon = if view.present_only {
        Icon::ChevronRight
    } else {
        Icon::ChevronDown
    };
    let text = format!("{} {absent} not in this photo", icon.unicode());
    let button = Button::new(RichText::new(text).weak()).frame(false);
    let name = "List only the classes in this photo";
    if ui.add(button).accessible_name(name).clicked() {
        view.present_only = !view.present_only;
    }
}

pub(super) fn percent(share: f64) -> String {
    match share {
        0.0 => "–".into(),
        tiny if tiny < 0.0005 => "<0.1 %".into(),
        share => format!("{:.1} %", share * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::super::class_details::grouped;
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
        Harness::builder()
            .with_size([270.0, 420.0])
            .with_context_setup(crate::app::testing::looks)
            .build_ui_state(
                |ui, (list, view): &mut State| {
                    ui.horizontal(|ui| list.tools(ui, view));
                    egui::Panel::bottom("details").show(ui, |ui| list.details(ui, view, &camvid(), Some(FOUND)));
                    list.rows(ui, view, &camvid(), Some(FOUND), None);
                },
                (
                    ClassList::default(),
                    ViewState {
                        present_only: false,
                        ..view
                    },
                ),
            )
    }

    #[test]
    fn classes_that_are_not_in_the_photo_are_folded() {
        let mut harness = list(ViewState::default());
        harness.run();
        assert!(harness.query_by_label("Show pole").is_some());
        harness.get_by_label("List only the classes in this photo").click();
        harness.run();
        assert!(harness.query_by_label("Show pole").is_none() && harness.query_by_label("Show road").is_some());
        assert!(harness.state().1.present_only);
    }

    #[test]
    fn several_classes_are_selected_with_ctrl_and_shift() {
        let mut list = ClassList::default();
        let listed = ["road", "sky", "car", "tree", "pole"];
        let mut select = |name: &str, modifiers| {
            list.select(name, &listed, modifiers);
            list.selected.clone()
        };
        assert_eq!(select("sky", Modifiers::NONE), ["sky"]);
        assert_eq!(select("tree", Modifiers::COMMAND), ["sky", "tree"]);
        assert_eq!(select("sky", Modifiers::COMMAND), ["tree"]);
        let mut range = select("road", Modifiers::SHIFT);
        range.sort_unstable();
        assert_eq!(range, ["car", "road", "sky", "tree"]);
        // The range is changed from the same end.
        let mut range = select("pole", Modifiers::SHIFT);
        range.sort_unstable();
        assert_eq!(range, ["pole", "tree"]);
        assert_eq!(select("car", Modifiers::NONE), ["car"]);
        assert_eq!(select("car", Modifiers::NONE), [""; 0]);
    }

    #[test]
    fn dragging_over_eyes_hides_each_class() {
        let mut harness = list(ViewState::default());
        harness.run();
        let at = |harness: &Harness<State>, name: &str| harness.get_by_label(&format!("Show {name}")).rect().center();
        let (from, to) = (at(&harness, "road"), at(&harness, "car"));
        harness.hover_at(from);
        harness.run_steps(2);
        harness.drag_at(from);
        for step in 0..=20 {
            harness.hover_at(from + (to - from) * (step as f32 / 20.0));
            harness.run_steps(1);
        }
        harness.drop_at(to);
        harness.run();
        let view = &harness.state().1;
        for (name, drawn) in [("road", false), ("sky", false), ("car", false), ("tree", true)] {
            assert_eq!(view.draws(name), drawn, "{name}");
        }
    }

    #[test]
    fn the_eye_hides_its_class() {
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
        assert_eq!(harness.get_by_label("road").value().as_deref(), Some("66.7 %"));
        harness.get_by_label("Sort by name").click();
        harness.run();
        assert!(top(&harness, "car") < top(&harness, "road") && top(&harness, "road") < top(&harness, "sky"));
    }

    #[test]
    fn a_search_filters_the_rows() {
        let mut harness = list(ViewState::default());
        assert!(
            harness.query_by_label("Find a class").is_none(),
            "there are few classes"
        );
        harness.get_by_label("Search classes").click();
        harness.run();
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
        let mut harness = Harness::builder()
            .with_size([270.0, 420.0])
            .with_context_setup(crate::app::testing::looks)
            .build_ui_state(
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
