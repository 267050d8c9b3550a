//! The choices of an export of labels for another program.

use std::collections::BTreeMap;

use egui::{ComboBox, RichText, ScrollArea, Ui};

use crate::annotate::UNLABELLED;
use crate::app::theme::{Icon, Tokens, size};
use crate::app::widgets::{choice, tick};
use crate::engine::{Exchange, LabelsOrigin, Which};
use crate::interchange::{Format, LabelClasses};

/// Formats in which each connected part can be an annotation of its own.
const WITH_PARTS: [&str; 6] = [
    "coco-rle",
    "coco-polygons",
    "labelme",
    "label-studio",
    "datumaro",
    "supervisely",
];

/// Largest heights of the list of formats and of that of classes in points.
const LIST: f32 = 420.0;
const CLASSES: f32 = 130.0;

/// The choices, which are the same for the next export.
#[derive(Clone, PartialEq)]
pub(super) struct ForProgram {
    /// Whether files of another program are written instead of images.
    pub(super) on: bool,
    format: &'static str,
    which: Which,
    parts: bool,
    /// What was chosen for classes, by the key of the format and the id.
    becomes: BTreeMap<(&'static str, u16), u16>,
}

impl Default for ForProgram {
    fn default() -> Self {
        Self {
            on: false,
            format: "coco-rle",
            which: Which::Open,
            parts: false,
            becomes: BTreeMap::new(),
        }
    }
}

impl ForProgram {
    /// The format.
    fn format(&self) -> Option<&'static Format> {
        Format::named(self.format)
    }

    /// What is written, if it is for another program.
    pub(super) fn exchange(&self) -> Option<Exchange> {
        let format = self.format().filter(|_| self.on)?;
        let chosen = self.becomes.iter().filter(|((key, _), _)| *key == self.format);
        Some(Exchange {
            format,
            which: self.which,
            parts: self.parts && WITH_PARTS.contains(&self.format),
            becomes: chosen.map(|((_, id), to)| (*id, *to)).collect(),
        })
    }

    /// Draws the choice between images and files of another program.
    pub(super) fn kind(&mut self, ui: &mut Ui) {
        let kinds = [
            (false, "Images", "Label maps, colours and overlays as images"),
            (
                true,
                "For another program",
                "Files that another program reads, such as CVAT or COCO's tools",
            ),
        ];
        choice(ui, &mut self.on, &kinds);
        ui.add_space(4.0);
    }

    /// Draws the choices of the files.
    pub(super) fn show(&mut self, ui: &mut Ui, origin: &LabelsOrigin) {
        let title = self.format().map_or("", |format| format.title);
        ui.horizontal(|ui| {
            let label = ui.label("Format");
            let combo = ComboBox::from_id_salt("exchange format")
                .height(LIST)
                .selected_text(title)
                .width(ui.available_width());
            let shown = combo.show_ui(ui, |ui| {
                for format in Format::all().iter().filter(|format| format.writes()) {
                    ui.selectable_value(&mut self.format, format.key, format.title)
                        .on_hover_text(format.about);
                }
            });
            shown.response.labelled_by(label.id);
        });
        if let Some(format) = self.format() {
            ui.weak(capitalised(format.about));
        }
        if origin.root.is_none() {
            self.which = Which::Open;
        } else {
            let done = format!("Done photos ({})", origin.done.len());
            let all = format!("All with labels ({})", origin.labelled);
            let which = [
                (Which::Open, "This photo", "Its labels as they are on the screen"),
                (Which::Done, &*done, "Labels of photos that are marked as done"),
                (Which::All, &*all, "Labels of all photos of the project that have some"),
            ];
            choice(ui, &mut self.which, &which);
        }
        if WITH_PARTS.contains(&self.format) {
            tick(ui, &mut self.parts, "One annotation per connected part").on_hover_text(
                "Parts of a class that do not touch become annotations of their own. They are no instances.",
            );
        }
        if let Some(own) = self.format().and_then(Format::classes) {
            self.classes(ui, &origin.classes, &own);
        }
    }

    /// Draws what each class becomes in a format with classes of its own.
    fn classes(&mut self, ui: &mut Ui, classes: &LabelClasses, own: &LabelClasses) {
        ui.weak("This format has classes of its own. Choose what yours become.");
        let format = self.format;
        ScrollArea::vertical()
            .id_salt("exchange classes")
            .max_height(CLASSES)
            .show(ui, |ui| {
                for class in classes.iter() {
                    let by_name = own.named(&class.name).map(|target| target.id);
                    let now = self.becomes.get(&(format, class.id)).copied().or(by_name);
                    let text = match now {
                        None => RichText::new("Choose…").color(Tokens::of(ui).warning),
                        Some(UNLABELLED) => RichText::new("No class"),
                        Some(id) => RichText::new(own.get(id).map_or("", |target| &target.name)),
                    };
                    let mut chosen = now;
                    ui.horizontal(|ui| {
                        let label = ui.label(&class.name);
                        ui.label(Icon::ArrowRight.unicode().to_string());
                        let combo = ComboBox::from_id_salt(("becomes", class.id)).selected_text(text);
                        let shown = combo.show_ui(ui, |ui| {
                            ui.selectable_value(&mut chosen, Some(UNLABELLED), "No class");
                            for target in own.iter() {
                                ui.selectable_value(&mut chosen, Some(target.id), &target.name);
                            }
                        });
                        shown.response.labelled_by(label.id);
                    });
                    if let Some(id) = chosen.filter(|_| chosen != now) {
                        self.becomes.insert((format, class.id), id);
                    }
                }
            });
    }
}

/// The text of a warning about what the files do not hold.
pub(super) fn warning(ui: &mut Ui, text: &str) {
    let text = format!("{} {text}", Icon::TriangleAlert.unicode());
    ui.label(RichText::new(text).size(size::SMALL).color(Tokens::of(ui).warning));
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
