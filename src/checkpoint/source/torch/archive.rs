//! The zip archive that `torch.save` writes since PyTorch 1.6.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::MOST_PICKLE_BYTES;
use super::tensor::TensorEntry;
use crate::checkpoint::CheckpointError;

/// An archive with one pickle and one entry per storage.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// Length of the whole file: no entry can be longer, whatever it claims.
    length: u64,
    /// Folder of all entries inside the archive, with a slash at the end.
    root: String,
}

impl Archive {
    /// The archive and its pickle.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<u8>), CheckpointError> {
        let damaged = |why: String| CheckpointError::damaged(path, why);
        let file = File::open(path).map_err(|e| CheckpointError::read(path, e))?;
        let length = file.metadata().map_err(|e| CheckpointError::read(path, e))?.len();
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|e| {
            damaged(format!(
                "expected a zip archive as torch.save writes it, found none that can be read ({e})"
            ))
        })?;
        let Some(name) = zip
            .file_names()
            .filter_map(Result::ok)
            .find(|n| n == "data.pkl" || n.ends_with("/data.pkl"))
            .map(Cow::into_owned)
        else {
            return Err(damaged("expected data.pkl inside the archive, found none".into()));
        };
        let root = name.trim_end_matches("data.pkl").to_owned();
        let mut archive = Self { zip, length, root };
        let order = archive.entry("byteorder", 16).unwrap_or_default();
        if order == b"big" {
            return Err(damaged(
                "it was written on a big-endian machine; save it again on another".into(),
            ));
        }
        let pickle = archive.entry("data.pkl", MOST_PICKLE_BYTES).map_err(damaged)?;
        Ok((archive, pickle))
    }

    /// Bytes of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes of a tensor's whole storage.
    pub(super) fn storage(&mut self, entry: &TensorEntry) -> Result<Vec<u8>, String> {
        let name = format!("{}data/{}", self.root, entry.storage);
        let mut file = self
            .zip
            .by_name(&name)
            .map_err(|e| format!("its values are missing ({e})"))?;
        // Stored, not compressed: a claimed size above the file's own is a lie, and no memory is taken for it.
        if file.compression() != zip::CompressionMethod::Stored {
            return Err("its values are compressed, which torch.save never does".into());
        }
        let length = file.size().min(file.compressed_size()).min(self.length);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        entry.check(length / entry.float.width())?;
        let mut bytes = Vec::with_capacity(length);
        file.by_ref()
            .take(length as u64)
            .read_to_end(&mut bytes)
            .map_err(|e| format!("its values cannot be read ({e})"))?;
        if bytes.len() < length {
            return Err("its values end too early".into());
        }
        Ok(bytes)
    }

    fn entry(&mut self, name: &str, most: u64) -> Result<Vec<u8>, String> {
        let name = format!("{}{name}", self.root);
        let mut file = self
            .zip
            .by_name(&name)
            .map_err(|e| format!("{name} cannot be read ({e})"))?;
        if file.size() > most {
            return Err(format!("{name} claims {} bytes, more than {most}", file.size()));
        }
        let mut bytes = Vec::new();
        file.by_ref()
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(|e| format!("{name} cannot be read ({e})"))?;
        Ok(bytes)
    }
}
