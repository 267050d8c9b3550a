//! Which model a command uses.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::{printing, source_of, stopping};
use crate::runtime::{ModelInfo, ModelSource, Session};

/// The model file, and which of its weights to use
#[derive(Debug, clap::Args)]
pub(super) struct ModelFlags {
    /// Model: a published folder, a .pth file or a bundle [default: the embedded model]
    #[arg(long, value_name = "FILE-or-FOLDER")]
    model: Option<PathBuf>,
    /// Key of the weights in a model file with several sets, such as model_ema or state_dict.teacher
    #[arg(long, value_name = "KEY", requires = "model")]
    weights: Option<String>,
}

impl ModelFlags {
    /// The named model, or else the embedded one.
    pub(super) fn source(&self) -> ModelSource {
        match (&self.model, &self.weights) {
            (Some(path), Some(key)) => ModelSource::Weights(path.clone(), key.clone()),
            (path, _) => source_of(path.as_ref()),
        }
    }

    /// Loads the model and prints what was assumed or left out.
    pub(super) fn load(&self, session: &mut Session) -> Result<Arc<ModelInfo>> {
        let model = session.load(self.source(), &mut |_| stopping::keep_going())?;
        printing::notes(&model.remarks);
        Ok(model)
    }
}
