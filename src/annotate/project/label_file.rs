//! The label file of an image: opened with what the journal recovers, edited in memory, and written as it was.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::layer::UNLABELLED;
use super::super::tiles::{Patch, replaced};
use super::backup::Backups;
use super::id_table::IdTable;
use super::journal::{Found, Journal};
use super::place::Place;
use crate::datasets::TruthError;
use crate::labels::{ClassSet, LabelMap, LabelMapError, LabelPng};
use crate::staged_file::StagedFile;

/// Where labels come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There are none yet.
    New,
    /// A label file of this project.
    Own,
    /// A label file that another program wrote, which is edited where it is.
    Foreign,
    /// A label file that another program wrote and that is left as it is: its labels are written to a new file.
    Imported(PathBuf),
}

/// Why labels cannot be opened. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum LabelFileError {
    /// A file cannot be read.
    #[error("the labels cannot be read ({0}); check the file: {path}", path = .1.display())]
    Read(io::Error, PathBuf),
    /// The file is no label map.
    #[error("{0}: {path}", path = .1.display())]
    Map(LabelMapError, PathBuf),
    /// The size differs from that of the image, or the file has no meaning as ground truth.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// Two images would have the same label file.
    #[error("expected one image with this name, found {}; rename one of them: {path}", .0, path = .1.display())]
    SameName(String, PathBuf),
}

/// Why labels cannot be saved. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Another program has changed the file.
    #[error("expected the label file as it was last saved, found one that another program has changed: {path}", path = .0.display())]
    Changed(PathBuf),
    /// The class has no value in this kind of file.
    #[error("expected a class that this label file can hold, found id {0}: {path}", path = .1.display())]
    Id(u16, PathBuf),
    /// A file cannot be written.
    #[error("the labels cannot be saved ({0}); the edits are kept until they can: {path}", path = .1.display())]
    Write(io::Error, PathBuf),
}

/// What saving has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// CRC-32 of the label file.
    pub crc: u32,
    /// Where the original that another program wrote is kept, when this was the first time.
    pub original: Option<PathBuf>,
    /// Whether the file has more colours or bits than before, because a class needs them.
    pub grown: bool,
}

/// What tells a changed file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            bytes: found.len(),
            changed: found.modified().ok(),
        })
    }
}

/// The label file of an image, with its labels in memory.
#[derive(Debug)]
pub struct LabelFile {
    place: Place,
    kind: LabelPng,
    table: IdTable,
    map: LabelMap,
    /// CRC-32 of the file as it was last read or written; `None` where there is none.
    crc: Option<u32>,
    stamp: Option<Stamp>,
    /// Whether the file on disk was not written by this project.
    foreign: bool,
    /// Whether the version on disk before the first save is kept already.
    kept: bool,
    journal: Journal,
    unsaved: bool,
}

/// A label file's content and how it is stored.
pub(super) struct Content {
    pub(super) map: LabelMap,
    pub(super) kind: LabelPng,
    pub(super) table: IdTable,
    /// The bytes of the file that will be written over; `None` where there is none.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) foreign: bool,
}

impl LabelFile {
    /// Takes what a file holds. Edits that the journal has are made again; returns their number, and what became of a
    /// journal that belongs to another version of the file.
    pub(super) fn with(place: Place, content: Content) -> Result<(Self, usize, Option<String>), LabelFileError> {
        let journal = Journal::at(place.beside(".journal", ".journal"));
        let mut file = Self {
            stamp: Stamp::of(&place.labels).filter(|_| content.bytes.is_some()),
            crc: content.bytes.as_deref().map(crc32fast::hash),
            kind: content.kind,
            table: content.table,
            map: content.map,
            foreign: content.foreign,
            kept: false,
            unsaved: false,
            journal,
            place,
        };
        let failed = |why, file: &Self| LabelFileError::Read(why, file.journal.path().to_owned());
        let recovered = match file.journal.read().map_err(|why| failed(why, &file))? {
            Found::Nothing => return Ok((file, 0, None)),
            Found::Edits(recovered) => Some(recovered),
            Found::Damaged => None,
        };
        let Some(recovered) = recovered.filter(|recovered| recovered.belong_to(file.size(), file.crc)) else {
            let aside = file.journal.put_aside().map_err(|why| failed(why, &file))?;
            let note = format!(
                "Edits that were not saved belong to another version of the label file, and are kept: {}",
                aside.display()
            );
            return Ok((file, 0, Some(note)));
        };
        recovered.apply(&mut file.map);
        file.journal.resume(&recovered).map_err(|why| failed(why, &file))?;
        file.unsaved = true;
        Ok((file, recovered.edits.len(), None))
    }

    /// The place of the file.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The labels, with all edits.
    pub fn map(&self) -> &LabelMap {
        &self.map
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.map.width, self.map.height]
    }

    /// Whether there are edits that the file does not hold.
    pub fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// Whether values in the file are the ids of classes.
    pub fn is_plain(&self) -> bool {
        self.table.is_plain()
    }

    /// Makes an edit, and puts it on disk, so that it is not lost.
    ///
    /// # Errors
    /// When the journal cannot be written. The edit is made all the same.
    pub fn edit(&mut self, edit: &Patch) -> Result<(), SaveError> {
        edit.write(&mut self.map);
        self.unsaved = true;
        self.journal
            .add(edit, [self.map.width, self.map.height], self.crc)
            .map_err(|why| SaveError::Write(why, self.journal.path().to_owned()))
    }

    /// Puts the edits that are not saved aside, because the file that another program wrote is wanted instead.
    ///
    /// # Errors
    /// When the journal cannot be renamed.
    pub fn discard_journal(&mut self) -> Result<(), SaveError> {
        if !self.unsaved {
            return Ok(());
        }
        self.unsaved = false;
        let path = self.journal.path().to_owned();
        self.journal
            .put_aside()
            .map(drop)
            .map_err(|why| SaveError::Write(why, path))
    }

    /// Gives all pixels of a class another one. Returns what they were, what they are, and their number. If the journal
    /// cannot be written, the edit is made all the same, and saving tells it.
    pub fn replace(&mut self, [from, to]: [u16; 2]) -> (Patch, Patch, u64) {
        let (before, after, pixels) = replaced(&self.map, from, to);
        if pixels > 0
            && let Err(why) = self.edit(&after)
        {
            log::warn!("{why}");
        }
        (before, after, pixels)
    }

    /// Whether another program has changed the file since it was last read or written.
    pub fn is_changed(&self) -> bool {
        if Stamp::of(&self.place.labels) == self.stamp {
            return false;
        }
        let now = fs::read(&self.place.labels).ok();
        now.as_deref().map(crc32fast::hash) != self.crc
    }

    /// Writes the file, if there are edits that it does not hold. `classes` has the colours of classes that the file's
    /// palette lacks. With `over`, a version that another program has written meanwhile is replaced; it is kept among
    /// the earlier versions.
    ///
    /// # Errors
    /// When another program has changed the file, or it cannot be written. Nothing is lost then: the edits stay in
    /// memory and in the journal.
    pub fn save(&mut self, classes: &ClassSet, over: bool) -> Result<Option<Saved>, SaveError> {
        if !self.unsaved {
            return Ok(None);
        }
        let path = self.place.labels.clone();
        let changed = self.is_changed();
        if changed && !over {
            return Err(SaveError::Changed(path));
        }
        let failed = |why| SaveError::Write(why, path.clone());
        let (values, largest) = self
            .table
            .values_of(&self.map)
            .map_err(|id| SaveError::Id(id, path.clone()))?;
        let kind = self.kind_for(largest, classes);
        let bytes = kind
            // A map of 48 megapixels is written after each stroke.
            .encode_fast(self.size(), &values)
            .map_err(|why| failed(io::Error::other(why)))?;
        let mut saved = Saved {
            crc: crc32fast::hash(&bytes),
            original: None,
            grown: kind != self.kind && self.crc.is_some(),
        };
        saved.original = self.keep_earlier(changed).map_err(failed)?;
        self.journal.note_saving(saved.crc).map_err(failed)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        StagedFile::replace(&path, &bytes).map_err(failed)?;
        self.kind = kind;
        self.crc = Some(saved.crc);
        self.stamp = Stamp::of(&path);
        self.foreign = false;
        self.unsaved = false;
        self.journal.remove().map_err(failed)?;
        Ok(Some(saved))
    }

    /// Keeps the version on disk, once, and one that another program has written meanwhile.
    fn keep_earlier(&mut self, changed: bool) -> io::Result<Option<PathBuf>> {
        if self.kept && !changed {
            return Ok(None);
        }
        let bytes = match fs::read(&self.place.labels) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(why),
        };
        let backups = Backups::of(&self.place);
        let original = match self.foreign {
            true => backups.keep_original(&bytes)?,
            false => {
                backups.keep(&bytes, SystemTime::now())?;
                None
            }
        };
        self.kept = true;
        Ok(original)
    }

    /// The kind of file that can hold a value: as it was, unless the value needs more colours or bits.
    fn kind_for(&self, largest: u16, classes: &ClassSet) -> LabelPng {
        if largest <= self.kind.largest() {
            return self.kind.clone();
        }
        if largest > 255 {
            return LabelPng {
                bits: 16,
                palette: None,
            };
        }
        let needed = [1, 2, 4, 8].into_iter().find(|bits| u32::from(largest) < 1 << bits);
        let bits = needed.unwrap_or(8).max(self.kind.bits);
        let palette = self.kind.palette.as_ref().map(|palette| {
            let mut palette = palette.clone();
            for id in palette.len() / 3..=usize::from(largest) {
                palette.extend(classes.color(id as u16));
            }
            palette
        });
        LabelPng { bits, palette }
    }
}

/// The kind of file that new labels are written to: indexed with the colours of the classes, or grey with 16 bits where
/// there are too many.
pub(super) fn new_kind(classes: &ClassSet, unlabelled: u16) -> LabelPng {
    if unlabelled > 255 || classes.len() > 255 {
        return LabelPng {
            bits: 16,
            palette: None,
        };
    }
    LabelPng {
        bits: 8,
        palette: Some((0..=255).flat_map(|id| classes.color(id)).collect()),
    }
}

/// Labels by their colours: each pixel with exactly the colour of a class. Returns the number of pixels with another
/// colour, too, which are unlabelled.
pub(super) fn by_color(pixels: &[u8], [width, height]: [usize; 2], classes: &ClassSet) -> (LabelMap, usize) {
    let mut other = 0;
    let id_of = |pixel: &[u8; 3]| {
        let id = classes.classes.iter().position(|class| class.color == *pixel);
        id.map(|id| id as u16).unwrap_or_else(|| {
            other += 1;
            UNLABELLED
        })
    };
    let ids = pixels.as_chunks::<3>().0.iter().map(id_of).collect();
    (LabelMap { width, height, ids }, other)
}
