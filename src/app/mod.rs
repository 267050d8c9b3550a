//! The window: state, commands, canvas, panels. It draws and sends messages; it never computes, waits or reads a file.

mod canvas;
mod class_list;
mod command;
mod dialogs;
mod document;
mod events;
mod export_dialog;
mod inspector;
mod overlay;
mod panels;
#[cfg(test)]
mod testing;
mod texture;
mod theme;
mod toasts;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use eframe::CreationContext;
use egui::{CentralPanel, Context, Ui};

use crate::engine::{DeviceChoice, Engine, Job, ModelInfo, ModelSource, PhotoSource, Progress, Settings};
use canvas::View;
use class_list::ClassView;
use command::Command;
use dialogs::{Ask, Chosen, Dialogs};
use document::Document;
use export_dialog::ExportDialog;
use texture::TextureMaker;
use toasts::Toasts;

/// How the window starts.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Pictures to open; the sample without any.
    pub pictures: Vec<PathBuf>,
    /// Model to open; the embedded one without it.
    pub model: Option<PathBuf>,
    /// Where to compute.
    pub device: DeviceChoice,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[error("the window cannot open ({0}); without a display, use: segscope segment PICTURE --out DIR")]
pub struct NoWindow(String);

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When there is no display, or no graphics adapter that can draw a window.
pub fn run(start: Start) -> Result<(), NoWindow> {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Segscope")
            .with_app_id("segscope")
            .with_inner_size([1280.0, 820.0])
            .with_min_inner_size([760.0, 480.0])
            .with_drag_and_drop(true),
        wgpu_options: graphics(),
        ..Default::default()
    };
    let create: eframe::AppCreator = Box::new(|cc| Ok(Box::new(App::new(cc, start)?)));
    let window = AssertUnwindSafe(|| eframe::run_native("segscope", options, create));
    match catch_unwind(window) {
        Ok(Ok(())) => Ok(()),
        // The window library's own text names a line of its source.
        Ok(Err(eframe::Error::WinitEventLoop(_))) => Err(NoWindow("there is no display to open it on".into())),
        Ok(Err(other)) => Err(NoWindow(other.to_string())),
        // It panics where a system library is missing, such as libxkbcommon-x11.
        Err(_) => Err(NoWindow("the window library stopped, see above".into())),
    }
}

/// egui's own device, with textures as large as the adapter takes: a photo is one texture.
fn graphics() -> eframe::egui_wgpu::WgpuConfiguration {
    use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    let usual = setup.device_descriptor.clone();
    setup.device_descriptor = std::sync::Arc::new(move |adapter| {
        let mut descriptor = usual(adapter);
        descriptor.required_limits.max_texture_dimension_2d = adapter.limits().max_texture_dimension_2d;
        descriptor
    });
    WgpuConfiguration {
        wgpu_setup: WgpuSetup::CreateNew(setup),
        ..Default::default()
    }
}

/// The program behind the window: live handles and what is shown.
pub struct App {
    engine: Engine,
    dialogs: Dialogs,
    textures: TextureMaker,
    toasts: Toasts,
    /// Whether masks can be drawn: there is a wgpu renderer.
    can_overlay: bool,
    pictures: Vec<PhotoSource>,
    /// Which of `pictures` is shown or on its way.
    current: usize,
    model: Option<std::sync::Arc<ModelInfo>>,
    document: Option<Document>,
    running: Option<Running>,
    /// A picture has been asked for and has not come yet.
    opening: bool,
    /// A model has been asked for and has not come yet.
    loading_model: bool,
    /// Average over several sizes and the mirrored picture.
    multi_scale: bool,
    device: Option<(String, Option<String>)>,
    view: View,
    show_masks: bool,
    opacity: f32,
    classes: ClassView,
    /// Photo pixel under the cursor.
    cursor: Option<[usize; 2]>,
    export: ExportDialog,
    title: String,
}

/// Sizes of the published multi-scale evaluation (rstrudel segm/data/config).
const MULTI_SCALES: [f64; 6] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75];

/// A segmentation on its way.
struct Running {
    generation: u64,
    progress: Option<Progress>,
}

impl App {
    /// Starts the worker and asks for the first model and picture.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(cc: &CreationContext, start: Start) -> std::io::Result<Self> {
        if let Some(state) = &cc.wgpu_render_state {
            overlay::set_up(state);
        }
        theme::set_up(&cc.egui_ctx);
        let context = cc.egui_ctx.clone();
        let engine = Engine::start(start.device, Box::new(move || context.request_repaint()))?;
        let pictures = match start.pictures.is_empty() {
            true => vec![PhotoSource::Sample],
            false => start.pictures.into_iter().map(PhotoSource::Path).collect(),
        };
        let mut app = Self {
            engine,
            dialogs: Dialogs::default(),
            textures: TextureMaker::default(),
            toasts: Toasts::default(),
            can_overlay: cc.wgpu_render_state.is_some(),
            pictures,
            current: 0,
            model: None,
            document: None,
            running: None,
            opening: false,
            loading_model: false,
            multi_scale: false,
            device: None,
            view: View::default(),
            show_masks: true,
            opacity: 0.55,
            classes: ClassView::default(),
            cursor: None,
            export: ExportDialog::default(),
            title: String::new(),
        };
        // The picture first: it is there before the model, which may have to wait for a device.
        app.open_picture(0);
        app.open_model(start.model.map_or(ModelSource::Embedded, ModelSource::Path));
        Ok(app)
    }

    /// Hands over a job; false, and a message, when the worker has too many.
    fn send(&mut self, job: Job) -> bool {
        let sent = self.engine.send(job);
        if let Err(busy) = &sent {
            self.toasts.error(busy.to_string());
        }
        sent.is_ok()
    }

    fn open_model(&mut self, source: ModelSource) {
        self.cancel();
        self.loading_model = self.send(Job::LoadModel(source));
    }

    /// Asks for one of the opened pictures.
    fn open_picture(&mut self, index: usize) {
        let Some(source) = self.pictures.get(index).cloned() else {
            return;
        };
        self.cancel();
        if self.send(Job::OpenPhoto(source)) {
            self.opening = true;
            self.current = index;
        }
    }

    fn open_pictures(&mut self, pictures: Vec<PhotoSource>) {
        if !pictures.is_empty() {
            self.pictures = pictures;
            self.open_picture(0);
        }
    }

    /// Goes `step` pictures on, if there are so many.
    fn go(&mut self, step: isize) {
        if let Some(next) = self.current.checked_add_signed(step) {
            self.open_picture(next);
        }
    }

    /// Segments the shown picture with the model in use, in place of any run before.
    fn segment(&mut self) {
        let (Some(document), Some(model)) = (&self.document, self.model.clone()) else {
            return;
        };
        let photo = document.photo.clone();
        let generation = self.engine.next_generation();
        let settings = self
            .multi_scale
            .then(|| model.spec.inference)
            .map(|inference| Settings {
                scales: MULTI_SCALES.into(),
                flip: true,
                ..Settings::of(&inference)
            });
        let job = Job::Segment {
            generation,
            photo,
            settings,
        };
        self.running = self.send(job).then_some(Running {
            generation,
            progress: None,
        });
    }

    /// Stops the run, if there is one; its answer will be stale.
    fn cancel(&mut self) {
        if self.running.take().is_some() {
            self.engine.next_generation();
        }
    }

    /// Stops the run on request, and says what is shown instead of its result.
    fn cancel_and_say(&mut self) {
        self.cancel();
        let earlier = self.document.as_ref().is_some_and(|d| d.result.is_some());
        self.toasts.info(if earlier {
            "Cancelled; the masks are those of the run before"
        } else {
            "Cancelled"
        });
    }

    fn perform(&mut self, command: Command, context: &Context) {
        match command {
            Command::OpenPicture => self.ask(Ask::Pictures, context),
            Command::OpenSample => self.open_pictures(vec![PhotoSource::Sample]),
            Command::NextPicture => self.go(1),
            Command::PreviousPicture => self.go(-1),
            Command::OpenModelFolder => self.ask(Ask::ModelFolder, context),
            Command::OpenModelFile => self.ask(Ask::ModelFile, context),
            Command::UseEmbeddedModel => self.open_model(ModelSource::Embedded),
            Command::Segment => self.segment(),
            Command::Cancel if self.export.is_open() => self.export.close(),
            Command::Cancel => self.cancel_and_say(),
            Command::Export => self.open_export(),
            Command::Fit => self.view.fit = true,
            Command::ActualSize => self.view.actual_size(context.pixels_per_point()),
            Command::ZoomIn => self.view.zoom_by(1.25),
            Command::ZoomOut => self.view.zoom_by(0.8),
            Command::ToggleMultiScale => {
                self.multi_scale = !self.multi_scale;
                self.segment();
            }
            Command::ToggleOverlay => self.show_masks = !self.show_masks,
            Command::ToggleClassUnderCursor => self.toggle_class_under_cursor(),
            Command::ShowAllClasses => self.classes.set_all(true),
            Command::HideAllClasses => self.classes.set_all(false),
        }
    }

    /// Whether a command makes sense now.
    fn enabled(&self, command: Command) -> bool {
        if self.export.is_open() {
            // The dialog shows one result; nothing may change it underneath.
            return command == Command::Cancel;
        }
        let has_result = self.document.as_ref().is_some_and(|d| d.result.is_some());
        match command {
            Command::Segment => self.document.is_some() && self.model.is_some() && self.running.is_none(),
            Command::Cancel => self.running.is_some(),
            Command::Export | Command::ToggleOverlay => has_result,
            Command::ToggleClassUnderCursor => has_result && self.cursor.is_some(),
            Command::NextPicture => self.current + 1 < self.pictures.len(),
            Command::PreviousPicture => self.current > 0,
            Command::Fit | Command::ActualSize | Command::ZoomIn | Command::ZoomOut => self.document.is_some(),
            Command::ShowAllClasses | Command::HideAllClasses => has_result,
            _ => true,
        }
    }

    fn ask(&mut self, what: Ask, context: &Context) {
        if let Err(e) = self.dialogs.ask(what, context) {
            self.toasts.error(format!(
                "the file dialog cannot open ({e}); drop files onto the window instead"
            ));
        }
    }

    fn toggle_class_under_cursor(&mut self) {
        let label = self
            .document
            .as_ref()
            .zip(self.cursor)
            .and_then(|(d, [x, y])| d.label_at(x, y));
        if let Some(id) = label {
            self.classes.toggle(id);
        }
    }

    fn take_dialog_answers(&mut self) {
        match self.dialogs.poll() {
            Some(Chosen::Pictures(paths)) => self.open_pictures(paths.into_iter().map(PhotoSource::Path).collect()),
            Some(Chosen::Model(path)) => self.open_model(ModelSource::Path(path)),
            Some(Chosen::ExportFolder(path)) => self.export.set_folder(path),
            None => {}
        }
    }

    /// Dropped pictures are opened, a dropped model or folder becomes the model.
    fn take_dropped_files(&mut self, context: &Context) {
        if self.export.is_open() {
            return;
        }
        let dropped: Vec<PathBuf> =
            context.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
        let (pictures, others): (Vec<_>, Vec<_>) = dropped.into_iter().partition(|p| crate::photo::is_picture(p));
        self.open_pictures(pictures.into_iter().map(PhotoSource::Path).collect());
        if let Some(model) = others.into_iter().next() {
            self.open_model(ModelSource::Path(model));
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, context: &Context, _frame: &mut eframe::Frame) {
        while let Some(event) = self.engine.poll() {
            self.take_event(event, context);
        }
        while let Some((photo, image)) = self.textures.poll() {
            if let Some(document) = self.document.as_mut().filter(|d| d.photo.id == photo) {
                document.texture = Some(context.load_texture("photo", image, texture::OPTIONS));
            }
        }
        self.take_dialog_answers();
        self.take_dropped_files(context);
        for command in command::pressed(context, |command| self.enabled(command)) {
            self.perform(command, context);
        }
        self.update_title(context);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let mut asked = Vec::new();
        egui::Panel::top("top bar").show(ui, |ui| self.top_bar(ui, &mut asked));
        egui::Panel::bottom("status bar").show(ui, |ui| self.status_bar(ui, &mut asked));
        egui::Panel::right("inspector")
            .default_size(270.0)
            .size_range(220.0..=460.0)
            .show(ui, |ui| self.inspector(ui, &mut asked));
        CentralPanel::no_frame().show(ui, |ui| self.central(ui, &mut asked));
        self.export_window(ui);
        self.toasts.show(ui);
        let context = ui.ctx().clone();
        for command in asked {
            self.perform(command, &context);
        }
    }
}
