//! The small windows over the canvas, and what they are about.

use std::path::{Path, PathBuf};

use egui::{Rect, Ui};

use super::about::AboutPage;
use super::command::{Command, CommandPalette, PaletteChoice, PaletteEntry, PaletteTarget, ShortcutPage};
use super::frame_log::FrameLog;
use super::frame_times::FrameTimes;
use super::log_book::LogBook;
use super::log_page::LogPage;
use super::models_page::{ModelsPage, Wish};
use super::performance::PerformancePage;
use super::settings::{self, PageInfo, Store};
use super::toast::ToastAction;
use super::training_page::{self, TrainingPage};
use super::{App, page};
use crate::catalogue;
use crate::engine::{Job, ModelSource};

/// The windows that open over everything else.
pub(super) struct Windows {
    pub(super) palette: CommandPalette,
    pub(super) shortcuts: ShortcutPage,
    pub(super) log: LogPage,
    log_book: LogBook,
    /// Entries about file dialogs that have been looked at.
    dialog_complaints: usize,
    pub(super) performance: PerformancePage,
    pub(super) about: AboutPage,
    pub(super) models: ModelsPage,
    pub(super) training: TrainingPage,
    /// Where models are kept unless the settings say otherwise.
    usual_models_folder: Option<PathBuf>,
    pub(super) settings_open: bool,
    pub(super) frame_times: FrameTimes,
    store: Option<Store>,
    /// Of the processor. Asked for once, because the answer comes from files.
    cores: usize,
}

impl Windows {
    /// Nothing open yet.
    ///
    /// # Errors
    /// When the file for frame times cannot be made.
    pub(super) fn new(store: Option<Store>, frame_log: Option<&Path>) -> std::io::Result<Self> {
        let log_book = LogBook::install();
        Ok(Self {
            palette: CommandPalette::default(),
            shortcuts: ShortcutPage::default(),
            log: LogPage::new(log_book.clone()),
            log_book,
            dialog_complaints: 0,
            performance: PerformancePage::default(),
            about: AboutPage::default(),
            models: ModelsPage::default(),
            training: TrainingPage::default(),
            usual_models_folder: catalogue::usual_folder(),
            settings_open: false,
            frame_times: FrameTimes::new(frame_log.map(FrameLog::create).transpose()?),
            store,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }

    /// What the library for file dialogs has complained about since it was last asked.
    pub(super) fn dialog_failure(&mut self) -> Option<String> {
        let seen = self.dialog_complaints;
        let complaints = self.log_book.entries(|entry| entry.target == "rfd");
        self.dialog_complaints = complaints.len();
        complaints.get(seen..)?.last().map(|entry| entry.text.clone())
    }

    /// Whether Escape has something of these to close.
    pub(super) fn any_open(&self) -> bool {
        self.settings_open
            || self.shortcuts.is_open()
            || self.log.is_open()
            || self.performance.is_open()
            || self.about.is_open()
            || self.models.is_open()
            || self.training.is_open()
    }
}

impl App {
    pub(super) fn small_windows(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        self.settings_window(ui);
        self.windows.shortcuts.show(ui);
        self.windows.log.show(ui);
        self.windows.about.show(ui);
        self.models_window(ui);
        self.training_window(ui);
        if self.windows.performance.is_open() {
            let rows = self.performance_rows();
            self.windows.performance.show(ui, &self.windows.frame_times, &rows);
        }
        self.command_palette(ui, asked);
    }

    fn settings_window(&mut self, ui: &mut Ui) {
        let mut open = self.windows.settings_open;
        let mut asked = None;
        page::show(ui, "Settings", &mut open, egui::vec2(460.0, 520.0), |ui| {
            let info = PageInfo {
                cores: self.windows.cores,
                settings_file: self.windows.store.as_ref().map(Store::settings_file),
            };
            asked = settings::show(ui, &mut self.settings, &info);
        });
        self.windows.settings_open = open;
        if let Some(what) = asked {
            self.ask(what, ui);
        }
    }

    fn models_window(&mut self, ui: &Ui) {
        let chosen = self.settings.model_folder.as_ref();
        let folder = chosen.or(self.windows.usual_models_folder.as_ref()).cloned();
        match self.windows.models.show(ui, folder.as_deref()) {
            Some(Wish::Scan(folder)) => self.scan_models(folder),
            Some(Wish::Open(path)) => self.open_model(ModelSource::Path(path)),
            Some(Wish::ShowFolder(folder)) => self.open_outside(folder),
            Some(Wish::Say(text)) => self.toasts.info(text),
            None => {}
        }
    }

    fn training_window(&mut self, ui: &Ui) {
        match self.windows.training.show(ui, self.settings.threads) {
            Some(training_page::Wish::Ask(what)) => self.ask(what, ui),
            Some(training_page::Wish::Open(path)) => self.open_model(ModelSource::Path(path)),
            None => {}
        }
    }

    fn scan_models(&mut self, folder: PathBuf) {
        if !self.send(Job::ScanModels(folder)) {
            self.windows.models.give_up_scan();
        }
    }

    fn command_palette(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        if !self.windows.palette.is_open() {
            return;
        }
        let pictures = self.pictures.names().enumerate().map(|(index, name)| PaletteEntry {
            title: format!("Go to {name}"),
            target: PaletteTarget::Picture(index),
        });
        let classes = self.model.iter().flat_map(|m| m.classes.classes.iter().enumerate());
        let classes = classes.map(|(index, class)| PaletteEntry {
            title: format!("Solo {}", class.name),
            target: PaletteTarget::Class(index),
        });
        let outputs = self.main_outputs().enumerate();
        let outputs = outputs.map(|(place, (model, output))| PaletteEntry {
            title: format!("Use {}", model.output_title(output)),
            target: PaletteTarget::Output(place),
        });
        let extra: Vec<_> = outputs.chain(pictures).chain(classes).collect();
        let mut palette = std::mem::take(&mut self.windows.palette);
        let choice = palette.show(ui, |command| self.enabled(command), &extra);
        self.windows.palette = palette;
        match choice {
            Some(PaletteChoice::Command(command)) => asked.push(command),
            Some(PaletteChoice::Target(PaletteTarget::Picture(index))) => self.open_picture(index),
            Some(PaletteChoice::Target(PaletteTarget::Output(place))) => self.choose_entry(place),
            Some(PaletteChoice::Target(PaletteTarget::Class(index))) => {
                let class = self.model.as_ref().and_then(|m| m.classes.classes.get(index));
                if let Some(name) = class.map(|c| c.name.clone()) {
                    self.view.toggle_solo(&name);
                }
            }
            None => {}
        }
    }

    /// What the performance page shows besides frame times.
    fn performance_rows(&self) -> Vec<(&'static str, String)> {
        let worker = match (&self.running, &self.batch) {
            (Some(_), _) => "segmenting",
            (None, Some(_)) => "segmenting all",
            (None, None) if self.opening.is_some() || self.models.is_loading() || self.finding => "opening",
            (None, None) => "idle",
        };
        let mib = |bytes: usize| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64);
        let mut rows = vec![
            ("Worker", worker.to_owned()),
            (
                "Kept results",
                format!(
                    "{}, {} of {} MiB",
                    self.results.len(),
                    mib(self.results.bytes()),
                    self.settings.result_memory_mib
                ),
            ),
        ];
        rows.push(("Models", self.models_text()));
        if let Some(memory) = &self.memory {
            rows.push((
                "Encoder features",
                format!(
                    "{} of {} MiB",
                    mib(memory.feature_bytes),
                    self.settings.feature_memory_mib
                ),
            ));
            if let (Some(now), Some(peak)) = (memory.now_mib, memory.peak_mib) {
                rows.push(("Memory", format!("{now} MiB, at most {peak} MiB")));
            }
        }
        rows
    }

    /// Toasts stay within the canvas, above the status bar.
    pub(super) fn show_toasts(&mut self, ui: &Ui) {
        let bounds: Rect = self.canvas.unwrap_or_else(|| ui.ctx().content_rect());
        match self.toasts.show(ui, bounds) {
            Some(ToastAction::OpenFolder(folder)) => self.open_outside(folder),
            Some(ToastAction::Perform(command)) => self.perform(command, ui),
            None => {}
        }
    }

    /// Opens a folder in the system's file manager, on a thread: starting a program can take a while. A folder that is
    /// not there yet is made.
    fn open_outside(&mut self, folder: PathBuf) {
        let open = move || {
            if let Err(e) = std::fs::create_dir_all(&folder).and_then(|()| open::that_detached(&folder)) {
                log::warn!("cannot open the folder ({e}): {}", folder.display());
            }
        };
        if let Err(e) = std::thread::Builder::new().name("open folder".into()).spawn(open) {
            self.toasts.error(format!("the folder cannot be opened ({e})"));
        }
    }
}
