//! Panes: what they show, and their labels.

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::gpu::GpuLabels;
use crate::app::state::ResultKey;
use crate::datasets::{TruthReader, truth_by_example};
use crate::engine::{Asked, ImageSource, LabelLayer, ModelInfo, ModelSource, Segmented};
use crate::labels::ClassSet;

/// What a pane shows, whichever image is open.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// The bare image.
    Photo,
    /// The prediction of a model.
    Model {
        source: ModelSource,
        decoder: usize,
        /// Whether it is averaged over several scales and the mirrored image.
        multi_scale: bool,
    },
    /// A label map from a file.
    Labels(LabelFile),
}

/// A label map of one image; those of other images are found by its name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelFile {
    pub(super) path: PathBuf,
    /// The image for which it was chosen.
    pub(super) photo: ImageSource,
    /// Its reader if it is the ground truth that the other panes are scored against.
    pub(super) truth: Option<TruthReader>,
    /// What its ids mean: the classes of the reference when it was chosen.
    pub(super) classes: ClassSet,
}

impl LabelFile {
    /// The label map of an image: the file itself, or a file beside it that is named after its image in the same way.
    ///
    /// If `a_L.png` was chosen for `a.jpg`, that is `b_L.png` for `b.jpg`.
    pub(super) fn path_for(&self, photo: &ImageSource) -> Option<PathBuf> {
        if *photo == self.photo {
            return Some(self.path.clone());
        }
        truth_by_example(self.photo.file()?, &self.path, photo.file()?)
    }
}

/// The key of the labels of a pane.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LabelsKey {
    /// A run.
    Run(ResultKey),
    /// A file, and the id of the image that it was read for.
    File(PathBuf, u64),
}

/// Labels that a pane shows.
pub(super) struct Labelled {
    pub(super) of: LabelsKey,
    /// Id of the image.
    pub(super) photo: u64,
    /// Their upload to the GPU, which identifies them.
    pub(super) upload: Asked,
    pub(super) labels: LabelLayer,
    /// The run that made them; `None` for a file.
    pub(super) result: Option<Segmented>,
    /// `None` until they are on the GPU.
    pub(super) texture: Option<Arc<GpuLabels>>,
}

impl Labelled {
    /// The model that made them.
    pub(super) fn model(&self) -> Option<&Arc<ModelInfo>> {
        self.result.as_ref().map(|result| &result.model)
    }
}

/// One pane.
pub(super) struct Pane {
    /// Never used for another pane.
    pub(super) id: u64,
    pub(super) content: Content,
    pub(super) labelled: Option<Labelled>,
    /// The key of the labels that failed, and why.
    pub(super) failed: Option<(LabelsKey, String)>,
}

impl Pane {
    pub(super) fn new(id: u64, content: Content) -> Self {
        Self {
            id,
            content,
            labelled: None,
            failed: None,
        }
    }

    /// Whether the labels of `of` are there or have failed.
    pub(super) fn is_settled(&self, of: &LabelsKey) -> bool {
        self.has(of) || self.failure(of).is_some()
    }

    pub(super) fn has(&self, of: &LabelsKey) -> bool {
        self.labelled.as_ref().is_some_and(|labelled| labelled.of == *of)
    }

    /// Why the labels of `of` have failed.
    pub(super) fn failure(&self, of: &LabelsKey) -> Option<&str> {
        let (failed, why) = self.failed.as_ref()?;
        (failed == of).then_some(why)
    }

    /// The classes of its labels; `None` while it has no labels.
    pub(super) fn classes(&self) -> Option<&ClassSet> {
        let labelled = self.labelled.as_ref()?;
        match (&self.content, labelled.model()) {
            (Content::Labels(file), _) => Some(&file.classes),
            (_, model) => model.map(|model| &model.classes),
        }
    }

    /// Whether it shows a prediction of this model.
    pub(super) fn is_of(&self, model: &ModelSource) -> bool {
        matches!(&self.content, Content::Model { source, .. } if source == model)
    }

    /// Whether it shows the ground truth.
    pub(super) fn is_truth(&self) -> bool {
        matches!(&self.content, Content::Labels(file) if file.truth.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(photo: &str, labels: &str) -> LabelFile {
        LabelFile {
            path: labels.into(),
            photo: ImageSource::Path(photo.into()),
            truth: Some(TruthReader::new(&ClassSet::numbered(2))),
            classes: ClassSet::numbered(2),
        }
    }

    #[test]
    fn label_maps_of_other_images_follow_the_same_naming() {
        let path_for = |file: &LabelFile, photo: &str| file.path_for(&ImageSource::Path(photo.into()));
        let file = chosen("/photos/a.jpg", "/labels/a_L.png");
        assert_eq!(path_for(&file, "/photos/a.jpg"), Some("/labels/a_L.png".into()));
        assert_eq!(path_for(&file, "/photos/b.jpg"), Some("/labels/b_L.png".into()));
        let other = chosen("/photos/a.jpg", "/labels/truth.png");
        assert_eq!(path_for(&other, "/photos/a.jpg"), Some("/labels/truth.png".into()));
        assert_eq!(path_for(&other, "/photos/b.jpg"), None);
        assert_eq!(file.path_for(&ImageSource::Sample), None);
        let behind = chosen("/photos/a.jpg", "/labels/mask_a.png");
        assert_eq!(path_for(&behind, "/photos/b.jpg"), Some("/labels/mask_b.png".into()));
        let numbered = chosen("/photos/1.jpg", "/labels/2021_1.png");
        assert_eq!(path_for(&numbered, "/photos/2.jpg"), Some("/labels/2021_2.png".into()));
    }
}
