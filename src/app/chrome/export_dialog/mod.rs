//! The export dialog: what will be written where, how large it will be, and what that would replace.

mod size_text;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use egui::{Id, Modal, Ui};

use crate::app::action::Request;
use crate::app::services::Ask;
use crate::app::settings::ExportDefaults;
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, ExportJob, Job, PhotoSource, Segmented, Ticket};
use crate::export::{Format, Options, PlannedFile};

/// The dialog's state; folder, formats, legend and naming stay from one export to the next.
pub(in crate::app) struct ExportDialog {
    /// What is exported, from opening the dialog on; `None` while it is closed.
    result: Option<Segmented>,
    /// Formats, legend and naming; the rest is the window's or this dialog's and filled in for each job.
    options: Options,
    folder: PathBuf,
    /// Whether the person chose the folder, which then stays for other pictures.
    folder_chosen: bool,
    /// The person's own folder for pictures, for a picture that has none.
    pictures_folder: PathBuf,
    /// The worker's newest answer, also while it works on the next; `None` where it would show another folder's files.
    planned: Option<Vec<PlannedFile>>,
    /// The existing files that the person agreed to lose since the dialog opened.
    ///
    /// Whoever agreed is not asked again for these files, also after formats or naming went to and fro; a file that
    /// was not in sight then raises the question again. Another folder and another opening of the dialog forget all.
    agreed: BTreeSet<PathBuf>,
    writing: bool,
    /// Something has changed since the worker was last asked.
    stale: bool,
    /// The plan that is on its way; the next one is asked for when it has come.
    asked: Option<Asked>,
    /// Why nothing or not everything was written.
    error: Option<String>,
}

impl ExportDialog {
    /// The closed dialog. `pictures_folder` is where an export of the sample goes, below `segscope`.
    pub(in crate::app) fn new(pictures_folder: PathBuf) -> Self {
        Self {
            result: None,
            options: Options::default(),
            folder: PathBuf::new(),
            folder_chosen: false,
            pictures_folder,
            planned: None,
            agreed: BTreeSet::new(),
            writing: false,
            stale: false,
            asked: None,
            error: None,
        }
    }

    /// Folder, and formats, legend and naming, as they stand now.
    pub(in crate::app) fn defaults(&self) -> (PathBuf, Options) {
        (self.folder.clone(), self.options.clone())
    }

    /// What the next export starts with; without a folder each picture suggests its own.
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
    }

    /// Takes a failure; false when the dialog is closed and cannot show it.
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

    /// Forgets what was planned for and agreed to elsewhere.
    fn start_over(&mut self) {
        self.agreed.clear();
        self.planned = None;
        self.asked = None;
        self.stale = true;
    }

    /// A folder beside the picture, unless one was chosen or the dialog shows another picture's.
    pub(in crate::app) fn suggest_folder(&mut self, source: &PhotoSource) {
        if self.folder_chosen || self.is_open() {
            return;
        }
        let beside = match source {
            PhotoSource::Path(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
            PhotoSource::Sample => self.pictures_folder.clone(),
        };
        let folder = beside.join("segscope");
        self.folder = std::path::absolute(&folder).unwrap_or(folder);
    }

    /// Takes the worker's answer, unless it was asked for another folder.
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

    /// Whether there are files to replace and the person agreed to all of them.
    fn may_overwrite(&self) -> bool {
        // Where there were none, one that has appeared since is not replaced.
        self.existing() > 0 && self.replaced().all(|path| self.agreed.contains(path))
    }

    /// Takes the answer to the question whether the files in sight may be replaced.
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

    /// Has the worker draw what is shown now; it is copied when it comes back.
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

    /// Asks the worker what would be written, or leaves that for when it has answered.
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
        let mut choose = false;
        let modal = Modal::new(Id::unique("export")).show(ui, |ui| self.contents(ui, &mut choose));
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
