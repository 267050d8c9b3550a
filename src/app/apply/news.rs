//! Handles the events of the engine.

use super::App;
use crate::app::chrome::Toast;
use crate::app::workspaces::News;
use crate::engine::Event;

impl App {
    /// Handles an event. Those about images, models and the output in use change the state; the others go to the part
    /// of the window that asked for them.
    pub(super) fn take_event(&mut self, event: Event) {
        let state = &mut self.state;
        match event {
            Event::Device { name, note, gpu_failed } => {
                if let Some(note) = note.as_ref().filter(|_| gpu_failed) {
                    state.actions.info(format!("Using the CPU: {note}"));
                }
                state.device.in_use = Some((name, note));
                let models = &state.library.models;
                if models.used().is_none() && !models.is_loading() && state.startup.model.is_none() {
                    // The previous device could not be used, so the model was not opened.
                    state.open_session_model();
                }
            }
            Event::DeviceFailed(message) => {
                // The worker keeps the previous device and precision.
                (state.settings.device, state.settings.precision) = state.device.before;
                state.actions.error(message);
            }
            Event::Memory(memory) => state.device.memory = Some(memory),
            Event::FoundFiles(found) => state.take_found(found),
            Event::ModelProgress { ticket, fraction } => state.take_model_progress(&ticket, fraction),
            Event::Model { ticket, model } => state.take_model(&ticket, model),
            Event::ModelFailed { ticket, message } => state.take_model_failure(&ticket, message),
            Event::ModelCancelled { ticket } => state.end_loading(&ticket),
            Event::OpenModels(open) => state.take_open_models(open),
            Event::Photo { ticket, photo } => state.take_photo(&ticket, photo),
            Event::PhotoFailed { ticket, message } => state.take_photo_failure(&ticket, message),
            Event::Progress { ticket, progress } => state.take_progress(&ticket, progress),
            Event::Segmented { ticket, result } => state.take_result(&ticket, result),
            Event::Cancelled { ticket } => state.take_stop(&ticket),
            Event::SegmentFailed { ticket, message } => state.take_run_failure(&ticket, message),
            Event::BatchImage {
                ticket,
                index,
                state: how,
            } => state.take_batch_image(&ticket, index, how),
            Event::BatchProgress {
                ticket,
                progress,
                done,
                failed,
                there,
                ..
            } => state.take_batch_progress(&ticket, progress, (done, failed, there)),
            Event::BatchEnded {
                ticket,
                done,
                failed,
                there,
                cancelled,
            } => state.end_batch(&ticket, (done, failed, there), cancelled),
            event => self.hand_on(event),
        }
    }

    /// Passes on an event that a dialog, a small window or a workspace asked for.
    fn hand_on(&mut self, event: Event) {
        let chrome = &mut self.chrome;
        match event {
            Event::ModelsFound(found) => chrome.windows.models.take(found),
            Event::ExportPlanned { ticket, files, warning } => chrome.export.set_planned(&ticket, files, warning),
            Event::ExportPreview { ticket, photo } => chrome.export.set_preview(&ticket, photo),
            Event::Exported { folder, files } => {
                if chrome.export.is_writing() {
                    chrome.export.close();
                }
                let folder_text = folder.display();
                let text = match files.len() {
                    1 => format!("1 file saved to {folder_text}"),
                    count => format!("{count} files saved to {folder_text}"),
                };
                chrome.toasts.push(Toast::wrote(text, folder));
            }
            Event::ExportFailed(message) => {
                if !chrome.export.failed(&message) {
                    self.state.actions.error(message);
                }
            }
            Event::Drawn { format, rgba } => self.services.clipboard.copy(format.title(), rgba),
            Event::DrawFailed(message) => self.state.actions.error(message),
            event => self.tell(&News::Engine(event)),
        }
    }
}
