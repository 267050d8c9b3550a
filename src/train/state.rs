//! The state of a training in one file, from which it resumes exactly.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};

use super::old_keys::present_identity;
use super::optimiser::{Optimiser, OptimiserSpec};
use crate::model::{HostTensor, Weights};
use crate::staged_file::StagedFile;

/// Key of the metadata that holds [`Header`].
const HEADER: &str = "segscope.training";

/// The state of a training between two steps.
#[derive(Clone, Debug)]
pub struct TrainState {
    /// Number of completed steps.
    pub iteration: usize,
    /// The parameters.
    pub weights: Weights,
    /// The exponential moving average (EMA) of the parameters, if there is one.
    pub average: Option<Weights>,
    /// The optimiser with its state.
    pub optimiser: Optimiser,
    /// The best validation so far: its mean IoU and its iteration.
    pub best: Option<(f64, usize)>,
    /// The iteration of the last validation.
    pub validated: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    /// What is trained, as the caller describes it; only the same training resumes.
    config: String,
    iteration: usize,
    optimiser: OptimiserSpec,
    steps: u64,
    best: Option<(f64, usize)>,
    validated: Option<usize>,
}

/// Why a state cannot be saved or resumed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be written or read.
    #[error("cannot save or read the training ({0}): {path}", path = .1.display())]
    File(std::io::Error, std::path::PathBuf),
    /// The file does not hold a training.
    #[error(
        "expected a saved training, found something else ({0}); choose another folder: {path}",
        path = .1.display()
    )]
    Damaged(String, std::path::PathBuf),
    /// The training has another configuration.
    #[error(
        "expected a training with this configuration, found one with another; choose another folder or the same \
         settings: {path}",
        path = .0.display()
    )]
    Other(std::path::PathBuf),
}

impl TrainState {
    /// The state before the first step.
    pub fn new(weights: Weights, optimiser: OptimiserSpec) -> Self {
        Self {
            iteration: 0,
            weights,
            average: None,
            optimiser: Optimiser::new(optimiser),
            best: None,
            validated: None,
        }
    }

    /// The parameters to score and save: their EMA if there is one.
    pub fn to_keep(&self) -> &Weights {
        self.average.as_ref().unwrap_or(&self.weights)
    }

    /// Writes everything in single precision; the file is written completely or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path, config: &str) -> Result<(), StateError> {
        let header = Header {
            config: config.to_owned(),
            iteration: self.iteration,
            optimiser: self.optimiser.spec,
            steps: self.optimiser.steps,
            best: self.best,
            validated: self.validated,
        };
        let damaged = |why: String| StateError::Damaged(why, path.into());
        let header = serde_json::to_string(&header).map_err(|why| damaged(why.to_string()))?;
        let metadata = HashMap::from([(HEADER.to_owned(), header)]);
        let mut tensors: Vec<(String, Vec<usize>, &[f32])> = Vec::new();
        for (name, tensor) in self.weights.iter() {
            tensors.push((format!("weight.{name}"), tensor.shape.clone(), &tensor.values));
        }
        for (name, tensor) in self.average.iter().flat_map(Weights::iter) {
            tensors.push((format!("average.{name}"), tensor.shape.clone(), &tensor.values));
        }
        for (name, [mean, square]) in &self.optimiser.state {
            tensors.push((format!("mean.{name}"), vec![mean.len()], mean));
            tensors.push((format!("square.{name}"), vec![square.len()], square));
        }
        let views = tensors.iter().map(|(name, shape, values)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(values));
            view.map(|view| (name.as_str(), view))
                .map_err(|why| damaged(why.to_string()))
        });
        let views = views.collect::<Result<Vec<_>, _>>()?;
        let bytes = serialize(views, Some(metadata)).map_err(|why| damaged(why.to_string()))?;
        StagedFile::replace(path, &bytes).map_err(|why| StateError::File(why, path.into()))
    }

    /// Reads what [`TrainState::save`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read, does not hold a training or has another configuration.
    pub fn load(path: &Path, config: &str) -> Result<Self, StateError> {
        let damaged = |why: String| StateError::Damaged(why, path.into());
        let bytes = std::fs::read(path).map_err(|why| StateError::File(why, path.into()))?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|why| damaged(why.to_string()))?;
        let header = metadata.metadata().as_ref().and_then(|all| all.get(HEADER));
        let header = header.ok_or_else(|| damaged(format!("no {HEADER}")))?;
        let header: Header = serde_json::from_str(header).map_err(|why| damaged(why.to_string()))?;
        if header.config != config && present_identity(&header.config) != config {
            return Err(StateError::Other(path.into()));
        }
        let tensors = SafeTensors::deserialize(&bytes).map_err(|why| damaged(why.to_string()))?;
        let mut weights = Weights::default();
        let mut average = Weights::default();
        let mut state: BTreeMap<String, [Vec<f32>; 2]> = BTreeMap::new();
        for (name, view) in tensors.tensors() {
            let values = view
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect();
            if let Some(name) = name.strip_prefix("weight.") {
                let shape = view.shape().to_vec();
                weights.insert(name, HostTensor { shape, values });
            } else if let Some(name) = name.strip_prefix("average.") {
                let shape = view.shape().to_vec();
                average.insert(name, HostTensor { shape, values });
            } else if let Some(name) = name.strip_prefix("mean.") {
                state.entry(name.to_owned()).or_default()[0] = values;
            } else if let Some(name) = name.strip_prefix("square.") {
                state.entry(name.to_owned()).or_default()[1] = values;
            }
        }
        Ok(Self {
            iteration: header.iteration,
            weights,
            average: (average.parameters() > 0).then_some(average),
            optimiser: Optimiser {
                spec: header.optimiser,
                steps: header.steps,
                state,
            },
            best: header.best,
            validated: header.validated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_state_is_read_back_bit_for_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last.safetensors");
        let mut weights = Weights::default();
        let values = vec![1.0, -2.5e-20, f32::MIN_POSITIVE];
        weights.insert(
            "a.b",
            HostTensor {
                shape: vec![3, 1],
                values,
            },
        );
        let spec = OptimiserSpec::Sgd {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 0.0,
        };
        let mut optimiser = Optimiser::new(spec);
        optimiser.steps = 7;
        optimiser.state.insert("a.b".into(), [vec![0.1, 0.2, 0.3], Vec::new()]);
        let state = TrainState {
            iteration: 7,
            average: Some(weights.clone()),
            weights,
            optimiser,
            best: Some((0.5, 4)),
            validated: Some(7),
        };
        state.save(&path, "this").expect("a file");
        let back = TrainState::load(&path, "this").expect("the same");
        assert_eq!(back.weights.get("a.b"), state.weights.get("a.b"));
        let mean = |state: &TrainState| state.average.as_ref().and_then(|mean| mean.get("a.b").cloned());
        assert_eq!(mean(&back), mean(&state));
        assert_eq!(back.optimiser.state, state.optimiser.state);
        assert_eq!((back.iteration, back.optimiser.steps), (7, 7));
        assert_eq!((back.best, back.validated), (state.best, state.validated));
        assert!(matches!(TrainState::load(&path, "that"), Err(StateError::Other(_))));
        std::fs::write(&path, "nothing").expect("a file");
        assert!(matches!(TrainState::load(&path, "this"), Err(StateError::Damaged(..))));
    }
}
