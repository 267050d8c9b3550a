//! The window: state, commands, canvas, panels. It draws and sends messages; it never computes, waits or reads a file.

mod about;
mod canvas;
mod central;
mod command;
mod copying;
mod dialogs;
mod document;
mod events;
mod export_dialog;
mod frame_log;
mod frame_times;
mod gpu;
mod inspector;
mod keeping;
mod log_book;
mod log_page;
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
#[cfg(test)]
mod testing;
mod theme;
mod toast;
mod toasts;
mod top_bar;
mod view_state;
mod windows;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use eframe::CreationContext;
use egui::util::undoer::Undoer;
use egui::{CentralPanel, Context, Panel, Rect, Ui};

use crate::engine::{DeviceChoice, Engine, FileWatch, MemoryUse, ModelInfo, ModelSource, PhotoSource, Thumbnails};
use canvas::Camera;
use command::Command;
use dialogs::{Ask, Chosen, Dialogs};
use document::Document;
use export_dialog::ExportDialog;
use frame_times::FrameTimes;
use gpu::{Gpu, Uploader};
use inspector::ClassList;
use pictures::{BatchDialog, BatchRun, Pictures};
use results::Results;
use segmenting::Running;
pub use settings::Store;
use settings::{Session, Settings, Writer};
pub use start::{NoWindow, Start, run};
use toasts::Toasts;
use view_state::ViewState;
use windows::Windows;

/// The program behind the window: live handles and what is shown.
pub struct App {
    engine: Engine,
    dialogs: Dialogs,
    /// `None` where the system gives no thread; the list then shows names alone.
    thumbnails: Option<Thumbnails>,
    file_watch: Option<FileWatch>,
    /// `None` where nothing is kept.
    writer: Option<Writer>,
    /// `None` without a wgpu renderer: everything but the picture is drawn then.
    gpu: Option<Gpu>,
    uploader: Uploader,

    settings: Settings,
    /// The settings that are in force.
    applied: Settings,
    /// Panels and what was opened lately; the rest of it is taken from where it lives when it is written.
    session: Session,
    written_session: Session,
    session_looked_at: Instant,
    session_look_ahead: bool,
    /// The picture to begin with among those of the last session.
    restore_current: Option<PathBuf>,

    pictures: Pictures,
    results: Results,
    model: Option<Arc<ModelInfo>>,
    /// What the canvas shows.
    document: Option<Document>,
    /// What it will show as soon as it can be drawn.
    incoming: Option<Document>,
    running: Option<Running>,
    batch: Option<BatchRun>,
    batch_number: u64,
    batch_sources: Vec<PhotoSource>,
    /// A picture has been asked for and has not come yet.
    opening: Option<PhotoSource>,
    /// The worker looks what dropped or chosen files are.
    finding: bool,
    /// A model has been asked for and has not come yet.
    loading_model: bool,
    /// Average over several sizes and the mirrored picture.
    multi_scale: bool,
    device: Option<(String, Option<String>)>,
    /// The device of the settings before the last change of it.
    device_before: DeviceChoice,
    memory: Option<MemoryUse>,

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
        (mut settings, session, damages): (Settings, Session, Vec<String>),
    ) -> std::io::Result<Self> {
        let context = &cc.egui_ctx;
        if let Some(device) = start.device {
            settings.device = device;
        }
        theme::apply(context, settings.theme.preference(), settings.interface_scale);
        let wake = || {
            let context = context.clone();
            Box::new(move || context.request_repaint())
        };
        let gpu = cc.wgpu_render_state.as_ref().map(Gpu::of);
        let mut results = Results::default();
        results.set_limit(settings.result_memory_mib << 20);
        let writer = start
            .store
            .clone()
            .map(|store| Writer::start(store, wake()))
            .transpose()?;
        let mut app = Self {
            engine: Engine::start(keeping::engine_settings(&settings), wake())?,
            dialogs: Dialogs::default(),
            thumbnails: Thumbnails::start(wake()).ok(),
            file_watch: FileWatch::start(wake()).inspect_err(|why| log::warn!("{why}")).ok(),
            writer,
            uploader: Uploader::start(gpu.clone(), context)?,
            gpu,
            applied: settings.clone(),
            device_before: settings.device,
            settings,
            session_looked_at: Instant::now(),
            session_look_ahead: false,
            restore_current: None,
            pictures: Pictures::default(),
            results,
            model: None,
            document: None,
            incoming: None,
            running: None,
            batch: None,
            batch_number: 0,
            batch_sources: Vec::new(),
            opening: None,
            finding: false,
            loading_model: false,
            multi_scale: false,
            device: None,
            memory: None,
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
        for damage in damages {
            app.toasts.warning(damage);
        }
        app.begin(start);
        Ok(app)
    }

    /// Opens what was named, else what was open the last time, else the sample.
    fn begin(&mut self, start: Start) {
        let named = !start.pictures.is_empty();
        let pictures = if named {
            start.pictures
        } else {
            self.session.pictures.clone()
        };
        // The picture first: it is there before the model, which may have to wait for a device.
        if pictures.is_empty() {
            self.open_pictures(vec![PhotoSource::Sample]);
        } else {
            if !named {
                self.restore_current = self.session.current.clone();
            }
            self.find(pictures);
        }
        let model = start.model.or_else(|| self.session.model.clone());
        self.open_model(model.map_or(ModelSource::Embedded, ModelSource::Path));
    }

    fn take_dialog_answers(&mut self) {
        match self.dialogs.poll() {
            Some(Chosen::Pictures(paths)) => self.find(paths),
            Some(Chosen::Model(path)) => self.open_model(ModelSource::Path(path)),
            Some(Chosen::Folder(Ask::ExportFolder, path)) => self.export.set_folder(path),
            Some(Chosen::Folder(Ask::BatchFolder, path)) => self.batch_dialog.set_folder(path),
            Some(Chosen::Folder(Ask::ModelsFolder, path)) => self.settings.model_folder = Some(path),
            Some(Chosen::Folder(Ask::UsualExportFolder, path)) => self.settings.export.folder = Some(path),
            Some(Chosen::Folder(..)) | None => {}
        }
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
        for command in command::pressed(context, |command| self.enabled(command)) {
            self.perform(command, context);
        }
        self.update_title(context);
        self.windows.frame_times.stop(started, context.cumulative_frame_nr());
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let started = FrameTimes::start();
        let mut asked = Vec::new();
        Panel::top("top bar").show(ui, |ui| self.top_bar(ui, &mut asked));
        Panel::bottom("status bar").show(ui, |ui| self.status_bar(ui, &mut asked));
        self.side_panels(ui, &mut asked);
        CentralPanel::no_frame().show(ui, |ui| self.central(ui, &mut asked));
        self.export_window(ui);
        self.batch_window(ui);
        self.small_windows(ui, &mut asked);
        self.show_toasts(ui);
        let context = ui.ctx().clone();
        for command in asked {
            self.perform(command, &context);
        }
        self.undoer.feed_state(context.input(|i| i.time), &self.view);
        if self.undoer.is_in_flux() {
            // A change becomes a step when the view has been still for a second.
            context.request_repaint_after(std::time::Duration::from_millis(400));
        }
        self.apply_settings(&context);
        self.keep_session(&context);
        self.windows.frame_times.stop(started, context.cumulative_frame_nr());
    }
}

impl App {
    /// The panels at the sides, as far as they are open.
    fn side_panels(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let most = (ui.available_width() * 0.4).max(160.0);
        let panels = self.session.panels.clone();
        if panels.pictures {
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
                .show(ui, |ui| self.inspector(ui, asked));
            self.session.panels.inspector_width = panel.response.rect.width();
        }
    }
}
