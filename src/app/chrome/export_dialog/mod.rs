//! The export sheet: which files will be written where, how large they are, and which existing files they replace.

mod contents;
mod for_program;
mod format_card;
mod preview;
mod size_text;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Align2, Frame, Id, Modal, Ui, Vec2};

use crate::app::action::Request;
use crate::app::services::Ask;
use crate::app::settings::ExportDefaults;
use crate::app::theme::Tokens;
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, Export, ImageSource, Job, MaskExport, Ticket};
use crate::export::{Format, Options, PlannedFile};
use crate::photo::Photo;
use contents::Contents;
use for_program::ForProgram;
use preview::Previews;

/// How far the sheet slides in, in points, and for how long, relative to the time of other motion.
const SLIDE: f32 = 24.0;
const SLIDE_TIME: f32 = 2.0;

/// The dialog's state. Folder, formats, legend and naming are the same for the next export.
pub(in crate::app) struct ExportDialog {
    /// What to export while the sheet is open, as the window shows it; `None` while it is closed.
    subject: Option<Export>,
    /// Formats, legend and naming. The other fields are filled in for each job, from the window and this dialog.
    options: Options,
    /// Which files of maps and comparisons are written.
    contents: Contents,
    /// Whether labels are written for another program, and how.
    for_program: ForProgram,
    folder: PathBuf,
    /// Whether the user chose the folder, which then applies to other images too.
    folder_chosen: bool,
    /// The user's own folder for images, for an image that comes from no folder.
    images_folder: PathBuf,
    /// The worker's latest plan, kept while it works on the next; `None` if that would show another folder's files.
    planned: Option<Vec<PlannedFile>>,
    /// What the planned files will not hold.
    warning: Option<String>,
    /// The existing files that the user agreed to overwrite since the dialog opened.
    ///
    /// The user is not asked about these files again, even after changing formats or naming back and forth. A file that
    /// was not listed then must be agreed to again. Choosing another folder or reopening the dialog clears the set.
    agreed: BTreeSet<PathBuf>,
    writing: bool,
    /// Whether something has changed since the worker was last asked.
    stale: bool,
    /// The pending request for a plan. The next one is sent after its answer.
    asked: Option<Asked>,
    /// Why files were not written.
    error: Option<String>,
    previews: Previews,
}

impl ExportDialog {
    /// A closed dialog. An export of the sample goes to the folder `segscope` in `images_folder`.
    pub(in crate::app) fn new(images_folder: PathBuf) -> Self {
        Self {
            subject: None,
            options: Options::default(),
            contents: Contents::default(),
            for_program: ForProgram::default(),
            folder: PathBuf::new(),
            folder_chosen: false,
            images_folder,
            planned: None,
            warning: None,
            agreed: BTreeSet::new(),
            writing: false,
            stale: false,
            asked: None,
            error: None,
            previews: Previews::default(),
        }
    }

    /// The current folder, formats, legend and naming.
    pub(in crate::app) fn defaults(&self) -> (PathBuf, Options) {
        (self.folder.clone(), self.options.clone())
    }

    /// Sets what the next export starts with. Without a folder, each image suggests its own.
    pub(in crate::app) fn set_defaults(&mut self, usual: &ExportDefaults) {
        self.options.formats.clone_from(&usual.formats);
        self.options.legend = usual.legend;
        self.options.figures = usual.figures;
        self.contents.format = usual.figures;
        self.options.naming.clone_from(&usual.naming);
        self.folder_chosen = false;
        if let Some(folder) = usual.folder.clone() {
            self.set_folder(folder);
        }
    }

    pub(in crate::app) fn is_open(&self) -> bool {
        self.subject.is_some()
    }

    pub(in crate::app) fn is_writing(&self) -> bool {
        self.writing
    }

    pub(in crate::app) fn close(&mut self) {
        self.subject = None;
        self.writing = false;
        self.asked = None;
        self.previews = Previews::default();
    }

    /// Takes a failure; false if the dialog is closed and cannot show it.
    pub(in crate::app) fn failed(&mut self, message: &str) -> bool {
        self.error = Some(message.to_owned());
        self.writing = false;
        self.asked = None;
        self.stale = false;
        self.is_open()
    }

    pub(in crate::app) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder;
        self.folder_chosen = true;
        self.start_over();
    }

    /// Discards the plan, and the agreements to overwrite files in another folder.
    fn start_over(&mut self) {
        self.agreed.clear();
        self.planned = None;
        self.asked = None;
        self.stale = true;
    }

    /// Sets a folder beside the image, unless the user chose one or the dialog is open.
    pub(in crate::app) fn suggest_folder(&mut self, source: &ImageSource) {
        if self.folder_chosen || self.is_open() {
            return;
        }
        let beside = match source {
            ImageSource::Path(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
            ImageSource::Sample => self.images_folder.clone(),
        };
        let folder = beside.join("segscope");
        self.folder = std::path::absolute(&folder).unwrap_or(folder);
    }

    /// Takes the worker's plan, unless it is for another folder.
    pub(in crate::app) fn set_planned(&mut self, ticket: &Ticket, files: Vec<PlannedFile>, warning: Option<String>) {
        if self.asked.take_if(|asked| asked.is(ticket)).is_some() {
            self.planned = Some(files);
            self.warning = warning;
        }
    }

    /// The files that would be replaced.
    fn replaced(&self) -> impl Iterator<Item = &PathBuf> {
        let files = self.planned.iter().flatten();
        files.filter(|file| file.exists).map(|file| &file.path)
    }

    fn existing(&self) -> usize {
        self.replaced().count()
    }

    /// Whether there are files to replace and the user agreed to all of them.
    fn may_overwrite(&self) -> bool {
        // If there were none, a file that has appeared since is not overwritten.
        self.existing() > 0 && self.replaced().all(|path| self.agreed.contains(path))
    }

    /// Takes the user's answer to the question whether the listed files may be overwritten.
    fn agree(&mut self, yes: bool) {
        if yes {
            let paths: Vec<PathBuf> = self.replaced().cloned().collect();
            self.agreed.extend(paths);
        } else {
            self.agreed.clear();
        }
    }

    /// Whether labels are written for another program.
    fn is_for_program(&self) -> bool {
        self.for_program.on && matches!(self.subject, Some(Export::Labels(_)))
    }

    fn ready(&self) -> bool {
        let planned = self.planned.as_ref().is_some_and(|files| !files.is_empty());
        let settled = !self.writing && !self.stale && self.asked.is_none();
        planned && settled && (self.existing() == 0 || self.may_overwrite())
    }

    /// Opens it for the result on the canvas.
    pub(in crate::app) fn open(&mut self, ctx: &Ctx) {
        let Some(result) = ctx.document().and_then(|d| d.result.clone()) else {
            return;
        };
        let masks = Export::Masks(MaskExport {
            options: self.options.clone(),
            folder: PathBuf::new(),
            result,
        });
        self.open_for(masks, ctx);
    }

    /// Opens it for what a workspace shows.
    pub(in crate::app) fn open_for(&mut self, subject: Export, ctx: &Ctx) {
        self.suggest_folder(subject.source());
        self.subject = Some(subject);
        self.error = None;
        self.previews = Previews::default();
        self.start_over();
        self.plan(ctx);
    }

    /// The export as chosen in the sheet.
    fn job(&self, ctx: &Ctx) -> Option<Export> {
        let mut job = self.subject.clone()?;
        match &mut job {
            Export::Masks(job) => {
                job.options = Options {
                    overwrite: self.may_overwrite(),
                    ..ctx.as_seen(&job.result.model.classes, self.options.clone())
                };
                job.folder.clone_from(&self.folder);
            }
            Export::Labels(job) => {
                let unlabelled = job.options.hidden.clone();
                job.options = Options {
                    overwrite: self.may_overwrite(),
                    ..ctx.as_seen(&job.classes, self.options.clone())
                };
                job.options.hidden = either(&job.options.hidden, &unlabelled);
                job.exchange = self.for_program.exchange();
                job.folder.clone_from(&self.folder);
            }
            Export::Figures(job) => {
                self.contents.apply_to_figures(job);
                job.overwrite = self.may_overwrite();
                job.folder.clone_from(&self.folder);
            }
            Export::Report(job) => {
                self.contents.apply_to_report(job);
                job.overwrite = self.may_overwrite();
                job.folder.clone_from(&self.folder);
            }
        }
        Some(job)
    }

    /// Asks the worker to draw what is shown now. The image is copied when it is ready.
    pub(in crate::app) fn draw(&self, format: Format, ctx: &Ctx) {
        let Some(result) = ctx.document().and_then(|document| document.result.clone()) else {
            return;
        };
        let job = MaskExport {
            options: ctx.as_seen(&result.model.classes, self.options.clone()),
            result,
            folder: PathBuf::new(),
        };
        ctx.actions().job(Job::Draw { format, job });
    }

    /// Asks the worker which files would be written, or postpones this until the pending request is answered.
    fn plan(&mut self, ctx: &Ctx) {
        self.stale = true;
        if self.asked.is_some() {
            return;
        }
        let Some(job) = self.job(ctx) else { return };
        let asked = Asked::new();
        ctx.actions().job(Job::PlanExport {
            ticket: asked.ticket(),
            job,
        });
        self.stale = false;
        self.asked = Some(asked);
    }

    /// Takes an image of what will be written.
    pub(in crate::app) fn set_preview(&mut self, ticket: &Ticket, photo: Photo) {
        self.previews.take(ticket, photo);
    }

    /// Makes the images of what will be written, or asks the worker for them.
    fn update_previews(&mut self, ui: &Ui, ctx: &Ctx) {
        match &self.subject {
            Some(Export::Masks(job)) => {
                let options = ctx.as_seen(&job.result.model.classes, self.options.clone());
                // The pointer identifies the labels as long as the dialog holds them.
                let number = Arc::as_ptr(&job.result.prediction) as usize;
                self.previews
                    .update(ui.ctx(), (number, &job.result.subject()), &options);
            }
            Some(Export::Labels(job)) => {
                let mut options = ctx.as_seen(&job.classes, self.options.clone());
                options.hidden = either(&options.hidden, &job.options.hidden);
                let number = Arc::as_ptr(&job.map) as usize;
                self.previews.update(ui.ctx(), (number, &job.subject()), &options);
            }
            Some(Export::Figures(_) | Export::Report(_)) => {
                self.previews.upload(ui.ctx());
                if let Some(ticket) = self.previews.ask(self.contents)
                    && let Some(job) = self.job(ctx)
                {
                    ctx.actions().job(Job::PreviewExport { ticket, job });
                }
            }
            None => {}
        }
    }

    /// Draws it if it is open.
    pub(in crate::app) fn show(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let id = Id::unique("export");
        // How far it has slid in.
        let time = SLIDE_TIME * ui.style().animation_time;
        let place = ui.ctx().animate_bool_with_time_and_easing(
            id.with("slide"),
            self.is_open(),
            time,
            egui::emath::easing::cubic_out,
        );
        if !self.is_open() {
            return;
        }
        self.update_previews(ui, ctx);
        let mut choose = false;
        let tokens = Tokens::of(ui);
        let offset = Vec2::new(SLIDE * (1.0 - place), 0.0);
        let frame = Frame::new().fill(tokens.panel).inner_margin(view::EDGE);
        let modal = Modal::new(id)
            .area(Modal::default_area(id).anchor(Align2::RIGHT_TOP, offset))
            .frame(frame)
            .show(ui, |ui| {
                ui.set_min_height(ui.ctx().content_rect().height() - 2.0 * view::EDGE);
                self.contents(ui, &mut choose)
            });
        if choose {
            ctx.request(Request::Ask(Ask::ExportFolder));
        }
        if modal.should_close() {
            self.close();
        } else if modal.inner {
            if let Some(job) = self.job(ctx) {
                self.error = None;
                self.writing = true;
                ctx.actions().job(Job::Export(job));
            }
        } else if self.stale {
            self.plan(ctx);
        }
    }
}

/// Whether each class is hidden in one list or the other.
fn either(a: &[bool], b: &[bool]) -> Vec<bool> {
    let at = |list: &[bool], id: usize| list.get(id).copied().unwrap_or(false);
    (0..a.len().max(b.len())).map(|id| at(a, id) || at(b, id)).collect()
}
