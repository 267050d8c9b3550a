//! Information about a model for the window and reports: plain data without tensors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint;
use crate::datasets::{TruthChoices, TruthReader};
use crate::labels::ClassSet;
use crate::model::{ModelSpec, Output, Precision};

/// The source of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelSource {
    /// The main built-in bundle.
    Embedded,
    /// The built-in bundle with this patch size in pixels: 8 or 32.
    EmbeddedWithPatch(usize),
    /// A folder or a file.
    Path(PathBuf),
    /// A folder or a file, and the key of the weights in the file.
    Weights(PathBuf, String),
}

impl ModelSource {
    /// The built-in bundles, the cheapest to run first.
    pub const PATCH_SIZES: [Self; 3] = [Self::EmbeddedWithPatch(32), Self::Embedded, Self::EmbeddedWithPatch(8)];

    /// Name of the file or folder to show to the user.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded => "embedded model".into(),
            Self::EmbeddedWithPatch(patch) => format!("embedded model with patch {patch}"),
            Self::Path(path) | Self::Weights(path, _) => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into()),
        }
    }

    /// The path of the folder or file; `None` for the built-in bundles.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Embedded | Self::EmbeddedWithPatch(_) => None,
            Self::Path(path) | Self::Weights(path, _) => Some(path),
        }
    }

    /// The files that are read to open the model, whether or not they exist.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let file = self.path().and_then(|path| checkpoint::model_file(path).ok());
        file.map_or(Vec::new(), checkpoint::files_of)
    }
}

/// Information about an open model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Unique in this process; an unchanged file gets the same id when it is opened again.
    pub id: u64,
    /// Title, such as `Seg-T-Mask/16`, or `ViT-T/16 with 5 decoders` for several decoders.
    pub title: String,
    /// Where it was read from.
    pub source: ModelSource,
    /// Sizes and inference settings.
    pub spec: ModelSpec,
    /// Class set that is shown to the user, see [`ModelInfo::with_set`].
    pub classes: ClassSet,
    /// Class set of its file.
    pub own_classes: ClassSet,
    /// Number of parameters.
    pub parameters: usize,
    /// Memory of the network in bytes.
    pub bytes: usize,
    /// Precision of its products.
    pub precision: Precision,
    /// As [`checkpoint::Checkpoint::zero_is_ignored`].
    pub zero_is_ignored: Option<bool>,
    /// As [`checkpoint::Checkpoint::remarks`].
    pub remarks: Vec<String>,
}

impl ModelInfo {
    /// A reader of ground truth for the model, in which `choices` override the rules of the data set.
    pub fn truth_reader(&self, choices: &TruthChoices) -> TruthReader {
        TruthReader::with(&self.classes, None, self.zero_is_ignored, choices)
    }

    /// Title of one output, such as `SETR-PUP-L/16 layer 10`.
    pub fn output_title(&self, output: Output) -> String {
        self.spec.output_title(output)
    }
}

/// An open model.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenModel {
    /// Information about the model.
    pub info: Arc<ModelInfo>,
    /// Whether its weights are in memory. If they were dropped for other models, the next run reads them again.
    pub in_memory: bool,
}
