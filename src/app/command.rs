//! Every action of the window, once: buttons, menus and keys all read this list.

use egui::{Key, KeyboardShortcut, Modifiers};

/// An action that a person can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Command {
    OpenPicture,
    OpenSample,
    NextPicture,
    PreviousPicture,
    OpenModelFolder,
    OpenModelFile,
    UseEmbeddedModel,
    Segment,
    Cancel,
    Export,
    Fit,
    ActualSize,
    ZoomIn,
    ZoomOut,
    ToggleMultiScale,
    ToggleOverlay,
    ToggleClassUnderCursor,
    ShowAllClasses,
    HideAllClasses,
}

impl Command {
    pub(super) const ALL: [Self; 19] = [
        Self::OpenPicture,
        Self::OpenSample,
        Self::NextPicture,
        Self::PreviousPicture,
        Self::OpenModelFolder,
        Self::OpenModelFile,
        Self::UseEmbeddedModel,
        Self::Segment,
        Self::Cancel,
        Self::Export,
        Self::Fit,
        Self::ActualSize,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ToggleMultiScale,
        Self::ToggleOverlay,
        Self::ToggleClassUnderCursor,
        Self::ShowAllClasses,
        Self::HideAllClasses,
    ];

    /// Text of its button; an ellipsis where more input is asked for.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::OpenPicture => "Open…",
            Self::OpenSample => "Open the sample picture",
            Self::NextPicture => "Next picture",
            Self::PreviousPicture => "Previous picture",
            Self::OpenModelFolder => "Open a model folder…",
            Self::OpenModelFile => "Open a model file…",
            Self::UseEmbeddedModel => "Use the embedded model",
            Self::Segment => "Segment",
            Self::Cancel => "Cancel",
            Self::Export => "Export…",
            Self::Fit => "Fit",
            Self::ActualSize => "1:1",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ToggleMultiScale => "Multi-scale and flip",
            Self::ToggleOverlay => "Masks",
            Self::ToggleClassUnderCursor => "Hide or show the class under the cursor",
            Self::ShowAllClasses => "Show all",
            Self::HideAllClasses => "Hide all",
        }
    }

    /// One line on what it does.
    pub(super) fn explanation(self) -> &'static str {
        match self {
            Self::OpenPicture => "Open one or more pictures; they can also be dropped onto the window",
            Self::OpenSample => "A rendered street in which every class occurs",
            Self::NextPicture => "The next of the opened pictures",
            Self::PreviousPicture => "The one before",
            Self::OpenModelFolder => "A published Segmenter folder: checkpoint.pth and variant.yml",
            Self::OpenModelFile => "A .pth file or a Segscope bundle (.safetensors)",
            Self::UseEmbeddedModel => "Street scenes in 11 classes, for research and evaluation",
            Self::Segment => "Run the model on this picture again",
            Self::Cancel => "Stop the run",
            Self::Export => "Write label map, overlay, masks and more",
            Self::Fit => "Show the whole picture",
            Self::ActualSize => "One picture pixel is one screen pixel",
            Self::ZoomIn => "Larger, around the centre; the wheel zooms around the cursor",
            Self::ZoomOut => "Smaller, around the centre",
            Self::ToggleMultiScale => "Average over six sizes and the mirrored picture: better and many times slower",
            Self::ToggleOverlay => "Show or hide all masks",
            Self::ToggleClassUnderCursor => "Point at a region and press the key",
            Self::ShowAllClasses => "Show the masks of all classes",
            Self::HideAllClasses => "Hide the masks of all classes",
        }
    }

    /// Its key, if it has one.
    pub(super) fn shortcut(self) -> Option<KeyboardShortcut> {
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        let with_command = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        match self {
            Self::OpenPicture => with_command(Key::O),
            Self::NextPicture => plain(Key::PageDown),
            Self::PreviousPicture => plain(Key::PageUp),
            Self::OpenModelFolder => with_command(Key::M),
            Self::Segment => plain(Key::F5),
            Self::Cancel => plain(Key::Escape),
            Self::Export => with_command(Key::E),
            Self::Fit => plain(Key::Num0),
            Self::ActualSize => plain(Key::Num1),
            Self::ZoomIn => plain(Key::Plus),
            Self::ZoomOut => plain(Key::Minus),
            Self::ToggleOverlay => plain(Key::M),
            Self::ToggleClassUnderCursor => plain(Key::H),
            Self::ShowAllClasses => plain(Key::A),
            Self::ToggleMultiScale
            | Self::OpenSample
            | Self::OpenModelFile
            | Self::UseEmbeddedModel
            | Self::HideAllClasses => None,
        }
    }

    /// Explanation with the key, for hovering.
    pub(super) fn tooltip(self, context: &egui::Context) -> String {
        match self.shortcut() {
            Some(key) => format!("{} ({})", self.explanation(), context.format_shortcut(&key)),
            None => self.explanation().to_owned(),
        }
    }
}

/// Commands whose key was pressed in this frame. Keys belong to a text field while one has the focus.
pub(super) fn pressed(context: &egui::Context, enabled: impl Fn(Command) -> bool) -> Vec<Command> {
    if context.text_edit_focused() {
        return Vec::new();
    }
    // Ctrl+M must be asked for before M.
    // A key of a command that makes no sense now is left for others, such as Escape for an open menu.
    let mut with_keys: Vec<_> = Command::ALL
        .iter()
        .filter(|c| enabled(**c))
        .filter_map(|c| Some((*c, c.shortcut()?)))
        .collect();
    with_keys.sort_by_key(|(_, key)| !key.modifiers.command);
    context.input_mut(|input| {
        with_keys
            .into_iter()
            .filter(|(_, key)| input.consume_shortcut(key))
            .map(|(command, _)| command)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn no_two_commands_share_a_key() {
        let keys: Vec<_> = Command::ALL.iter().filter_map(|c| c.shortcut()).collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "{key:?}");
        }
    }
}
