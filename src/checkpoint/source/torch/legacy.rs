//! The layout of `torch.save` before PyTorch 1.6, which some publishing scripts still use: pickles of a magic number, a
//! version, the machine, the data and the list of storages; then each storage as its length and its values.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::pickle::{Pickle, Value};
use super::tensor::{TensorEntry, element_width, storage_of};
use super::{MAX_PICKLE_BYTES, damaged_pickle};
use crate::checkpoint::CheckpointError;

/// The storages after the pickles.
pub(super) struct Legacy {
    file: BufReader<File>,
    length: u64,
    /// Offset and length in bytes, by key.
    storages: BTreeMap<String, (u64, u64)>,
}

impl Legacy {
    /// Opens a file and reads the pickle of its data.
    pub(super) fn open(path: &Path) -> Result<(Self, Pickle), CheckpointError> {
        let read = |e| CheckpointError::read(path, e);
        let mut file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let mut start = Vec::new();
        file.by_ref()
            .take(MAX_PICKLE_BYTES)
            .read_to_end(&mut start)
            .map_err(read)?;
        let mut at = 0;
        let mut next = || -> Result<Pickle, CheckpointError> {
            let (pickle, used) = Pickle::read(&start[at..]).map_err(|e| damaged_pickle(e, path))?;
            at += used;
            Ok(pickle)
        };
        let magic = next()?;
        // The magic number is 0x1950a86a20f9469cfc6c. Of a number this long, the reader only records that it is an
        // integer.
        if !matches!(magic.value(magic.root()), Value::Int(_)) {
            let why = "expected PyTorch's magic number, found a pickle of something else; save the state_dict with \
                       torch.save";
            return Err(CheckpointError::damaged(path, why.into()));
        }
        let (_version, machine) = (next()?, next()?);
        let order = machine.entry(machine.root(), "little_endian");
        if order.and_then(|id| machine.flag(id)) == Some(false) {
            let why = "expected little-endian values, found those of a big-endian machine; save it again on a \
                       little-endian one";
            return Err(CheckpointError::damaged(path, why.into()));
        }
        let data = next()?;
        let keys = next()?;
        let mut legacy = Self {
            file: BufReader::new(file),
            length,
            storages: BTreeMap::new(),
        };
        legacy
            .find_storages(&data, &keys, at as u64)
            .map_err(|why| CheckpointError::damaged(path, why))?;
        Ok((legacy, data))
    }

    fn find_storages(&mut self, data: &Pickle, keys: &Pickle, start: u64) -> Result<(), String> {
        let mut widths = BTreeMap::new();
        for reference in data.persistent() {
            // References to anything but storages are skipped; a missing storage is reported below.
            let Ok((kind, key)) = storage_of(data, reference) else {
                continue;
            };
            if let Some(width) = element_width(kind) {
                widths.insert(key, width);
            }
        }
        let Some(items) = keys.items(keys.root()) else {
            return Err("expected the list of storages, found something else".into());
        };
        let mut at = start;
        for id in items {
            let key = keys
                .text(*id)
                .ok_or("expected the key of a storage, found something else")?;
            let width = widths
                .get(key)
                .ok_or_else(|| format!("expected a known type for the storage {key:.40}, found another"))?;
            let mut elements = [0; 8];
            self.file
                .seek(SeekFrom::Start(at))
                .and_then(|_| self.file.read_exact(&mut elements))
                .map_err(|e| format!("its values cannot be read ({e})"))?;
            let bytes = u64::from_le_bytes(elements).checked_mul(*width);
            let end = bytes.and_then(|bytes| at.checked_add(8)?.checked_add(bytes));
            let (Some(bytes), Some(end)) = (bytes, end.filter(|end| *end <= self.length)) else {
                return Err("it ends before its values; it was not downloaded in full".into());
            };
            self.storages.insert(key.to_owned(), (at + 8, bytes));
            at = end;
        }
        Ok(())
    }

    /// Length of the file in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes of a tensor's whole storage.
    pub(super) fn storage(&mut self, entry: &TensorEntry) -> Result<Vec<u8>, String> {
        let (start, length) = self.storages.get(&entry.storage).ok_or("its values are missing")?;
        let length = usize::try_from(*length).unwrap_or(usize::MAX);
        entry.check(length / entry.float.width())?;
        let mut bytes = vec![0; length];
        self.file
            .seek(SeekFrom::Start(*start))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|e| format!("its values cannot be read ({e})"))?;
        Ok(bytes)
    }
}
