//! The small windows over the canvas, and what they are about.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Rect, Ui};
use log::Level;

use super::about::AboutPage;
use super::command::{Command, CommandPalette, PaletteChoice, PaletteEntry, PaletteTarget, ShortcutPage};
use super::frame_log::FrameLog;
use super::frame_times::FrameTimes;
use super::log_book::{LogBook, LogEntry};
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
    /// Until when entries about file dialogs have been looked at, on the clock of the log.
    dialogs_looked_at: Duration,
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
            dialogs_looked_at: Duration::ZERO,
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

    /// Why the dialog that was asked for last could not be opened, if the library for file dialogs has said so.
    pub(super) fn dialog_failure(&mut self) -> Option<String> {
        let since = self.dialogs_looked_at;
        let complaints = self
            .log_book
            .entries(|entry| entry.target == "rfd" && entry.time > since);
        self.dialogs_looked_at = complaints.last()?.time;
        why_no_dialog(&complaints)
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

/// What kept a dialog from opening, in what the library for file dialogs (rfd) has said about it.
///
/// Where no portal answers it says why, then that it takes zenity instead, and then nothing more unless zenity cannot be
/// started. So a dialog that was cancelled leaves a complaint about the portal or the word about zenity, too, but the
/// word about zenity is the last.
fn why_no_dialog(complaints: &[LogEntry]) -> Option<String> {
    let last = complaints.last().filter(|entry| entry.level == Level::Error)?;
    Some(last.text.clone())
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

#[cfg(test)]
mod tests {
    use log::Level;

    use super::why_no_dialog;
    use crate::app::log_book::tests::book_with;

    const NO_PORTAL: &str = "OpenFile failed: The name org.freedesktop.portal.Desktop was not provided";
    const ZENITY: &str = "Using zenity fallback";
    const NO_ZENITY: &str = "Failed to pick files with zenity: No such file or directory (os error 2)";

    fn why(said: &[(Level, &str)]) -> Option<String> {
        let records = said.iter().map(|(level, text)| (*level, "rfd::backend", *text));
        why_no_dialog(&book_with(records).entries(|entry| entry.target == "rfd"))
    }

    #[test]
    fn a_cancelled_dialog_is_no_failure_and_a_missing_one_is() {
        // What rfd 0.17 logs, without a portal and with one.
        let by_zenity = [(Level::Error, NO_PORTAL), (Level::Warn, ZENITY)];
        assert_eq!(why(&by_zenity), None);
        assert_eq!(why(&[(Level::Warn, ZENITY)]), None);
        assert_eq!(why(&[]), None);
        let without_both = [by_zenity.as_slice(), [(Level::Error, NO_ZENITY)].as_slice()].concat();
        assert_eq!(why(&without_both), Some(NO_ZENITY.to_owned()));
        // The one before had failed, this one was cancelled.
        let twice = [without_both.as_slice(), by_zenity.as_slice()].concat();
        assert_eq!(why(&twice), None);
    }
}
