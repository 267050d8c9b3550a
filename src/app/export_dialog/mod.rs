//! The export dialog: what will be written where, how large it will be, and what that would replace.

mod size_text;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use egui::{Id, Modal, Ui};

use super::App;
use super::dialogs::Ask;
use crate::engine::{ExportJob, Job, PhotoSource, Segmented};
use crate::export::{Format, Options, PlannedFile};
use crate::labels::ClassSet;

/// The dialog's state; folder, formats, legend and naming stay from one export to the next.
pub(super) struct ExportDialog {
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
    /// Number of the newest plan that was asked for; an answer to an older one is dropped.
    asked: u64,
    /// Why nothing or not everything was written.
    error: Option<String>,
    /// A plan is on its way; the next one is asked for when it has come.
    waiting: bool,
}

impl ExportDialog {
    /// The closed dialog. `pictures_folder` is where an export of the sample goes, below `segscope`.
    pub(super) fn new(pictures_folder: PathBuf) -> Self {
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
            asked: 0,
            error: None,
            waiting: false,
        }
    }

    /// Folder, and formats, legend and naming, as they stand now.
    pub(super) fn defaults(&self) -> (PathBuf, Options) {
        (self.folder.clone(), self.options.clone())
    }

    /// What the next export starts with; without a folder each picture suggests its own.
    pub(super) fn set_defaults(&mut self, formats: Vec<Format>, folder: Option<PathBuf>, legend: bool, naming: String) {
        self.options.formats = formats;
        self.options.legend = legend;
        self.options.naming = naming;
        self.folder_chosen = false;
        if let Some(folder) = folder {
            self.set_folder(folder);
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.result.is_some()
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing
    }

    pub(super) fn close(&mut self) {
        self.result = None;
        self.writing = false;
    }

    /// Takes a failure; false when the dialog is closed and cannot show it.
    pub(super) fn failed(&mut self, message: &str) -> bool {
        self.error = Some(message.to_owned());
        self.writing = false;
        self.waiting = false;
        self.stale = false;
        self.is_open()
    }

    pub(super) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder;
        self.folder_chosen = true;
        self.start_over();
    }

    /// Forgets what was planned for and agreed to elsewhere.
    fn start_over(&mut self) {
        self.agreed.clear();
        self.planned = None;
        self.asked += 1;
        self.stale = true;
    }

    /// A folder beside the picture, unless one was chosen or the dialog shows another picture's.
    pub(super) fn suggest_folder(&mut self, source: &PhotoSource) {
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

    /// Takes the worker's answer, unless it answers an older question.
    pub(super) fn set_planned(&mut self, number: u64, files: Vec<PlannedFile>) {
        self.waiting = false;
        if number == self.asked {
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
        let settled = !self.writing && !self.stale && !self.waiting;
        planned && settled && (self.existing() == 0 || self.may_overwrite())
    }
}

impl App {
    pub(super) fn open_export(&mut self) {
        let Some(result) = self.document.as_ref().and_then(|d| d.result.clone()) else {
            return;
        };
        self.export.suggest_folder(&result.photo.source);
        self.export.result = Some(result);
        self.export.error = None;
        self.export.start_over();
        self.plan_export();
    }

    fn export_job(&self) -> Option<ExportJob> {
        let result = self.export.result.clone()?;
        let options = Options {
            overwrite: self.export.may_overwrite(),
            ..self.as_seen(&result.model.classes, self.export.options.clone())
        };
        Some(ExportJob {
            result,
            options,
            folder: self.export.folder.clone(),
        })
    }

    /// A job to draw what is shown now, for the clipboard.
    pub(super) fn draw_job(&self) -> Option<ExportJob> {
        let result = self.document.as_ref()?.result.clone()?;
        Some(ExportJob {
            options: self.as_seen(&result.model.classes, self.export.options.clone()),
            result,
            folder: PathBuf::new(),
        })
    }

    /// Options with the look of the view for `classes`: colours, visibility, opacity and confidence. Outlines and
    /// hatching belong to the screen.
    pub(super) fn as_seen(&self, classes: &ClassSet, options: Options) -> Options {
        let opacities = self.view.opacities(classes);
        Options {
            opacity: self.view.opacity,
            hidden: opacities.iter().map(|opacity| *opacity == 0).collect(),
            class_opacities: opacities,
            threshold: self.view.threshold,
            fade: self.view.fade,
            colors: self.view.colors(classes),
            ..options
        }
    }

    /// Asks the worker what would be written, or leaves that for when it has answered.
    fn plan_export(&mut self) {
        self.export.stale = true;
        if self.export.waiting {
            return;
        }
        let Some(job) = self.export_job() else { return };
        self.export.asked += 1;
        let number = self.export.asked;
        if self.send(Job::PlanExport { number, job }) {
            self.export.stale = false;
            self.export.waiting = true;
        }
    }

    pub(super) fn export_window(&mut self, ui: &mut Ui) {
        if !self.export.is_open() {
            return;
        }
        let mut choose = false;
        let modal = Modal::new(Id::unique("export")).show(ui, |ui| self.export.contents(ui, &mut choose));
        if choose {
            self.ask(Ask::ExportFolder, ui);
        }
        if modal.should_close() {
            self.export.close();
        } else if modal.inner {
            if let Some(job) = self.export_job() {
                self.export.error = None;
                self.export.writing = self.send(Job::Export(job));
            }
        } else if self.export.stale {
            self.plan_export();
        }
    }
}
