//! What an export of attention maps or of a comparison holds.

use egui::Ui;

use super::ExportDialog;
use super::format_card::FormatCard;
use crate::app::theme::Icon;
use crate::app::widgets::{choice, choice_row, tick};
use crate::engine::{Export, FigureContents, FigureExport, FigureStyle, NumberFormat, ReportExport};
use crate::export::FigureFormat;

/// The choices, which are the same for the next export.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Contents {
    figures: FigureContents,
    /// Size of a figure relative to the photo.
    zoom: usize,
    caption: bool,
    numbers: NumberFormat,
    /// The kind of file of figures.
    pub(super) format: FigureFormat,
    /// Whether the page and the figure of a comparison are written.
    page: bool,
    panes: bool,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            figures: FigureContents::ALL,
            zoom: 1,
            caption: true,
            numbers: NumberFormat::default(),
            format: FigureFormat::default(),
            page: true,
            panes: true,
        }
    }
}

impl Contents {
    pub(super) fn apply_to_figures(self, job: &mut FigureExport) {
        job.contents = self.figures;
        job.style = FigureStyle {
            zoom: self.zoom,
            caption: self.caption,
            numbers: self.numbers,
            format: self.format,
            ..job.style
        };
    }

    pub(super) fn apply_to_report(self, job: &mut ReportExport) {
        job.page = self.page;
        job.figure = self.panes.then_some(self.format);
    }

    /// The choices that change what the preview shows.
    pub(super) fn shown_in_preview(self) -> bool {
        self.caption
    }
}

impl ExportDialog {
    /// Draws the files of the subject as cards, and how they are made.
    pub(super) fn what(&mut self, ui: &mut Ui) {
        match &self.subject {
            Some(Export::Figures(job)) => {
                let heads = job.maps.count();
                self.figure_cards(ui, heads);
            }
            Some(Export::Report(_)) => self.report_cards(ui),
            Some(Export::Labels(job)) => {
                self.for_program.kind(ui);
                match self.for_program.on {
                    true => self.for_program.show(ui, &job.origin),
                    false => self.formats(ui),
                }
            }
            _ => self.formats(ui),
        }
    }

    /// How many of the cards are chosen.
    pub(super) fn chosen_text(&self) -> String {
        if self.is_for_program() {
            return String::new();
        }
        let [chosen, all] = match &self.subject {
            Some(Export::Figures(job)) => {
                let FigureContents { shown, others, values } = self.contents.figures;
                let several = job.maps.count() > 1;
                let chosen = usize::from(shown) + usize::from(others && several) + usize::from(values);
                [chosen, 2 + usize::from(several)]
            }
            Some(Export::Report(_)) => [usize::from(self.contents.page) + usize::from(self.contents.panes), 2],
            _ => [self.options.formats.len(), crate::export::Format::ALL.len()],
        };
        format!("{chosen} of {all} chosen")
    }

    fn figure_cards(&mut self, ui: &mut Ui, maps: usize) {
        let contents = &mut self.contents.figures;
        let others = format!("{} more figures", maps.saturating_sub(1));
        let shown = FormatCard {
            icon: Some(Icon::ScanEye),
            texture: self.previews.large(),
            title: "This map",
            below: "as on the screen",
            hint: "A figure of the map on the canvas, with the same scale",
        };
        let heads = FormatCard {
            icon: Some(Icon::Grid3X3),
            texture: None,
            title: "Other maps",
            below: &others,
            hint: "A figure for each other head of the layer, for their mean and for their maximum",
        };
        let values = FormatCard {
            icon: Some(Icon::Hash),
            texture: None,
            title: "Values",
            below: "numbers as arrays",
            hint: "The values of all maps as one array, and a description as JSON",
        };
        let mut cards = vec![(shown, &mut contents.shown)];
        if maps > 1 {
            cards.push((heads, &mut contents.others));
        }
        cards.push((values, &mut contents.values));
        FormatCard::two_by_two(ui, cards);
        ui.add_space(4.0);
        tick(ui, &mut self.contents.caption, "Title and colour bar");
        self.figure_format(ui);
        let sizes = [
            (1, "1x", "As large as the photo"),
            (2, "2x", "Twice as large as the photo"),
            (FigureStyle::MAX_ZOOM, "4x", "Four times as large as the photo"),
        ];
        choice_row(ui, "Size", &mut self.contents.zoom, &sizes);
        let numbers = NumberFormat::ALL.map(|format| (format, format.title(), "File format of the values"));
        choice_row(ui, "Values", &mut self.contents.numbers, &numbers);
    }

    fn report_cards(&mut self, ui: &mut Ui) {
        let panes = FormatCard {
            icon: Some(Icon::Columns2),
            texture: self.previews.large(),
            title: "Figure",
            below: "all panes",
            hint: "The photo and all panes with their titles and scores",
        };
        let page = FormatCard {
            icon: Some(Icon::FileText),
            texture: None,
            title: "Page",
            below: "HTML with table",
            hint: "One file with the whole table and all panes, for any browser",
        };
        let contents = &mut self.contents;
        FormatCard::two_by_two(ui, vec![(panes, &mut contents.panes), (page, &mut contents.page)]);
        ui.add_space(4.0);
        self.figure_format(ui);
    }

    fn figure_format(&mut self, ui: &mut Ui) {
        let formats = FigureFormat::ALL.map(|format| (format, format.title(), "File format of the figures"));
        choice_row(ui, "Figures", &mut self.contents.format, &formats);
    }

    /// Draws the formats of masks.
    fn formats(&mut self, ui: &mut Ui) {
        self.format_cards(ui);
        let overlay = self.options.formats.contains(&crate::export::Format::Overlay);
        ui.add_enabled_ui(overlay, |ui| {
            tick(ui, &mut self.options.legend, "Legend beside the overlay");
        });
        if overlay && self.options.legend {
            let formats = FigureFormat::ALL.map(|format| (format, format.title(), "File format of the overlay"));
            choice(ui, &mut self.options.figures, &formats);
        }
    }
}
