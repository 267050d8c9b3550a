//! The window: state, commands, canvas, panels. It draws and sends messages; it never computes, waits or reads a file.

mod about;
mod attention;
mod canvas;
mod central;
mod clipboard;
mod command;
mod compare;
mod copying;
mod dialogs;
mod display;
mod document;
mod evaluate;
mod events;
mod export_dialog;
mod format_choice;
mod frame_log;
mod frame_times;
mod gpu;
mod inspector;
mod keeping;
mod log_book;
mod log_page;
mod models;
mod models_page;
mod open;
mod page;
mod perform;
mod performance;
mod pictures;
mod results;
mod segmenting;
mod settings;
mod start;
mod status_bar;
mod system_fonts;
mod test_settings;
#[cfg(test)]
mod testing;
mod theme;
mod toast;
mod toasts;
mod top_bar;
mod training_page;
mod view_state;
mod windows;
mod workspace;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::CreationContext;
use egui::util::undoer::Undoer;
use egui::{CentralPanel, ColorImage, Context, Panel, Rect, Ui};

use crate::engine::{
    DeviceChoice, Engine, FileWatch, InsideReader, MemoryUse, ModelInfo, ModelSource, PhotoSource, Thumbnails,
};
use attention::Attention;
use canvas::Camera;
use clipboard::PictureClipboard;
use command::Command;
use compare::Compare;
use dialogs::{Ask, Chosen, Dialogs};
use document::Document;
use evaluate::Evaluate;
use export_dialog::ExportDialog;
use frame_times::FrameTimes;
use gpu::{Gpu, Uploader};
use inspector::ClassList;
use keeping::Configured;
use models::Models;
use pictures::{BatchDialog, BatchRun, Pictures};
use results::Results;
use segmenting::Running;
pub use settings::Store;
use settings::{Session, Settings, Writer};
pub use start::{NoWindow, Start, run};
use system_fonts::SystemFonts;
use toasts::Toasts;
use view_state::ViewState;
use windows::Windows;
use workspace::Workspace;

/// From this width on there is room for the list of pictures beside the panel on the right, in points. Below it the list
/// makes way, or the picture would have none.
const ROOM_FOR_BOTH_PANELS: f32 = 600.0;

/// The program behind the window: live handles and what is shown.
pub struct App {
    engine: Engine,
    dialogs: Dialogs,
    /// `None` where the system gives no thread; the list then shows names alone.
    thumbnails: Option<Thumbnails>,
    /// `None` where the system gives no thread; attention is not read then.
    inside_reader: Option<InsideReader>,
    file_watch: Option<FileWatch>,
    /// `None` where nothing is kept.
    writer: Option<Writer>,
    /// `None` without a wgpu renderer: everything but the picture is drawn then.
    gpu: Option<Gpu>,
    uploader: Uploader,
    clipboard: PictureClipboard,
    system_fonts: SystemFonts,
    /// Where screenshots of the canvas come from.
    view_shots: (Sender<ColorImage>, Receiver<ColorImage>),

    settings: Settings,
    /// The settings that are in force.
    applied: Settings,
    configured: Configured,
    /// Panels and what was opened lately; the rest of it is taken from where it lives when it is written.
    session: Session,
    written_session: Session,
    session_looked_at: Instant,
    /// The pictures of the last session are looked for.
    restoring: bool,
    /// The picture to begin with among those of the last session.
    restore_current: Option<PathBuf>,
    /// The model to begin with. It is opened after the first picture has been asked for, because it may have to wait
    /// for a device.
    first_model: Option<ModelSource>,
    /// A device that was named on the command line: it holds in place of the setting until that is changed.
    named_device: Option<DeviceChoice>,

    pictures: Pictures,
    results: Results,
    model: Option<Arc<ModelInfo>>,
    /// What the canvas shows.
    document: Option<Document>,
    /// What it will show as soon as it can be drawn.
    incoming: Option<Document>,
    /// Counts what was given to the upload.
    versions: u64,
    running: Option<Running>,
    batch: Option<BatchRun>,
    batch_number: u64,
    /// A picture has been asked for and has not come yet.
    opening: Option<PhotoSource>,
    /// When it was asked for.
    opening_since: Instant,
    /// The wanted picture has to be read anew: its file has changed.
    must_read: bool,
    /// The worker looks what dropped or chosen files are.
    finding: bool,
    models: Models,
    device: Option<(String, Option<String>)>,
    /// The device of the settings before the last change of it.
    device_before: DeviceChoice,
    memory: Option<MemoryUse>,

    workspace: Workspace,
    attention: Attention,
    compare: Compare,
    evaluate: Evaluate,
    view: ViewState,
    undoer: Undoer<ViewState>,
    camera: Camera,
    /// Where the canvas is, while it shows a picture.
    canvas: Option<Rect>,
    /// Photo pixel under the cursor.
    cursor: Option<[usize; 2]>,
    /// Photo pixel whose reading stays.
    pin: Option<[usize; 2]>,
    /// Photo and pixel that the context menu is about.
    menu_pixel: Option<(u64, [usize; 2])>,
    class_list: ClassList,
    export: ExportDialog,
    batch_dialog: BatchDialog,
    toasts: Toasts,
    windows: Windows,
    title: String,
}

impl App {
    /// Starts the worker, and asks for the pictures and the model to begin with.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(cc: &CreationContext, start: Start) -> std::io::Result<Self> {
        let kept = start.store.as_ref().map(Store::load).unwrap_or_default();
        Self::with(cc, start, kept)
    }

    /// The same with settings, session and their damages, read before.
    fn with(
        cc: &CreationContext,
        start: Start,
        (settings, session, damages): (Settings, Session, Vec<String>),
    ) -> std::io::Result<Self> {
        let context = &cc.egui_ctx;
        theme::apply(context, settings.theme.preference(), settings.interface_scale);
        let wake = || {
            let context = context.clone();
            Box::new(move || context.request_repaint())
        };
        let gpu = cc.wgpu_render_state.as_ref().map(Gpu::of);
        let results = Results::new(settings.result_memory_mib << 20);
        let writer = start
            .store
            .clone()
            .map(|store| Writer::start(store, wake()))
            .transpose()?;
        let computing = keeping::engine_settings(&settings, start.device);
        let mut app = Self {
            engine: Engine::start(computing.clone(), wake())?,
            configured: Configured::started_with(computing),
            dialogs: Dialogs::default(),
            thumbnails: Thumbnails::start(wake()).ok(),
            inside_reader: InsideReader::start(wake()).ok(),
            file_watch: FileWatch::start(wake()).inspect_err(|why| log::warn!("{why}")).ok(),
            writer,
            uploader: Uploader::start(gpu.clone(), context)?,
            gpu,
            clipboard: PictureClipboard::start(wake())?,
            system_fonts: SystemFonts::of(context),
            view_shots: unbounded(),
            applied: settings.clone(),
            device_before: settings.device,
            settings,
            session_looked_at: Instant::now(),
            restoring: false,
            restore_current: None,
            first_model: None,
            named_device: start.device,
            pictures: Pictures::default(),
            results,
            model: None,
            document: None,
            incoming: None,
            versions: 0,
            running: None,
            batch: None,
            batch_number: 0,
            opening: None,
            opening_since: Instant::now(),
            must_read: false,
            finding: false,
            models: Models::default(),
            device: None,
            memory: None,
            workspace: Workspace::default(),
            attention: Attention::default(),
            compare: Compare::default(),
            evaluate: Evaluate::default(),
            view: session.view.clone(),
            undoer: Undoer::default(),
            camera: keeping::camera(&session.camera),
            canvas: None,
            cursor: None,
            pin: None,
            menu_pixel: None,
            class_list: ClassList::default(),
            export: ExportDialog::new(start.pictures_folder.clone()),
            batch_dialog: BatchDialog::default(),
            toasts: Toasts::default(),
            windows: Windows::new(start.store.clone(), start.frame_log.as_deref())?,
            title: String::new(),
            written_session: session.clone(),
            session,
        };
        app.set_export_defaults();
        app.toasts
            .problems("Settings or session are damaged; what could be read holds", &damages);
        app.begin(start);
        Ok(app)
    }

    /// Opens what was named, else what was open the last time, else the sample.
    fn begin(&mut self, start: Start) {
        let named = !start.pictures.is_empty();
        let pictures = match named {
            true => start.pictures,
            false => self.session.pictures.clone(),
        };
        let model = start.model.map_or_else(|| self.session_model(), ModelSource::Path);
        if pictures.is_empty() {
            self.open_pictures(vec![PhotoSource::Sample]);
            self.open_model(model);
            return;
        }
        self.restoring = !named;
        if self.restoring {
            self.restore_current = self.session.current.clone();
        }
        self.first_model = Some(model);
        self.find(pictures);
    }

    fn take_dialog_answers(&mut self) {
        let Some(answer) = self.dialogs.poll() else { return };
        match answer {
            Some(Chosen::Pictures(paths)) => self.find(paths),
            Some(Chosen::Model(path)) => self.open_model(ModelSource::Path(path)),
            Some(Chosen::Labels { path, truth }) => self.add_labels(path, truth),
            Some(Chosen::Folder(Ask::ExportFolder, path)) => self.export.set_folder(path),
            Some(Chosen::Folder(Ask::FigureFolder, path)) => self.export_figures(path),
            Some(Chosen::Folder(Ask::ReportFolder, path)) => self.export_comparison(path),
            Some(Chosen::Folder(Ask::BatchFolder, path)) => self.batch_dialog.set_folder(path),
            Some(Chosen::Folder(Ask::ModelsFolder, path)) => self.settings.model_folder = Some(path),
            Some(Chosen::Folder(Ask::UsualExportFolder, path)) => self.settings.export.folder = Some(path),
            Some(Chosen::Folder(Ask::TruthFolder, path)) => self.evaluate.set_folder(Some(path)),
            Some(Chosen::Folder(what, path)) => self.windows.training.set_path(what, path),
            None => self.tell_failed_dialog(),
        }
    }

    /// A dialog that could not be opened looks like one that was cancelled; only the log knows better.
    fn tell_failed_dialog(&mut self) {
        let Some(why) = self.windows.dialog_failure() else {
            return;
        };
        self.toasts.push(
            toast::Toast::error(
                "The system's file dialog cannot be opened; install zenity or a desktop portal, drop files onto the \
                 window, or name them on the command line",
            )
            .with_details(why),
        );
    }

    /// Dropped files and folders are opened, whatever they are.
    fn take_dropped_files(&mut self, context: &Context) {
        if self.dialog_is_open() {
            return;
        }
        let dropped = context.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        self.find(dropped);
    }
}

impl eframe::App for App {
    fn logic(&mut self, context: &Context, _frame: &mut eframe::Frame) {
        let started = FrameTimes::start();
        self.take_news(context);
        self.take_dialog_answers();
        self.take_dropped_files(context);
        self.update_attention();
        self.update_compare();
        self.update_evaluate();
        for command in command::pressed(context, |command| self.enabled(command)) {
            self.perform(command, context);
        }
        self.update_title(context);
        self.windows.frame_times.stop(started, context.cumulative_frame_nr());
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let started = FrameTimes::start();
        let mut asked = Vec::new();
        let view_before = self.view.clone();
        Panel::top("top bar").show(ui, |ui| self.top_bar(ui, &mut asked));
        Panel::bottom("status bar").show(ui, |ui| self.status_bar(ui, &mut asked));
        self.side_panels(ui, &mut asked);
        CentralPanel::no_frame().show(ui, |ui| self.central(ui, &mut asked));
        self.export_window(ui);
        self.batch_window(ui);
        self.small_windows(ui, &mut asked);
        self.show_toasts(ui);
        let context = ui.ctx().clone();
        if self.view != view_before && !context.egui_is_using_pointer() {
            // A click is a step of its own; what is dragged becomes one when it has been still for a second.
            self.undoer.add_undo(&view_before);
        }
        for command in asked {
            self.perform(command, &context);
        }
        self.undoer.feed_state(context.input(|i| i.time), &self.view);
        if self.undoer.is_in_flux() {
            // A change becomes a step when the view has been still for a second.
            context.request_repaint_after(std::time::Duration::from_millis(400));
        }
        self.apply_settings(&context);
        self.configure_engine(&context);
        self.keep_session(&context);
        self.system_fonts.update(&context);
        self.windows.frame_times.stop(started, context.cumulative_frame_nr());
    }
}

impl App {
    /// The panels at the sides, as far as they are open.
    fn side_panels(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let both = ui.available_width() >= ROOM_FOR_BOTH_PANELS;
        let share = if both { 0.4 } else { 0.48 };
        let most = (ui.available_width() * share).max(160.0);
        let panels = self.session.panels.clone();
        if panels.pictures && (both || !panels.inspector) {
            let panel = Panel::left("pictures")
                .default_size(panels.pictures_width)
                .size_range(150.0_f32.min(most)..=most.min(420.0))
                .show(ui, |ui| self.picture_list(ui, asked));
            self.session.panels.pictures_width = panel.response.rect.width();
        }
        if panels.inspector {
            let panel = Panel::right("inspector")
                .default_size(panels.inspector_width)
                .size_range(240.0_f32.min(most)..=most.min(480.0))
                .show(ui, |ui| {
                    if self.workspace != Workspace::Masks && self.workspace != Workspace::Compare {
                        // There is no class list whose row the cursor could be on.
                        self.class_list.leave();
                    }
                    match self.workspace {
                        Workspace::Masks => self.inspector(ui, asked),
                        Workspace::Attention => self.attention_panel(ui),
                        Workspace::Compare => self.compare_panel(ui, asked),
                        Workspace::Evaluate => self.evaluate_panel(ui, asked),
                    }
                });
            self.session.panels.inspector_width = panel.response.rect.width();
        } else {
            self.class_list.leave();
        }
    }
}
