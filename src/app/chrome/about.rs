//! The window with what the program is, its version and its licences.

use egui::{CollapsingHeader, Context, RichText, ScrollArea, Ui, vec2};

use super::page;
use crate::app::command::Command;

/// The project's own notices, which are part of every copy of the program.
const NOTICES: &str = include_str!("../../../NOTICE.md");

/// The About window.
#[derive(Default)]
pub(in crate::app) struct AboutPage {
    open: bool,
}

impl AboutPage {
    /// Opens it.
    pub(in crate::app) fn open(&mut self) {
        self.open = true;
    }

    /// Whether it is shown.
    pub(in crate::app) fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it if it is open.
    pub(in crate::app) fn show(&mut self, context: &Context) {
        page::show(
            context,
            Command::About.title(),
            &mut self.open,
            vec2(520.0, 380.0),
            contents,
        );
    }
}

fn contents(ui: &mut Ui) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.heading(format!("Segscope {}", env!("CARGO_PKG_VERSION")));
        ui.label("See what a segmentation transformer sees: masks and attention of Segmenter and SETR on your photos.");
        ui.label("Everything is computed on this machine; no photo leaves it.");
        ui.add_space(8.0);
        ui.label(RichText::new("Licences").strong());
        ui.label(concat!("Program: ", env!("CARGO_PKG_LICENSE"), ", at your choice."));
        ui.label(
            "The built-in models are for research and evaluation only: they were trained on CamVid, which is licensed \
             for research. To use Segscope for anything else, open a model whose licence allows it.",
        );
        ui.add_space(8.0);
        CollapsingHeader::new("Notices").show(ui, |ui| {
            ui.label(RichText::new(NOTICES).monospace().small());
        });
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::AboutPage;

    #[test]
    fn version_and_licence_limits_of_the_embedded_models_are_shown() {
        let mut harness = Harness::builder()
            .with_size([900.0, 600.0])
            .build_ui_state(|ui, page: &mut AboutPage| page.show(ui), AboutPage { open: true });
        harness.run();
        let version = concat!("Segscope ", env!("CARGO_PKG_VERSION"));
        assert!(harness.query_by_label(version).is_some());
        assert!(
            harness
                .query_by_label_contains("research and evaluation only")
                .is_some()
        );
        harness.get_by_label("Notices").click();
        harness.run();
        assert!(harness.query_by_label_contains("CC BY-NC 4.0").is_some());
    }
}
