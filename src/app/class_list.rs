//! The classes: which are shown, in which colour, and how much of the picture each takes.

use egui::{Color32, RichText, ScrollArea, Sense, Ui, vec2};

use crate::labels::ClassSet;

/// How classes are looked at; kept from picture to picture.
#[derive(Default)]
pub(super) struct ClassView {
    visible: Vec<bool>,
}

impl ClassView {
    /// Everything visible, for a model with these classes.
    pub(super) fn reset(&mut self, classes: &ClassSet) {
        self.visible = vec![true; classes.len()];
    }

    pub(super) fn set_all(&mut self, visible: bool) {
        self.visible.fill(visible);
    }

    pub(super) fn toggle(&mut self, id: u16) {
        if let Some(visible) = self.visible.get_mut(usize::from(id)) {
            *visible = !*visible;
        }
    }

    /// By class id, whether it is hidden.
    pub(super) fn hidden(&self) -> Vec<bool> {
        self.visible.iter().map(|v| !v).collect()
    }

    /// Colour and opacity of each class for the overlay.
    pub(super) fn palette(&self, classes: &ClassSet) -> Vec<[u8; 4]> {
        let alpha = |id: usize| {
            if self.visible.get(id).copied().unwrap_or(true) {
                255
            } else {
                0
            }
        };
        let colors = classes.classes.iter().map(|c| c.color).enumerate();
        colors.map(|(id, [r, g, b])| [r, g, b, alpha(id)]).collect()
    }

    /// Draws the list: classes in the picture by share, then the others.
    pub(super) fn show(&mut self, ui: &mut Ui, classes: &ClassSet, counts: Option<&[u64]>) {
        let count = |id: usize| counts.and_then(|c| c.get(id)).copied().unwrap_or(0);
        let total = counts.map_or(0, |c| c.iter().sum::<u64>()).max(1);
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by_key(|id| std::cmp::Reverse(count(*id)));
        let row = ui.spacing().interact_size.y;
        ScrollArea::vertical()
            .auto_shrink([false, true])
            .show_rows(ui, row, order.len(), |ui, range| {
                for &id in &order[range] {
                    let share = count(id) as f64 / total as f64;
                    self.row(ui, id, classes, counts.is_some().then_some(share));
                }
            });
    }

    fn row(&mut self, ui: &mut Ui, id: usize, classes: &ClassSet, share: Option<f64>) {
        let (Some(class), Some(visible)) = (classes.classes.get(id), self.visible.get_mut(id)) else {
            return;
        };
        ui.horizontal(|ui| {
            ui.checkbox(visible, "")
                .accessible_name(format!("Show {}", class.name))
                .on_hover_text("Show this class");
            let (swatch, _) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
            let [r, g, b] = class.color;
            ui.painter().rect_filled(swatch, 3.0, Color32::from_rgb(r, g, b));
            let outline = ui.visuals().widgets.noninteractive.bg_stroke;
            ui.painter().rect_stroke(swatch, 3.0, outline, egui::StrokeKind::Inside);
            let present = share.is_none_or(|s| s > 0.0);
            let name = if present {
                RichText::new(&class.name)
            } else {
                RichText::new(&class.name).weak()
            };
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if let Some(share) = share {
                    let text = if share > 0.0 {
                        format!("{:.1} %", share * 100.0)
                    } else {
                        "–".into()
                    };
                    ui.label(RichText::new(text).weak().monospace());
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let name = egui::Label::new(name)
                        .truncate()
                        .selectable(false)
                        .sense(Sense::click());
                    if ui.add(name).clicked() {
                        *visible = !*visible;
                    }
                });
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;

    fn classes() -> ClassSet {
        ClassSet::known("camvid").expect("a built-in set")
    }

    fn list(view: ClassView, counts: &'static [u64]) -> Harness<'static, ClassView> {
        Harness::builder().with_size([260.0, 300.0]).build_ui_state(
            move |ui, view: &mut ClassView| view.show(ui, &classes(), Some(counts)),
            view,
        )
    }

    fn visible() -> ClassView {
        let mut view = ClassView::default();
        view.reset(&classes());
        view
    }

    #[test]
    fn a_click_hides_the_class_from_the_palette() {
        let mut harness = list(visible(), &[10, 0, 0, 30, 0, 0, 0, 0, 5, 0, 0]);
        harness.get_by_label("Show car").click();
        harness.run();
        assert_eq!(harness.state().palette(&classes())[8], [64, 0, 128, 0]);
        assert_eq!(harness.state().palette(&classes())[3], [128, 64, 128, 255]);
        assert!(harness.state().hidden()[8]);
    }

    #[test]
    fn the_largest_share_comes_first() {
        let harness = list(visible(), &[10, 0, 0, 30, 0, 0, 0, 0, 5, 0, 0]);
        let top = |name: &str| harness.get_by_label(name).rect().top();
        assert!(top("road") < top("sky") && top("sky") < top("car") && top("car") < top("building"));
        assert!(harness.query_by_label("66.7 %").is_some());
    }

    #[test]
    fn the_list_looks_as_it_did() {
        let Some(_drawing) = crate::app::testing::can_draw() else {
            return;
        };
        let mut view = visible();
        view.toggle(0);
        let mut harness = list(view, &[10, 0, 0, 30, 0, 0, 0, 0, 5, 0, 0]);
        harness.run();
        harness.snapshot_options("class_list", &crate::app::testing::snapshot_options());
    }
}
