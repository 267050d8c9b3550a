//! The system's file dialogs, each on a separate thread: a dialog waits for the user, the window must not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rfd::FileDialog;

use crate::engine::MODEL_ENDINGS;
use crate::photo::EXTENSIONS;

/// What was chosen in a dialog.
pub(in crate::app) enum Chosen {
    /// Images, or one folder of them.
    Images(Vec<PathBuf>),
    Model(PathBuf),
    /// A label map of the shown image.
    Labels {
        path: PathBuf,
        truth: bool,
    },
    /// The folder or file that a setting or a dialog asked for.
    Folder(Ask, PathBuf),
}

/// The open dialog, if there is one, and the answers.
pub(in crate::app) struct Dialogs {
    sender: Sender<Option<Chosen>>,
    answers: Receiver<Option<Chosen>>,
    open: bool,
}

/// What a dialog asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Ask {
    Images,
    Folder,
    ModelFolder,
    ModelFile,
    /// A label map that another program has predicted.
    LabelMap,
    /// The ground truth of the shown image.
    GroundTruth,
    /// The target folder of an export.
    ExportFolder,
    /// The target folder of a batch.
    BatchFolder,
    /// The models folder.
    ModelsFolder,
    /// The default target folder of exports.
    UsualExportFolder,
    /// The folder of ground truth to score against.
    TruthFolder,
    /// The training images.
    TrainImages,
    /// The label maps of the training images.
    TrainLabels,
    /// The validation images.
    ValImages,
    /// The label maps of the validation images.
    ValLabels,
    /// The initial weights of a training.
    InitFile,
    /// The output folder of a training.
    TrainOut,
    /// A file of class colours.
    PaletteFile,
    /// The folder of an earlier training.
    TrainRun,
    /// A file of labels to import.
    LabelsFile,
    /// A folder of labels to import.
    LabelsFolder,
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
    /// When the thread cannot be started.
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
            // A dialog that fails counts as cancelled; otherwise no other dialog could be opened.
            let answer = catch_unwind(AssertUnwindSafe(|| answer(what, folder))).ok().flatten();
            sender.send(answer).ok();
            context.request_repaint();
        })?;
        self.open = true;
        Ok(())
    }

    /// The answer of a dialog that was closed since the last call; `Some(None)` if nothing was chosen.
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
        Ask::Images => {
            let dialog = dialog.set_title("Open photos").add_filter("Photos", &EXTENSIONS);
            // Some systems answer a cancelled dialog with an empty list.
            dialog
                .pick_files()
                .filter(|files| !files.is_empty())
                .map(Chosen::Images)
        }
        Ask::Folder => dialog
            .set_title("Open a folder of photos")
            .pick_folder()
            .map(|folder| Chosen::Images(vec![folder])),
        Ask::ModelFolder => dialog.set_title("Open a model folder").pick_folder().map(Chosen::Model),
        Ask::ModelFile => {
            let dialog = dialog
                .set_title("Open a model file")
                .add_filter("Models", &MODEL_ENDINGS);
            dialog.pick_file().map(Chosen::Model)
        }
        Ask::LabelMap | Ask::GroundTruth => {
            let truth = what == Ask::GroundTruth;
            let title = if truth { "Open ground truth" } else { "Open a label map" };
            let dialog = dialog.set_title(title).add_filter("Label maps", &["png"]);
            dialog.pick_file().map(|path| Chosen::Labels { path, truth })
        }
        Ask::ModelsFolder => {
            let dialog = dialog.set_title("Model folder");
            dialog.pick_folder().map(|folder| Chosen::Folder(what, folder))
        }
        Ask::TruthFolder
        | Ask::TrainImages
        | Ask::TrainLabels
        | Ask::ValImages
        | Ask::ValLabels
        | Ask::TrainOut
        | Ask::TrainRun => {
            let title = match what {
                Ask::TrainImages => "Training photos",
                Ask::ValImages => "Validation photos",
                Ask::TrainOut => "Save training results to",
                Ask::TrainRun => "Folder of an earlier training",
                _ => "Folder of label maps",
            };
            let dialog = dialog.set_title(title);
            dialog.pick_folder().map(|folder| Chosen::Folder(what, folder))
        }
        Ask::LabelsFile => {
            let dialog = dialog.set_title("Labels to import");
            let dialog = dialog.add_filter("Labels", &["json", "xml", "zip", "png", "txt", "yaml", "npy"]);
            dialog.pick_file().map(|file| Chosen::Folder(what, file))
        }
        Ask::LabelsFolder => {
            let dialog = dialog.set_title("Folder of labels to import");
            dialog.pick_folder().map(|folder| Chosen::Folder(what, folder))
        }
        Ask::PaletteFile => {
            let dialog = dialog.set_title("Class colours");
            let dialog = dialog.add_filter("Palettes", &["toml", "json", "csv", "txt"]);
            dialog.pick_file().map(|file| Chosen::Folder(what, file))
        }
        Ask::InitFile => {
            let dialog = dialog.set_title("Pretrained weights");
            let dialog = dialog.add_filter("Weights", &MODEL_ENDINGS);
            dialog.pick_file().map(|file| Chosen::Folder(what, file))
        }
        Ask::ExportFolder | Ask::BatchFolder | Ask::UsualExportFolder => {
            let dialog = dialog.set_title("Export to");
            dialog.pick_folder().map(|folder| Chosen::Folder(what, folder))
        }
    }
}
