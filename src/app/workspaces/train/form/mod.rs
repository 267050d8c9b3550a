//! The form with the choices for a training.

mod plan;

use std::path::{Path, PathBuf};

use egui::{Button, ComboBox, DragValue, Grid, TextEdit, Ui};

use super::USUAL_DEVICE;
use crate::app::services::Ask;
use crate::app::widgets::{section_head, section_line, tick};
use crate::datasets;
use crate::engine::{DecoderKind, DeviceChoice, Preset, TrainPrecision, multiplies_bf16};

/// Patch sizes in pixels that can be made from a backbone with patch size 16.
const PATCHES: [usize; 3] = [8, 16, 32];

/// The state of the form.
pub(super) struct Form {
    /// The text of each of [`Field::ALL`].
    paths: [(Field, String); 6],
    /// Texts that were filled in automatically; they are replaced as long as the user has not changed them.
    guessed: Vec<(Field, String)>,
    /// Name of a known class set; empty for numbered classes.
    set: String,
    classes: usize,
    decoders: Vec<DecoderKind>,
    patch: usize,
    crop: usize,
    iterations: usize,
    validate_every: usize,
    batch: usize,
    preset: Preset,
    /// Learning rate; `None` for that of the preset.
    rate: Option<f64>,
    precision: TrainPrecision,
    pub(super) device: DeviceChoice,
    /// The training that the choices were taken from.
    loaded: Option<plan::Loaded>,
}

/// A path in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Images,
    Labels,
    ValImages,
    ValLabels,
    Init,
    Out,
}

impl Field {
    const ALL: [Self; 6] = [
        Self::Images,
        Self::Labels,
        Self::ValImages,
        Self::ValLabels,
        Self::Init,
        Self::Out,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Images => "Photos",
            Self::Labels => "Label maps",
            Self::ValImages => "Validation photos",
            Self::ValLabels => "Validation label maps",
            Self::Init => "Pretrained weights",
            Self::Out => "Save to",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Images => "Folder of training photos",
            Self::Labels => "Folder of label maps: PNG files of class ids, named like the photos",
            Self::ValImages => "Folder of validation photos (optional)",
            Self::ValLabels => "Folder of the validation photos' label maps",
            Self::Init => "An ImageNet Vision Transformer (timm or AugReg file), or a model to train further",
            Self::Out => "Output folder for bundles, log and resume state",
        }
    }

    fn ask(self) -> Ask {
        match self {
            Self::Images => Ask::TrainImages,
            Self::Labels => Ask::TrainLabels,
            Self::ValImages => Ask::ValImages,
            Self::ValLabels => Ask::ValLabels,
            Self::Init => Ask::InitFile,
            Self::Out => Ask::TrainOut,
        }
    }
}

fn device_title(choice: DeviceChoice) -> &'static str {
    match choice {
        DeviceChoice::Auto => "Automatic",
        DeviceChoice::Gpu => "GPU",
        DeviceChoice::Cpu => "CPU",
    }
}

impl Default for Form {
    fn default() -> Self {
        Self {
            paths: Field::ALL.map(|field| (field, String::new())),
            guessed: Vec::new(),
            set: "camvid".into(),
            classes: 2,
            decoders: vec![DecoderKind::Mask],
            patch: 16,
            crop: 384,
            iterations: 1000,
            validate_every: 100,
            batch: 8,
            preset: Preset::default(),
            rate: None,
            precision: TrainPrecision::default(),
            device: USUAL_DEVICE,
            loaded: None,
        }
    }
}

impl Form {
    pub(super) fn set_path(&mut self, what: Ask, path: PathBuf) {
        let Some(field) = Field::ALL.into_iter().find(|field| field.ask() == what) else {
            return;
        };
        let text = path.display().to_string();
        if let Some((_, shown)) = self.paths.iter_mut().find(|(other, _)| *other == field) {
            *shown = text;
        }
        self.guess(field, &path);
    }

    /// Fills fields whose folders are usually beside the chosen one. If they are not, the training reports it.
    fn guess(&mut self, field: Field, path: &Path) {
        let beside = |name: &str| Some(path.parent()?.join(name));
        let labels = beside("labels").filter(|_| path.ends_with("images"));
        let guesses = match field {
            Field::Images => vec![(Field::Labels, labels), (Field::Out, beside("trained"))],
            Field::ValImages => vec![(Field::ValLabels, labels)],
            _ => return,
        };
        for (field, guess) in guesses {
            let guessed = self.guessed.iter().position(|(other, _)| *other == field);
            let before = guessed.map(|at| self.guessed.swap_remove(at).1);
            let shown = self.paths.iter_mut().find(|(other, _)| *other == field);
            let Some((_, text)) = shown.filter(|(_, text)| text.is_empty() || before.as_ref() == Some(text)) else {
                continue;
            };
            *text = guess.map_or_else(String::new, |guess| guess.display().to_string());
            self.guessed.push((field, text.clone()));
        }
    }

    fn path(&self, field: Field) -> Option<PathBuf> {
        let (_, text) = self.paths.iter().find(|(other, _)| *other == field)?;
        (!text.trim().is_empty()).then(|| PathBuf::from(text.trim()))
    }

    /// Whether no path is filled in.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.iter().all(|(_, text)| text.trim().is_empty())
    }

    /// The output folder, if it is filled in.
    pub(super) fn out(&self) -> Option<PathBuf> {
        self.path(Field::Out)
    }

    /// The folders of photos and of label maps, as far as they are filled in.
    pub(super) fn data(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        (self.path(Field::Images), self.path(Field::Labels))
    }

    /// Draws the form. Returns the file dialog that the user asked for.
    pub(super) fn show(&mut self, ui: &mut Ui, pairs: &str) -> Option<Ask> {
        let mut asked = None;
        section_head(ui, "Data", pairs);
        for (field, text) in &mut self.paths {
            if *field == Field::Init {
                section_line(ui);
                section_head(ui, "Model", "");
            }
            let label = ui.label(field.title());
            ui.horizontal(|ui| {
                let choose = ui.button("Choose…").on_hover_text(field.hint());
                let edit = TextEdit::singleline(text)
                    .hint_text(field.hint())
                    .desired_width(f32::INFINITY);
                let choose = choose.accessible_name(format!("Choose: {}", field.title()));
                if choose.clicked() {
                    asked = Some(field.ask());
                }
                ui.add(edit).labelled_by(label.id).on_hover_text(field.hint());
            });
        }
        section_line(ui);
        section_head(ui, "Training", "");
        Grid::new("training choices")
            .num_columns(2)
            .show(ui, |ui| self.numbers(ui));
        ui.label("Decoders, trained together on one encoder");
        // In rows of three, because tick boxes do not wrap.
        for kinds in DecoderKind::ALL.chunks(3) {
            ui.horizontal(|ui| kinds.iter().for_each(|kind| self.decoder(ui, *kind)));
        }
        asked
    }

    fn decoder(&mut self, ui: &mut Ui, kind: DecoderKind) {
        let mut on = self.decoders.contains(&kind);
        if tick(ui, &mut on, kind.title()).changed() {
            self.decoders.retain(|other| *other != kind);
            if on {
                self.decoders.push(kind);
            }
            // Sorted, so that switching a decoder off and on again gives the same plan.
            self.decoders
                .sort_by_key(|kind| DecoderKind::ALL.iter().position(|other| other == kind));
        }
    }

    fn numbers(&mut self, ui: &mut Ui) {
        self.classes(ui);
        self.sizes(ui);
        self.preset(ui);
        self.device(ui);
        self.precision(ui);
    }

    fn classes(&mut self, ui: &mut Ui) {
        let label = ui.label("Classes");
        ui.horizontal(|ui| {
            let title = match self.set.is_empty() {
                true => "Numbered".to_owned(),
                false => datasets::classes_of(&self.set).map_or(self.set.clone(), |set| datasets::title(&set)),
            };
            let list = ComboBox::from_id_salt("class set").selected_text(title).truncate();
            let list = list.show_ui(ui, |ui| {
                for set in &datasets::ALL {
                    ui.selectable_value(&mut self.set, set.key.to_owned(), datasets::title(&set.classes()));
                }
                ui.selectable_value(&mut self.set, String::new(), "Numbered");
            });
            list.response.labelled_by(label.id);
            if self.set.is_empty() {
                ui.add(DragValue::new(&mut self.classes).range(1..=1024))
                    .on_hover_text("Number of classes; id 255 is ignored")
                    .accessible_name("Number of classes");
            }
        });
        ui.end_row();
    }

    fn sizes(&mut self, ui: &mut Ui) {
        let label = ui.label("Patch size");
        ui.horizontal(|ui| {
            for patch in PATCHES {
                ui.selectable_value(&mut self.patch, patch, patch.to_string())
                    .accessible_name(format!("Patch {patch}"));
            }
        })
        .response
        .labelled_by(label.id);
        ui.end_row();
        let mut number = |title: &str, value: &mut usize, range: std::ops::RangeInclusive<usize>, hint: &str| {
            let label = ui.label(title);
            ui.add(DragValue::new(value).range(range))
                .on_hover_text(hint)
                .labelled_by(label.id);
            ui.end_row();
        };
        number(
            "Crop",
            &mut self.crop,
            32..=2048,
            "Side of the crops in pixels, a multiple of the patch size",
        );
        number("Batch size", &mut self.batch, 1..=256, "Photos per step");
        number("Steps", &mut self.iterations, 1..=1_000_000, "Total number of steps");
        number(
            "Validate every",
            &mut self.validate_every,
            1..=1_000_000,
            "Steps between validations; the best model is saved",
        );
    }

    fn preset(&mut self, ui: &mut Ui) {
        let label = ui.label("Preset");
        ComboBox::from_id_salt("preset")
            .selected_text(self.preset.title())
            .show_ui(ui, |ui| {
                for preset in Preset::ALL {
                    ui.selectable_value(&mut self.preset, preset, preset.title());
                }
            })
            .response
            .labelled_by(label.id);
        ui.end_row();
        let label = ui.label("Learning rate");
        ui.horizontal(|ui| {
            let usual = self.preset.config(1, 16, 16).schedule.lr;
            let mut rate = self.rate.unwrap_or(usual);
            let value = DragValue::new(&mut rate)
                .range(1e-7..=1.0)
                .speed(usual / 50.0)
                .max_decimals(7);
            if ui.add(value).labelled_by(label.id).changed() {
                self.rate = Some(rate);
            }
            if self.rate.is_some() && ui.small_button("Reset to preset").clicked() {
                self.rate = None;
            }
        });
        ui.end_row();
    }

    fn device(&mut self, ui: &mut Ui) {
        let label = ui.label("Device");
        ComboBox::from_id_salt("training device")
            .selected_text(device_title(self.device))
            .show_ui(ui, |ui| {
                for choice in [DeviceChoice::Cpu, DeviceChoice::Gpu] {
                    ui.selectable_value(&mut self.device, choice, device_title(choice));
                }
            })
            .response
            .labelled_by(label.id);
        ui.end_row();
    }

    fn precision(&mut self, ui: &mut Ui) {
        ui.label("Precision");
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.precision, TrainPrecision::F32, "f32")
                .on_hover_text("For every device and decoder")
                .accessible_name("Training precision f32");
            let bf16 = Button::selectable(self.precision == TrainPrecision::Bf16, "bf16");
            let bf16 = ui
                .add_enabled(multiplies_bf16(), bf16)
                .on_hover_text("Faster, on the CPU, for the linear decoder and the mask transformer")
                .on_disabled_hover_text("This processor does not multiply bf16")
                .accessible_name("Training precision bf16");
            if bf16.clicked() {
                self.precision = TrainPrecision::Bf16;
            }
        });
        ui.end_row();
    }
}
