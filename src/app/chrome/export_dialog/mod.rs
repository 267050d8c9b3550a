//! The export dialog: which files will be written where, how large they are, and which existing files they replace.

mod preview;
mod size_text;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use egui::{Align2, Frame, Id, Modal, Ui, Vec2};

use crate::app::action::Request;
use crate::app::services::Ask;
use crate::app::settings::ExportDefaults;
use crate::app::theme::Tokens;
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, ExportJob, ImageSource, Job, Segmented, Ticket};
use crate::export::{Format, Options, PlannedFile};
use preview::Previews;

/// The dialog's state. Folder, formats, legend and naming are the same for the next export.
pub(in crate::app) struct ExportDialog {
    /// The result to export while the dialog is open; `None` while it is closed.
    result: Option<Segmented>,
    /// Formats, legend and naming. The other fields are filled in for each job, from the window and this dialog.
    options: Options,
    folder: PathBuf,
    /// Whether the user chose the folder, which then applies to other images too.
    folder_chosen: bool,
    /// The user's own folder for images, for an image that comes from no folder.
    images_folder: PathBuf,
    /// The worker's latest plan, kept while it works on the next; `None` if that would show another folder's files.
    planned: Option<Vec<PlannedFile>>,
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
            result: None,
            options: Options::default(),
            folder: PathBuf::new(),
            folder_chosen: false,
            images_folder,
            planned: None,
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
        self.options.naming.clone_from(&usual.naming);
        self.folder_chosen = false;
        if let Some(folder) = usual.folder.clone() {
            self.set_folder(folder);
        }
    }

    pub(in crate::app) fn is_open(&self) -> bool {
        self.result.is_some()
    }

    pub(in crate::app) fn is_writing(&self) -> bool {
        self.writing
    }

    pub(in crate::app) fn close(&mut self) {
        self.result = None;
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
    pub(in crate::app) fn set_planned(&mut self, ticket: &Ticket, files: Vec<PlannedFile>) {
        if self.asked.take_if(|asked| asked.is(ticket)).is_some() {
            self.planned = Some(files);
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
        self.suggest_folder(&result.photo.source);
        self.result = Some(result);
        self.error = None;
        self.start_over();
        self.plan(ctx);
    }

    fn job(&self, ctx: &Ctx) -> Option<ExportJob> {
        let result = self.result.clone()?;
        let options = Options {
            overwrite: self.may_overwrite(),
            ..ctx.as_seen(&result.model.classes, self.options.clone())
        };
        Some(ExportJob {
            result,
            options,
            folder: self.folder.clone(),
        })
    }

    /// Asks the worker to draw what is shown now. The image is copied when it is ready.
    pub(in crate::app) fn draw(&self, format: Format, ctx: &Ctx) {
        let Some(result) = ctx.document().and_then(|document| document.result.clone()) else {
            return;
        };
        let job = ExportJob {
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

    /// Draws it if it is open.
    pub(in crate::app) fn show(&mut self, ui: &mut Ui, ctx: &Ctx) {
        if !self.is_open() {
            return;
        }
        if let Some(result) = &self.result {
            let options = ctx.as_seen(&result.model.classes, self.options.clone());
            self.previews.update(ui.ctx(), result, &options);
        }
        let mut choose = false;
        let tokens = Tokens::of(ui);
        let id = Id::unique("export");
        let frame = Frame::new().fill(tokens.panel).inner_margin(view::EDGE);
        let modal = Modal::new(id)
            .area(Modal::default_area(id).anchor(Align2::RIGHT_TOP, Vec2::ZERO))
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
