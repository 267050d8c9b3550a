//! Which model a command uses.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::{said, source_of, stopping};
use crate::runtime::{ModelInfo, ModelSource, Session};

/// The model, and which of the weights in its file
#[derive(Debug, clap::Args)]
pub(super) struct ModelFlags {
    /// A published folder, a .pth or a bundle; the embedded model without it
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    model: Option<PathBuf>,
    /// Key of the model file under which the weights lie, where it holds several sets: model_ema, state_dict.teacher
    #[arg(long, value_name = "KEY", requires = "model")]
    weights: Option<String>,
}

impl ModelFlags {
    /// The model that was named; the embedded one without any.
    pub(super) fn source(&self) -> ModelSource {
        match (&self.model, &self.weights) {
            (Some(path), Some(key)) => ModelSource::Weights(path.clone(), key.clone()),
            (path, _) => source_of(path.as_ref()),
        }
    }

    /// Opens it, and says what was assumed or left out.
    pub(super) fn load(&self, session: &mut Session) -> Result<Arc<ModelInfo>> {
        let model = session.load(self.source(), &mut |_| stopping::go_on())?;
        said::notes(&model.remarks);
        Ok(model)
    }
}
