//! Reads tensors and plain data from a file that `torch.save` wrote: a zip archive with a pickle in it (PyTorch 1.6 and
//! newer), or several consecutive pickles followed by the values (before, and on request since).

mod archive;
mod legacy;
mod pickle;
mod tensor;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Shapes, Source, Unread, UnreadByName};
use crate::checkpoint::CheckpointError;
use crate::model::HostTensor;
use archive::Archive;
use legacy::Legacy;
use pickle::{Id, Pickle, PickleError};
use tensor::TensorEntry;
use walk::TensorWalk;

/// Maximum size in bytes of a pickle, which describes tensors without their values. That of ViT-L has 60 KiB.
const MAX_PICKLE_BYTES: u64 = 64 << 20;

/// Maximum number of keys of the outermost dictionary to report.
const MAX_KEYS: usize = 20;

/// Bytes per value of the narrowest supported type.
const NARROWEST: u64 = 2;

/// The container of the values.
enum Container {
    Archive(Archive),
    Legacy(Legacy),
}

/// A PyTorch file whose pickle has been read.
pub(in crate::checkpoint) struct TorchFile {
    container: Container,
    pickle: Pickle,
    /// Length of the file in bytes.
    length: u64,
}

impl TorchFile {
    /// Opens a zip archive.
    pub(in crate::checkpoint) fn open_archive(path: &Path) -> Result<Self, CheckpointError> {
        let (archive, bytes) = Archive::open(path)?;
        let (pickle, _) = Pickle::read(&bytes).map_err(|e| damaged_pickle(e, path))?;
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

    /// The first keys of the outermost dictionary.
    pub(in crate::checkpoint) fn keys(&self) -> Vec<&str> {
        let entries = self.pickle.entries(self.pickle.root()).unwrap_or_default();
        let texts = entries.iter().filter_map(|(k, _)| self.pickle.text(*k));
        texts.take(MAX_KEYS).collect()
    }

    /// Names of the calls in the pickle that do not make plain values.
    pub(in crate::checkpoint) fn unknown_calls(&self) -> Vec<String> {
        self.pickle.unknown_calls().map(str::to_owned).collect()
    }

    /// The text at a path of keys in nested dictionaries.
    pub(in crate::checkpoint) fn text(&self, place: &[&str]) -> Option<&str> {
        self.pickle.text(self.at(place)?)
    }

    /// The Boolean at a path of keys in nested dictionaries.
    pub(in crate::checkpoint) fn flag(&self, place: &[&str]) -> Option<bool> {
        self.pickle.flag(self.at(place)?)
    }

    /// The list of texts at a path of keys in nested dictionaries.
    pub(in crate::checkpoint) fn texts(&self, place: &[&str]) -> Option<Vec<&str>> {
        let items = self.pickle.items(self.at(place)?)?;
        items.iter().map(|id| self.pickle.text(*id)).collect()
    }

    /// The list of colours at a path of keys in nested dictionaries.
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

    /// The tensors of all dictionaries, named by their path: `state_dict.encoder.cls_token`.
    ///
    /// # Errors
    /// When there are more tensors than any real file has.
    pub(in crate::checkpoint) fn tensors(self) -> Result<TorchTensors, String> {
        let TensorWalk {
            tensors,
            unread,
            places,
        } = TensorWalk::through(&self.pickle)?;
        Ok(TorchTensors {
            container: self.container,
            length: self.length,
            shapes: tensors
                .iter()
                .map(|(name, entry)| (name.clone(), entry.shape.clone()))
                .collect(),
            tensors,
            unread,
            places,
        })
    }
}

/// The tensors of a file.
pub(in crate::checkpoint) struct TorchTensors {
    container: Container,
    length: u64,
    shapes: Shapes,
    tensors: BTreeMap<String, TensorEntry>,
    unread: UnreadByName,
    places: BTreeSet<String>,
}

impl Source for TorchTensors {
    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    fn unread(&self) -> &UnreadByName {
        &self.unread
    }

    fn places(&self) -> &BTreeSet<String> {
        &self.places
    }

    /// Many names may refer to one storage, and each becomes a separate tensor.
    fn most_values(&self) -> u64 {
        self.length / NARROWEST
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

fn damaged_pickle(error: PickleError, path: &Path) -> CheckpointError {
    CheckpointError::damaged(path, error.to_string())
}
