//! Every action of the window, once: buttons, menus, keys, the command palette and the shortcut page read this list.

mod keys;
mod palette;
mod palette_line;
mod palette_match;
mod shortcut_page;
mod states;

pub(super) use keys::pressed;
pub(super) use palette::{CommandPalette, PaletteChoice, PaletteEntry, PaletteTarget};
pub(super) use shortcut_page::ShortcutPage;
pub(super) use states::CommandStates;

/// Which menu a command is found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Section {
    File,
    Edit,
    Picture,
    Model,
    View,
    Classes,
    Window,
    Help,
}

impl Section {
    /// In the order of the menus.
    pub(super) const ALL: [Self; 8] = [
        Self::File,
        Self::Edit,
        Self::Picture,
        Self::Model,
        Self::View,
        Self::Classes,
        Self::Window,
        Self::Help,
    ];

    /// The menu's title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::Picture => "Picture",
            Self::Model => "Model",
            Self::View => "View",
            Self::Classes => "Classes",
            Self::Window => "Window",
            Self::Help => "Help",
        }
    }
}

/// The list of commands by section, each with its title and explanation.
macro_rules! commands {
    ($($section:ident { $($command:ident: $title:literal, $explanation:literal;)* })*) => {
        /// An action that a person can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Command {
            $($(#[doc = $explanation] $command,)*)*
        }

        impl Command {
            /// Every command, by section, in the order of the menus.
            pub(super) const ALL: &'static [Self] = &[$($(Self::$command,)*)*];

            /// Text of its button; an ellipsis where more input is asked for.
            pub(super) fn title(self) -> &'static str {
                match self {
                    $($(Self::$command => $title,)*)*
                }
            }

            /// One sentence on what it does.
            pub(super) fn explanation(self) -> &'static str {
                match self {
                    $($(Self::$command => $explanation,)*)*
                }
            }

            /// The menu it belongs to.
            pub(super) fn section(self) -> Section {
                match self {
                    $($(Self::$command => Section::$section,)*)*
                }
            }
        }
    };
}

commands! {
    File {
        OpenPicture: "Open pictures…", "Open one or more pictures; they can also be dropped onto the window.";
        OpenFolder: "Open folder…", "Open all pictures of a folder.";
        OpenSample: "Open the sample picture", "Open a rendered street in which every class of the embedded models occurs.";
        CloseAll: "Close all pictures", "Empty the picture list; no file is touched.";
        Export: "Export…", "Write label maps, overlays, masks and more to files.";
        Quit: "Quit", "Close the window; pictures, model and view are there again at the next start.";
    }
    Edit {
        Undo: "Undo", "Take back the last change of the view.";
        Redo: "Redo", "Make the change again that was taken back last.";
        CopyReading: "Copy reading", "Copy what is under the cursor as text: position, classes and probabilities.";
        CopyOverlay: "Copy overlay", "Copy the photo with its masks to the clipboard as a picture.";
        CopyView: "Copy view", "Copy what the canvas shows, as it is on the screen.";
        CopyLabels: "Copy label map", "Copy the label map to the clipboard as a picture.";
        UnpinReading: "Unpin reading", "Let the reading follow the cursor again.";
        Settings: "Settings…", "Device, memory, appearance and what happens at the start.";
    }
    Picture {
        NextPicture: "Next picture", "Show the next picture of the list.";
        PreviousPicture: "Previous picture", "Show the picture before this one.";
        ReloadPicture: "Reload picture", "Read the picture from its file again.";
        AddLabelMap: "Add label map…", "Compare with a label map of this picture from another program: a PNG with class ids.";
        AddGroundTruth: "Add ground truth…", "Compare with the true label map of this picture, and score models by it.";
        Segment: "Segment", "Run the model on this picture.";
        SegmentAll: "Segment all…", "Run the model on every picture of the list that has no result yet.";
        Cancel: "Cancel", "Stop the run; results that are complete stay.";
        CancelAll: "Cancel all", "Stop the run over all pictures; what is done stays.";
    }
    Model {
        Decoder1: "Decoder 1", "Show the masks of the first decoder of the switch in the top bar.";
        Decoder2: "Decoder 2", "Show the masks of the second decoder of the switch in the top bar.";
        Decoder3: "Decoder 3", "Show the masks of the third decoder of the switch in the top bar.";
        Decoder4: "Decoder 4", "Show the masks of the fourth decoder of the switch in the top bar.";
        Decoder5: "Decoder 5", "Show the masks of the fifth decoder of the switch in the top bar.";
        Decoder6: "Decoder 6", "Show the masks of the sixth decoder of the switch in the top bar.";
        Decoder7: "Decoder 7", "Show the masks of the seventh decoder of the switch in the top bar.";
        Decoder8: "Decoder 8", "Show the masks of the eighth decoder of the switch in the top bar.";
        Decoder9: "Decoder 9", "Show the masks of the ninth decoder of the switch in the top bar.";
        UseEmbeddedModel: "Use the embedded model", "Street scenes in 11 classes with five decoders, for research and evaluation.";
        PatchSizes: "Patch sizes", "Compare the mask transformers of the embedded models with patch 32, 16 and 8, the cheapest first.";
        OpenModelFolder: "Open model folder…", "Open a published Segmenter folder: checkpoint.pth and variant.yml.";
        OpenModelFile: "Open model file…", "Open a .pth file or a Segscope bundle (.safetensors).";
        CancelLoading: "Cancel loading", "Stop opening the model; those that are open stay.";
        GetModels: "Get models…", "See which models are released, where to get them, and which you have.";
        ToggleMultiScale: "Multi-scale and flip", "Average over six sizes and the mirrored picture: better and many times slower.";
    }
    View {
        ShowMasks: "Masks workspace", "Show the class masks over the picture.";
        ShowAttention: "Attention workspace", "Show what a patch or a class looks at, in every layer and head.";
        ShowCompare: "Compare workspace", "Show several models, decoders, patch sizes and label maps side by side.";
        ShowEvaluate: "Evaluate workspace", "Compare the output in use with ground truth, on this picture and over all open ones.";
        ShowTrain: "Train workspace", "Fine-tune Segmenter or SETR on your own pictures and label maps, and watch it learn.";
        ScoreAll: "Score all pictures", "Run the output in use on every open picture with ground truth, and add up the scores.";
        PreviousLayer: "Previous layer", "Show the attention of the layer before this one.";
        NextLayer: "Next layer", "Show the attention of the next layer.";
        PreviousHead: "Previous head", "Show the attention of the head before this one.";
        NextHead: "Next head", "Show the attention of the next head.";
        ToggleWipe: "Wipe", "Compare two panes in one place, on both sides of a line.";
        ToggleDifferences: "Differences only", "Show the masks of the other panes only where they differ from the reference.";
        ToggleTable: "Table", "Show or hide the table under the panes.";
        Fit: "Fit", "Show the whole picture.";
        ActualSize: "1:1", "Show one picture pixel as one screen pixel.";
        ZoomIn: "Zoom in", "Larger, around the centre; the wheel zooms around the cursor.";
        ZoomOut: "Zoom out", "Smaller, around the centre; the wheel zooms around the cursor.";
        ToggleMasks: "Masks", "Show or hide all masks.";
        CycleInside: "Next mask style", "Draw the inside of masks filled, hatched or empty, in turn.";
        ToggleOutline: "Outlines", "Show or hide the outlines of masks.";
        TogglePalette: "Colour-blind safe colours", "Switch between the data set's colours and ones that more people can tell apart.";
        ToggleFade: "Fade unsure pixels", "Draw masks fainter where the model is less sure.";
        TogglePixelGrid: "Pixel grid", "Show the edges of pixels when they are large enough.";
        TogglePatchGrid: "Patch grid", "Show the patches that the model sees as one token each.";
        ToggleMinimap: "Minimap", "Show where you are when the picture is larger than the canvas.";
        ToggleStretch: "Make dark 16-bit pictures bright", "Read pictures of 10 or 12 bits in 16 as if these were all.";
        ToggleMagnifier: "Magnifier", "Show the pixels and labels around the cursor enlarged.";
        ResetView: "Reset view settings", "Show masks, colours and photo as at the first start; undo brings your settings back.";
    }
    Classes {
        ToggleClassUnderCursor: "Hide or show class under cursor", "Point at a region and press the key.";
        SoloClassUnderCursor: "Solo class under cursor", "Show only the class you point at; again shows the others, too.";
        ShowAllClasses: "Show all", "Show the masks of all classes.";
        HideAllClasses: "Hide all", "Hide the masks of all classes.";
        ShowPresentClasses: "Show present only", "Show the classes that occur in this picture and hide the others.";
    }
    Window {
        TogglePictureList: "Picture list", "Show or hide the list of pictures on the left.";
        ToggleInspector: "Inspector", "Show or hide masks, classes and reading on the right.";
        Palette: "Find a command…", "Find a command, a picture or a class by a few letters of its name.";
        Log: "Log", "Show what has happened since the start.";
        Performance: "Performance", "Show how long frames take and what the worker does.";
        ThemeLight: "Light theme", "Dark text on a light background.";
        ThemeDark: "Dark theme", "Light text on a dark background.";
        ThemeSystem: "Theme of the system", "Be light or dark as the system is.";
        ScaleUp: "Larger interface", "Make text and controls larger.";
        ScaleDown: "Smaller interface", "Make text and controls smaller.";
        ScaleReset: "Normal interface size", "Give text and controls their normal size.";
    }
    Help {
        Shortcuts: "Keyboard and mouse", "Show all keys and what the mouse does.";
        About: "About Segscope", "Version, licences and notices.";
    }
}

impl Command {
    /// Those that choose an entry of the switch of decoders, in its order.
    pub(super) const DECODERS: [Self; 9] = [
        Self::Decoder1,
        Self::Decoder2,
        Self::Decoder3,
        Self::Decoder4,
        Self::Decoder5,
        Self::Decoder6,
        Self::Decoder7,
        Self::Decoder8,
        Self::Decoder9,
    ];

    /// Which entry of the switch of decoders it chooses, from 0.
    pub(super) fn decoder(self) -> Option<usize> {
        Self::DECODERS.iter().position(|command| *command == self)
    }

    /// Whether menus leave it out; the shortcut page and its key still have it.
    pub(super) fn is_hidden(self) -> bool {
        self == Self::Performance || self.decoder().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Section};

    #[test]
    fn every_command_says_what_it_is() {
        for command in Command::ALL {
            let (title, explanation) = (command.title(), command.explanation());
            assert!(
                title.chars().next().is_some_and(|c| c.is_uppercase() || c.is_numeric()),
                "{title}"
            );
            assert!(
                explanation.ends_with('.') && explanation.len() > title.len(),
                "{title}: {explanation}"
            );
            let same = Command::ALL.iter().filter(|other| other.title() == title).count();
            assert_eq!(same, 1, "two commands are called {title}");
        }
    }

    #[test]
    fn every_section_has_commands_and_they_come_in_its_order() {
        let mut sections: Vec<_> = Command::ALL.iter().map(|command| command.section()).collect();
        sections.dedup();
        assert_eq!(sections, Section::ALL);
    }
}
