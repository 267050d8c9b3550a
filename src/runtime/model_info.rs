//! What a window or a report knows of a model: plain data, no tensor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint;
use crate::datasets::{TruthChoices, TruthReader};
use crate::labels::ClassSet;
use crate::model::{ModelSpec, Output};

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelSource {
    /// The main bundle inside the program.
    Embedded,
    /// The bundle inside the program with patches of this many pixels: 8 or 32.
    EmbeddedWithPatch(usize),
    /// A folder or a file.
    Path(PathBuf),
    /// A folder or a file, and the key of the file under which the weights lie.
    Weights(PathBuf, String),
}

impl ModelSource {
    /// The bundles inside the program, the cheapest to run first.
    pub const PATCH_SIZES: [Self; 3] = [Self::EmbeddedWithPatch(32), Self::Embedded, Self::EmbeddedWithPatch(8)];

    /// Name of the file or folder, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded => "embedded model".into(),
            Self::EmbeddedWithPatch(patch) => format!("embedded model with patch {patch}"),
            Self::Path(path) | Self::Weights(path, _) => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into()),
        }
    }

    /// The folder or file that was named; the bundles inside the program have none.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Embedded | Self::EmbeddedWithPatch(_) => None,
            Self::Path(path) | Self::Weights(path, _) => Some(path),
        }
    }

    /// The files that opening it reads, whether they are there or not.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let file = self.path().and_then(|path| checkpoint::model_file(path).ok());
        file.map_or(Vec::new(), checkpoint::files_of)
    }
}

/// What a window or a report shows of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Unique in this process, and the same whenever the unchanged file is opened again.
    pub id: u64,
    /// `Seg-T-Mask/16`; with several decoders `ViT-T/16 with 5 decoders`.
    pub title: String,
    /// Where it was read from.
    pub source: ModelSource,
    /// Sizes and rules.
    pub spec: ModelSpec,
    /// Names and colours under which it is shown, see [`ModelInfo::with_set`].
    pub classes: ClassSet,
    /// Names and colours as its file has them.
    pub own_classes: ClassSet,
    /// Number of parameters.
    pub parameters: usize,
    /// As [`checkpoint::Checkpoint::zero_is_ignored`].
    pub zero_is_ignored: Option<bool>,
    /// As [`checkpoint::Checkpoint::remarks`].
    pub remarks: Vec<String>,
}

impl ModelInfo {
    /// Bytes that its parameters take in memory: four each.
    pub fn bytes(&self) -> usize {
        self.parameters * size_of::<f32>()
    }

    /// What reads ground truth for it, with what a person chooses in place of what the data set says.
    pub fn truth_reader(&self, choices: &TruthChoices) -> TruthReader {
        TruthReader::with(&self.classes, None, self.zero_is_ignored, choices)
    }

    /// Title of one output, such as `SETR-PUP-L/16 layer 10`.
    pub fn output_title(&self, output: Output) -> String {
        self.spec.output_title(output)
    }
}

/// A model that was opened and has not been closed.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenModel {
    /// What it is.
    pub info: Arc<ModelInfo>,
    /// Whether its weights are in memory. Where they had to make room for others, the next run reads them again.
    pub in_memory: bool,
}
