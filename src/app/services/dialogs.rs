//! The system's file dialogs, each on a thread of its own: they wait for a person, the window must not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rfd::FileDialog;

use crate::engine::MODEL_ENDINGS;
use crate::photo::EXTENSIONS;

/// What was chosen in a dialog.
pub(in crate::app) enum Chosen {
    /// Pictures, or one folder of them.
    Pictures(Vec<PathBuf>),
    Model(PathBuf),
    /// A label map of the picture that is shown.
    Labels {
        path: PathBuf,
        truth: bool,
    },
    /// The folder or file that a setting or a dialog asked for.
    Folder(Ask, PathBuf),
}

/// Dialogs that are open and their answers.
pub(in crate::app) struct Dialogs {
    sender: Sender<Option<Chosen>>,
    answers: Receiver<Option<Chosen>>,
    open: bool,
}

/// Which dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Ask {
    Pictures,
    Folder,
    ModelFolder,
    ModelFile,
    /// What another program has predicted.
    LabelMap,
    /// What is true.
    GroundTruth,
    /// Where to export to.
    ExportFolder,
    /// Where a comparison goes.
    ReportFolder,
    /// Where maps of attention go.
    FigureFolder,
    /// Where the files of a run over all pictures go.
    BatchFolder,
    /// Where models are kept.
    ModelsFolder,
    /// Where to export to when nothing else is said.
    UsualExportFolder,
    /// Label maps to score with.
    TruthFolder,
    /// Pictures to learn from.
    TrainImages,
    /// Their label maps.
    TrainLabels,
    /// Pictures to validate with.
    ValImages,
    /// Their label maps.
    ValLabels,
    /// The weights that a training begins with.
    InitFile,
    /// Where a training's results go.
    TrainOut,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, answers) = unbounded();
        Self {
            sender,
            answers,
            open: false,
        }
    }
}

impl Dialogs {
    /// Opens a dialog, in `folder` if that is given, unless one is open.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(in crate::app) fn ask(
        &mut self,
        what: Ask,
        folder: Option<PathBuf>,
        context: &egui::Context,
    ) -> std::io::Result<()> {
        if self.open {
            return Ok(());
        }
        let (sender, context) = (self.sender.clone(), context.clone());
        Builder::new().name("file dialog".into()).spawn(move || {
            // A dialog that fails counts as cancelled; otherwise none could be opened any more.
            let answer = catch_unwind(AssertUnwindSafe(|| answer(what, folder))).ok().flatten();
            sender.send(answer).ok();
            context.request_repaint();
        })?;
        self.open = true;
        Ok(())
    }

    /// What was chosen since the last call; `Some(None)` for a dialog that was closed without a choice.
    pub(in crate::app) fn poll(&mut self) -> Option<Option<Chosen>> {
        let answer = self.answers.try_recv().ok()?;
        self.open = false;
        Some(answer)
    }
}

fn answer(what: Ask, folder: Option<PathBuf>) -> Option<Chosen> {
    let dialog = match folder {
        Some(folder) => FileDialog::new().set_directory(folder),
        None => FileDialog::new(),
    };
    match what {
        Ask::Pictures => {
            let dialog = dialog.set_title("Open pictures").add_filter("Pictures", &EXTENSIONS);
            // Some systems answer a cancelled dialog with an empty list.
            dialog
                .pick_files()
                .filter(|files| !files.is_empty())
                .map(Chosen::Pictures)
        }
        Ask::Folder => dialog
            .set_title("Open a folder of pictures")
            .pick_folder()
            .map(|folder| Chosen::Pictures(vec![folder])),
        Ask::ModelFolder => dialog.set_title("Open a model folder").pick_folder().map(Chosen::Model),
        Ask::ModelFile => {
            let dialog = dialog
                .set_title("Open a model file")
                .add_filter("Models", &MODEL_ENDINGS);
            dialog.pick_file().map(Chosen::Model)
        }
        Ask::LabelMap | Ask::GroundTruth => {
            let truth = what == Ask::GroundTruth;
            let title = if truth {
                "Open the ground truth"
            } else {
                "Open a label map"
            };
            let dialog = dialog.set_title(title).add_filter("Label maps", &["png"]);
            dialog.pick_file().map(|path| Chosen::Labels { path, truth })
        }
        Ask::ModelsFolder => {
            let dialog = dialog.set_title("Folder of models");
            dialog.pick_folder().map(|folder| Chosen::Folder(what, folder))
        }
        Ask::TruthFolder | Ask::TrainImages | Ask::TrainLabels | Ask::ValImages | Ask::ValLabels | Ask::TrainOut => {
            let title = match what {
                Ask::TrainImages => "Pictures to learn from",
                Ask::ValImages => "Pictures to validate with",
                Ask::TrainOut => "Folder for the results",
                _ => "Folder of label maps",
            };
            let dialog = dialog.set_title(title);
            dialog.pick_folder().map(|folder| Chosen::Folder(what, folder))
        }
        Ask::InitFile => {
            let dialog = dialog.set_title("Weights to begin with");
            let dialog = dialog.add_filter("Weights", &MODEL_ENDINGS);
            dialog.pick_file().map(|file| Chosen::Folder(what, file))
        }
        Ask::ExportFolder | Ask::ReportFolder | Ask::FigureFolder | Ask::BatchFolder | Ask::UsualExportFolder => {
            let dialog = dialog.set_title("Export to");
            dialog.pick_folder().map(|folder| Chosen::Folder(what, folder))
        }
    }
}
