//! The small windows over the canvas, and what they show.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Ui, vec2};
use log::Level;

use super::about::AboutPage;
use super::frame_log::FrameLog;
use super::frame_times::FrameTimes;
use super::log_book::{LogBook, LogEntry};
use super::log_page::LogPage;
use super::models_menu::models_text;
use super::models_page::{ModelsPage, PageAction};
use super::page;
use super::path_field::PathPage;
use super::performance::PerformancePage;
use crate::app::action::{Action, Request};
use crate::app::command::{CommandPalette, PaletteChoice, PaletteEntry, PaletteTarget, ShortcutPage};
use crate::app::settings::{self, PageInfo, Settings, Store};
use crate::app::workspaces::Ctx;
use crate::catalogue;
use crate::engine::{Job, ModelSource};

/// The windows that open over everything else.
pub(in crate::app) struct Windows {
    pub(in crate::app) palette: CommandPalette,
    pub(in crate::app) shortcuts: ShortcutPage,
    path: PathPage,
    pub(in crate::app) log: LogPage,
    log_book: LogBook,
    /// Time of the last log entry about file dialogs that has been read, on the clock of the log.
    dialogs_looked_at: Duration,
    pub(in crate::app) performance: PerformancePage,
    pub(in crate::app) about: AboutPage,
    pub(in crate::app) models: ModelsPage,
    /// The models folder, unless the settings name another.
    usual_models_folder: Option<PathBuf>,
    pub(in crate::app) settings_open: bool,
    pub(in crate::app) frame_times: FrameTimes,
    store: Option<Store>,
    /// Cores of the processor. Asked for once, because the answer comes from files.
    cores: usize,
}

impl Windows {
    /// Starts with nothing open.
    ///
    /// # Errors
    /// When the file for frame times cannot be created.
    pub(in crate::app) fn new(store: Option<Store>, frame_log: Option<&Path>) -> std::io::Result<Self> {
        let log_book = LogBook::install();
        Ok(Self {
            palette: CommandPalette::default(),
            shortcuts: ShortcutPage::default(),
            path: PathPage::default(),
            log: LogPage::new(log_book.clone()),
            log_book,
            dialogs_looked_at: Duration::ZERO,
            performance: PerformancePage::default(),
            about: AboutPage::default(),
            models: ModelsPage::default(),
            usual_models_folder: catalogue::usual_folder(),
            settings_open: false,
            frame_times: FrameTimes::new(frame_log.map(FrameLog::create).transpose()?),
            store,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }

    /// Why the last file dialog could not be opened, if the library for file dialogs has logged a reason.
    pub(in crate::app) fn dialog_failure(&mut self) -> Option<String> {
        let since = self.dialogs_looked_at;
        let complaints = self
            .log_book
            .entries(|entry| entry.target == "rfd" && entry.time > since);
        self.dialogs_looked_at = complaints.last()?.time;
        why_no_dialog(&complaints)
    }

    /// Opens the window with a field for a path.
    pub(in crate::app) fn open_path(&mut self) {
        self.path.open();
    }

    /// Whether a window is open that Escape closes.
    pub(in crate::app) fn any_open(&self) -> bool {
        self.settings_open
            || self.shortcuts.is_open()
            || self.path.is_open()
            || self.log.is_open()
            || self.performance.is_open()
            || self.about.is_open()
            || self.models.is_open()
    }

    /// Draws the open windows.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx) {
        self.settings_page(ui, ctx);
        if let Some(keys) = self.shortcuts.show(ui, &ctx.state.settings.keys) {
            ctx.send(Action::Settings(Settings {
                keys,
                ..ctx.state.settings.clone()
            }));
        }
        self.path.show(ui, ctx);
        self.log.show(ui);
        self.about.show(ui);
        self.models_page(ui, ctx);
        if self.performance.is_open() {
            self.performance.show(ui, &self.frame_times, &performance_rows(ctx));
        }
        self.command_palette(ui, ctx);
    }

    fn settings_page(&mut self, ui: &Ui, ctx: &Ctx) {
        if !self.settings_open {
            return;
        }
        let mut settings = ctx.state.settings.clone();
        page::show(ui, "Settings", &mut self.settings_open, vec2(460.0, 520.0), |ui| {
            let info = PageInfo {
                cores: self.cores,
                settings_file: self.store.as_ref().map(Store::settings_file),
            };
            if let Some(what) = settings::show(ui, &mut settings, &info) {
                ctx.request(Request::Ask(what));
            }
        });
        if settings != ctx.state.settings {
            ctx.send(Action::Settings(settings));
        }
    }

    fn models_page(&mut self, ui: &Ui, ctx: &Ctx) {
        let chosen = ctx.state.settings.model_folder.as_ref();
        let folder = chosen.or(self.usual_models_folder.as_ref()).cloned();
        match self.models.show(ui, folder.as_deref()) {
            Some(PageAction::Scan(folder)) => ctx.actions().job(Job::ScanModels(folder)),
            Some(PageAction::Open(path)) => ctx.send(Action::OpenModel(ModelSource::Path(path))),
            Some(PageAction::ShowFolder(folder)) => ctx.request(Request::OpenOutside(folder)),
            Some(PageAction::Say(text)) => ctx.actions().info(text),
            None => {}
        }
    }

    fn command_palette(&mut self, ui: &Ui, ctx: &Ctx) {
        if !self.palette.is_open() {
            return;
        }
        let library = &ctx.state.library;
        let images = library.images.names().enumerate().map(|(index, name)| PaletteEntry {
            title: format!("Go to {name}"),
            target: PaletteTarget::Image(index),
        });
        let used = library.models.used();
        let classes = used.into_iter().flat_map(|m| m.classes.classes.iter().enumerate());
        let classes = classes.map(|(index, class)| PaletteEntry {
            title: format!("Solo {}", class.name),
            target: PaletteTarget::Class(index),
        });
        let outputs = library.models.main_outputs().enumerate();
        let outputs = outputs.map(|(place, (model, output))| PaletteEntry {
            title: format!("Use {}", model.output_title(output)),
            target: PaletteTarget::Output(place),
        });
        let extra: Vec<_> = outputs.chain(images).chain(classes).collect();
        match self.palette.show(ui, |command| ctx.commands.enabled(command), &extra) {
            Some(PaletteChoice::Command(command)) => ctx.perform(command),
            Some(PaletteChoice::Target(PaletteTarget::Image(index))) => ctx.send(Action::GoTo(index)),
            Some(PaletteChoice::Target(PaletteTarget::Output(place))) => ctx.send(Action::UseEntry(place)),
            Some(PaletteChoice::Target(PaletteTarget::Class(index))) => {
                if let Some(class) = used.and_then(|m| m.classes.classes.get(index)) {
                    let mut view = (*ctx.state.view).clone();
                    view.toggle_solo(&class.name);
                    ctx.set_view(ui, view);
                }
            }
            None => {}
        }
    }
}

/// What the performance page shows besides frame times.
fn performance_rows(ctx: &Ctx) -> Vec<(&'static str, String)> {
    let state = ctx.state;
    let worker = match (&state.jobs.running, &state.jobs.batch) {
        (Some(_), _) => "segmenting",
        (None, Some(_)) => "segmenting all",
        (None, None) if state.is_opening() => "opening",
        (None, None) => "idle",
    };
    let mib = |bytes: usize| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64);
    let results = &state.library.results;
    let mut rows = vec![
        ("Worker", worker.to_owned()),
        (
            "Cached results",
            format!(
                "{}, {} of {} MiB",
                results.len(),
                mib(results.bytes()),
                state.settings.result_memory_mib
            ),
        ),
    ];
    rows.push(("Models", models_text(ctx)));
    if let Some(memory) = &state.device.memory {
        rows.push((
            "Cached encoder results",
            format!(
                "{} of {} MiB",
                mib(memory.feature_bytes),
                state.settings.feature_memory_mib
            ),
        ));
        if let (Some(now), Some(peak)) = (memory.now_mib, memory.peak_mib) {
            rows.push(("Memory", format!("{now} MiB, peak {peak} MiB")));
        }
    }
    rows
}

/// Why a dialog could not be opened, from the log entries of the library for file dialogs (rfd).
///
/// If no portal answers, rfd logs the reason and then that it uses zenity instead. It logs more only if zenity cannot
/// be started. So a cancelled dialog, too, may leave entries about the portal and zenity, but then the last entry is
/// that zenity is used.
fn why_no_dialog(complaints: &[LogEntry]) -> Option<String> {
    let last = complaints.last().filter(|entry| entry.level == Level::Error)?;
    Some(last.text.clone())
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::why_no_dialog;
    use crate::app::chrome::log_book::tests::book_with;

    const NO_PORTAL: &str = "OpenFile failed: The name org.freedesktop.portal.Desktop was not provided";
    const ZENITY: &str = "Using zenity fallback";
    const NO_ZENITY: &str = "Failed to pick files with zenity: No such file or directory (os error 2)";

    fn why(said: &[(Level, &str)]) -> Option<String> {
        let records = said.iter().map(|(level, text)| (*level, "rfd::backend", *text));
        why_no_dialog(&book_with(records).entries(|entry| entry.target == "rfd"))
    }

    #[test]
    fn a_missing_dialog_is_a_failure_and_a_cancelled_one_is_not() {
        // What rfd 0.17 logs, without a portal and with one.
        let by_zenity = [(Level::Error, NO_PORTAL), (Level::Warn, ZENITY)];
        assert_eq!(why(&by_zenity), None);
        assert_eq!(why(&[(Level::Warn, ZENITY)]), None);
        assert_eq!(why(&[]), None);
        let without_both = [by_zenity.as_slice(), [(Level::Error, NO_ZENITY)].as_slice()].concat();
        assert_eq!(why(&without_both), Some(NO_ZENITY.to_owned()));
        // The first dialog failed, the second was cancelled.
        let twice = [without_both.as_slice(), by_zenity.as_slice()].concat();
        assert_eq!(why(&twice), None);
    }
}
