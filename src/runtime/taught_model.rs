//! A taught decoder with its encoder, as a model on disk.

use std::path::Path;

use super::model_info::ModelSource;
use super::teaching::teaching_inference;
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::labels::ClassSet;
use crate::teach::LinearDecoder;

/// A decoder, and how it was made.
#[derive(Clone, Debug)]
pub struct TaughtModel {
    /// The model whose encoder it reads.
    pub encoder: ModelSource,
    /// The decoder.
    pub decoder: LinearDecoder,
    /// Its classes, by row.
    pub classes: ClassSet,
    /// Number of strokes that it was learnt from.
    pub strokes: usize,
    /// Number of images with strokes.
    pub images: usize,
    /// Short side in pixels to which images are reduced.
    pub short_side: usize,
    /// Whether it began as the model's own linear decoder.
    pub corrects: bool,
}

/// Why a taught decoder cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum TaughtModelError {
    /// The model cannot be read, or the bundle not written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The decoder does not fit the model.
    #[error("the taught decoder cannot be saved ({0}); choose another model: {path}", path = .1.display())]
    Fit(String, std::path::PathBuf),
}

impl TaughtModel {
    /// Writes it as a bundle: the encoder, the decoder, its classes, and how it was made and is run.
    ///
    /// # Errors
    /// When the model cannot be read or the bundle cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TaughtModelError> {
        let original = match &self.encoder {
            ModelSource::Embedded => checkpoint::open_embedded()?,
            ModelSource::EmbeddedWithPatch(patch) => checkpoint::open_embedded_with_patch(*patch)?,
            ModelSource::Path(path) => checkpoint::open(path, &mut |_| std::ops::ControlFlow::Continue(()))?,
            ModelSource::Weights(path, key) => {
                checkpoint::open_with(path, Some(key), &mut |_| std::ops::ControlFlow::Continue(()))?
            }
        };
        self.save_with(original, path)
    }

    /// As [`TaughtModel::save`], with the model that was read.
    ///
    /// # Errors
    /// When the decoder does not fit or the bundle cannot be written.
    pub fn save_with(&self, mut original: Checkpoint, path: &Path) -> Result<(), TaughtModelError> {
        let title = original.spec.title();
        let inference = teaching_inference(&original.spec, self.short_side);
        let tensors = (self.decoder.weight.clone(), self.decoder.bias.clone());
        original
            .teach(self.classes.clone(), tensors, inference)
            .map_err(|why| TaughtModelError::Fit(why, path.to_owned()))?;
        let start = match self.corrects {
            true => format!(", starting with the linear decoder of {title}"),
            false => format!(" on the encoder of {title}"),
        };
        let (version, strokes, images) = (env!("CARGO_PKG_VERSION"), self.strokes, self.images);
        let made = format!(
            "linear decoder learnt by Segscope {version} from {strokes} strokes on {images} images{start}, by logistic \
             regression"
        );
        original.provenance.add("taught", made);
        let run = format!(
            "whole image in one pass, reduced to a short side of {} pixels, padded to whole patches by repeating its edge, \
             position embeddings resized to the grid of patches",
            self.short_side
        );
        original.provenance.add("run", run);
        checkpoint::save_bundle(&original, path)?;
        Ok(())
    }
}
