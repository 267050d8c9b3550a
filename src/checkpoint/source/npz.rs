//! Reads arrays from an `.npz` file, as written by `numpy.savez`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use zip::ZipArchive;

use super::{Float, Shapes, Source, Unread, UnreadByName, count};
use crate::checkpoint::CheckpointError;
use crate::model::HostTensor;

/// Maximum size of an array's header in bytes; real ones have 128.
const MAX_HEADER_BYTES: u64 = 64 << 10;

/// An archive of arrays.
pub(in crate::checkpoint) struct NpzFile {
    zip: ZipArchive<BufReader<File>>,
    shapes: Shapes,
    floats: BTreeMap<String, Float>,
    unread: UnreadByName,
}

impl NpzFile {
    /// Opens an archive; `None` when it holds no arrays and so is another kind of file.
    pub(in crate::checkpoint) fn open(path: &Path) -> Result<Option<Self>, CheckpointError> {
        let file = File::open(path).map_err(|e| CheckpointError::read(path, e))?;
        let length = file.metadata().map_err(|e| CheckpointError::read(path, e))?.len();
        let Ok(zip) = ZipArchive::new(BufReader::new(file)) else {
            return Ok(None);
        };
        let names: Vec<String> = zip.file_names().filter_map(Result::ok).map(Cow::into_owned).collect();
        let mut npz = Self {
            zip,
            shapes: Shapes::new(),
            floats: BTreeMap::new(),
            unread: UnreadByName::new(),
        };
        for name in names.iter().filter_map(|entry| entry.strip_suffix(".npy")) {
            let header = match npz.header(name) {
                Ok(header) => header,
                Err(why) => {
                    npz.unread.insert(name.to_owned(), Unread::because(why));
                    continue;
                }
            };
            let Some(float) = float_of(&header) else { continue };
            let shape: Option<Vec<usize>> = header.shape().iter().map(|n| usize::try_from(*n).ok()).collect();
            let fits = |shape: &Vec<usize>| count(shape).is_some_and(|n| n > 0 && n as u64 <= length);
            let Some(shape) = shape.filter(fits) else {
                let why = format!("the file cannot hold its shape {:?}", header.shape());
                npz.unread.insert(name.to_owned(), Unread::because(why));
                continue;
            };
            npz.shapes.insert(name.to_owned(), shape);
            npz.floats.insert(name.to_owned(), float);
        }
        Ok(Some(npz).filter(|npz| !npz.shapes.is_empty()))
    }

    fn header(&mut self, name: &str) -> Result<NpyHeader, String> {
        let mut file = self
            .zip
            .by_name(&format!("{name}.npy"))
            .map_err(|e| format!("it cannot be read ({e})"))?;
        NpyHeader::from_reader(file.by_ref().take(MAX_HEADER_BYTES)).map_err(|e| format!("it is not an array ({e})"))
    }
}

impl Source for NpzFile {
    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    fn unread(&self) -> &UnreadByName {
        &self.unread
    }

    fn read(&mut self, name: &str) -> Result<HostTensor, String> {
        let (Some(shape), Some(float)) = (self.shapes.get(name), self.floats.get(name)) else {
            return Err("it is not in the file".into());
        };
        let mut file = self
            .zip
            .by_name(&format!("{name}.npy"))
            .map_err(|e| format!("it cannot be read ({e})"))?;
        let header = NpyHeader::from_reader(file.by_ref().take(MAX_HEADER_BYTES))
            .map_err(|e| format!("it is not an array ({e})"))?;
        if header.order() == Order::Fortran && shape.len() > 1 {
            return Err("its values are stored column by column; save it row by row (order='C')".into());
        }
        let length = count(shape).and_then(|n| n.checked_mul(float.width()));
        let length = length.ok_or("its shape is impossible")?;
        let mut bytes = Vec::with_capacity(length.saturating_add(1));
        // Reading one more byte reaches the end, where the archive checks the CRC-32.
        file.by_ref()
            .take(length as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| match e.kind() {
                ErrorKind::InvalidData => {
                    "it is damaged: its checksum (CRC-32) differs; copy or download the file again".to_owned()
                }
                _ => format!("its values cannot be read ({e})"),
            })?;
        if bytes.len() != length {
            return Err(format!("expected {length} bytes of values, found {}", bytes.len()));
        }
        Ok(HostTensor {
            shape: shape.clone(),
            values: float.decode(&bytes),
        })
    }
}

/// The storage type of a little-endian floating-point array; `None` for other arrays.
fn float_of(header: &NpyHeader) -> Option<Float> {
    let DType::Plain(kind) = header.dtype() else {
        return None;
    };
    match (kind.type_char(), kind.endianness(), kind.size_field()) {
        (TypeChar::Float, Endianness::Little, 2) => Some(Float::F16),
        (TypeChar::Float, Endianness::Little, 4) => Some(Float::F32),
        (TypeChar::Float, Endianness::Little, 8) => Some(Float::F64),
        _ => None,
    }
}
