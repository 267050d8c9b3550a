//! The list of all commands, shared by buttons, menus, keys, the command palette and the shortcut page.

mod key_map;
mod keys;
mod palette;
mod palette_line;
mod palette_match;
mod shortcut_page;
mod states;

pub(super) use key_map::{KeyMap, KeyNames};
pub(super) use keys::pressed;
pub(super) use palette::{CommandPalette, PaletteChoice, PaletteEntry, PaletteTarget};
pub(super) use shortcut_page::ShortcutPage;
pub(super) use states::CommandStates;

/// The menu that a command belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Section {
    File,
    Edit,
    Image,
    Model,
    View,
    Classes,
    Annotate,
    Window,
    Help,
}

impl Section {
    /// In the order of the menus.
    pub(super) const ALL: [Self; 9] = [
        Self::File,
        Self::Edit,
        Self::Image,
        Self::Model,
        Self::View,
        Self::Classes,
        Self::Annotate,
        Self::Window,
        Self::Help,
    ];

    /// The menu's title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::Image => "Photo",
            Self::Model => "Model",
            Self::View => "View",
            Self::Classes => "Classes",
            Self::Annotate => "Annotate",
            Self::Window => "Window",
            Self::Help => "Help",
        }
    }
}

/// Defines the commands by section, each with its title and description.
macro_rules! commands {
    ($($section:ident { $($command:ident: $title:literal, $explanation:literal;)* })*) => {
        /// Something that the user can ask the window to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Command {
            $($(#[doc = $explanation] $command,)*)*
        }

        impl Command {
            /// Every command, by section, in the order of the menus.
            pub(super) const ALL: &'static [Self] = &[$($(Self::$command,)*)*];

            /// Its label on buttons and in menus, with an ellipsis if it asks for more input.
            pub(super) fn title(self) -> &'static str {
                match self {
                    $($(Self::$command => $title,)*)*
                }
            }

            /// What it does, for tooltips.
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
        OpenImage: "Open photos…", "Open one or more photos. You can also drop them on the window.";
        OpenFolder: "Open folder…", "Open all photos in a folder.";
        OpenPath: "Open a path…", "Open a photo, a folder or a model by its path, without a file dialog.";
        OpenSample: "Open the sample photo", "Open a rendered street scene with every class of the built-in models.";
        CloseAll: "Close all photos", "Remove all photos from the list. The files are not changed.";
        Export: "Export…", "Save label maps, overlays, masks and more as files.";
        Quit: "Quit", "Close the window. The next start restores photos, model and view.";
    }
    Edit {
        Undo: "Undo", "Undo the last change of the view.";
        Redo: "Redo", "Redo the last undone change.";
        CopyReading: "Copy reading", "Copy the reading as text: position, classes and probabilities.";
        CopyOverlay: "Copy overlay", "Copy the photo with its masks to the clipboard.";
        CopyView: "Copy view", "Copy the canvas to the clipboard, as shown on the screen.";
        CopyLabels: "Copy label map", "Copy the label map to the clipboard, in the colours of the classes.";
        PinMiddle: "Pin the middle", "Pin the reading of the photo pixel in the middle of the canvas, or remove it.";
        UnpinReading: "Remove pins", "Remove all pinned readings from the photo.";
        Settings: "Settings…", "Change appearance, device, memory, folders and export defaults.";
    }
    Image {
        NextImage: "Next photo", "Show the next photo in the list.";
        PreviousImage: "Previous photo", "Show the previous photo in the list.";
        RemoveImage: "Remove from list", "Remove this photo from the list. Its file is not changed.";
        RestoreImages: "Undo change of the list", "Undo the last change of the list of photos.";
        ReloadImage: "Reload photo", "Reload the photo from its file.";
        AddLabelMap: "Add label map…",
            "Compare with a label map of this photo from another program. It must be a PNG with class ids.";
        AddGroundTruth: "Add ground truth…",
            "Compare with the ground truth of this photo, and score models against it.";
        Segment: "Segment", "Run the model on this photo.";
        SegmentAll: "Segment all…", "Run the model on every photo in the list that has no result yet.";
        Cancel: "Cancel", "Stop the current run. Finished results are kept.";
        CancelAll: "Cancel all", "Stop segmenting all photos. Finished results are kept.";
        PauseAll: "Pause all", "Pause segmenting all photos. Finished results are kept, and the rest can be resumed.";
        ResumeAll: "Resume all", "Segment the photos that were left when the run was paused.";
        DropRest: "Drop the rest", "Forget the photos that were left when the run was paused.";
    }
    Model {
        Decoder1: "Decoder 1", "Show the masks of the first decoder in the top bar.";
        Decoder2: "Decoder 2", "Show the masks of the second decoder in the top bar.";
        Decoder3: "Decoder 3", "Show the masks of the third decoder in the top bar.";
        Decoder4: "Decoder 4", "Show the masks of the fourth decoder in the top bar.";
        Decoder5: "Decoder 5", "Show the masks of the fifth decoder in the top bar.";
        Decoder6: "Decoder 6", "Show the masks of the sixth decoder in the top bar.";
        Decoder7: "Decoder 7", "Show the masks of the seventh decoder in the top bar.";
        Decoder8: "Decoder 8", "Show the masks of the eighth decoder in the top bar.";
        Decoder9: "Decoder 9", "Show the masks of the ninth decoder in the top bar.";
        UseEmbeddedModel: "Built-in street model",
            "Use the built-in model: street scenes in 11 classes, five decoders, for research and evaluation only.";
        PatchSizes: "Patch sizes",
            "Compare the built-in mask transformers with patch sizes 32, 16 and 8, the fastest first.";
        OpenModelFolder: "Open model folder…",
            "Open a published Segmenter folder with checkpoint.pth and variant.yml.";
        OpenModelFile: "Open model file…", "Open a checkpoint (such as .pth) or a Segscope bundle (.safetensors).";
        CancelLoading: "Cancel loading", "Stop opening the model. Open models stay open.";
        GetModels: "Get models…", "See which models are published, where to get them, and which you have.";
        StartTraining: "Start or resume training",
            "Train with the choices of the Train workspace, or resume the training that they name.";
        StopTraining: "Stop training", "Stop the training after its current step. It can be resumed.";
        ToggleMultiScale: "Test-time augmentation (slower, better)",
            "Average the predictions over six scales of the photo and its mirror image: many times slower.";
    }
    View {
        ShowMasks: "Masks workspace", "Show class masks over the photo.";
        ShowAnnotate: "Annotate workspace", "Correct masks, or make labels from nothing.";
        ShowAttention: "Attention workspace", "Show what a patch or a class looks at, in every layer and head.";
        ShowCompare: "Compare workspace", "Show models, decoders, patch sizes and label maps side by side.";
        ShowEvaluate: "Evaluate workspace",
            "Compare the model in use with ground truth, on this photo or all open photos.";
        ShowTrain: "Train workspace", "Fine-tune Segmenter or SETR on your own photos and label maps.";
        ScoreAll: "Score all photos",
            "Run the model in use on every open photo with ground truth, and total the scores.";
        PreviousLayer: "Previous layer", "Show the attention of the previous layer.";
        NextLayer: "Next layer", "Show the attention of the next layer.";
        PreviousHead: "Previous head", "Show the attention of the previous head.";
        NextHead: "Next head", "Show the attention of the next head.";
        ToggleWipe: "Wipe", "Compare two panes in one view, split by a movable line.";
        ToggleDifferences: "Differences only",
            "Show the masks of other panes only where they differ from the reference.";
        ToggleTable: "Table", "Show or hide the table below the panes.";
        Fit: "Fit", "Show the whole photo.";
        ActualSize: "1:1", "Show each photo pixel as one screen pixel.";
        ZoomIn: "Zoom in", "Zoom in on the centre. The wheel zooms at the cursor.";
        ZoomOut: "Zoom out", "Zoom out from the centre. The wheel zooms at the cursor.";
        ToggleMasks: "Masks", "Show or hide all masks.";
        CycleFill: "Next mask style", "Switch between filled masks, hatched masks and outlines only.";
        ToggleOutline: "Outlines", "Show or hide the mask outlines.";
        OpacityUp: "More opaque masks", "Raise the opacity of all masks by 10 percentage points.";
        OpacityDown: "Less opaque masks", "Lower the opacity of all masks by 10 percentage points.";
        TogglePalette: "Colour-blind safe colours",
            "Switch between the colours of Segscope and those of Okabe and Ito, for colour-blind users.";
        OpenPalette: "Palette from a file…",
            "Take the colours of classes by name from a .toml, .json or .csv file, or from CVAT's labelmap.txt.";
        ToggleFade: "Fade unsure pixels", "Draw masks fainter where the model is less confident.";
        TogglePixelGrid: "Pixel grid", "Show pixel edges when zoomed in far enough.";
        TogglePatchGrid: "Patch grid", "Show the patches, each of which is one token to the model.";
        ToggleMinimap: "Minimap", "Show the visible area when the photo is larger than the canvas.";
        ToggleStretch: "Make dark 16-bit photos bright",
            "Stretch 10-bit and 12-bit photos in 16-bit files to full brightness.";
        ToggleMagnifier: "Magnifier", "Show an enlarged view of the pixels and labels around the cursor.";
        ResetView: "Reset view settings",
            "Reset the display of masks, colours and photo to the defaults. Undo restores your settings.";
    }
    Classes {
        ToggleClassUnderCursor: "Hide or show class under cursor", "Hide or show the class that you point at.";
        SoloClassUnderCursor: "Solo class under cursor",
            "Show only the class that you point at. Repeat to show the others again.";
        ShowAllClasses: "Show all", "Show the masks of all classes.";
        HideAllClasses: "Hide all", "Hide the masks of all classes.";
        ShowPresentClasses: "Show only classes in this photo",
            "Show the classes that occur in this photo and hide the others.";
    }
    Annotate {
        UseBrush: "Brush", "Paint the chosen class.";
        UseEraser: "Eraser", "Take classes away, so that pixels are unlabelled.";
        UsePolygon: "Polygon", "Fill a polygon whose corners can be moved until it is applied.";
        UseLasso: "Lasso", "Fill what a line drawn by hand surrounds.";
        UseFill: "Fill an area", "Give connected pixels of one class the chosen class.";
        UseRegion: "Give a region the class", "Give a region of the prediction the chosen class.";
        UseWand: "Magic wand", "Fill connected pixels that resemble the one that you click.";
        UseWire: "Live wire", "Fill a polygon whose sides follow edges of the photo.";
        UseCells: "Superpixels", "Paint small areas of similar colour whole.";
        UseTeach: "Teach with strokes", "Paint a few short strokes of your classes: the whole photo is labelled from them.";
        UseNote: "Write a note", "Put a note at a pixel of the photo.";
        ToggleSelecting: "Select instead of fill",
            "Tools that fill areas select them: then tools change only what is selected.";
        SelectNothing: "Select nothing", "Remove the selection, so that tools may change every pixel again.";
        ToggleUnderlay: "Show the prediction where unlabelled",
            "Show the prediction faintly where there are no labels. Labels do not change.";
        GrowClass: "Grow the class", "Move the borders of the chosen class outwards by some pixels.";
        ShrinkClass: "Shrink the class", "Move the borders of the chosen class inwards by some pixels.";
        SmoothBorders: "Smooth all borders", "Give each pixel the most frequent class around it.";
        UsePick: "Pick a class", "Choose the class at a pixel.";
        UseHand: "Move the photo", "Drag to move the photo. Holding Space does so with every tool.";
        SmallerTip: "Smaller tip", "Make the tip of brush and eraser smaller.";
        LargerTip: "Larger tip", "Make the tip of brush and eraser larger.";
        AcceptPrediction: "Start from the prediction",
            "Replace all labels but those of locked classes by the prediction. It is one edit.";
        FillUnlabelled: "Fill unlabelled pixels", "Take the prediction where there are no labels.";
        CopyPrevious: "Copy labels of the previous photo",
            "Take the labels of the photo that was annotated before, where this one has none.";
        NextUnsure: "Next unsure place", "Show the place where the model is least sure, then the one after it.";
        NextDisagreement: "Next disagreement",
            "Show where another model disagrees most with this one; without another one, where the labels disagree with it.";
        MarkDone: "Mark done", "Say that the labels of this photo are right, and show the next photo.";
        FlagImage: "Flag photo", "Mark this photo to come back to it, or remove the mark.";
        SkipImage: "Skip photo", "Say that this photo will not be annotated, or take that back.";
        ImportLabels: "Import labels…",
            "Take labels of another program, such as CVAT, COCO or labelme, into the project of this photo.";
        AddClass: "Add a class…", "Add a class to the project of this photo.";
        ChangeClass: "Rename or recolour the class…", "Change name and colour of the chosen class.";
        MergeClass: "Merge the class…",
            "Give all pixels of the chosen class another one, in all label files, and remove the class.";
        DeleteClass: "Delete the class…", "Remove the chosen class from all label files.";
        LockClass: "Lock or unlock the class", "Keep the pixels of the chosen class from changing, or let them.";
        UndoClasses: "Undo change of classes", "Take the last change of the class list back, in all label files.";
        PreviousToAnnotate: "Annotate the previous photo", "Show the previous photo in the list.";
        NextToAnnotate: "Annotate the next photo", "Show the next photo in the list.";
        PaintClass1: "Class with key 1", "Choose the class that has the digit 1.";
        PaintClass2: "Class with key 2", "Choose the class that has the digit 2.";
        PaintClass3: "Class with key 3", "Choose the class that has the digit 3.";
        PaintClass4: "Class with key 4", "Choose the class that has the digit 4.";
        PaintClass5: "Class with key 5", "Choose the class that has the digit 5.";
        PaintClass6: "Class with key 6", "Choose the class that has the digit 6.";
        PaintClass7: "Class with key 7", "Choose the class that has the digit 7.";
        PaintClass8: "Class with key 8", "Choose the class that has the digit 8.";
        PaintClass9: "Class with key 9", "Choose the class that has the digit 9.";
        PaintClass0: "Class with key 0", "Choose the class that has the digit 0.";
    }
    Window {
        ToggleImageList: "Photo list", "Show or hide the list of photos on the left.";
        ToggleInspector: "Inspector", "Show or hide the panel with masks, classes and reading on the right.";
        FullScreen: "Full screen", "Use the whole screen, or return to a window.";
        Palette: "Find a command…", "Find a command, photo or class by a few letters of its name.";
        Log: "Log", "Show the messages since the start.";
        Performance: "Performance", "Show frame times, memory and what the worker is doing.";
        ThemeLight: "Light theme", "Use dark text on a light background.";
        ThemeDark: "Dark theme", "Use light text on a dark background.";
        ThemeSystem: "Use system theme", "Follow the light or dark theme of the system.";
        ScaleUp: "Larger interface", "Make text and controls larger.";
        ScaleDown: "Smaller interface", "Make text and controls smaller.";
        ScaleReset: "Normal interface size", "Reset text and controls to their normal size.";
    }
    Help {
        Shortcuts: "Keyboard and mouse", "Show all keyboard shortcuts and mouse actions.";
        About: "About Segscope", "Show version, licences and notices.";
    }
}

impl Command {
    /// The commands that choose an entry of the decoder switch, in the order of its entries.
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

    /// The index of the decoder switch entry that it chooses, from 0; `None` for other commands.
    pub(super) fn decoder(self) -> Option<usize> {
        Self::DECODERS.iter().position(|command| *command == self)
    }

    /// The commands that choose a class to paint, by the digits of classes.
    const DIGITS: [(Self, char); 10] = [
        (Self::PaintClass1, '1'),
        (Self::PaintClass2, '2'),
        (Self::PaintClass3, '3'),
        (Self::PaintClass4, '4'),
        (Self::PaintClass5, '5'),
        (Self::PaintClass6, '6'),
        (Self::PaintClass7, '7'),
        (Self::PaintClass8, '8'),
        (Self::PaintClass9, '9'),
        (Self::PaintClass0, '0'),
    ];

    /// The digit of the class that it chooses to paint; `None` for other commands.
    pub(super) fn digit(self) -> Option<char> {
        Self::DIGITS
            .iter()
            .find(|(command, _)| *command == self)
            .map(|(_, digit)| *digit)
    }

    /// The workspace that it belongs to; `None` if it belongs to all. Commands of different workspaces may have the same
    /// key.
    pub(super) fn workspace(self) -> Option<&'static str> {
        match self {
            Self::PreviousLayer | Self::NextLayer | Self::PreviousHead | Self::NextHead => Some("Attention"),
            Self::ToggleWipe | Self::ToggleDifferences | Self::ToggleTable => Some("Compare"),
            Self::PinMiddle => Some("Masks"),
            Self::ScoreAll => Some("Evaluate"),
            _ if self.section() == Section::Annotate => Some("Annotate"),
            _ => None,
        }
    }

    /// Whether menus omit it. Its key and the shortcut page still offer it.
    pub(super) fn is_hidden(self) -> bool {
        self == Self::Performance || self.decoder().is_some() || self.digit().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Section};

    #[test]
    fn every_command_has_a_unique_title_and_a_description() {
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
    fn commands_are_ordered_by_section_and_no_section_is_empty() {
        let mut sections: Vec<_> = Command::ALL.iter().map(|command| command.section()).collect();
        sections.dedup();
        assert_eq!(sections, Section::ALL);
    }
}
