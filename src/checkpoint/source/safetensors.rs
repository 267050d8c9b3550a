//! Reads tensors from a `.safetensors` file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata};

use super::{Float, Shapes, Source, Unread, UnreadByName, count};
use crate::checkpoint::CheckpointError;
use crate::model::HostTensor;

/// Maximum size in bytes of the header, which describes the tensors. That of ViT-L with all five decoders has 80 KiB.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// A seekable input that tensors are read from.
trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

/// An open `.safetensors` file, on disk or in memory.
pub(in crate::checkpoint) struct SafetensorsFile {
    input: Box<dyn Input>,
    metadata: HashMap<String, String>,
    shapes: Shapes,
    unread: UnreadByName,
    /// Storage type and byte offset of each tensor.
    places: BTreeMap<String, (Float, u64)>,
}

impl SafetensorsFile {
    /// Whether a file starts like a `.safetensors` file: a header length and an opening brace.
    pub(in crate::checkpoint) fn looks_like(head: &[u8]) -> bool {
        head.len() > 8 && head[8] == b'{'
    }

    pub(in crate::checkpoint) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let file = File::open(path).map_err(|e| CheckpointError::read(path, e))?;
        let length = file.metadata().map_err(|e| CheckpointError::read(path, e))?.len();
        Self::read_header(Box::new(file), length, path)
    }

    /// Opens a file in memory; `path` is only used in errors.
    pub(in crate::checkpoint) fn from_bytes(
        bytes: impl AsRef<[u8]> + Send + 'static,
        path: &Path,
    ) -> Result<Self, CheckpointError> {
        let length = bytes.as_ref().len() as u64;
        Self::read_header(Box::new(Cursor::new(bytes)), length, path)
    }

    fn read_header(mut input: Box<dyn Input>, length: u64, path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |why: String| CheckpointError::damaged(path, why);
        let mut bytes = vec![0; 8];
        input
            .read_exact(&mut bytes)
            .map_err(|e| CheckpointError::read(path, e))?;
        let header = bytes.as_chunks().0.first().map_or(0, |b| u64::from_le_bytes(*b));
        if header > length.saturating_sub(8).min(MAX_HEADER_BYTES) {
            return Err(damaged(format!(
                "its header claims {header} bytes, the file has {length}"
            )));
        }
        input
            .by_ref()
            .take(header)
            .read_to_end(&mut bytes)
            .map_err(|e| CheckpointError::read(path, e))?;
        // The crate's own reader needs the whole file in memory. Deserialising the list already checks that offsets are
        // contiguous and that lengths fit the shapes.
        let header: Metadata =
            serde_json::from_slice(&bytes[8..]).map_err(|e| damaged(format!("it is not a safetensors file ({e})")))?;
        let mut file = Self {
            input,
            metadata: header.metadata().clone().unwrap_or_default(),
            shapes: Shapes::new(),
            unread: UnreadByName::new(),
            places: BTreeMap::new(),
        };
        let start = bytes.len() as u64;
        for (name, tensor) in header.tensors() {
            let (from, to) = tensor.data_offsets;
            if start.saturating_add(to as u64) > length {
                return Err(damaged(format!(
                    "{}: expected values of shape {:?}, found the end of the file; it was not downloaded or copied in \
                     full",
                    name.chars().take(80).collect::<String>(),
                    tensor.shape
                )));
            }
            let float = match kind_of(tensor.dtype) {
                Kind::Float(float) if count(&tensor.shape).is_some_and(|n| n > 0) => float,
                Kind::Float(_) => {
                    let why = format!("expected a tensor with values, found the shape {:?}", tensor.shape);
                    file.unread.insert(name, Unread::because(why));
                    continue;
                }
                Kind::Counter => continue,
                Kind::Other => {
                    let why = format!("it is stored as {:?}, which is not supported", tensor.dtype);
                    file.unread.insert(name, Unread::because(why));
                    continue;
                }
            };
            file.places.insert(name.clone(), (float, start + from as u64));
            file.shapes.insert(name, tensor.shape.clone());
        }
        Ok(file)
    }

    /// The metadata texts of the header.
    pub(in crate::checkpoint) fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }

    /// The bytes of one tensor.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub(in crate::checkpoint) fn bytes(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let (Some(shape), Some((float, start))) = (self.shapes.get(name), self.places.get(name)) else {
            return Err("it is not in the file".into());
        };
        let length = count(shape).and_then(|n| n.checked_mul(float.width()));
        let mut bytes = vec![0; length.ok_or("its shape is impossible")?];
        self.input
            .seek(SeekFrom::Start(*start))
            .and_then(|_| self.input.read_exact(&mut bytes))
            .map_err(|e| format!("its values cannot be read ({e})"))?;
        Ok(bytes)
    }

    /// Decodes the bytes of the tensor `name`.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub(in crate::checkpoint) fn decoded(&self, name: &str, bytes: &[u8]) -> Result<HostTensor, String> {
        let (Some(shape), Some((float, _))) = (self.shapes.get(name), self.places.get(name)) else {
            return Err("it is not in the file".into());
        };
        Ok(HostTensor {
            shape: shape.clone(),
            values: float.decode(bytes),
        })
    }
}

/// How values of a type are treated.
enum Kind {
    Float(Float),
    /// Whole numbers and Booleans: counters and masks.
    Counter,
    Other,
}

fn kind_of(dtype: Dtype) -> Kind {
    match dtype {
        Dtype::F16 => Kind::Float(Float::F16),
        Dtype::BF16 => Kind::Float(Float::BF16),
        Dtype::F32 => Kind::Float(Float::F32),
        Dtype::F64 => Kind::Float(Float::F64),
        Dtype::BOOL
        | Dtype::U8
        | Dtype::I8
        | Dtype::U16
        | Dtype::I16
        | Dtype::U32
        | Dtype::I32
        | Dtype::U64
        | Dtype::I64 => Kind::Counter,
        _ => Kind::Other,
    }
}

impl Source for SafetensorsFile {
    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    fn unread(&self) -> &UnreadByName {
        &self.unread
    }

    fn read(&mut self, name: &str) -> Result<HostTensor, String> {
        let bytes = self.bytes(name)?;
        self.decoded(name, &bytes)
    }
}
