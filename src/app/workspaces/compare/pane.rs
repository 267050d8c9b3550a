//! What a pane shows, and what of it is known.

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::gpu::GpuLabels;
use crate::app::state::ResultKey;
use crate::datasets::{TruthReader, truth_by_example};
use crate::engine::{Asked, Labelling, ModelInfo, ModelSource, PhotoSource, Segmented};
use crate::labels::ClassSet;

/// What a pane is about, whatever the picture is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// The bare photo.
    Photo,
    /// What a model predicts.
    Model {
        source: ModelSource,
        decoder: usize,
        /// Averaged over several sizes and the mirrored picture.
        multi_scale: bool,
    },
    /// What a file says.
    Labels(LabelFile),
}

/// A label map of one picture, and by its name those of others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelFile {
    pub(super) path: PathBuf,
    /// The picture that it was chosen for.
    pub(super) photo: PhotoSource,
    /// What reads it where it is the truth, with which others are scored.
    pub(super) truth: Option<TruthReader>,
    /// What its ids mean: the classes of the reference at the time when it was chosen.
    pub(super) classes: ClassSet,
}

impl LabelFile {
    /// The label map of a picture: the file itself, or one beside it that is named after its picture in the same way,
    /// as `b_L.png` is for `b.jpg` when `a_L.png` was chosen for `a.jpg`.
    pub(super) fn path_for(&self, photo: &PhotoSource) -> Option<PathBuf> {
        if *photo == self.photo {
            return Some(self.path.clone());
        }
        truth_by_example(self.photo.file()?, &self.path, photo.file()?)
    }
}

/// What the labels of a pane belong to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Of {
    /// A run.
    Run(ResultKey),
    /// A file, and the number of the photo that it was read for.
    File(PathBuf, u64),
}

/// Labels that a pane shows.
pub(super) struct Labelled {
    pub(super) of: Of,
    /// Number of the photo.
    pub(super) photo: u64,
    /// Their upload to the GPU; no other labels have it.
    pub(super) upload: Asked,
    pub(super) labels: Labelling,
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
    /// No other pane of this program has had it.
    pub(super) id: u64,
    pub(super) content: Content,
    pub(super) labelled: Option<Labelled>,
    /// What came to nothing, and why.
    pub(super) failed: Option<(Of, String)>,
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

    /// Whether it has, or cannot have, the labels that belong to `of`.
    pub(super) fn is_settled(&self, of: &Of) -> bool {
        self.has(of) || self.failure(of).is_some()
    }

    pub(super) fn has(&self, of: &Of) -> bool {
        self.labelled.as_ref().is_some_and(|labelled| labelled.of == *of)
    }

    /// Why it has not the labels that belong to `of`.
    pub(super) fn failure(&self, of: &Of) -> Option<&str> {
        let (failed, why) = self.failed.as_ref()?;
        (failed == of).then_some(why)
    }

    /// The classes of its labels; `None` while it has none.
    pub(super) fn classes(&self) -> Option<&ClassSet> {
        let labelled = self.labelled.as_ref()?;
        match (&self.content, labelled.model()) {
            (Content::Labels(file), _) => Some(&file.classes),
            (_, model) => model.map(|model| &model.classes),
        }
    }

    /// Whether it shows what this model predicts.
    pub(super) fn is_of(&self, model: &ModelSource) -> bool {
        matches!(&self.content, Content::Model { source, .. } if source == model)
    }

    /// Whether it is the truth.
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
            photo: PhotoSource::Path(photo.into()),
            truth: Some(TruthReader::new(&ClassSet::numbered(2))),
            classes: ClassSet::numbered(2),
        }
    }

    #[test]
    fn the_label_map_of_another_picture_is_named_in_the_same_way() {
        let path_for = |file: &LabelFile, photo: &str| file.path_for(&PhotoSource::Path(photo.into()));
        let file = chosen("/pictures/a.jpg", "/labels/a_L.png");
        assert_eq!(path_for(&file, "/pictures/a.jpg"), Some("/labels/a_L.png".into()));
        assert_eq!(path_for(&file, "/pictures/b.jpg"), Some("/labels/b_L.png".into()));
        let other = chosen("/pictures/a.jpg", "/labels/truth.png");
        assert_eq!(path_for(&other, "/pictures/a.jpg"), Some("/labels/truth.png".into()));
        assert_eq!(path_for(&other, "/pictures/b.jpg"), None);
        assert_eq!(file.path_for(&PhotoSource::Sample), None);
        let behind = chosen("/pictures/a.jpg", "/labels/mask_a.png");
        assert_eq!(path_for(&behind, "/pictures/b.jpg"), Some("/labels/mask_b.png".into()));
        let numbered = chosen("/pictures/1.jpg", "/labels/2021_1.png");
        assert_eq!(
            path_for(&numbered, "/pictures/2.jpg"),
            Some("/labels/2021_2.png".into())
        );
    }
}
