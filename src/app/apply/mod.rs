//! The single place where actions are applied and requests are served.

mod command;
mod news;

use std::path::Path;

use egui::Context;

use super::App;
use super::action::{Action, Request};
use super::chrome::{Toast, ToastAction};
use super::command::Command;
use super::services::{Ask, Chosen, Services};
use super::state::OpenWorkspace;
use super::workspaces::{Ctx, News, WorkspaceId};
use crate::engine::{Export, ImageSource, ModelSource, Thumbnail};

impl App {
    /// Applies all queued actions, and those that follow from them.
    pub(super) fn apply_actions(&mut self, context: &Context) {
        while let Ok(action) = self.inbox.try_recv() {
            self.apply(action, context);
        }
    }

    fn apply(&mut self, action: Action, context: &Context) {
        let state = &mut self.state;
        match action {
            Action::Perform(command) => self.perform(command, context),
            Action::Show(id) => self.show(id),
            Action::Tell(news) => self.tell(&news),
            Action::Event(event) => self.take_event(event),
            Action::Find(paths) => state.find(paths),
            Action::GoTo(index) => state.open_image(index),
            Action::Arrange(arrangement) => state.arrange(arrangement),
            Action::RemoveImages(sources) => state.remove_images(&sources),
            Action::NoteScore(source, score) => state.library.images.set_score(&source, score),
            Action::NoteAnnotated(states) => {
                for (source, annotated) in states {
                    state.library.images.set_annotated(&source, annotated);
                }
            }
            Action::ForgetScores => state.library.images.forget_scores(),
            Action::FileChanged(source) => state.take_changed_file(&source),
            Action::OpenModel(source) => state.open_model(source),
            Action::OpenModels(sources) => state.open_models_in_turn(sources),
            Action::OpenNextModel => state.open_next_model(),
            Action::ForgetNextModels => state.library.models.forget_next(),
            Action::UseOutput(model, output) => state.choose_output(model, output),
            Action::UseEntry(place) => state.choose_entry(place),
            Action::UseModel(model) => state.choose_model(model),
            Action::CloseModel(model) => state.close_model(&model),
            Action::ChangeInferenceSettings(settings) => state.change_inference_settings(settings),
            Action::ResetInferenceSettings => state.reset_inference_settings(),
            Action::Run(photo, key) => state.run(photo, key),
            Action::StopRun => state.cancel(),
            Action::Resume => state.resume(),
            Action::SegmentImages {
                images,
                write,
                for_scores,
            } => state.segment_images(images, write, for_scores),
            Action::Touch(key) => {
                state.library.results.get(&key);
            }
            Action::View(view, step) => state.view.set(view, step),
            Action::Camera(camera) => state.canvas.camera = camera,
            Action::CanvasArea(area) => state.canvas.area = area,
            Action::Cursor(cursor) => state.canvas.cursor = cursor,
            Action::TogglePin(pixel) => state.canvas.toggle_pin(pixel),
            Action::Unpin => state.canvas.pins.clear(),
            Action::CloseStrip(source) => drop(state.canvas.closed_strips.insert(source)),
            Action::ClassList(list) => state.class_list = list,
            Action::PanelWidths([images, inspector]) => {
                let panels = &mut state.session.panels;
                (panels.images_width, panels.inspector_width) = (images, inspector);
            }
            Action::Coached => state.session.coached = true,
            Action::RememberTraining(folder) => state.session.remember_training(&folder),
            Action::KeepPanes(panes) => state.session.panes = panes,
            Action::Settings(settings) => state.settings = settings,
            Action::TruthChoices(choices) => state.truth = choices,
            Action::Uploaded(uploaded) => state.take_upload(uploaded),
            Action::Thumbnail(source, made) => self.take_thumbnail(source, &made, context),
            Action::Chosen(chosen) => self.take_chosen(chosen),
            Action::Export(export) => self.open_export(*export),
            Action::Toast(toast) => self.chrome.toasts.push(toast),
            Action::Request(request) => self.serve(request, context),
        }
    }

    /// Passes a request to the services.
    fn serve(&mut self, request: Request, context: &Context) {
        let services = &mut self.services;
        match request {
            Request::Send(job) => services.send(*job),
            Request::Configure(settings) => services.engine.configure(settings),
            Request::Upload(upload) => services.uploader.ask(upload),
            Request::WantThumbnails(sources) => services.want_thumbnails(sources),
            Request::WatchFiles => self.watch_files(),
            Request::TraceReading {
                traced,
                prediction,
                questions,
            } => services.read(&traced, prediction.as_ref(), questions),
            Request::ForgetReading => services.forget_reading(),
            Request::StartScorer => {
                if let Err(why) = services.start_scorer(context) {
                    let text = format!("the scoring thread cannot be started ({why})");
                    self.state.actions.error(text);
                }
            }
            Request::Score(request) => services.score(request),
            Request::StartTraining(what) => {
                if let Err(why) = services.train(*what, context) {
                    self.state.actions.tell(News::NoTraining(why.to_string()));
                }
            }
            Request::StopTraining => services.stop_training(),
            Request::Annotate(request) => {
                if let Err(why) = services.annotate(*request, context) {
                    let text = format!("the thread that writes labels cannot be started ({why})");
                    self.state.actions.error(text);
                }
            }
            Request::Teach(request) => {
                if let Err(why) = services.teach(request, context) {
                    let text = format!("the thread that learns from strokes cannot be started ({why})");
                    self.state.actions.error(text);
                }
            }
            Request::Ask(what) => self.ask(what, context),
            Request::OpenOutside(folder) => {
                if let Err(toast) = Services::open_outside(folder) {
                    self.chrome.toasts.push(toast);
                }
            }
            Request::CopyText(text, said) => {
                context.copy_text(text);
                self.state.actions.info(said);
            }
        }
    }

    fn take_thumbnail(&mut self, source: ImageSource, made: &Thumbnail, context: &Context) {
        let images = &mut self.state.library.images;
        if images.place(&source).is_none() {
            // The image has been closed in the meantime.
            return;
        }
        if let Err(why) = made {
            images.note_unreadable(&source, why.clone());
        }
        self.chrome.images.take(source, made, context);
    }

    /// Switches to a workspace, and stops what the previous one was doing.
    fn show(&mut self, id: WorkspaceId) {
        let before = self.state.workspace.id;
        let Some(shows_output) = self.workspaces.get_mut(id).map(|next| next.shows_output()) else {
            return;
        };
        if before == id {
            return;
        }
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        if let Some(last) = self.workspaces.get_mut(before) {
            last.leave(&ctx);
        }
        self.state.workspace = OpenWorkspace { id, shows_output };
        // The new workspace may have no class list with a row under the cursor.
        self.state.class_list.leave();
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        if let Some(next) = self.workspaces.get_mut(id) {
            next.enter(&ctx);
        }
    }

    /// Opens the export sheet for what a workspace shows.
    fn open_export(&mut self, export: Export) {
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        self.chrome.export.open_for(export, &ctx);
    }

    /// Reports news to every workspace.
    fn tell(&mut self, news: &News) {
        if let News::ImageChanged(source) = news {
            self.chrome.images.forget(source);
        }
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        for workspace in self.workspaces.iter_mut() {
            workspace.on_news(news, &ctx);
        }
    }

    /// Keeps thumbnails and watches files of the open images only, after the list has changed.
    fn watch_files(&mut self) {
        self.chrome.images.keep_listed(&self.state.library.images);
        let files = self.state.library.images.sources().filter_map(ImageSource::file);
        let files: Vec<_> = files.map(Path::to_owned).collect();
        if let Some(watch) = &mut self.services.watch {
            watch.watch(&files);
        }
    }

    fn ask(&mut self, what: Ask, context: &Context) {
        let file = self.state.library.images.wanted().and_then(ImageSource::file);
        let beside = file.and_then(Path::parent);
        // The most likely place: beside the image, or the models folder.
        let folder = match what {
            Ask::Images | Ask::Folder | Ask::LabelMap | Ask::GroundTruth => beside.map(Path::to_owned),
            Ask::ModelFolder | Ask::ModelFile | Ask::ModelsFolder => self.state.settings.model_folder.clone(),
            Ask::TruthFolder => beside.and_then(Path::parent).map(Path::to_owned),
            _ => None,
        };
        if let Err(e) = self.services.ask(what, folder, context) {
            self.state.actions.error(format!(
                "the file dialog cannot be opened ({e}); drop files on the window instead"
            ));
        }
    }

    /// Takes what was chosen in a file dialog.
    fn take_chosen(&mut self, chosen: Option<Chosen>) {
        let state = &mut self.state;
        match chosen {
            Some(Chosen::Images(paths)) => state.find(paths),
            Some(Chosen::Model(path)) => state.open_model(ModelSource::Path(path)),
            Some(Chosen::Labels { path, truth }) => self.tell(&News::ChosenLabels { path, truth }),
            Some(Chosen::Folder(Ask::ExportFolder, path)) => self.chrome.export.set_folder(path),
            Some(Chosen::Folder(Ask::BatchFolder, path)) => self.chrome.batch.set_folder(path),
            Some(Chosen::Folder(Ask::ModelsFolder, path)) => state.settings.model_folder = Some(path),
            Some(Chosen::Folder(Ask::UsualExportFolder, path)) => state.settings.export.folder = Some(path),
            Some(Chosen::Folder(Ask::PaletteFile, path)) => state.take_palette(&path),
            Some(Chosen::Folder(what, path)) => self.tell(&News::Chosen(what, path)),
            None => self.tell_failed_dialog(),
        }
    }

    /// Reports a dialog that could not be opened. Its answer is that of a cancelled one; only the log tells them apart.
    fn tell_failed_dialog(&mut self) {
        let Some(why) = self.chrome.windows.dialog_failure() else {
            return;
        };
        self.chrome.toasts.push(
            Toast::error(
                "No file dialog found. Paste a path, drop files on the window, or install zenity or a desktop portal.",
            )
            .with_action(ToastAction::Perform(Command::OpenPath))
            .with_details(why),
        );
    }
}
