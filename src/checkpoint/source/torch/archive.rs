//! The zip archive that `torch.save` has written since PyTorch 1.6.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::read::ZipFile;
use zip::result::{ZipError, ZipResult};
use zip::{CompressionMethod, ZipArchive};

use super::MAX_PICKLE_BYTES;
use super::tensor::TensorEntry;
use crate::checkpoint::{CheckpointError, unrecognised};

/// An archive with one pickle and one entry per storage.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// Length of the whole file in bytes; no entry can be longer, whatever it claims.
    length: u64,
    /// Folder of all entries inside the archive, with a slash at the end.
    root: String,
}

impl Archive {
    /// Opens an archive and reads the bytes of its pickle.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<u8>), CheckpointError> {
        let damaged = |why: String| CheckpointError::damaged(path, why);
        let file = File::open(path).map_err(|e| CheckpointError::read(path, e))?;
        let length = file.metadata().map_err(|e| CheckpointError::read(path, e))?.len();
        let zip =
            ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(unrecognised::broken_archive(&e.to_string())))?;
        let names: Vec<String> = zip.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
        if let Some(why) = unrecognised::archive(&names) {
            return Err(damaged(why));
        }
        let is_pickle = |name: &&String| name.as_str() == "data.pkl" || name.ends_with("/data.pkl");
        let Some(name) = names.iter().find(is_pickle) else {
            return Err(damaged(
                "expected a checkpoint that torch.save wrote, with data.pkl inside, found another zip archive".into(),
            ));
        };
        let root = name.trim_end_matches("data.pkl").to_owned();
        let mut archive = Self { zip, length, root };
        let order = archive.entry("byteorder", 16).unwrap_or_default();
        if order == b"big" {
            return Err(damaged(
                "it was written on a big-endian machine; save it again on a little-endian one".into(),
            ));
        }
        let pickle = archive.entry("data.pkl", MAX_PICKLE_BYTES).map_err(damaged)?;
        Ok((archive, pickle))
    }

    /// Length of the file in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes of a tensor's whole storage.
    pub(super) fn storage(&mut self, entry: &TensorEntry) -> Result<Vec<u8>, String> {
        let name = format!("{}data/{}", self.root, entry.storage);
        let mut file = raw(&mut self.zip, &name).map_err(|e| format!("its values are missing ({e})"))?;
        // Entries are stored uncompressed, so a claimed size above the file's length is wrong and no memory is
        // allocated for it.
        if file.compression() != CompressionMethod::Stored {
            return Err("its values are compressed, which torch.save never does".into());
        }
        let length = file.size().min(file.compressed_size()).min(self.length);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        entry.check(length / entry.float.width())?;
        read_checked(&mut file, length)
    }

    fn entry(&mut self, name: &str, most: u64) -> Result<Vec<u8>, String> {
        let name = format!("{}{name}", self.root);
        let mut file = raw(&mut self.zip, &name).map_err(|e| format!("{name:.120} cannot be read ({e})"))?;
        if file.compression() != CompressionMethod::Stored {
            return Err(format!("{name:.120} is compressed, which torch.save never does"));
        }
        let length = file.size().min(file.compressed_size());
        if length > most {
            return Err(format!("{name:.120} claims {length} bytes, more than {most}"));
        }
        let length = usize::try_from(length.min(self.length)).unwrap_or(usize::MAX);
        read_checked(&mut file, length).map_err(|why| format!("{name:.120}: {why}"))
    }
}

/// Opens an entry as stored, because the archive's own reader does not accept a missing checksum.
fn raw<'a>(zip: &'a mut ZipArchive<BufReader<File>>, name: &str) -> ZipResult<ZipFile<'a, BufReader<File>>> {
    let index = zip.index_for_name(name).ok_or(ZipError::FileNotFound)?;
    zip.by_index_raw(index)
}

/// Reads all `length` bytes of a stored entry and checks its CRC-32.
fn read_checked(file: &mut ZipFile<BufReader<File>>, length: usize) -> Result<Vec<u8>, String> {
    let expected = file.crc32();
    let mut bytes = Vec::with_capacity(length);
    file.by_ref()
        .take(length as u64)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("its values cannot be read ({e})"))?;
    if bytes.len() < length {
        return Err("its values end too early".into());
    }
    // PyTorch leaves the checksum at 0 when it is set not to compute it (torch.serialization.set_crc32_options).
    if expected != 0 && crc32fast::hash(&bytes) != expected {
        return Err("it is damaged: its checksum (CRC-32) differs; copy or download the file again".into());
    }
    Ok(bytes)
}
