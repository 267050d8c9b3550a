//! Tensors and plain data out of a file that `torch.save` wrote: a zip archive with a pickle in it (PyTorch 1.6 and
//! newer), or several pickles one after the other with the values behind them (before, and on request since).

mod archive;
mod legacy;
mod pickle;
mod tensor;

use std::collections::BTreeMap;
use std::path::Path;

use super::{Shapes, Source, count};
use crate::checkpoint::CheckpointError;
use crate::model::HostTensor;
use archive::Archive;
use legacy::Legacy;
use pickle::{Id, Pickle, PickleError};
use tensor::TensorEntry;

/// Largest pickle that is read: descriptions of tensors, not their values. ViT-L has 60 KiB.
const MOST_PICKLE_BYTES: u64 = 64 << 20;

/// Bytes per value of the narrowest type that is read.
const NARROWEST: u64 = 2;

/// Where the values lie.
enum Container {
    Archive(Archive),
    Legacy(Legacy),
}

/// A file whose pickle has been read.
pub(in crate::checkpoint) struct TorchFile {
    container: Container,
    pickle: Pickle,
    /// Bytes of the file.
    length: u64,
}

impl TorchFile {
    /// Opens a zip archive.
    pub(in crate::checkpoint) fn open_archive(path: &Path) -> Result<Self, CheckpointError> {
        let (archive, bytes) = Archive::open(path)?;
        let (pickle, _) = Pickle::read(&bytes).map_err(|e| refused(e, path))?;
        Ok(Self {
            length: archive.length(),
            container: Container::Archive(archive),
            pickle,
        })
    }

    /// Opens a file of the older layout.
    pub(in crate::checkpoint) fn open_legacy(path: &Path) -> Result<Self, CheckpointError> {
        let (legacy, pickle) = Legacy::open(path)?;
        Ok(Self {
            length: legacy.length(),
            container: Container::Legacy(legacy),
            pickle,
        })
    }

    /// Keys of the outermost dictionary.
    pub(in crate::checkpoint) fn keys(&self) -> Vec<&str> {
        let entries = self.pickle.entries(self.pickle.root()).unwrap_or_default();
        entries.iter().filter_map(|(k, _)| self.pickle.text(*k)).collect()
    }

    /// Whether a key of the outermost dictionary holds another dictionary.
    pub(in crate::checkpoint) fn has_dictionary(&self, key: &str) -> bool {
        self.at(&[key]).is_some_and(|id| self.pickle.entries(id).is_some())
    }

    /// A text somewhere in nested dictionaries.
    pub(in crate::checkpoint) fn text(&self, place: &[&str]) -> Option<&str> {
        self.pickle.text(self.at(place)?)
    }

    /// A truth value somewhere in nested dictionaries.
    pub(in crate::checkpoint) fn flag(&self, place: &[&str]) -> Option<bool> {
        self.pickle.flag(self.at(place)?)
    }

    /// A list of texts somewhere in nested dictionaries.
    pub(in crate::checkpoint) fn texts(&self, place: &[&str]) -> Option<Vec<&str>> {
        let items = self.pickle.items(self.at(place)?)?;
        items.iter().map(|id| self.pickle.text(*id)).collect()
    }

    /// A list of colours somewhere in nested dictionaries.
    pub(in crate::checkpoint) fn colors(&self, place: &[&str]) -> Option<Vec<[u8; 3]>> {
        let color = |id: &Id| -> Option<[u8; 3]> {
            let [r, g, b] = self.pickle.items(*id)? else {
                return None;
            };
            let channel = |id: &Id| u8::try_from(self.pickle.int(*id)?).ok();
            Some([channel(r)?, channel(g)?, channel(b)?])
        };
        self.pickle.items(self.at(place)?)?.iter().map(color).collect()
    }

    fn at(&self, place: &[&str]) -> Option<Id> {
        place
            .iter()
            .try_fold(self.pickle.root(), |id, key| self.pickle.entry(id, key))
    }

    /// The tensors of the dictionary under `key`, or of the outermost one.
    ///
    /// # Errors
    /// When there is no such dictionary, a tensor's description is impossible, or all of them together claim more
    /// values than the file can hold.
    pub(in crate::checkpoint) fn tensors(self, key: Option<&str>) -> Result<TorchTensors, String> {
        let place: Vec<&str> = key.into_iter().collect();
        let entries = self.at(&place).and_then(|id| self.pickle.entries(id));
        let Some(entries) = entries else {
            return Err(format!(
                "expected a dictionary of tensors {}, found none",
                key.map_or("in the file".into(), |key| format!("under \"{key}\""))
            ));
        };
        let mut tensors = BTreeMap::new();
        let mut shapes = Shapes::new();
        let mut total = 0u64;
        for (name, id) in entries {
            let Some(name) = self.pickle.text(*name) else { continue };
            let shortened = || name.chars().take(80).collect::<String>();
            let entry = TensorEntry::read(&self.pickle, *id).map_err(|why| format!("{}: {why}", shortened()))?;
            let Some(entry) = entry else { continue };
            let values = count(&entry.shape).and_then(|n| u64::try_from(n).ok());
            total = total.saturating_add(values.unwrap_or(u64::MAX));
            // Many names may point at one storage, and each becomes a tensor of its own.
            let most = self.length / NARROWEST;
            if total > most {
                return Err(format!(
                    "{}: its shape {:?} and those before it need more than the {most} values that the file can hold",
                    shortened(),
                    entry.shape
                ));
            }
            shapes.insert(name.to_owned(), entry.shape.clone());
            tensors.insert(name.to_owned(), entry);
        }
        Ok(TorchTensors {
            container: self.container,
            shapes,
            tensors,
        })
    }
}

/// The tensors of one dictionary of a file.
pub(in crate::checkpoint) struct TorchTensors {
    container: Container,
    shapes: Shapes,
    tensors: BTreeMap<String, TensorEntry>,
}

impl Source for TorchTensors {
    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    fn read(&mut self, name: &str) -> Result<HostTensor, String> {
        let entry = self.tensors.get(name).ok_or("it is not in the file")?;
        let bytes = match &mut self.container {
            Container::Archive(archive) => archive.storage(entry)?,
            Container::Legacy(legacy) => legacy.storage(entry)?,
        };
        entry.tensor(&bytes)
    }
}

fn refused(error: PickleError, path: &Path) -> CheckpointError {
    match error {
        PickleError::Refused(name) => CheckpointError::Refused {
            name: name.chars().take(120).collect(),
            path: path.into(),
        },
        PickleError::Damaged(why) => CheckpointError::damaged(path, why),
    }
}
