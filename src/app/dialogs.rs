//! The system's file dialogs, each on a thread of its own: they wait for a person, the window must not.

use std::path::PathBuf;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rfd::FileDialog;

use crate::photo::EXTENSIONS;

/// What was chosen in a dialog.
pub(super) enum Chosen {
    Pictures(Vec<PathBuf>),
    Model(PathBuf),
    ExportFolder(PathBuf),
}

/// Dialogs that are open and their answers.
pub(super) struct Dialogs {
    sender: Sender<Option<Chosen>>,
    answers: Receiver<Option<Chosen>>,
    open: bool,
}

/// Which dialog.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    Pictures,
    ModelFolder,
    ModelFile,
    ExportFolder,
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
    /// Opens a dialog unless one is open.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn ask(&mut self, what: Ask, context: &egui::Context) -> std::io::Result<()> {
        if self.open {
            return Ok(());
        }
        let (sender, context) = (self.sender.clone(), context.clone());
        Builder::new().name("file dialog".into()).spawn(move || {
            sender.send(answer(what)).ok();
            context.request_repaint();
        })?;
        self.open = true;
        Ok(())
    }

    /// What was chosen since the last call, if anything.
    pub(super) fn poll(&mut self) -> Option<Chosen> {
        let answer = self.answers.try_recv().ok()?;
        self.open = false;
        answer
    }
}

fn answer(what: Ask) -> Option<Chosen> {
    match what {
        Ask::Pictures => {
            let dialog = FileDialog::new()
                .set_title("Open pictures")
                .add_filter("Pictures", &EXTENSIONS);
            // Some systems answer a cancelled dialog with an empty list.
            dialog
                .pick_files()
                .filter(|files| !files.is_empty())
                .map(Chosen::Pictures)
        }
        Ask::ModelFolder => FileDialog::new()
            .set_title("Open a model folder")
            .pick_folder()
            .map(Chosen::Model),
        Ask::ModelFile => {
            let dialog = FileDialog::new()
                .set_title("Open a model file")
                .add_filter("Models", &["pth", "pt", "safetensors"]);
            dialog.pick_file().map(Chosen::Model)
        }
        Ask::ExportFolder => FileDialog::new()
            .set_title("Export to")
            .pick_folder()
            .map(Chosen::ExportFolder),
    }
}
